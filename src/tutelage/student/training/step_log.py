"""What a training notes of its steps, and when it is saved.

    {"step": 12, "lm_loss": 0.93, "reflection_loss": 0.41, "pairs": 11, "near": 0.97, "far": 0.88, …}

is a row of `steps.jsonl`: a StepRecord, on disk at the end of its epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tutelage.run_records import StepRecord
from tutelage.runs.files import append_rows, read_rows, write_rows
from tutelage.student.sampler import Advance
from tutelage.student.training.steps import Lesson


class Journal(TrainerCallback):
    """At the end of each epoch of the plan: its mean losses into the history, its steps on disk, and a checkpoint.

    Counts, too, what this process computed: real tokens and padded ones. A training that goes on at a checkpoint takes
    the steps beyond it again, so their rows are dropped.
    """

    def __init__(self, ends: Sequence[int], advance: Advance, path: Path | None) -> None:
        self.ends, self.advance, self.path = ends, advance, path
        self.records: list[StepRecord] = []
        self.computed = self.padded = 0

    def note(self, lesson: Lesson, record: StepRecord) -> None:
        """One step, done."""
        self.records.append(record)
        self.computed += sum(sheet.tokens for sheet in lesson.passes)
        self.padded += sum(sheet.input_RT.numel() - sheet.tokens for sheet in lesson.passes)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Called by Trainer before the first step, or the first after a checkpoint."""
        if self.path is not None and self.path.exists():
            write_rows(self.path, [row for row in read_rows(self.path, StepRecord) if row.step <= state.global_step])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Called by Trainer after every step."""
        self.advance(1)
        if state.global_step not in self.ends and not control.should_training_stop:
            return
        means = {name: fmean(getattr(row, name) for row in self.records) for name in ("lm_loss", "reflection_loss")}
        state.log_history.append({"step": state.global_step, **means})
        if self.path is not None:
            append_rows(self.path, self.records)
        self.records.clear()
        control.should_save = not control.should_training_stop  # the last state is saved as the round's model
