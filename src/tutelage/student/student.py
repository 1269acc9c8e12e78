"""The student as the rounds use it: it answers, trains, and is saved to a folder. The model is loaded at first use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from tutelage.config import AnswerLimit, StudentConfig, TrainingConfig
from tutelage.errors import StudentError
from tutelage.mistakes.repair import Repair
from tutelage.records import Completion, Problem, TrainingExample, WorkedExample
from tutelage.run_records import AskedAs, Precision, TrainingSummary
from tutelage.runs.files import digest, plain
from tutelage.student.asked import PROMPT_FILE, PromptSettings, asked_as
from tutelage.student.elsewhere import sampler_elsewhere, whole_folder
from tutelage.student.engines.engine import Engine
from tutelage.student.fitness import positions_of
from tutelage.student.kept_adapters import holds_adapters
from tutelage.student.model import (
    LoadedModel,
    copy_student,
    keep_as_stored,
    load_student,
    load_tokenizer,
    pick_device,
    precision_of,
    save_round,
    save_student,
    stored_as,
)
from tutelage.student.one_model import OneModel
from tutelage.student.prompts import PromptFormat
from tutelage.student.quantised import load_quantised
from tutelage.student.sampler import Sampled, SamplingSettings, StopCriteria
from tutelage.student.training.reflection import Reflection
from tutelage.student.training.step_log import StepsDone
from tutelage.student.training.train import TrainOptions, train

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks

_OF_THE_PLACE = {"device", "engine", "server", "server_command", "server_timeout", "server_key_env"}
"""Settings of where a student computes, which its answers do not depend on."""

Answered = Callable[[int, list[Completion]], None]
"""Called with the index of a problem and its completions."""


class GoneError(StudentError):
    """The model of a round is needed, and was removed (`rounds.keep`)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the model {folder} is gone; the command that made it trains it again")
        self.folder = folder


