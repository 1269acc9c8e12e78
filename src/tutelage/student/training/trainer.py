"""Transformers' Trainer with our training step: the loss of a batch and its gradients.

A step accumulates gradients over as many micro-batches as the memory requires. Both losses are divided by counts of the
whole batch, so the result does not depend on the split, neither into micro-batches nor among processes. Trainer takes
each process for the only one: it would give each another batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.run_records import GAINS, REPAIRED, SIMILARITIES, StepRecord
from tutelage.runs.files import seed_of
from tutelage.student.training.gradients import GradientsApart
from tutelage.student.training.micro_batch import MicroBatch, micro_batch_losses
from tutelage.student.training.precision import FullPrecision, MixedAdamW
from tutelage.student.training.shares import sum_gradients
from tutelage.student.training.step_log import StepLogger
from tutelage.student.training.steps import StepDataset, TrainStep

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks
    from tutelage.student.training.sharded import Sharded


class StepTrainer(Trainer):
    """A Trainer whose step is one batch of the training plan. `watchers` are called before the step logger."""

    def __init__(
        self,
        dataset: StepDataset,
        full: FullPrecision,
        step_logger: StepLogger,
        checkpoints: Path,
        seed: int,
        watchers: Sequence[TrainerCallback] = (),
        ranks: Ranks | None = None,
        sharded: Sharded | None = None,
    ) -> None:
        self.config, self.dataset, self.full, self.step_logger = dataset.config, dataset, full, step_logger
        self.ranks, self.sharded = ranks, sharded
        super().__init__(
            model=full.model,  # pyright: ignore[reportArgumentType]
            args=_arguments(self.config, len(dataset), checkpoints, seed, full.model),
            train_dataset=dataset,
            callbacks=[*watchers, step_logger],
            optimizers=(_optimizer(full, self.config, sharded), None),
        )
        self.remove_callback(PrinterCallback)
        self.args._n_gpu = min(1, self.args.n_gpu)  # one process, one device: DataParallel would split our batches

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Skip the weights if MixedAdamW holds copies: it restores them, and peft would load float32 adapters."""
        if self.sharded is not None:
            self.sharded.load(Path(resume_from_checkpoint))
        elif not self.full.weights:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """One process writes; where weights are split among them, the others hand over their parts."""
        if self.ranks is None or self.ranks.first:
            super()._save_checkpoint(model, trial)
        elif self.sharded is not None:
            self.sharded.state()
            self.optimizer.state_dict()  # pyright: ignore

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save the weights, whole."""
        super()._save(output_dir, state_dict if self.sharded is None else self.sharded.state())

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches of the plan in order, one per step."""
        return DataLoader(self.dataset, batch_size=1, shuffle=False, collate_fn=lambda steps: {"train_step": steps[0]})

    def training_step(
        self, model: Any, inputs: dict[str, TrainStep], num_items_in_batch: object = None
    ) -> torch.Tensor:
        """Back-propagate every micro-batch of the step (gradient accumulation); returns the loss of the step."""
        model.train()
        train_step, step, weight = inputs["train_step"], self.state.global_step + 1, self.config.reflection_weight
        if self.ranks is not None:  # dropout is drawn anew, so that a training that goes on draws the same
            torch.manual_seed(seed_of(self.args.seed, step, self.ranks.rank) % 2**63)
        share = self.config.gradient_share
        apart = GradientsApart(model) if train_step.pairs and share else None
        sums = torch.zeros(6, dtype=torch.float64)
        sums[4], sums[5] = train_step.computed, train_step.padded
        for micro_batch in train_step.micro_batches:
            sums[:4] += self._back_propagate(model, micro_batch, train_step, apart)
        for micro_batch in train_step.idle:
            self._back_propagate(model, micro_batch, train_step, apart, counts=0.0)
        if self.ranks is not None:
            self.ranks.summed(sums)
            if self.sharded is None:
                self._add_gradients(model, apart)
        lm, reflection, near, far, computed, padded = sums.tolist()
        if not sums[:2].isfinite().all():
            raise StudentError(
                f"the loss is not finite at step {step} (L_LM {lm:g}, L_SR {reflection:g});"
                f" lower training.learning_rate (now {self.config.learning_rate:g})"
            )
        record = StepRecord(step, lm, reflection, train_step.pairs, **self._compared(train_step, near, far))
        if apart is not None:
            g = apart.join(weight, share)
            record = replace(record, lm_gradient=g.lm, reflection_gradient=g.reflection, gradient_cosine=g.cosine)
        self.step_logger.note(record, int(computed), int(padded))
        return torch.tensor(lm + weight * reflection, device=self.args.device)

    def _back_propagate(
        self,
        model: Any,
        micro_batch: MicroBatch,
        train_step: TrainStep,
        apart: GradientsApart | None,
        counts: float = 1,
    ) -> torch.Tensor:
        """The gradients of one pass; returns its L_LM, L_SR, near and far, as parts of the step's."""
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        divisor, near_divisor, far_divisor = train_step.divisors
        beside, parts = self.dataset.reflection or self.dataset.repair_loss, torch.zeros(4, dtype=torch.float64)

        def losses() -> tuple[torch.Tensor, torch.Tensor]:
            if self.sharded is None:
                found = micro_batch_losses(inner, micro_batch, beside)
            else:
                found = self.sharded.losses(micro_batch, beside)
            lm_loss, reflection_loss = found.lm / train_step.targets, found.reflection / divisor
            seen = (lm_loss, reflection_loss, found.near / near_divisor, found.far / far_divisor)
            parts.copy_(torch.stack([part.detach() for part in seen]))
            if self.sharded is not None:  # every rank must back-propagate each loss
                lm_loss, reflection_loss = lm_loss + 0 * reflection_loss, reflection_loss + 0 * lm_loss
                return counts * lm_loss, counts * reflection_loss
            return lm_loss, reflection_loss

        if apart is not None and self.sharded is not None:
            apart.backward_in_turn(losses)
        elif apart is not None:
            apart.backward(*losses())
        else:
            lm_loss, reflection_loss = losses()
            self.accelerator.backward(lm_loss + self.config.reflection_weight * reflection_loss)
        return parts

    def _add_gradients(self, model: Any, apart: GradientsApart | None) -> None:
        """Sum the gradients of all processes, each of which has the whole student."""
        assert self.ranks is not None
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        summed = partial(sum_gradients, self.ranks, weights)
        if apart is not None:
            apart.add(summed)
            return
        for each, gradient in zip(weights, summed([each.grad for each in weights]), strict=True):
            each.grad = gradient

    def _compared(self, train_step: TrainStep, near: float, far: float) -> dict[str, float | None]:
        """What self-reflection has compared, by the names of StepRecord."""
        if not train_step.pairs:
            return {}
        if self.dataset.repair_loss is not None:
            return dict(zip(REPAIRED, (near, far if self.config.unlikelihood else None), strict=True))
        gains = self.dataset.reflection is not None and self.dataset.reflection.likelihoods
        return dict(zip(GAINS if gains else SIMILARITIES, (near, far), strict=True))


def _optimizer(full: FullPrecision, config: TrainingConfig, sharded: Sharded | None) -> MixedAdamW:
    if sharded is None:
        return MixedAdamW(full, config.learning_rate, config.weight_decay)
    from tutelage.student.training.sharded import ShardedAdamW

    return ShardedAdamW(full, sharded, config.learning_rate, config.weight_decay)


class _Arguments(TrainingArguments):
    """Arguments on the GPU of this process: Transformers takes the first one of the machine for every process."""

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        ours = torch.cuda.current_device() if torch.cuda.is_available() else 0
        device = super().device
        if device.type != "cuda":
            return device
        torch.cuda.set_device(ours)
        return torch.device("cuda", ours)


def _arguments(config: TrainingConfig, steps: int, checkpoints: Path, seed: int, model: Any) -> TrainingArguments:
    return _Arguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=1,
        num_train_epochs=1,
        learning_rate=config.learning_rate,
        warmup_steps=round(config.warmup_share * steps),
        max_grad_norm=config.max_grad_norm,
        lr_scheduler_type="linear",
        use_cpu=next(model.parameters()).device.type == "cpu",
        use_cache=getattr(model.config, "use_cache", False),  # Trainer writes it into the student's configuration
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        save_total_limit=1,
    )
