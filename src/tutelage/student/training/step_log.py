"""The log of training steps, and the checkpoint at the end of each epoch.

    {"step": 12, "lm_loss": 0.93, "reflection_loss": 0.41, "pairs": 11, "near": 0.97, "far": 0.88, …}

is a row of `steps.jsonl`: a StepRecord, written after its step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tutelage.errors import RunError
from tutelage.run_records import StepRecord
from tutelage.runs.files import append_rows, write_rows
from tutelage.runs.seals import has_seals, seal_folder, sealed, sound_rows

StepsDone = Callable[[int], None]
"""Called with the number of newly finished steps, for a progress bar."""


class StepLogger(TrainerCallback):
    """Writes every step; at the end of each epoch, adds its mean losses to the history and saves a checkpoint.

    It also counts the tokens and the padding that were computed since the start or the last stop. A resumed training
    repeats the steps after its checkpoint, so their rows are dropped. Of several processes one `writes`.
    """

    def __init__(
        self,
        ends: Sequence[int],
        advance: StepsDone,
        path: Path | None,
        planned: Callable[[int, int], None] = lambda steps, done: None,
        writes: bool = True,
    ) -> None:
        self.ends, self.advance, self.path, self.planned, self.writes = ends, advance, path, planned, writes
        self.records: list[StepRecord] = []
        self.computed = self.padded = 0

    def note(self, record: StepRecord, computed: int, padded: int) -> None:
        """Record a finished step, with the tokens and the padding that all processes computed."""
        self.records.append(record)
        self.computed += computed
        self.padded += padded

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Called by Trainer before the first step, or the first after a checkpoint."""
        self.planned(self.ends[-1], state.global_step)
        if self.path is not None:
            old = not has_seals(Path(args.output_dir or ".") / f"checkpoint-{state.global_step}")
            rows = sound_rows(self.path, StepRecord, unsealed=old)
            rows = [row for row in rows if row.step <= state.global_step]
            if [row.step for row in rows] != list(range(1, state.global_step + 1)):
                remedy = f"remove {args.output_dir}, and the training begins anew"
                raise RunError(f"{self.path} does not hold the steps before the checkpoint; {remedy}")
            write_rows(self.path, map(sealed, rows))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Called by Trainer after every step."""
        ended = state.global_step in self.ends or control.should_training_stop
        if self.path is not None:
            append_rows(self.path, [sealed(self.records[-1])], synced=ended)
        self.advance(1)
        if not ended:
            return
        means = {name: fmean(getattr(row, name) for row in self.records) for name in ("lm_loss", "reflection_loss")}
        state.log_history.append({"step": state.global_step, **means})
        self.records.clear()
        control.should_save = not control.should_training_stop  # the last state is saved as the round's model

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Called by Trainer after a checkpoint is written."""
        if self.writes:
            seal_folder(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")