class Student:
    """The student at one point of a run.

    `folder` is where it is saved; None: the untrained model of the configuration. `key` identifies what it has learnt:
    students with the same key give the same answers. `engine` samples for it and its later versions. `answer_tokens`
    is the limit for its answers by the rationales that it has learnt from; None: it has learnt nothing. `precision` is
    what it computes in; None: it is chosen at first use. `system` is the message above all of its questions, if any.
    `asked` is how it is asked, and why; None: by its settings or its files. `ranks` are the processes that train it
    together. Raises StudentError if the model is looked at for that, and has no tokenizer.
    """

    def __init__(  # noqa: PLR0913 - all that its answers follow from
        self,
        config: StudentConfig,
        examples: Sequence[WorkedExample],
        folder: Path | None = None,
        *,
        key: str | None = None,
        engine: Engine | None = None,
        memory: OneModel | None = None,
        answer_tokens: int | None = None,
        precision: Precision | None = None,
        system: str | None = None,
        asked: AskedAs | None = None,
    ) -> None:
        self.asked = asked or asked_as(config)
        self.config = config = config.model_copy(update={"prompt": self.asked.prompt})
        self.folder, self.answer_tokens, self.system = folder, answer_tokens, system
        thinking = [config.thinking] if self.asked.thinks else []  # of others, the key is as it was without the setting
        self.key = key or digest(config.model_dump(exclude=_OF_THE_PLACE | {"thinking"}), str(folder), *thinking)
        self.engine = engine or Engine(config.engine, config=config)
        self.examples = examples[: config.few_shot]
        self.memory = memory or OneModel()
        self._precision = precision
        self.ranks: Ranks | None = None
        self._own: LoadedModel | None = None
        self._read: tuple[PreTrainedTokenizerBase, int | None] | None = None

    def at(self, folder: Path, key: str, answer_tokens: int | None = None) -> Student:
        """The same student at a later point, saved in `folder`."""
        later = copy(self)
        later.folder, later.key, later.answer_tokens = folder, key, answer_tokens
        return later

    def asked_with(self, examples: Sequence[WorkedExample]) -> Student:
        """The same student with these worked examples before every question."""
        other = copy(self)
        other.config, other.examples = self.config.model_copy(update={"few_shot": len(examples)}), examples
        return other

    def answer(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[int],
        settings: SamplingSettings,
        answered: Answered,
        prefixes: Sequence[str] = (),
    ) -> Sampled:
        """Pass completions for every problem to the callback, in any order; see Sampler.

        With `prefixes`, one for each problem, the answers begin with them, without a thought; the completions are what
        follows.
        """
        if not problems:  # of several processes one may have none
            return Sampled(0, 0)
        elsewhere = self.engine.loads_folders and self._own is None  # weights in training are not on disk
        if elsewhere:
            tokenizer, end_tokens, positions = load_tokenizer(self.config, self.source)
        else:
            loaded = self.loaded(self.dtype)
            tokenizer, end_tokens = loaded.tokenizer, loaded.end_tokens
            positions = positions_of(loaded.model.config)
        format = self.format(tokenizer, positions)
        if prefixes:
            format = replace(format, thinking="off")
        begun = format.all_begun_ids([problem.text for problem in problems], prefixes)
        prompts = [(*question, *beginning) for question, beginning in begun]
        format.refuse_too_long(max(map(len, prompts), default=0), settings.max_new_tokens)
        ends = StopCriteria(tokenizer, end_tokens | {format.end}, format.stop_strings, format.opening)
        if elsewhere:
            sampler = sampler_elsewhere(self, prompts, seeds, settings, ends)
        else:
            sampler = self.engine.torch(self.loaded(self.dtype).model, ends, prompts, settings)
        return sampler.sample(
            prompts, seeds, settings, lambda n, rows: answered(n, [ends.completion(row, begun[n][1]) for row in rows])
        )

    @property
    def source(self) -> Path | None:
        """The folder of the model. Raises GoneError if it was removed to free disk."""
        if self.folder is not None and not self.folder.is_dir():
            raise GoneError(self.folder)
        return self.folder

    def _tokenizer(self) -> tuple[PreTrainedTokenizerBase, int | None]:
        """Tokenizer and context length, which are the same at every point of a run."""
        if self._read is None:
            folder = self.folder if self.folder is not None and self.folder.is_dir() else None
            tokenizer, _, positions = load_tokenizer(self.config, folder)
            self._read = tokenizer, positions
        return self._read

    def rationale_tokens(self, rationales: Sequence[str]) -> list[int]:
        """How many tokens each rationale takes to write, the end token among them."""
        return list(map(len, self.format(*self._tokenizer()).all_completion_ids(rationales)))

    @property
    def thinks(self) -> bool:
        """Whether it may think before it answers."""
        return self.asked.thinks and self.config.thinking == "keep"

    def room_for_answers(self, questions: Sequence[str], prefixes: Sequence[str] = ()) -> int | None:
        """Tokens that are left for an answer to the longest of these questions; None if it can look at any number.

        With `prefixes`, one for each question, for what follows them.
        """
        return self.format(*self._tokenizer()).room_for_answers(questions, prefixes)

    def learn(  # noqa: PLR0913 - all that a training asks of a run
        self,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        *,
        seed: int,
        checkpoints: Path,
        folder: Path,
        advance: StepsDone,
        planned: Callable[[int, int], None] = lambda steps, done: None,
        check: Callable[[Student], float] | None = None,
        steps: Path | None = None,
        reflection: Reflection | None = None,
        repairs: Sequence[Repair] = (),
    ) -> TrainingSummary:
        """Train for one round and save the new student in `folder`; this student can't be used afterwards.

        `checkpoints` lets a stopped training resume after its last complete epoch. `check` measures the current
        accuracy for the guard, between 0 and 1. `steps` is the file of the StepRecords, `reflection` a custom loss.
        `repairs` are mistakes put right, for `reflection: repair`.
        `planned` is called once with the number of steps and of those already done. Raises StudentError.
        """
        self.engine.rest()
        # The weights are about to change, so the model must no longer be held under the old key.
        if self.config.weights == "qlora":
            whole = whole_folder(self)
            self.release()
            loaded = self._with_its_end(load_quantised(self.config, self.source, whole))
        else:
            loaded = self.memory.take(self._place(self.folder), torch.float32, self._load)
        lora = None if self.config.weights == "full" else self.config.lora
        accuracy = None if check is None else partial(check, self._in_training(loaded))
        options = TrainOptions(
            self.dtype, lora, advance, self.engine.say, steps, accuracy, planned, reflection, repairs, self.ranks
        )
        format = self.format_of(loaded)
        summary = train(loaded, format, examples, config, seed=seed, checkpoints=checkpoints, options=options)
        first = self.ranks is None or self.ranks.first
        if first or loaded.whole:  # a student that was split is of use to the first alone
            keep_as_stored(loaded)
        if first:
            save_round(loaded, folder)
        if loaded.whole:
            self.memory.put(self._place(folder), loaded)  # what comes next answers with it
        return summary

    def _in_training(self, loaded: LoadedModel) -> Student:
        """A student that answers with the current weights during training."""
        student = copy(self)
        student.memory, student._own = OneModel(), loaded
        return student

    def save(self, folder: Path, notes: str, max_new_tokens: AnswerLimit = "auto") -> None:
        """Save the student as a Hugging Face folder, with a model card and its prompt settings.

        `max_new_tokens` is the setting by which its answers were cut where it was evaluated.
        """
        asking = PromptSettings(
            self.asked.prompt,
            list(self.examples),
            self.system,
            self.config.thinking,
            max_new_tokens,
            self.answer_tokens,
        )
        texts = {"README.md": notes, PROMPT_FILE: json.dumps(plain(asking), indent=2, ensure_ascii=False) + "\n"}
        source = self.source
        if source is None or holds_adapters(source):
            save_student(self.loaded(stored_as(self.config)), folder, texts)
        else:
            copy_student(source, folder, texts)

    def release(self) -> None:
        """Free the memory of the model; the next use loads it again."""
        self.memory.release()

    @property
    def device(self) -> torch.device:
        """The device of the model. Raises StudentError if it is not available."""
        return pick_device(self.config.device)

    @property
    def precision(self) -> Precision:
        """The precision of the computation, and why. Raises StudentError."""
        if self._precision is None:
            self._precision = precision_of(self.config)
        return self._precision

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights in computation."""
        return getattr(torch, self.precision.dtype)

    def loaded(self, dtype: torch.dtype) -> LoadedModel:
        """The model with its weights in a precision. Saved weights are float32, so they are never cast up."""
        return self._own or self.memory.hold(self._place(self.folder), dtype, self._load)

    def _place(self, folder: Path | None) -> tuple[object, ...]:
        return self.config.model, self.config.device, folder

    def _load(self, dtype: torch.dtype) -> LoadedModel:
        return self._with_its_end(load_student(self.config, self.source, dtype))

    def _with_its_end(self, loaded: LoadedModel) -> LoadedModel:
        if self.asked.prompt == "chat":
            loaded.turn_end = self.format_of(loaded).end
        return loaded

    def format_of(self, loaded: LoadedModel) -> PromptFormat:
        """The prompt format of the loaded model."""
        return self.format(loaded.tokenizer, positions_of(loaded.model.config))

    def format(self, tokenizer: PreTrainedTokenizerBase, positions: int | None = None) -> PromptFormat:
        """The prompt format. Raises StudentError if the tokenizer or its chat template can't be used."""
        chat, thinking = self.asked.prompt == "chat", self.config.thinking
        format = PromptFormat(tokenizer, self.examples, chat, positions, thinking)
        format.check()
        return format
