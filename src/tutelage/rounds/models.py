"""Which models of rounds stay on disk (`rounds.keep`), and what happens when one that went is needed again."""

from __future__ import annotations

from collections.abc import Collection

from tutelage.rounds.context import RunContext
from tutelage.runs.models import drop_model, forget_training
from tutelage.student.resources.memory import gigabytes
from tutelage.student.student import GoneError


def drop_models(ctx: RunContext, rounds: int, needed: Collection[int]) -> None:
    """Of the first so many rounds, remove the models that are not needed, unless all are kept."""
    going = [round for round in range(rounds) if round not in needed and ctx.config.rounds.keep != "all"]
    freed = {round: size for round in going if (size := drop_model(ctx.run.folder(round)))}
    for round, size in freed.items():
        ctx.show.say(f"round {round}: its model is removed, {gigabytes(size)} (rounds.keep: {ctx.config.rounds.keep})")


def train_again(ctx: RunContext, gone: GoneError) -> None:
    """Let the training be done again whose model is needed and gone."""
    ctx.show.say(f"{gone.folder} was removed and is needed: it is trained again")
    forget_training(gone.folder.parent)
