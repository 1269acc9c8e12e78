"""Reads data sets of the Hugging Face hub: huggingface_hub fetches the files of one commit, `datasets` reads them.

    hf://openai/gsm8k    hf://datasets/openai/gsm8k@main    hf://owner/name/data/train.jsonl
    https://huggingface.co/datasets/openai/gsm8k

The files come into the hub's own cache, so a data set that has been read once is read again without a network.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn, cast

from tutelage.config import TaskConfig
from tutelage.config.places import HUB_PLACE
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError, DataError
from tutelage.tasks.data.files import read_rows
from tutelage.tasks.data.hub_files import BESIDE, card_of, chosen_config, download, one_config
from tutelage.tasks.data.parquet import NEEDED, without_nan
from tutelage.tasks.rows import Row

_PAGES = ("viewer", "tree", "blob", "resolve", "raw", "discussions")
"""What begins the rest of an address of the hub that is not the data set's own."""
_VALIDATION = ("validation", "val", "valid", "dev")


@dataclass(frozen=True, slots=True)
class HubPlace:
    """A data set by its name, perhaps a revision, perhaps one of its files."""

    name: str
    revision: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class HubData:
    """The rows of a data set by its splits, and the commit that they are from."""

    commit: str
    splits: Mapping[str, Iterable[Mapping[str, Any]]]


def is_hub(path: str) -> bool:
    """Whether a path names a data set of the hub; a Path has lost one of the slashes."""
    return path.startswith(("hf:/", "https://huggingface.co/", "https://hf.co/"))


def read_hub(config: TaskConfig, path: str) -> tuple[Mapping[str, Sequence[Row]], str]:
    """The rows of train, validation and test, and the commit. Raises ConfigError and DataError."""
    place = place_of(path)
    if config.revision is not None:
        place = replace(place, revision=config.revision)
    if place.file is not None:
        for setting in ("config", "split"):
            if getattr(config, setting) is not None:
                raise ConfigError(
                    f"task.path {path!r} names one file, so task.{setting} has no say; leave one of them out"
                )
        file = download(place.name, place.revision, [place.file]) / place.file
        commit = _commit(file, place.file)
        rows = [replace(row, path=path) for row in read_rows(file)]
        return {"train": rows}, commit
    whole = config.split if isinstance(config.split, str) else None
    data = load_hub(place.name, config.config, place.revision, whole)
    wanted = {"train": whole} if whole is not None else _chosen(config, place.name, data.splits)
    parts = {part: rows_of_split(place.name, split, data) for part, split in wanted.items()}
    return parts, data.commit


def rows_of_split(name: str, split: str, data: HubData) -> list[Row]:
    """The rows of a split. Raises DataError if there are none."""
    where = f"hf://{name}, {split}"
    rows = [Row(row, where, number=number) for number, row in enumerate(data.splits[split], start=1)]
    if not rows:
        raise DataError("the split has no rows", path=where)
    return rows


def place_of(path: str) -> HubPlace:
    """The place that a path names. Raises ConfigError."""
    found = HUB_PLACE.fullmatch(path)
    if found is None:
        raise ConfigError(f"task.path {path!r} names no data set of the hub; write hf://OWNER/NAME")
    if path.startswith("https:") and (found["file"] or "").partition("/")[0] in _PAGES:
        remedy = f"write hf://{found['name']}, or hf://{found['name']}/FILE for one file"
        raise ConfigError(f"task.path {path!r} is a page about a data set; {remedy}")
    return HubPlace(**found.groupdict())


def load_hub(name: str, config: str | None, revision: str | None, split: str | None = None) -> HubData:
    """A data set of the hub, all of its splits or one, which may be an expression such as train[:10%].

    Raises ConfigError if the package `datasets` is missing, and DataError if the data set can't be had or read.
    """
    try:
        datasets = cast(Any, importlib.import_module("datasets"))
    except ImportError:
        raise ConfigError(
            f"reading from the hub {NEEDED.format('datasets')}; or set task.path to a local file"
        ) from None
    card = card_of(name, revision)
    chosen, patterns = chosen_config(name, card, config)
    folder = download(name, revision, patterns)
    if not any(file.name not in BESIDE for file in folder.rglob("*.*") if file.is_file()):
        raise DataError(
            "there are no data files that can be read without running the data set's own code; "
            "try task.revision: refs/convert/parquet",
            path=f"hf://{name}",
        )
    datasets.disable_progress_bars()
    with TemporaryDirectory() as place:
        one_config(folder, card, chosen, Path(place, "data"))
        try:
            found = datasets.load_dataset(
                str(Path(place, "data")), chosen, split=split, cache_dir=str(Path(place, "cache"))
            )
            splits = {str(key): _rows(part) for key, part in (found.items() if split is None else [(split, found)])}
        except Exception as error:  # `datasets` raises what it likes
            _refuse(name, split, error)
    return HubData(folder.name, splits)


def _rows(data: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a datasets.Dataset
    """The rows with the names of classes for their numbers, and None for NaN."""
    names = {column: kind.names for column, kind in data.features.items() if type(kind).__name__ == "ClassLabel"}
    rows = [without_nan(row) for row in data.to_list()]
    for row in rows:
        for column, known in names.items():
            number = row[column]
            row[column] = known[number] if isinstance(number, int) and 0 <= number < len(known) else None
    return rows


def _chosen(config: TaskConfig, name: str, splits: Mapping[str, object]) -> dict[str, str]:
    """Which of the data set's splits are train, validation and test. Raises DataError."""
    if isinstance(config.split, Mapping):
        if "train" not in config.split:
            known = ", ".join(splits)
            raise ConfigError(f"task.split names no train; say which split it is, such as {{train: …}}, of {known}")
        for part, split in config.split.items():
            if split not in splits:
                remedy = did_you_mean(split, splits, f"the splits are {', '.join(splits)}")
                raise DataError(f"there is no split {split!r} (task.split.{part}); {remedy}", path=f"hf://{name}")
        return {str(part): split for part, split in config.split.items()}
    validation = next((split for split in _VALIDATION if split in splits), None)
    found = {"train": "train", "validation": validation, "test": "test"}
    parts = {part: split for part, split in found.items() if split is not None and split in splits}
    if len(splits) == 1:
        return {"train": next(iter(splits))}
    if "train" not in parts:
        raise DataError(
            f"there is no split train; the splits are {', '.join(splits)}; say which is which by "
            "task.split (tutelage init: --split), such as {train: …, test: …}, or name one that is divided",
            path=f"hf://{name}",
        )
    return parts


def _commit(file: Path, within: str) -> str:
    """The commit of a file in the hub's cache: …/snapshots/COMMIT/FILE."""
    return file.parents[len(Path(within).parts) - 1].name


def _refuse(name: str, split: str | None, error: Exception) -> NoReturn:
    causes = [error, error.__cause__] if error.__cause__ is not None else [error]
    reason = "; ".join(" ".join(str(cause).split())[:200] for cause in reversed(causes))
    remedy = f"; task.split is {split!r}" if split is not None else ""
    raise DataError(
        f"the data set cannot be read ({type(error).__name__}: {reason}){remedy}", path=f"hf://{name}"
    ) from None
