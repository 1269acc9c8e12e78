"""Finished stages that several runs have in common, each under its key: what one run has done, another takes.

    shelf/591785b7…/9a1f…/entry.json       {"key": "9a1f…", "done": true, "seconds": 212.4, …}
    shelf/591785b7…/9a1f…/model/ …         the stage's files: hard links to those of the run that made them

A key stands for settings and inputs, so what lies under it is what the stage would come to anyway. Beyond `most_bytes`
what was not wanted for longest is put away; a run that would have taken it works it out again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tutelage.files import disk_errors, read_json, write_json

ENTRY = "entry.json"


class Shelf:
    """A folder of finished stages, used by several processes at once."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        self.root, self.most_bytes = root, most_bytes

    def part(self, name: str) -> Shelf:
        """A part of it that is held apart."""
        return Shelf(self.root / name, self.most_bytes)

    def take(self, key: str, folder: Path) -> dict[str, Any] | None:
        """Put the files that lie under `key` into `folder`, in place of what is there; None if nothing lies there.

        Returns the entry that the stage was finished with.
        """
        place = self.root / key
        try:
            entry = read_json(place / ENTRY) if (place / ENTRY).exists() else None
            if entry is None:
                return None
            os.utime(place)
            for source in place.iterdir():
                if source.name != ENTRY:
                    _link(source, folder / source.name)
        except FileNotFoundError:  # another process has just put it away
            return None
        return entry

    def put(self, key: str, folder: Path, names: Iterable[str], entry: Mapping[str, Any]) -> None:
        """Keep the files `names` of `folder` under `key`, unless something lies there already."""
        place, part = self.root / key, self.root / f".{key}.{os.getpid()}"
        if place.exists():
            return
        with disk_errors(part):
            for name in names:
                if (folder / name).exists():
                    _link(folder / name, part / name)
            write_json(part / ENTRY, entry)
            try:
                part.rename(place)
            except OSError:  # another process was quicker
                shutil.rmtree(part)
        self._make_room()

    def _make_room(self) -> None:
        places = sorted(self.root.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
        held = 0
        for place in places:
            held += sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
            if held > self.most_bytes:
                shutil.rmtree(place, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """The same file or folder in another place, without a second copy where the disk can do that."""
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
