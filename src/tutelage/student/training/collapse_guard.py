"""The collapse guard: checks the student during training and restores the last good weights if it collapses.

    step          0       20       40       60       80
    likelihood   -0.52    -0.41    -0.44    -0.87    -0.79    nats a token, mean over rationales trained on
    accuracy      0.20     0.30     0.35     0.10     0.15    on some validation problems, greedy
    state         good     good     good     bad      bad again: the weights of step 40 are restored, training ends

The folder `guard/`, beside the checkpoints, holds the passed checks and the weights of the last passed one. It also
holds the last good weights before the last checkpoint: a resumed training needs them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tutelage.config import GuardConfig
from tutelage.runs.files import append_rows, write_rows
from tutelage.runs.seals import all_rows, has_seals, sealed
from tutelage.student.sampler import Say
from tutelage.student.training.precision import FullPrecision

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks

ROUNDING = 1e-9
"""Tolerance for floating point: 0.7 - 0.1 is not exactly 0.6."""


@dataclass(frozen=True, slots=True)
class Check:
    """The student after `step` steps: log-likelihood in nats per token, and accuracy (None: not measured)."""

    step: int
    likelihood: float
    accuracy: float | None


def fallen(check: Check, passed: Sequence[Check], config: GuardConfig) -> str | None:
    """Which measure fell too far below its best value, and by how much; None if neither did."""
    best = max(each.likelihood for each in passed)
    if not check.likelihood >= best - config.likelihood_drop - ROUNDING:  # true for NaN, too
        return f"the log-likelihood of its rationales fell from {best:.3f} to {check.likelihood:.3f} nats a token"
    shares = [each.accuracy for each in passed if each.accuracy is not None]
    if check.accuracy is not None and shares and check.accuracy < max(shares) - config.accuracy_drop - ROUNDING:
        return f"accuracy on validation fell from {max(shares):.1%} to {check.accuracy:.1%}"
    return None


class Guard(TrainerCallback):
    """Checks the student at even distances, from before the first step to after the last.

    `likelihood` and `accuracy` measure the current weights. `collapse` is the message to the user, None if all is well.
    Of several `ranks` the first decides and writes.
    """

    def __init__(
        self,
        full: FullPrecision,
        config: GuardConfig,
        steps: int,
        checkpoints: Path,
        *,
        likelihood: Callable[[], float],
        accuracy: Callable[[], float] | None,
        say: Say,
        ranks: Ranks | None = None,
    ) -> None:
        self.ranks = ranks
        self.full, self.config, self.checkpoints, self.say = full, config, checkpoints, say
        self.likelihood, self.accuracy = likelihood, accuracy
        self.at = {round(steps * n / config.checks) for n in range(1, config.checks + 1)} - {0}
        self.folder = checkpoints / "guard"
        self.passed: list[Check] = []
        self.collapse: str | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Called by Trainer before the first step, or the first after a checkpoint."""
        if self.ranks is None or self.ranks.first:
            self._read(state.global_step)
        if self.ranks is not None:
            self.passed = self.ranks.same(self.passed)
        if not self.passed:
            self._pass(self._measured(state.global_step))

    def _read(self, step: int) -> None:
        """Read the checks that were passed until the last checkpoint."""
        memory = self.folder / "checks.jsonl"
        remedy = f"remove {self.checkpoints}, and the training begins anew"
        old = not has_seals(self.checkpoints / f"checkpoint-{step}")
        checks = all_rows(memory, Check, remedy, unsealed=old) if step else []
        self.passed = [check for check in checks if check.step <= step]
        write_rows(memory, map(sealed, self.passed))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Called by Trainer after every step."""
        if state.global_step not in self.at:
            return
        check = self._measured(state.global_step)
        reason = fallen(check, self.passed, self.config)
        if reason is None:
            self._pass(check)
        elif self._certain(check):
            self._go_back(check, reason)
            control.should_training_stop = True

    def _certain(self, check: Check) -> bool:
        """Whether to act on a failed check: `patience` in a row, the last check, or NaN. Single checks are noisy."""
        in_a_row = sum(self.passed[-1].step < step <= check.step for step in self.at)
        return in_a_row >= self.config.patience or check.step == max(self.at) or not math.isfinite(check.likelihood)

    def _go_back(self, check: Check, reason: str) -> None:
        good = self.passed[-1].step
        bring_back(self.full, self._weights(good))
        if self.ranks is not None:
            self.ranks.gathered(good)  # all have read it: the first removes it soon
        self.collapse = f"training collapsed by step {check.step}: {reason}; went back to the student of step {good}"
        self.say(self.collapse)

    def _measured(self, step: int) -> Check:
        model = self.full.model
        training = model.training
        model.eval()
        check = Check(step, self.likelihood(), None if self.accuracy is None else self.accuracy())
        model.train(training)
        return check if self.ranks is None else self.ranks.same(check)

    def _pass(self, check: Check) -> None:
        """Save this state as the last good one; of the earlier ones keep only the one that a resume needs."""
        if self.ranks is not None and not self.ranks.first:
            self.passed.append(check)
            return
        keep(self.full, self._weights(check.step))
        append_rows(self.folder / "checks.jsonl", [sealed(check)])
        saved = max((int(path.name.split("-")[1]) for path in self.checkpoints.glob("checkpoint-*")), default=0)
        needed = max((each.step for each in self.passed if each.step <= saved), default=None)
        self.passed.append(check)
        for path in self.folder.glob("good-*.safetensors"):
            if path not in (self._weights(check.step), self._weights(needed)):
                path.unlink()

    def _weights(self, step: int | None) -> Path:
        return self.folder / f"good-{step}.safetensors"


def keep(full: FullPrecision, path: Path) -> None:
    """Write the trained weights in full precision, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    trained = {name: weight for name, weight in full.model.named_parameters() if weight.requires_grad}
    save_file({name: full.weights.get(each, each).detach().contiguous() for name, each in trained.items()}, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)


@torch.no_grad()
def bring_back(full: FullPrecision, path: Path) -> None:
    """Load the weights that `keep` wrote into the model."""
    with safe_open(path, framework="pt") as saved:
        for name, weight in full.model.named_parameters():
            if weight.requires_grad:
                full.weights.get(weight, weight).copy_(saved.get_tensor(name))
                weight.copy_(full.weights.get(weight, weight))
