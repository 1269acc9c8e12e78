"""The smallest study whose every part is real."""

import dataclasses
from pathlib import Path

import yaml

from tutelage.study_records import StudyFigures

ARMS = {"untrained": None, "full": None, "multi-round": None, "one-round-same-budget": None}
BASE = {
    "task": {
        "name": "leg_counting",
        "train": 5,
        "validation": 3,
        "test": 6,
        "options": {"min_animals": 2, "max_animals": 2},
    },
    "student": {"device": "cpu", "dtype": "float32"},
    "exam": {"samples": 2, "max_new_tokens": 10},
    "evaluation": {"max_new_tokens": 10},
    "training": {"epochs": 1, "batch_size": 3, "learning_rate": 1e-3},
    "rounds": {"max": 1, "patience": 3},
}


ROUND_0 = {"rounds": {"max": 0}}


def write_study(folder: Path, tiny: str, base: dict | None = None, **top: object) -> Path:
    """A study's file in a folder; `base` adds to the sections of its base, keywords replace what stands at its top."""
    sections = {"student": {"model": tiny}, **(base or {})}
    whole = BASE | {name: {**BASE.get(name, {}), **values} for name, values in sections.items()}
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({"base": whole, "seeds": [0, 1], "arms": ARMS, **top}, sort_keys=False))
    return path


def timeless(figures: StudyFigures) -> dict:
    """A study without what is measured by the clock."""
    kept = dataclasses.asdict(figures)
    for arm in kept["arms"].values():
        for part in (arm, *arm["runs"], *(row for run in arm["runs"] for row in run["rounds"])):
            del part["seconds"]
    return kept
