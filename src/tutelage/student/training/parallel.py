"""How several processes share a training: whole students side by side, or one that is split.

    ddp     each process has the whole student and computes its rows of a step; gradients are summed (shares.py)
    fsdp    the same, but weights, gradients and optimizer are split among the processes (sharded.py)

With `auto` it is ddp wherever every process has the memory for it. One process does neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedModel

from tutelage.errors import StudentError
from tutelage.student.sampler import Say
from tutelage.student.training.fit import fit_micro_batches, fits_whole
from tutelage.student.training.precision import FullPrecision
from tutelage.student.training.shares import Share
from tutelage.student.training.steps import StepDataset

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks
    from tutelage.student.training.sharded import Sharded


@dataclass(frozen=True, slots=True)
class Parallel:
    """The way that is taken; without `ranks` there is one process. `fsdp`: the student is split."""

    ranks: Ranks | None
    fsdp: bool

    def full_precision(self, model: Any, dtype: torch.dtype) -> FullPrecision:
        """The float32 weights of the student, the same in all processes; shards are float32 themselves."""
        if self.ranks is not None:
            for weight in model.parameters():
                if weight.requires_grad:
                    self.ranks.spread(weight.data)
        return FullPrecision(model, next(model.parameters()).dtype if self.fsdp else dtype)

    def fit(self, model: PreTrainedModel, dataset: StepDataset, mixed: bool, say: Say) -> int:
        """The tokens of a micro-batch, as many in all processes: they draw up the same plan. Raises StudentError."""
        if self.ranks is None:
            return fit_micro_batches(model, dataset, mixed, say)
        return self.ranks.least(fit_micro_batches(model, dataset, mixed, say, self.ranks.size if self.fsdp else 1))

    def split(self, model: Any, dataset: StepDataset, dtype: torch.dtype) -> Sharded | None:
        """Give each process its share of the steps, and of the weights if the student is split."""
        if self.ranks is None:
            return None
        dataset.share = Share(self.ranks.rank, self.ranks.size, even=self.fsdp)
        if not self.fsdp:
            return None
        from tutelage.student.training.sharded import Sharded

        return Sharded(model, self.ranks, dtype)


def parallel_mode(ranks: Ranks | None, model: PreTrainedModel, dataset: StepDataset, dtype: torch.dtype) -> Parallel:
    """The way that the settings name, or that memory allows. Raises StudentError where the student can't be split."""
    if ranks is None:
        return Parallel(None, fsdp=False)
    trees = ranks.gathered(dataset.tree)
    dataset.tree = all(trees)
    config = dataset.config
    if config.parallel != "auto":
        fsdp = config.parallel == "fsdp"
    elif any(not weight.is_floating_point() for weight in model.parameters()):
        fsdp = False  # weights of 4 bits can't be split
    else:
        fsdp = not all(ranks.gathered(fits_whole(model, dataset, dtype == torch.bfloat16)))
    if fsdp and config.guard.checks:
        why = "training.parallel is 'fsdp'" if config.parallel == "fsdp" else "the student does not fit whole"
        raise StudentError(f"training.guard asks the whole student, and {why}; set training.guard.checks to 0")
    return Parallel(ranks, fsdp)
