"""Whatever becomes of a file of a run, the run ends as one that was left alone, or in one line: never in other figures.

The lessons, the task, the teacher and the files are real; the student is a function of what it was taught.
"""

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutelage import assemble
from tutelage.api import run
from tutelage.config_file import parse_config
from tutelage.errors import TutelageError
from tutelage.records import Attempt, Completion
from tutelage.report.progress import Show
from tutelage.run_records import RunResult, StepRecord, TrainingSummary
from tutelage.runs.directory import Run
from tutelage.runs.files import append_rows, digest, read_rows, seed_of, write_rows, write_text
from tutelage.runs.seals import sealed
from tutelage.student.sampler import Sampled

CONFIG = parse_config(
    {
        "task": {"name": "leg_counting", "train": 5, "validation": 3, "test": 3, "options": {"max_animals": 2}},
        "exam": {"samples": 2, "shard": 2},
        "rounds": {"max": 2, "patience": 3},
    }
)


class Stopped(BaseException):
    """What a kill is to the tests."""


@dataclass
class Pupil:
    """Right at some problems, by a hash of what it has learnt and the question; trained by writing that down."""

    key: str = "untrained"
    folder: Path | None = None
    stop_in_exam_of: str | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def answer(self, problems, seeds, sampling, answered):
        if self.folder is not None:  # what it has learnt is what stands there
            assert json.loads((self.folder / "config.json").read_text())["learnt"] == self.key
        for place, (problem, seed) in enumerate(zip(problems, seeds, strict=True)):
            texts = []
            for sample in range(sampling.samples):
                right = seed_of(self.key, problem.id, seed, sample) % 2
                texts.append(f"So it is.\nThe answer is {problem.answer if right else seed_of(self.key) % 90 + 100}.")
            answered(place, [Completion(text, "stop", 5) for text in texts])
            if sampling.samples > 1 and place == 2 and self.stop_in_exam_of == self.key:
                raise Stopped
        return Sampled(1, 0)

    def learn(self, examples, config, *, folder, steps, advance, planned, **others):
        assert examples
        planned(2, 0)
        append_rows(steps, [sealed(StepRecord(n, 0.5, 0.25, 1)) for n in (1, 2)])
        advance(2)
        folder.mkdir(parents=True, exist_ok=True)
        return TrainingSummary(len(examples), 0, 9, 9, 0, 0.5, 0.5, 0.25, len(examples))

    def at(self, folder: Path, key: str) -> "Pupil":
        write_text(folder / "config.json", json.dumps({"learnt": key})) if not (folder / "config.json").exists() else 0
        return dataclasses.replace(self, key=key, folder=folder)

    def save(self, folder: Path, notes: str) -> None:
        write_text(folder / "config.json", json.dumps({"learnt": self.key}))

    def release(self) -> None:
        """It takes no memory."""
