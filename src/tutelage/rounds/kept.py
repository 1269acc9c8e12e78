"""Checks of a stage's saved work: whether it is done, and which of its rows are unchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from pathlib import Path

from tutelage.errors import RunError
from tutelage.records import Feedback
from tutelage.rounds.context import RunContext
from tutelage.runs.files import as_lines, remove, write_rows
from tutelage.runs.seals import sealed, sound_rows
from tutelage.runs.stage import Stage

Identity = tuple[str, int, str | None]


def sound_replies(path: Path, stage: Stage, wanted: Set[Identity]) -> set[Identity]:
    """Keep in a file one unchanged reply for each of these requests; returns the answered requests."""
    found = sound_rows(path, Feedback, stage.key, unsealed=stage.unsealed)
    sound = {reply.identity: reply for reply in found if reply.identity in wanted}
    if sound:
        write_rows(path, [sealed(reply, stage.key) for reply in sound.values()])
    else:
        path.unlink(missing_ok=True)
    return set(sound)


def is_done(ctx: RunContext, stage: Stage, cost: str, is_whole: Callable[[], bool]) -> bool:
    """Whether a stage is done with all its rows; otherwise reports what has changed and what the repair costs."""
    done = stage.done
    if done:
        try:
            done = is_whole()
        except RunError:
            done = False
        if not done:
            stage.fault = f"{stage.folder}: what {stage.name!r} left there has changed since it was written"
    if stage.fault:
        ctx.show.say(f"{stage.fault}: {cost}")
    return done


def keep_rows(path: Path, rows: Sequence[object], *, or_more: bool = False) -> None:
    """Write rows for people to read, unless the file has them already, perhaps with more behind them (`or_more`).

    They can always be made again.
    """
    if not path.is_file():
        remove(path)  # whatever else stands in its place
    elif _holds(path, rows, or_more=or_more):
        return
    write_rows(path, rows)


def _holds(path: Path, rows: Sequence[object], *, or_more: bool) -> bool:
    with path.open("rb") as file:
        held = all(file.readline() == as_lines([row]).encode(errors="replace") for row in rows)
        return held and (or_more or not file.read(1))
