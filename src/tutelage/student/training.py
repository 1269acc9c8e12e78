"""One round of training, by Transformers' Trainer: L = L_LM + reflection_weight * L_SR.

    A  rows of anchors     S  rows with self-reflection     D  width of the hidden state

A step is one batch of the lesson plan. Its anchors give L_LM; the hidden states at the ends of its anchors, positives
and negatives give L_SR. Both losses are divided by counts of the whole batch, so neither padding nor the size of the
micro-batches changes them.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from tutelage.config import LoraConfig, TrainingConfig
from tutelage.errors import StudentError
from tutelage.files import disk_errors
from tutelage.records import TrainingExample, TrainingSummary
from tutelage.student.encoding import Padded
from tutelage.student.lessons import Lesson, Lessons
from tutelage.student.losses import triplet_loss, weighted_lm_loss
from tutelage.student.model import Student, quiet
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampling import Advance


def lesson_losses(model: PreTrainedModel, lesson: Lesson, margin: float) -> tuple[torch.Tensor, torch.Tensor]:
    """L_LM and L_SR of a micro-batch: its part of the two losses of its whole batch. Scalars."""
    anchors = lesson.anchors
    output = model(input_ids=anchors.input_RL, attention_mask=anchors.mask_RL, output_hidden_states=True)
    lm_loss = weighted_lm_loss(output.logits, anchors.tokens_RL, anchors.weights_RL) / lesson.batch_targets
    if lesson.pairs is None:
        return lm_loss, torch.zeros((), device=lm_loss.device)
    anchor_SD = _ends(output.hidden_states[-1], anchors)[lesson.reflecting]
    positive_SD, negative_SD = _last_hidden(model, lesson.pairs).chunk(2)
    return lm_loss, triplet_loss(anchor_SD, positive_SD, negative_SD, margin) / lesson.batch_reflecting


def _last_hidden(model: PreTrainedModel, rows: Padded) -> torch.Tensor:
    """Hidden state of each row's last token, without the vocabulary's logits, which nobody needs here."""
    hidden_RLD = model.base_model(input_ids=rows.input_RL, attention_mask=rows.mask_RL).last_hidden_state
    return _ends(hidden_RLD, rows)


def _ends(hidden_RLD: torch.Tensor, rows: Padded) -> torch.Tensor:
    return hidden_RLD[torch.arange(len(rows.last_R), device=hidden_RLD.device), rows.last_R]


def train(
    student: Student,
    format: PromptFormat,
    examples: Sequence[TrainingExample],
    config: TrainingConfig,
    *,
    seed: int,
    checkpoints: Path,
    lora: LoraConfig | None = None,
    advance: Advance = lambda steps: None,
) -> TrainingSummary:
    """Train the student in place for one round and sum it up.

    `checkpoints` keeps the state at the end of every epoch but the last; a training that was stopped goes on from
    there. With `lora`, adapters are trained and merged into the model.

    Raises:
        StudentError: the loss is not finite, memory is short, or no example fits `config.max_tokens`.
    """
    started = time.monotonic()
    lessons = Lessons(format, examples, config, seed)
    set_seed(seed)
    adapted = _add_adapters(student.model, lora) if lora is not None else None
    trainer = LessonTrainer(adapted or student.model, lessons, config, checkpoints, seed, advance)
    try:
        with quiet(), disk_errors(checkpoints):
            trainer.train(resume_from_checkpoint=_last_checkpoint(checkpoints))
    except torch.OutOfMemoryError as error:
        raise StudentError(
            f"training ran out of memory; lower training.micro_batch_size (now {config.micro_batch_size})"
        ) from error
    if adapted is not None:
        student.model = adapted.merge_and_unload()
    last = next(entry for entry in reversed(trainer.state.log_history) if "lm_loss" in entry)
    return TrainingSummary(
        examples=len(examples),
        truncated=lessons.truncated,
        tokens=lessons.tokens,
        seconds=time.monotonic() - started,
        loss=last["lm_loss"] + config.reflection_weight * last["reflection_loss"],
        lm_loss=last["lm_loss"],
        reflection_loss=last["reflection_loss"],
    )


class LessonTrainer(Trainer):
    """Trainer whose step is one batch of the lesson plan."""

    def __init__(
        self,
        model: Any,
        lessons: Lessons,
        config: TrainingConfig,
        checkpoints: Path,
        seed: int,
        advance: Advance,
    ) -> None:
        device = next(model.parameters()).device
        steps = len(lessons)
        arguments = TrainingArguments(
            output_dir=str(checkpoints),
            per_device_train_batch_size=1,
            num_train_epochs=1,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            warmup_steps=round(config.warmup_share * steps),
            max_grad_norm=config.max_grad_norm,
            lr_scheduler_type="linear",
            optim="adamw_torch_fused",
            bf16=config.autocast,
            use_cpu=device.type == "cpu",
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
            save_total_limit=1,
        )
        self.epoch = EndOfEpoch(lessons.epoch_ends, advance)
        super().__init__(model=model, args=arguments, train_dataset=lessons, callbacks=[self.epoch])
        self.remove_callback(PrinterCallback)
        self.args._n_gpu = min(1, self.args.n_gpu)  # one process, one device: DataParallel would split our batches
        self.config = config

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The plan's batches in their order, one a step."""
        return DataLoader(self.train_dataset, batch_size=1, shuffle=False, collate_fn=lambda lessons: lessons[0])

    def training_step(self, model: Any, inputs: list[Lesson], num_items_in_batch: object = None) -> torch.Tensor:
        """Back-propagate every micro-batch of the step; returns the step's loss."""
        model.train()
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        total = torch.zeros(2, dtype=torch.float64)
        for lesson in inputs:
            with self.compute_loss_context_manager():
                lm_loss, reflection_loss = lesson_losses(inner, lesson.to(inner.device), self.config.margin)
            self.accelerator.backward(lm_loss + self.config.reflection_weight * reflection_loss)
            total += torch.stack([lm_loss.detach(), reflection_loss.detach()]).double().cpu()
        if not total.isfinite().all():
            raise StudentError(
                f"the loss is not finite at step {self.state.global_step + 1} (L_LM {total[0]:g}, L_SR {total[1]:g});"
                f" lower training.learning_rate (now {self.config.learning_rate:g})"
            )
        self.epoch.sums += total
        return (total[0] + self.config.reflection_weight * total[1]).float().to(inner.device)


