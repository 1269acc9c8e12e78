"""Where the rounds of a run stand in its directory, and how far they have come."""

from __future__ import annotations

from pathlib import Path

from tutelage.errors import RunError
from tutelage.records import Feedback
from tutelage.runs.files import read_rows
from tutelage.runs.stage import entries

RESULT = "result.json"


def round_folder(root: Path, round: int) -> Path:
    """The folder of a round of the run in `root`."""
    return root / f"round-{round:02d}"


def round_folders(root: Path) -> list[Path]:
    """The folders of a run's rounds, in order."""
    return sorted(root.glob("round-*"))


def has_begun(root: Path) -> bool:
    """Whether a stage of the run has begun."""
    return any((folder / "stages.json").exists() for folder in (root, *round_folders(root)))


def has_rationales(root: Path) -> bool:
    """Whether the teacher has written a rationale that can be used; so it counts if the file is damaged."""
    try:
        return any(reply.is_rationale for reply in read_rows(round_folder(root, 0) / "annotation.jsonl", Feedback))
    except RunError:
        return True


def has_trained(root: Path) -> bool:
    """Whether a round was trained. A study deletes models, and then the evaluation is the evidence."""
    stages = [entries(folder) for folder in round_folders(root)]
    return any(each.get(name, {}).get("done") for each in stages for name in ("training", "evaluation"))
