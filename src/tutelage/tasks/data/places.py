"""Which files a path names: one file, or a folder with one or more for each split.

data/train.jsonl   data/test.csv   data/train-00000-of-00002.parquet   data/data/train-….parquet
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tutelage.config.places import DATA_SUFFIXES
from tutelage.errors import DataError

PARTS = ("train", "validation", "test", "examples")
_COUNT = re.compile(r"-of-0*(\d+)")
_SAVED = ("dataset_dict.json", "state.json")
"""What `save_to_disk` writes for several splits, and for one."""
_ALIASES = ("dev", "val", "valid", "eval")


def files_of(path: Path) -> tuple[Mapping[str, list[Path]], tuple[str, ...]]:
    """The files of each part, in order, and what the user should know. Raises DataError for none or too many."""
    if not path.is_dir():
        return {"train": [path]}, ()
    found = {part: files for part in PARTS if (files := _of(path, part))}
    if "train" not in found:
        known = f"no train.jsonl (nor {', '.join(DATA_SUFFIXES[1:])})"
        raise DataError(f"the folder has {known}, and {_instead(path)}", path=path)
    notes = ()
    if "validation" not in found:
        other = next((file for name in _ALIASES for file in _of(path, name)), None)
        notes = (f"{other.name} is not read; call it validation{other.suffix} if it is",) if other else ()
    return found, (*notes, *_beside(path, found))


def _beside(folder: Path, found: Mapping[str, list[Path]]) -> Iterator[str]:
    """Notes on files that begin as the one of a part that is read, such as train2.jsonl."""
    for part, files in found.items():
        others = sorted(file for file in folder.glob(f"{part}*") if file.suffix in DATA_SUFFIXES and file not in files)
        if others:
            shards = f"{part}-00000-of-00002{others[0].suffix}"
            yield f"{others[0].name} is not read beside {files[0].name}; the files of one part are called {shards}, …"


def _instead(path: Path) -> str:
    """What a folder without training data has, and what to do."""
    if any((path / name).is_file() for name in _SAVED):
        load = "load_from_disk(FOLDER)" + ('["train"]' if (path / _SAVED[0]).is_file() else "")
        return f"it was saved by save_to_disk of `datasets`; write {load}.to_parquet('train.parquet') in its place"
    others = sorted(file for file in path.glob("*") if file.suffix in DATA_SUFFIXES)
    within = sorted({file.parent for file in path.glob("*/*") if file.suffix in DATA_SUFFIXES})
    if not others and within:
        folders = ", ".join(map(str, within[:5]))
        return f"there are data files in {folders}; name one of these folders, or a file"
    others = others or sorted(file for file in path.glob("*") if file.is_file())
    if not others:
        return "it has no data files; name one file, or another folder"
    return f"it has {', '.join(file.name for file in others[:5])}; name one file, or rename it"


def _of(folder: Path, part: str) -> list[Path]:
    named = [folder / f"{part}{suffix}" for suffix in DATA_SUFFIXES if (folder / f"{part}{suffix}").is_file()]
    if len(named) > 1 and named[0].suffix != ".jsonl":
        raise DataError(f"{named[0].name} and {named[1].name} are both there; leave one of them out", path=folder)
    if named:
        return named[:1]
    for place in (folder, folder / "data"):
        shards = sorted(file for file in place.glob(f"{part}-*-of-*") if file.suffix in DATA_SUFFIXES)
        if shards:
            return _all_of(shards, place)
    return []


def _all_of(shards: Sequence[Path], place: Path) -> list[Path]:
    """The shards, if all are there that their names count. Raises DataError."""
    counts = {found[1] for file in shards if (found := _COUNT.search(file.name))}
    if counts != {str(len(shards))}:
        said = " or ".join(sorted(counts, key=int)) or "several"
        found = f"{len(shards)} of {said} parts are there, the first is {shards[0].name}"
        raise DataError(f"{found}; give all parts of one data set", path=place)
    return [*shards]
