"""The files of a run that the index follows, each by the offset up to which its whole lines have been read.

round-01/exam.jsonl   role "exam", round 1, inode 1311, 38,912 bytes, read up to 38,400: its last line is not whole yet

A file that has grown is read on. One that has shrunk, is another file, or was changed without growing is compared by
its checksum with what was read: a resumed run writes the same rows anew. If it differs, the index is stale.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG
from typing import Literal

from tutelage.json_lines import MOST_LINE

Role = Literal[
    "problems", "replies", "failed", "practice", "exam", "mistakes", "evaluation", "examples", "repairs", "kinds"
]
"""What the rows of a file are. `kinds` is an exam of an earlier version, read again for the kinds of its mistakes."""

OF_ROUND: dict[str, Role] = {
    "annotation.jsonl": "replies",
    "feedback.jsonl": "replies",
    "failed.jsonl": "failed",
    "practice.jsonl": "practice",
    "exam.jsonl": "exam",
    "mistakes.jsonl": "mistakes",
    "evaluation.jsonl": "evaluation",
    "examples.jsonl": "examples",
    "repairs.jsonl": "repairs",
}
"""The files of a round, in the order in which they are read."""
OF_RUN: dict[str, Role] = {"test-before.jsonl": "evaluation", "test-after.jsonl": "evaluation"}

CHUNK = 2**22
"""Bytes that are read at once; a longer line is read whole."""
_TAIL = 256
_ROUND = re.compile(r"round-(\d{1,6})")


class Stale(Exception):
    """A followed file no longer holds what was read from it: the index is made anew."""


@dataclass(slots=True)
class Followed:
    """A file below a run's folder, and what has been read of it. `crc` is of all bytes read, `tail` has the last.

    `more` says whether something may be left, `skipping` that what comes is the rest of a line that is too long.
    """

    path: str
    role: Role
    round: int | None
    id: int = 0
    inode: int = 0
    size: int = 0
    mtime: int = 0
    offset: int = 0
    rows: int = 0
    broken: int = 0
    crc: int = 0
    tail: bytes = b""
    more: bool = False
    skipping: bool = False

    def has_news(self, run: Path) -> bool:
        """Whether there is anything to read on. Raises Stale, and OSError if the file can't be looked at."""
        try:
            found = (run / self.path).stat()
        except FileNotFoundError:
            if self.offset:
                raise Stale(f"{self.path} is gone") from None
            return False
        if not S_ISREG(found.st_mode):
            raise OSError(EINVAL, "it is no file")
        same = found.st_ino == self.inode or not self.inode
        if same and found.st_size == self.size and found.st_mtime_ns == self.mtime:
            return self.more
        if found.st_size < self.offset:
            raise Stale(f"{self.path} has become shorter")
        if self.offset:
            grown = same and found.st_size > self.size
            start, crc = (self.offset - len(self.tail), zlib.crc32(self.tail)) if grown else (0, self.crc)
            self._check(run, start, crc)
        self.inode, self.size, self.mtime = found.st_ino, found.st_size, found.st_mtime_ns
        self.more = found.st_size > self.offset
        return self.more

    def chunk(self, run: Path, size: int = 0) -> tuple[int, bytes] | None:
        """Whole lines that were not read yet, and the offset of the first; None if there is no whole one.

        They are some MiB, or about as many bytes as `size` says.
        A line that is longer than any of ours is left out and counts as broken. Raises OSError.
        """
        with (run / self.path).open("rb") as file:
            file.seek(self.offset)
            data = file.read(size or CHUNK)
            while not (end := data.rfind(b"\n") + 1) and len(data) <= MOST_LINE:
                if not (block := file.read(CHUNK)):
                    self.more = False
                    return None
                data += block
        if not end:
            self._pass(data)
            self.skipping = True
            return None
        cut = data.index(b"\n") + 1 if self.skipping else 0
        start = self.offset + cut
        self.broken, self.skipping = self.broken + self.skipping, False
        self._pass(data[:end])
        return start, data[cut:end]

    def _pass(self, data: bytes) -> None:
        self.offset, self.crc, self.tail = self.offset + len(data), zlib.crc32(data, self.crc), data[-_TAIL:]
        self.more = True

    def _check(self, run: Path, start: int, crc: int) -> None:
        with (run / self.path).open("rb") as file:
            file.seek(start)
            left, found = self.offset - start, 0
            while left and (block := file.read(min(CHUNK, left))):
                left, found = left - len(block), zlib.crc32(block, found)
        if left or found != crc:
            raise Stale(f"{self.path} has other rows than it had")


def files_of(run: Path) -> list[tuple[str, Role, int | None]]:
    """The files of a run that are there, in the order in which they are read. Raises OSError."""
    found: list[tuple[str, Role, int | None]] = []
    rounds: list[tuple[int, str]] = []
    with os.scandir(run) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if match := _ROUND.fullmatch(name):
            rounds.append((int(match[1]), name))
    if "problems.jsonl" in names:
        found.append(("problems.jsonl", "problems", None))
    for number, folder in sorted(rounds):
        inside = _names_in(run / folder)
        found.extend((f"{folder}/{name}", role, number) for name, role in OF_ROUND.items() if name in inside)
    found.extend((name, role, None) for name, role in OF_RUN.items() if name in names)
    return found


def _names_in(folder: Path) -> set[str]:
    """The names in a round's folder; none if it can't be read."""
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()
