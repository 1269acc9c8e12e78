"""All that can be known of a student before its first training, so that no reply is paid for that it can't learn from.

Its folder, weights, tokenizer, template and end token are looked at whenever it is loaded (`model.py`). Here stands
what a run asks of it besides: engine, adapters, packing, the length of its prompts, the memory that training takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from tutelage.config import AnswerLimit, RunConfig
from tutelage.errors import StudentError
from tutelage.records import Problem, Split, TrainingExample, state_answer
from tutelage.student.folder import faults_of
from tutelage.student.model import LoadedModel
from tutelage.student.own import try_engine
from tutelage.student.prompts import PromptFormat
from tutelage.student.quantised import check_qlora
from tutelage.student.resources.disk import Sizes, check_disk
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.student import Student
from tutelage.student.training.adapters import add_adapters
from tutelage.student.training.fit import fit_micro_batches
from tutelage.student.training.reflection import Reflection
from tutelage.student.training.steps import StepDataset
from tutelage.student.training.train import layout

SOME = 4
"""Problems that a server is tried with."""
ProblemsOf = Callable[[Split], Sequence[Problem]]


def preflight(
    student: Student, config: RunConfig, problems: ProblemsOf, out: Path, reflection: Reflection | None = None
) -> None:
    """Refuse a student that some stage of the run in `out` would refuse later; without adapters it stays loaded.

    An engine of the user's is tried, and so is a server. Raises StudentError, RunError for the disk, and ConfigError
    for that engine.
    """
    quantised = config.student.weights == "qlora"
    if quantised:
        check_qlora()
    loaded = student.loaded(torch.bfloat16 if quantised else torch.float32)
    check_disk(out, config, _sizes(student, loaded, config))
    student.engine.check(loaded.model)
    format = student.format_of(loaded)
    if student.engine.own is not None:
        ends = StopCriteria(loaded.tokenizer, loaded.end_tokens, format.stop_strings, format.opening)
        try_engine(student.engine.own, loaded.model, ends, tuple(format.prompt_ids(format.prompt("2 + 3?"))))
    _check_lengths(format, config, problems)
    if student.engine.is_server:
        some = problems("train")[:SOME]
        student.answer(some, range(len(some)), SamplingSettings(max_new_tokens=1), lambda n, found: None)
    with faults_of(config.student.model):  # here it computes as in training for the first time
        tree = layout(loaded, config.training, lambda text: None)
        if lora := config.student.weights == "lora":
            add_adapters(loaded.model, config.student.lora)
        if not quantised:  # a training in 4 bits is sized when it begins
            _check_memory(student, loaded, format, config, problems("train"), tree, reflection)
    if lora or quantised or student.engine.is_vllm:  # without its adapters it is loaded again
        student.release()


def _sizes(student: Student, loaded: LoadedModel, config: RunConfig) -> Sizes:
    """How large the student is on disk. Raises StudentError if adapters don't fit it: they are tried on a frame."""
    weights = sum(4 * weight.numel() for weight in loaded.model.parameters())
    saved = weights * loaded.stored.itemsize // 4
    if config.student.weights == "full":
        return Sizes(weights, saved, saved)
    with faults_of(config.student.model):
        adapted = add_adapters(_frame(loaded.model), config.student.lora)
    learnt = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad) * loaded.stored.itemsize
    return Sizes(weights, saved, (config.rounds.max + 1) * learnt, saved if student.engine.loads_folders else 0)


def _frame(model: PreTrainedModel) -> PreTrainedModel:
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(model.config)


def _check_lengths(format: PromptFormat, config: RunConfig, problems: ProblemsOf) -> None:
    """No prompt with its answer may be longer than the model can look at, and one at least must be trained on."""
    evaluation = _least(config.evaluation.max_new_tokens)
    asked: dict[Split, int] = {"validation": evaluation, "test": evaluation}
    if config.rounds.max or config.teacher.kind == "student":
        asked["train"] = _least(config.exam.max_new_tokens)
    for split, answer in asked.items():
        room = None if format.positions is None else format.positions - answer
        long = [] if room is None else _longer(format, problems(split), room)
        format.refuse_too_long(max((len(format.prompt_ids(prompt)) for prompt in long), default=0), answer)
    limit, prompts = config.training.max_tokens, [format.prompt(problem.text) for problem in problems("train")]
    if all(len(format.prompt_ids(prompt)) >= limit for prompt in sorted(prompts, key=len)):
        raise StudentError(f"no example fits training.max_tokens = {limit}; raise it, or lower student.few_shot")


def _least(limit: AnswerLimit) -> int:
    """Tokens for which there must be room: how long the rationales are is not known yet."""
    return 1 if limit == "auto" else limit


_SPECIAL = 8
"""Tokens that a tokenizer may add to a text; of the text itself there are no more than it has bytes."""


def _longer(format: PromptFormat, problems: Sequence[Problem], room: int) -> list[str]:
    """The prompts that may have more than so many tokens."""
    prompts = [format.prompt(problem.text) for problem in problems]
    return [prompt for prompt in prompts if len(prompt.encode(errors="replace")) + _SPECIAL > room]


def _check_memory(
    student: Student,
    loaded: LoadedModel,
    format: PromptFormat,
    config: RunConfig,
    problems: Sequence[Problem],
    tree: bool,
    reflection: Reflection | None,
) -> None:
    """The longest problem as an example: weights, gradients, the optimiser's moments and its activations must fit."""
    longest = max(problems, key=lambda problem: len(problem.text), default=None)
    if longest is None or len(format.prompt_ids(format.prompt(longest.text))) >= config.training.max_tokens:
        return
    example = TrainingExample(longest, state_answer(longest.rationale or "", longest.answer))
    dataset = StepDataset(format, [example], config.training, config.seed, reflection)
    dataset.tree = tree
    ranks = student.ranks
    shards = 1 if ranks is None or config.training.parallel == "ddp" else ranks.size
    fit_micro_batches(loaded.model, dataset, shards == 1 and student.dtype != torch.float32, lambda text: None, shards)
