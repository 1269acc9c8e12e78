"""Transformers' Trainer with our training step: the loss of a batch and its gradients.

A step accumulates gradients over as many micro-batches as the memory requires. Both losses are divided by counts of the
whole batch, so the result does not depend on the split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from tutelage.config import TrainingConfig
from tutelage.errors import StudentError
from tutelage.run_records import GAINS, REPAIRED, SIMILARITIES, StepRecord
from tutelage.student.training.gradients import GradientsApart
from tutelage.student.training.micro_batch import micro_batch_losses
from tutelage.student.training.precision import FullPrecision, MixedAdamW
from tutelage.student.training.step_log import StepLogger
from tutelage.student.training.steps import StepDataset, TrainStep


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
    ) -> None:
        self.config, self.dataset, self.full, self.step_logger = dataset.config, dataset, full, step_logger
        cpu = next(full.model.parameters()).device.type == "cpu"
        optimizer = MixedAdamW(full, self.config.learning_rate, self.config.weight_decay)
        super().__init__(
            model=full.model,  # pyright: ignore[reportArgumentType]
            args=_arguments(self.config, len(dataset), checkpoints, seed, cpu),
            train_dataset=dataset,
            callbacks=[*watchers, step_logger],
            optimizers=(optimizer, None),
        )
        self.remove_callback(PrinterCallback)
        self.args._n_gpu = min(1, self.args.n_gpu)  # one process, one device: DataParallel would split our batches

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Skip the weights if MixedAdamW holds copies: it restores them, and peft would load float32 adapters."""
        if not self.full.weights:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches of the plan in order, one per step."""
        return DataLoader(self.dataset, batch_size=1, shuffle=False, collate_fn=lambda steps: {"train_step": steps[0]})

    def training_step(
        self, model: Any, inputs: dict[str, TrainStep], num_items_in_batch: object = None
    ) -> torch.Tensor:
        """Back-propagate every micro-batch of the step (gradient accumulation); returns the loss of the step."""
        model.train()
        train_step, step, weight = inputs["train_step"], self.state.global_step + 1, self.config.reflection_weight
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        divisor, near_divisor, far_divisor = train_step.divisors
        share, max_norm = self.config.gradient_share, self.config.max_grad_norm if self._clips_apart else None
        looked_at = self.config.gradients_every and step % self.config.gradients_every == 0
        apart = GradientsApart(model) if train_step.pairs and (looked_at or max_norm or share) else None
        sums = torch.zeros(4, dtype=torch.float64)
        for micro_batch in train_step.micro_batches:
            losses = micro_batch_losses(inner, micro_batch, self.dataset.reflection or self.dataset.repair_loss)
            lm_loss, reflection_loss = losses.lm / train_step.targets, losses.reflection / divisor
            if apart is not None:
                apart.backward(lm_loss, reflection_loss)
            else:
                self.accelerator.backward(lm_loss + weight * reflection_loss)
            parts = (lm_loss, reflection_loss, losses.near / near_divisor, losses.far / far_divisor)
            sums += torch.stack([part.detach() for part in parts]).cpu().double()
        lm, reflection, near, far = sums.tolist()
        if not sums[:2].isfinite().all():
            raise StudentError(
                f"the loss is not finite at step {step} (L_LM {lm:g}, L_SR {reflection:g});"
                f" lower training.learning_rate (now {self.config.learning_rate:g})"
            )
        record = StepRecord(step, lm, reflection, train_step.pairs, **self._compared(train_step, near, far))
        if apart is not None:
            g = apart.join(weight, max_norm, share)
            record = replace(record, lm_gradient=g.lm, reflection_gradient=g.reflection, gradient_cosine=g.cosine)
        elif looked_at:
            gradients = [each.grad for each in model.parameters() if each.grad is not None]
            record = replace(record, lm_gradient=float(torch.nn.utils.get_total_norm(gradients)))
        self.step_logger.note(train_step, record)
        return torch.tensor(lm + weight * reflection, device=inner.device)

    @property
    def _clips_apart(self) -> bool:
        return self.config.clipping == "apart"

    def _compared(self, train_step: TrainStep, near: float, far: float) -> dict[str, float | None]:
        """What self-reflection has compared, by the names of StepRecord."""
        if not train_step.pairs:
            return {}
        if self.dataset.repair_loss is not None:
            return dict(zip(REPAIRED, (near, far if self.config.unlikelihood else None), strict=True))
        gains = self.dataset.reflection is not None and self.dataset.reflection.likelihoods
        return dict(zip(GAINS if gains else SIMILARITIES, (near, far), strict=True))


def _arguments(config: TrainingConfig, steps: int, checkpoints: Path, seed: int, cpu: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=1,
        num_train_epochs=1,
        learning_rate=config.learning_rate,
        warmup_steps=round(config.warmup_share * steps),
        max_grad_norm=config.max_grad_norm,
        lr_scheduler_type="linear",
        use_cpu=cpu,
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        save_total_limit=1,
    )