class EndOfEpoch(TrainerCallback):
    """At the end of each epoch of the plan: the mean losses into the history, and a checkpoint."""

    def __init__(self, ends: Sequence[int], advance: Advance) -> None:
        self.ends, self.advance = ends, advance
        self.sums = torch.zeros(2, dtype=torch.float64)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Called by Trainer after every step."""
        self.advance(1)
        if state.global_step not in self.ends:
            return
        steps = state.global_step - max((end for end in self.ends if end < state.global_step), default=0)
        lm_loss, reflection_loss = (self.sums / steps).tolist()
        self.sums.zero_()
        state.log_history.append({"step": state.global_step, "lm_loss": lm_loss, "reflection_loss": reflection_loss})
        control.should_save = state.global_step != self.ends[-1]  # the last one is saved as the round's model


def _add_adapters(model: PreTrainedModel, config: LoraConfig) -> Any:
    from peft import LoraConfig as PeftLoraConfig
    from peft import get_peft_model

    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    settings = PeftLoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft's own
        return get_peft_model(model, settings)


def _last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint; Trainer writes trainer_state.json last, so one without it is torn."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for torn in [path for path in found if not (path / "trainer_state.json").is_file()]:
        shutil.rmtree(torn)
    whole = [path for path in found if path.is_dir()]
    return str(whole[-1]) if whole else None
