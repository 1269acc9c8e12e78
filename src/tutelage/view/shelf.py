"""What lies in the place that `tutelage view` was given: one run, a study with its runs, or a folder with several.

runs/                        → a folder
  demo/run.json              → the run `demo`
  big/auto/seed-0/run.json   → the run `big~auto~seed-0`
studies/first/study.json     → the study `first`, and its runs
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DEEPEST = 5
"""Folders below the place that are looked into; a study has its runs three below itself."""
MOST = 20_000
"""Folders that are looked into at most."""

Kind = Literal["run", "study", "folder"]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The runs and studies of a place, by their names in addresses."""

    place: Path
    kind: Kind
    runs: dict[str, Path] = field(default_factory=dict[str, Path])
    studies: dict[str, Path] = field(default_factory=dict[str, Path])

    def name_of(self, path: Path) -> str | None:
        """The name of a run or a study by its folder; None if it is not here."""
        found = (name for name, folder in {**self.studies, **self.runs}.items() if folder == path)
        return next(found, None)

    def runs_of(self, study: Path) -> dict[str, Path]:
        """The runs in a study's folder."""
        return {name: path for name, path in self.runs.items() if study in path.parents}


def read_shelf(place: Path) -> Shelf:
    """Look what is there now. Folders that can't be read are passed over."""
    if is_run(place):
        return Shelf(place, "run", {slug(place.name or "run"): place})
    runs: dict[str, Path] = {}
    studies: dict[str, Path] = {}
    if is_study(place):
        studies[slug(place.name or "study")] = place
    for folder in _folders(place):
        if is_run(folder):
            runs[_free(slug("~".join(folder.relative_to(place).parts)), runs)] = folder
        elif is_study(folder):
            studies[_free(slug("~".join(folder.relative_to(place).parts)), studies)] = folder
    return Shelf(place, "study" if is_study(place) else "folder", runs, studies)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's, readable or not."""
    return os.path.lexists(folder / "run.json")


def is_study(folder: Path) -> bool:
    """Whether a folder is a study's: it has the figures, or runs as a study lays them out."""
    return (folder / "study.json").is_file() or any(folder.glob("runs/*/seed-*/run.json"))


def slug(name: str) -> str:
    """A name that stands in an address as it is."""
    return re.sub(r"[^A-Za-z0-9._~-]+", "-", name).strip(".") or "-"


def _free(name: str, taken: dict[str, Path]) -> str:
    numbered = (name if number == 1 else f"{name}~{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)


def _folders(place: Path) -> Iterator[Path]:
    """Folders below a place, by their names; not what is in runs, hidden folders and links."""
    seen, waiting = 0, [(place, 0)]
    while waiting and seen < MOST:
        folder, depth = waiting.pop()
        seen += 1
        if depth:
            yield folder
            if is_run(folder):
                continue
        if depth < DEEPEST:
            waiting += [(below, depth + 1) for below in reversed(_inside(folder))]


def _inside(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [
                each.name for each in entries if not each.name.startswith(".") and each.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
    return [folder / name for name in sorted(found, key=_natural)]


def _natural(name: str) -> list[tuple[int, str]]:
    """seed-2 before seed-10."""
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part) for part in re.split(r"(\d+)", name)]
