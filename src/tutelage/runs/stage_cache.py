"""A cache of finished stages that several runs share: what one run has done, another takes.

    cache/591785b7…/9a1f…/entry.json       {"key": "9a1f…", "done": true, "seconds": 212.4, …}
    cache/591785b7…/9a1f…/model/ …         the stage's files: hard links to those of the run that made them

The key is the hash of a stage's settings and inputs, so an entry equals what the stage would compute (memoisation on
disk). Above `most_bytes` the least recently used entries are deleted; a run that needs one computes it again.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tutelage.errors import RunError
from tutelage.runs.files import disk_errors, read_json, write_json

ENTRY = "entry.json"
LEFT_BEHIND = 3600.0
"""Seconds after which a hidden folder is taken for a leftover of a killed process."""


class StageCache:
    """A folder of finished stages, safe for several processes at once. `most_bytes` limits all parts together."""

    def __init__(self, root: Path, most_bytes: int, whole: Path | None = None) -> None:
        self.root, self.most_bytes, self.whole = root, most_bytes, whole or root

    def part(self, name: str) -> StageCache:
        """A part of the cache with its own keys."""
        return StageCache(self.root / name, self.most_bytes, self.whole)

    def take(self, key: str, folder: Path) -> dict[str, Any] | None:
        """Copy the files of entry `key` into `folder`, replacing others; returns the stage's entry, None if missing."""
        place = self.root / key
        try:
            inode, entry = place.stat().st_ino, read_json(place / ENTRY)
            os.utime(place)
            for source in place.iterdir():
                if source.name != ENTRY:
                    _link(source, folder / source.name)
            whole = place.stat().st_ino == inode
        except (OSError, RunError):  # no entry, or another process has just deleted it
            return None
        return entry if whole else None

    def put(self, key: str, folder: Path, names: Iterable[str], entry: Mapping[str, Any]) -> None:
        """Add the files `names` of `folder` as the entry `key`, in place of one that is there.

        Who has done the work has found none, or one that could not be used: its files are links to those of a run,
        which may have been edited.
        """
        place, part = self.root / key, self.root / f".{key}.{os.getpid()}"
        with disk_errors(part):
            for name in names:
                if (folder / name).exists():
                    _link(folder / name, part / name)
            write_json(part / ENTRY, entry)
            self._put_away(place)
            try:
                part.rename(place)
            except OSError:  # another process was faster
                shutil.rmtree(part, ignore_errors=True)
            self._make_room()

    def _make_room(self) -> None:
        """Delete the least recently used entries and leftovers. Other processes may do the same at once."""
        held = 0
        for _, size, place in sorted(self._places(), reverse=True):
            held += size
            if held > self.most_bytes:
                self._put_away(place)
        for left in self.root.glob(".*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - LEFT_BEHIND:
                    shutil.rmtree(left, ignore_errors=True)

    def _places(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size in bytes and path of every entry."""
        for place in self.whole.glob("[!.]*" if self.whole == self.root else "*/[!.]*"):
            with suppress(FileNotFoundError):
                size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
                yield place.stat().st_mtime, size, place

    def _put_away(self, place: Path) -> None:
        """Rename first, so that no other process finds half an entry."""
        going = place.with_name(f".{place.name}.{os.getpid()}.going")
        with suppress(FileNotFoundError):
            place.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """Hard-link a file or folder to another place; copy it where the disk has no hard links."""
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(str(source), str(target))


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
