"""The student as the rounds see it: it answers, it learns, it is kept in a folder. Loaded at its first use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase

from tutelage.config import StudentConfig, TrainingConfig
from tutelage.records import Completion, Problem, TrainingExample, WorkedExample
from tutelage.run_records import TrainingSummary
from tutelage.runs.files import digest, read_record
from tutelage.student.engines.engine import Engine
from tutelage.student.fitness import positions_of
from tutelage.student.model import LoadedModel, load_student, load_tokenizer, model_folder, pick_device, save_student
from tutelage.student.one_model import OneModel
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampler import Advance, Sampled, SamplingSettings, StopCriteria
from tutelage.student.training.precision import compute_dtype
from tutelage.student.training.train import TrainOptions, train

PROMPT_FILE = "tutelage.json"
"""File beside a saved student: the form of its prompts."""

Answered = Callable[[int, list[Completion]], None]
"""Handed the completions of a problem, by its place among those asked."""


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """What stands in that file."""

    prompt: Literal["plain", "chat"]
    examples: list[WorkedExample]


class Student:
    """The student at one point of a run.

    `folder` is where it is saved; None is the model that the configuration names, untrained. `key` stands for what it
    has learnt: two students with one key answer alike. `engine` samples for it, and for all that it becomes.
    `answer_tokens` are as many as its answers may take by what it has learnt from; None: it has learnt nothing.
    """

    def __init__(
        self,
        config: StudentConfig,
        examples: Sequence[WorkedExample],
        folder: Path | None = None,
        *,
        key: str | None = None,
        engine: Engine | None = None,
        memory: OneModel | None = None,
        answer_tokens: int | None = None,
    ) -> None:
        self.config, self.folder, self.answer_tokens = config, folder, answer_tokens
        self.key = key or digest(config.model_dump(exclude={"device", "engine"}), str(folder))
        self.engine = engine or Engine(config.engine)
        self.examples = examples[: config.few_shot]
        self.memory = memory or OneModel()
        self._own: LoadedModel | None = None

    def at(self, folder: Path, key: str, answer_tokens: int | None = None) -> Student:
        """The same student at a later point, saved in `folder`."""
        return Student(
            self.config,
            self.examples,
            folder,
            key=key,
            engine=self.engine,
            memory=self.memory,
            answer_tokens=answer_tokens,
        )

    def asked_with(self, examples: Sequence[WorkedExample]) -> Student:
        """The same student, asked with these worked examples before every question."""
        config = self.config.model_copy(update={"few_shot": len(examples)})
        return Student(config, examples, self.folder, key=self.key, engine=self.engine, memory=self.memory)

    def answer(
        self, problems: Sequence[Problem], seeds: Sequence[int], settings: SamplingSettings, answered: Answered
    ) -> Sampled:
        """Completions for every problem, handed over in any order; see Sampler."""
        vllm = self.engine.is_vllm and self._own is None  # weights in training are in no folder
        if vllm:
            self.release()  # vLLM loads the weights itself, and wants the memory
            tokenizer, end_tokens, positions = load_tokenizer(self.config, self.folder)
        else:
            loaded = self.loaded(self.dtype)
            tokenizer, end_tokens = loaded.tokenizer, loaded.end_tokens
            positions = positions_of(loaded.model.config)
        format = self.format(tokenizer, positions)
        prompts = [tuple(format.prompt_ids(format.prompt(problem.text))) for problem in problems]
        format.refuse_too_long(max(map(len, prompts), default=0), settings.max_new_tokens)
        ends = StopCriteria(tokenizer, end_tokens, format.stop_strings)
        if vllm:
            sampler = self.engine.vllm(self.folder or model_folder(self.config.model), ends, settings.rows, self.dtype)
        else:
            sampler = self.engine.torch(self.loaded(self.dtype).model, ends, prompts, settings)
        return sampler.sample(
            prompts, seeds, settings, lambda n, rows: answered(n, [ends.completion(row) for row in rows])
        )

    def rationale_tokens(self, rationales: Sequence[str]) -> list[int]:
        """How many tokens each rationale takes to write, the end token among them."""
        tokenizer, _, _ = load_tokenizer(self.config, self.folder)
        format = self.format(tokenizer)
        return [len(format.completion_ids(text)) for text in rationales]

    def room_for_answers(self, questions: Sequence[str]) -> int | None:
        """Tokens that are left for an answer to the longest of these questions; None if it can look at any number."""
        tokenizer, _, positions = load_tokenizer(self.config, self.folder)
        if positions is None:
            return None
        format = self.format(tokenizer, positions)
        return positions - max((len(format.prompt_ids(format.prompt(text))) for text in questions), default=0)

    def learn(  # noqa: PLR0913 - all that a training asks of a run
        self,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        *,
        seed: int,
        checkpoints: Path,
        folder: Path,
        advance: Advance,
        planned: Callable[[int, int], None] = lambda steps, done: None,
        check: Callable[[Student], float] | None = None,
        steps: Path | None = None,
    ) -> TrainingSummary:
        """Train for one round and save what the student has become in `folder`; this student is used up by it.

        `checkpoints` lets a stopped training go on at its last whole epoch. `check` is what the guard asks, beside the
        likelihood that it sees itself, for the accuracy of the student in its present state: a share. `steps` is the
        file of the StepRecords. `planned` is told once how many steps there are, and how many were taken before.
        Raises StudentError.
        """
        self.engine.rest()
        # The weights are about to change: nobody may take them for the old student's.
        loaded = self.memory.take(*self._to_load(torch.float32))
        lora = self.config.lora if self.config.weights == "lora" else None
        accuracy = None if check is None else partial(check, self._in_training(loaded))
        options = TrainOptions(self.dtype, lora, advance, self.engine.say, steps, accuracy, planned)
        format = self.format_of(loaded)
        summary = train(loaded, format, examples, config, seed=seed, checkpoints=checkpoints, options=options)
        save_student(loaded, folder)
        return summary

    def _in_training(self, loaded: LoadedModel) -> Student:
        """The student as it is while its weights change: it answers by them, wherever they have come to."""
        student = Student(self.config, self.examples, self.folder, key=self.key, engine=self.engine)
        student._own = loaded
        return student

    def save(self, folder: Path, notes: str) -> None:
        """Write the student as a Hugging Face folder with a model card, and how it is used to be asked."""
        asking = asdict(PromptSettings(self.config.prompt, list(self.examples)))
        texts = {"README.md": notes, PROMPT_FILE: json.dumps(asking, indent=2, ensure_ascii=False) + "\n"}
        save_student(self.loaded(torch.float32), folder, texts)

    def release(self) -> None:
        """Free the memory of the model; the next use loads it again."""
        self.memory.release()

    @property
    def device(self) -> torch.device:
        """Where it computes. Raises StudentError if there is no such device."""
        return pick_device(self.config.device)

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it computes in."""
        return compute_dtype(self.config, self.device)

    def loaded(self, dtype: torch.dtype) -> LoadedModel:
        """The model with its weights in a precision; they are kept in float32, so that one is never cast up."""
        return self._own or self.memory.hold(*self._to_load(dtype))

    def _to_load(self, dtype: torch.dtype) -> tuple[tuple[object, ...], Callable[[], LoadedModel]]:
        key = self.config.model, self.config.device, self.folder, dtype
        return key, partial(load_student, self.config, self.folder, dtype)

    def format_of(self, loaded: LoadedModel) -> PromptFormat:
        """How it is asked, once it is loaded."""
        return self.format(loaded.tokenizer, positions_of(loaded.model.config))

    def format(self, tokenizer: PreTrainedTokenizerBase, positions: int | None = None) -> PromptFormat:
        """How it is asked. Raises StudentError where its tokenizer or its template can't ask."""
        format = PromptFormat(tokenizer, self.examples, self.config.prompt == "chat", positions)
        format.check()
        return format


def taught_prompts(model: str) -> PromptSettings | None:
    """How the student saved in the folder `model` is used to be asked; None for a model of other origin."""
    path = Path(model) / PROMPT_FILE
    return read_record(path, PromptSettings) if path.is_file() else None
