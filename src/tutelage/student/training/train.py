"""One round of training: L = L_LM + reflection_weight * L_SR. The loss of a step is in trainer.py.

In order:

    StepDataset         the steps, from the examples
    parallel_mode       how several processes share the work
    fit                 the size of a micro-batch that fits in memory
    reference           log-likelihoods under the student before the first step (DPO only)
    StepTrainer         the steps; StepLogger records them and saves checkpoints, Guard checks for a collapse

The result is a TrainingSummary.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import set_seed

from tutelage.config import LoraConfig, TrainingConfig
from tutelage.errors import StudentError
from tutelage.launched import hidden
from tutelage.mistakes.repair import Repair
from tutelage.records import TrainingExample
from tutelage.run_records import TrainingSummary
from tutelage.runs.files import disk_errors
from tutelage.runs.seals import is_whole
from tutelage.student.folder import quiet
from tutelage.student.kept_adapters import Adapters, add_to, taken
from tutelage.student.model import LoadedModel
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampler import Say
from tutelage.student.training.adapters import add_adapters
from tutelage.student.training.checkpointing import checkpointed
from tutelage.student.training.collapse_guard import Guard
from tutelage.student.training.likelihood import likelihoods, reference
from tutelage.student.training.micro_batch import packs_right
from tutelage.student.training.parallel import parallel_mode
from tutelage.student.training.precision import FullPrecision
from tutelage.student.training.reflection import Reflection
from tutelage.student.training.step_log import StepLogger, StepsDone
from tutelage.student.training.steps import StepDataset
from tutelage.student.training.trainer import StepTrainer

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Options of a round's training.

    `steps` is the file of the StepRecords. `accuracy` measures the student's current accuracy on some validation
    problems, for the guard. `reflection` is a custom loss of the user. `repairs` are mistakes put right, to be trained
    on beside the examples. `ranks` are the processes that train together.
    """

    dtype: torch.dtype = torch.float32
    lora: LoraConfig | None = None
    advance: StepsDone = lambda steps: None
    say: Say = lambda text: None
    steps: Path | None = None
    accuracy: Callable[[], float] | None = None
    planned: Callable[[int, int], None] = lambda steps, done: None
    reflection: Reflection | None = None
    repairs: Sequence[Repair] = ()
    ranks: Ranks | None = None


def train(
    student: LoadedModel,
    format: PromptFormat,
    examples: Sequence[TrainingExample],
    config: TrainingConfig,
    *,
    seed: int,
    checkpoints: Path,
    options: TrainOptions = TrainOptions(),
) -> TrainingSummary:
    """Train the student in place for one round; its weights are float32. Returns the summary.

    `checkpoints` has the state at the end of every epoch but the last; a stopped training resumes from it. With
    `options.lora`, adapters are trained and merged into the model.

    Raises:
        StudentError: the loss is not finite, memory is short, or no example fits `config.max_tokens`.
    """
    dataset = StepDataset(format, examples, config, seed, options.reflection, options.repairs)
    ranks = options.ranks
    for line in dataset.too_long(len(examples)):
        options.say(line)
    set_seed(seed)
    adapted = add_adapters(student.model, options.lora) if options.lora is not None else None
    first = ranks is None or ranks.first
    step_logger = StepLogger(dataset.epoch_ends, options.advance, options.steps, options.planned, first)
    try:
        dataset.tree = layout(student, config, options.say)
        mode = parallel_mode(ranks, student.model, dataset, options.dtype)
        full = mode.full_precision(adapted or student.model, options.dtype)
        dataset.micro_batch_tokens = mode.fit(student.model, dataset, bool(full.weights), options.say)
        dataset.references = reference(student.model, dataset, ranks, options.dtype)  # before a checkpoint is loaded
        guard = _guard(student, dataset, full, checkpoints, seed, options) if config.guard.checks else None
        sharded = mode.split(full.model, dataset, options.dtype)
        again = checkpointed(student.model) if config.checkpointing else nullcontext()
        with quiet(), disk_errors(checkpoints), again, hidden():
            watchers = [guard] if guard else []
            trainer = StepTrainer(dataset, full, step_logger, checkpoints, seed, watchers, ranks, sharded)
            last = _last_checkpoint(checkpoints) if first else None
            trainer.train(resume_from_checkpoint=last if ranks is None else ranks.same(last))
    except torch.OutOfMemoryError as error:
        raise StudentError(
            f"training ran out of memory; lower training.micro_batch_tokens (now {dataset.micro_batch_tokens}),"
            " set training.checkpointing to true, or student.weights to lora"
        ) from error
    full.restore()
    if sharded is not None:
        sharded.restore()
        student.whole = False
    if adapted is None or options.lora is None:
        student.adapters = None
    elif sharded is None or first:
        adapters = (student.adapters or Adapters("")).with_one_more(taken(adapted, options.lora, student.stored))
        student.model = adapted.unload()
        if student.quantised:
            student.whole = False  # to answer, it is loaded anew: adapters are added to weights that are not rounded
        else:
            add_to(student.model, adapters.rounds[-1:])
        student.adapters = student.adapters and adapters
    return _summary(trainer, dataset, len(examples), guard)


