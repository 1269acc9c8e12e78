"""The models of a run's rounds on disk: they can go, and the figures stay.

    round-01/stages.json    {"training": {"key": "9a1f…", "done": true, "model": "removed", …}, …}

A training whose model was removed counts as done, until the model is needed again.
"""

from __future__ import annotations

from pathlib import Path

from tutelage.runs.files import remove, write_json
from tutelage.runs.layout import round_folders
from tutelage.runs.seals import sealed
from tutelage.runs.stage import entries

MODEL, TRAINING, STUDENT = "model", "training", "student"
REMOVED = "removed"


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder; 0 if there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def has_model(round: Path) -> bool:
    """Whether the folder of a round has its model: whole, or adapters beside their base."""
    return any((round / MODEL / name).is_file() for name in ("config.json", "adapter_config.json"))


def drop_model(round: Path) -> int:
    """Delete the model of a round's finished training, given the round's folder; returns the bytes that it had."""
    stages = entries(round)
    entry = stages.get(TRAINING, {})
    if entry.get("done") is not True or not (round / MODEL).is_dir():
        return 0
    files = {name: content for name, content in entry.get("files", {}).items() if name != MODEL}
    write_json(round / "stages.json", {**stages, TRAINING: sealed({**entry, "files": files, MODEL: REMOVED})})
    size = size_of(round / MODEL)
    remove(round / MODEL)
    return size


def forget_training(round: Path) -> None:
    """Mark the training of a round as not done, so that it is done again."""
    _forget(round, TRAINING)


def forget_students(root: Path) -> None:
    """Delete all models of a finished run to free disk; attempts and figures stay."""
    for round in round_folders(root):
        drop_model(round)
    _forget(root, STUDENT)
    remove(root / STUDENT)


def _forget(folder: Path, stage: str) -> None:
    stages = entries(folder)
    if stages.pop(stage, None) is not None:
        write_json(folder / "stages.json", stages)
