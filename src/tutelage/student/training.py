"""One round of training, by Transformers' Trainer: L = L_LM + reflection_weight * L_SR.

A step is one batch of the lesson plan, computed in as many forward passes as memory needs. Both losses are divided by
counts of the whole batch, so how it was split changes nothing.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
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
from tutelage.student.capacity import fit_passes
from tutelage.student.lessons import Lesson, Lessons
from tutelage.student.model import Student, quiet
from tutelage.student.passes import packs_right, pass_losses
from tutelage.student.precision import FullPrecision, MixedAdamW
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampling import Advance, Say


@dataclass(frozen=True, slots=True)
class Means:
    """How a round's training is carried out."""

    dtype: torch.dtype = torch.float32
    lora: LoraConfig | None = None
    advance: Advance = lambda steps: None
    say: Say = lambda text: None


def train(
    student: Student,
    format: PromptFormat,
    examples: Sequence[TrainingExample],
    config: TrainingConfig,
    *,
    seed: int,
    checkpoints: Path,
    means: Means = Means(),
) -> TrainingSummary:
    """Train the student, whose weights are float32, in place for one round and sum it up.

    `checkpoints` keeps the state at the end of every epoch but the last; a training that was stopped goes on from
    there. With `means.lora`, adapters are trained and merged into the model.

    Raises:
        StudentError: the loss is not finite, memory is short, or no example fits `config.max_tokens`.
    """
    lessons = Lessons(format, examples, config, seed)
    set_seed(seed)
    adapted = _add_adapters(student.model, means.lora) if means.lora is not None else None
    try:
        full = FullPrecision(adapted or student.model, means.dtype)
        lessons.tree = _layout(student, config, means.say)
        lessons.pass_tokens = fit_passes(student.model, lessons, means.dtype != torch.float32, means.say)
        trainer = LessonTrainer(adapted or student.model, lessons, config, checkpoints, seed, full, means.advance)
        with quiet(), disk_errors(checkpoints):
            trainer.train(resume_from_checkpoint=_last_checkpoint(checkpoints))
    except torch.OutOfMemoryError as error:
        raise StudentError(
            f"training ran out of memory; lower training.pass_tokens (now {lessons.pass_tokens}),"
            " or set student.weights to lora"
        ) from error
    full.restore()
    if adapted is not None:
        student.model = adapted.merge_and_unload()
    last = next(entry for entry in reversed(trainer.state.log_history) if "lm_loss" in entry)
    return TrainingSummary(
        examples=len(examples),
        truncated=lessons.truncated,
        row_tokens=lessons.row_tokens,
        computed_tokens=trainer.epoch.computed,
        padded_tokens=trainer.epoch.padded,
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
        full: FullPrecision,
        advance: Advance,
    ) -> None:
        device = next(model.parameters()).device
        arguments = TrainingArguments(
            output_dir=str(checkpoints),
            per_device_train_batch_size=1,
            num_train_epochs=1,
            learning_rate=config.learning_rate,
            warmup_steps=round(config.warmup_share * len(lessons)),
            max_grad_norm=config.max_grad_norm,
            lr_scheduler_type="linear",
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
        optimizer = MixedAdamW(full, config.learning_rate, config.weight_decay)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=lessons,
            callbacks=[self.epoch],
            optimizers=(optimizer, None),
        )
        self.remove_callback(PrinterCallback)
        self.args._n_gpu = min(1, self.args.n_gpu)  # one process, one device: DataParallel would split our batches
        self.config, self.full = config, full

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Copies bring the weights with them (MixedAdamW); peft would put float32 adapters in the place of ours."""
        if not self.full.weights:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The plan's batches in their order, one a step."""
        return DataLoader(
            self.train_dataset, batch_size=1, shuffle=False, collate_fn=lambda lessons: {"lesson": lessons[0]}
        )

    def training_step(self, model: Any, inputs: dict[str, Lesson], num_items_in_batch: object = None) -> torch.Tensor:
        """Back-propagate every pass of the step; returns the step's loss."""
        model.train()
        lesson = inputs["lesson"]
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        weight = self.config.reflection_weight
        total = torch.zeros(2, dtype=torch.float64)
        for sheet in lesson.passes:
            lm_sum, reflection_sum = pass_losses(inner, sheet, self.config.margin)
            lm_loss, reflection_loss = lm_sum / lesson.targets, reflection_sum / max(1, lesson.pairs)
            self.accelerator.backward(lm_loss + weight * reflection_loss)
            total += torch.stack([lm_loss.detach(), reflection_loss.detach()]).cpu().double()
        if not total.isfinite().all():
            raise StudentError(
                f"the loss is not finite at step {self.state.global_step + 1} (L_LM {total[0]:g}, L_SR {total[1]:g});"
                f" lower training.learning_rate (now {self.config.learning_rate:g})"
            )
        self.epoch.count(lesson, total)
        return (total[0] + weight * total[1]).float().to(inner.device)


class EndOfEpoch(TrainerCallback):
    """At the end of each epoch of the plan: the mean losses into the history, and a checkpoint.

    Counts, too, what this process computed: real tokens and padded ones.
    """

    def __init__(self, ends: Sequence[int], advance: Advance) -> None:
        self.ends, self.advance = ends, advance
        self.sums = torch.zeros(2, dtype=torch.float64)
        self.computed = self.padded = 0

    def count(self, lesson: Lesson, losses: torch.Tensor) -> None:
        """One step's losses and tokens."""
        self.sums += losses
        self.computed += sum(sheet.tokens for sheet in lesson.passes)
        self.padded += sum(sheet.input_RT.numel() - sheet.tokens for sheet in lesson.passes)

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


def _layout(student: Student, config: TrainingConfig, say: Say) -> bool:
    """Whether steps are packed as trees; says so where they can't be. Raises StudentError where they must be."""
    kind = f"a model of type {student.model.config.model_type!r}"
    tree = config.packing != "never" and packs_right(student.model)
    if not tree and config.packing == "always":
        raise StudentError(f"training.packing is 'always', but {kind} can't be packed; set it to 'auto'")
    if not tree and config.prompt_gradient == "stop":
        raise StudentError(f"training.prompt_gradient 'stop' needs packed steps, and {kind} has none; set it to 'keep'")
    if not tree and config.packing == "auto":
        say(f"{kind} can't be packed: it trains on padded rows, slower")
    return tree


def _add_adapters(model: Any, config: LoraConfig) -> Any:
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
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")  # GPT-2: peft sets it right itself
        return get_peft_model(model, settings)


def _last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint; Trainer writes trainer_state.json last, so one without it is torn."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for torn in [path for path in found if not (path / "trainer_state.json").is_file()]:
        shutil.rmtree(torn)
    whole = [path for path in found if path.is_dir()]
    return str(whole[-1]) if whole else None