def _summary(trainer: StepTrainer, dataset: StepDataset, examples: int, guard: Guard | None) -> TrainingSummary:
    last = next(entry for entry in reversed(trainer.state.log_history) if "lm_loss" in entry)
    return TrainingSummary(
        examples=examples,
        truncated=dataset.truncated,
        row_tokens=dataset.tokens_until(trainer.state.global_step),
        computed_tokens=trainer.step_logger.computed,
        padded_tokens=trainer.step_logger.padded,
        loss=last["lm_loss"] + dataset.config.reflection_weight * last["reflection_loss"],
        lm_loss=last["lm_loss"],
        reflection_loss=last["reflection_loss"],
        rows=sum(map(len, dataset.batches[: trainer.state.global_step])),
        collapse=guard.collapse if guard else None,
        repairs=dataset.repairs_until(trainer.state.global_step),
    )


def _guard(
    student: LoadedModel, dataset: StepDataset, full: FullPrecision, checkpoints: Path, seed: int, options: TrainOptions
) -> Guard:
    """The guard of this training, with a random sample of rationales for its likelihood check."""
    config = dataset.config.guard
    rows = list(dict.fromkeys((row.prompt, row.completion) for _, row in dataset.anchors))
    if len(rows) > config.rationales:
        rows = random.Random(f"{seed}/guard").sample(rows, config.rationales)
    tokens = sum(len(rationale) for _, rationale in rows)
    return Guard(
        full,
        config,
        len(dataset),
        checkpoints,
        likelihood=lambda: sum(likelihoods(student.model, dataset, rows, options.ranks).values()) / tokens,
        accuracy=options.accuracy,
        say=options.say,
        ranks=options.ranks,
    )


def layout(student: LoadedModel, config: TrainingConfig, say: Say) -> bool:
    """Whether steps are packed as trees; reports if they can't be. Raises StudentError if the settings require it."""
    kind = f"a model of type {student.model.config.model_type!r}"
    tree = config.packing != "never" and packs_right(student.model)
    if not tree and config.packing == "always":
        raise StudentError(f"training.packing is 'always', but {kind} can't be packed; set it to 'auto'")
    if not tree and config.packing == "auto":
        say(f"{kind} can't be packed: it trains on padded rows, slower")
    return tree


def _last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint. Trainer writes trainer_state.json last, then StepLogger seals the folder."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for torn in [path for path in found if not (_is_json(path / "trainer_state.json") and is_whole(path))]:
        shutil.rmtree(torn)
    whole = [path for path in found if path.is_dir()]
    return str(whole[-1]) if whole else None


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True
