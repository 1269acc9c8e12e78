"""What a stage finds on disk: whether it is done, and which rows of it are sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from pathlib import Path

from tutelage.errors import RunError
from tutelage.records import Feedback
from tutelage.rounds.context import RunContext
from tutelage.runs.files import as_lines, write_rows, write_text
from tutelage.runs.seals import sealed, sound_rows
from tutelage.runs.stage import Stage

Identity = tuple[str, int, str | None]


def sound_replies(path: Path, stage: Stage, wanted: Set[Identity]) -> set[Identity]:
    """Leave in a file the replies to these requests that are whole, one each; returns what they answer."""
    found = sound_rows(path, Feedback, stage.key, unsealed=stage.unsealed)
    sound = {reply.identity: reply for reply in found if reply.identity in wanted}
    if sound:
        write_rows(path, [sealed(reply, stage.key) for reply in sound.values()])
    else:
        path.unlink(missing_ok=True)
    return set(sound)


def is_done(ctx: RunContext, stage: Stage, cost: str, is_whole: Callable[[], bool]) -> bool:
    """Whether a stage is done and its rows are all there; says what has changed since, and what that costs."""
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


def keep_rows(path: Path, rows: Sequence[object]) -> None:
    """Rows that can always be made again, for people to read: written unless they stand there."""
    text = as_lines(rows)
    if not path.is_file() or path.read_bytes() != text.encode(errors="replace"):
        write_text(path, text)
