"""The files of a run that the index follows, each by the offset up to which its whole lines have been read.

round-01/exam.jsonl   role "exam", round 1, inode 1311, 38,912 bytes, read up to 38,400: its last line is not whole yet

A file that has grown is read on. One that has shrunk, is another file, or was changed without growing is compared by
its checksum with what was read: a resumed run writes the same rows anew. If it differs, the index is stale.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tutelage.json_lines import MOST_LINE

Role = Literal["problems", "replies", "failed", "exam", "mistakes", "evaluation", "examples", "kinds"]
"""What the rows of a file are. `kinds` is an exam of an earlier version, read again for the kinds of its mistakes."""

OF_ROUND: dict[str, Role] = {
    "annotation.jsonl": "replies",
    "feedback.jsonl": "replies",
    "failed.jsonl": "failed",
    "exam.jsonl": "exam",
    "mistakes.jsonl": "mistakes",
    "evaluation.jsonl": "evaluation",
    "examples.jsonl": "examples",
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
    """A file below a run's folder, and what has been read of it. `crc` is of all bytes read, `tail` has the last."""

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

    def has_news(self, run: Path) -> bool:
        """Whether there is anything to read on. Raises Stale, and OSError if the file can't be looked at."""
        try:
            found = (run / self.path).stat()
        except FileNotFoundError:
            if self.offset:
                raise Stale(f"{self.path} is gone") from None
            return False
        same = found.st_ino == self.inode or not self.inode
        if same and found.st_size == self.size and found.st_mtime_ns == self.mtime:
            return False
        if found.st_size < self.offset:
            raise Stale(f"{self.path} has become shorter")
        if self.offset:
            grown = same and found.st_size > self.size
            start, crc = (self.offset - len(self.tail), zlib.crc32(self.tail)) if grown else (0, self.crc)
            self._check(run, start, crc)
        self.inode, self.size, self.mtime = found.st_ino, found.st_size, found.st_mtime_ns
        return found.st_size > self.offset

    def chunks(self, run: Path) -> Iterator[tuple[int, bytes]]:
        """Whole lines that were not read yet, some MiB at a time, each with the offset of the first.

        A line that is longer than any of ours is left out and counts as broken.
        """
        with (run / self.path).open("rb") as file:
            file.seek(self.offset)
            start, pending, skipping = self.offset, b"", False
            while block := file.read(CHUNK):
                end = block.rfind(b"\n") + 1
                if not end:
                    pending += block
                    if len(pending) > MOST_LINE:
                        start, pending, skipping = self._passed(start, pending), b"", True
                    continue
                whole, pending = pending + block[:end], block[end:]
                if skipping:
                    end = whole.index(b"\n") + 1
                    start, whole, skipping = self._passed(start, whole[:end]), whole[end:], False
                    self.broken += 1
                if whole:
                    at, start = start, self._passed(start, whole)
                    yield at, whole

    def _passed(self, start: int, data: bytes) -> int:
        self.offset, self.crc = start + len(data), zlib.crc32(data, self.crc)
        self.tail = data[-_TAIL:]
        return self.offset

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
        inside = {path.name for path in (run / folder).iterdir()} if (run / folder).is_dir() else set[str]()
        found.extend((f"{folder}/{name}", role, number) for name, role in OF_ROUND.items() if name in inside)
    found.extend((name, role, None) for name, role in OF_RUN.items() if name in names)
    return found
