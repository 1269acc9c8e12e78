"""What the teacher's replies have cost: of finished rounds by their figures, of others by the rows so far. Pure.

A table of replies grows while a run is at work. It is read block by block, and a block that is full is read once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from pydantic import TypeAdapter, ValidationError

from tutelage.records import Usage
from tutelage.run_records import TeacherSummary
from tutelage.runs.reader import REPLIES

BLOCK = 2**20
"""Bytes of a block."""


@dataclass(frozen=True, slots=True)
class _Reply:
    usage: Usage
    failure: str | None = None


_REPLY = TypeAdapter(_Reply)


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests, tokens, US dollars, and the requests that ended without a rationale, by reason."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    failures: Counter[str] = field(default_factory=Counter[str])

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.failures + other.failures,
        )


def spent_by(rounds: Iterable[TeacherSummary]) -> Spent:
    """What finished rounds have cost."""
    return sum(
        (
            Spent(each.requests, each.prompt_tokens + each.completion_tokens, each.cost_usd, Counter(each.failures))
            for each in rounds
        ),
        Spent(),
    )


def spent_in(folder: Path) -> Spent:
    """What the replies in a round's folder have cost so far."""
    found = Spent()
    for path in (folder / name for name in REPLIES):
        try:
            about = path.stat()
            if not S_ISREG(about.st_mode):
                continue
            blocks = about.st_size // BLOCK + 1
            for number in range(blocks):
                read = _block if number + 1 < blocks else _block.__wrapped__  # the last one may grow
                found += read(path, about.st_ino, number)
        except OSError:
            continue
    return found


@lru_cache(maxsize=4096)
def _block(path: Path, inode: int, number: int) -> Spent:
    """The cost of the rows that begin in a block."""
    usage, failures = Usage(), Counter[str]()
    for line in _lines_from(path, number * BLOCK):
        with suppress(ValidationError):
            reply = _REPLY.validate_json(line)
            usage += reply.usage
            failures.update([reply.failure] if reply.failure else [])
    return Spent(usage.requests, usage.prompt_tokens + usage.completion_tokens, usage.cost_usd, failures)


def _lines_from(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()  # the row that began before
        while file.tell() < start + BLOCK and (line := file.readline()).endswith(b"\n"):
            yield line
