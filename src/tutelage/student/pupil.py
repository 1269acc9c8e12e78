"""The student as the lessons see it: it answers, it learns, it is kept in a folder. Loaded at its first use."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from tutelage.config import StudentConfig, TrainingConfig
from tutelage.files import digest, read_json
from tutelage.records import Completion, Problem, TrainingExample, TrainingSummary, WorkedExample
from tutelage.student.decoding import SamplingSettings
from tutelage.student.model import Student, load_student, save_student
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampling import Advance, Sampler, TorchSampler
from tutelage.student.training import train

ASKING = "tutelage.json"
"""File beside a saved student: the form of its prompts."""

MakeSampler = Callable[[Student, PromptFormat], Sampler]


class Pupil:
    """The student at one point of its lessons.

    `folder` is where it is saved; None is the model that the configuration names, untrained. `key` stands for what it
    has learnt: two students with one key answer alike.
    """

    def __init__(
        self,
        config: StudentConfig,
        examples: Sequence[WorkedExample],
        folder: Path | None = None,
        *,
        key: str | None = None,
        make_sampler: MakeSampler = TorchSampler,
    ) -> None:
        self.config, self.folder = config, folder
        self.key = key or digest(config.model_dump(exclude={"device"}), str(folder))
        self._examples = examples[: config.few_shot]
        self._make_sampler = make_sampler
        self._student: Student | None = None

    def at(self, folder: Path, key: str) -> Pupil:
        """The same student at a later point, saved in `folder`."""
        return Pupil(self.config, self._examples, folder, key=key, make_sampler=self._make_sampler)

    def answer(
        self, problems: Sequence[Problem], seeds: Sequence[int], settings: SamplingSettings, advance: Advance
    ) -> list[list[Completion]]:
        """Completions for every problem, in order; see Sampler."""
        format = self._format
        prompts = [format.prompt(problem.text) for problem in problems]
        return self._make_sampler(self._loaded, format).sample(prompts, seeds, settings, advance)

    def learn(
        self,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        *,
        seed: int,
        checkpoints: Path,
        folder: Path,
        advance: Advance,
    ) -> TrainingSummary:
        """Train for one round and save what the student has become in `folder`; this pupil is used up by it.

        `checkpoints` lets a stopped training go on at its last whole epoch. Raises StudentError.
        """
        lora = self.config.lora if self.config.weights == "lora" else None
        student, format = self._loaded, self._format
        self._student = None  # the weights are about to change: nobody may take them for the old student's
        summary = train(
            student, format, examples, config, seed=seed, checkpoints=checkpoints, lora=lora, advance=advance
        )
        save_student(student, folder)
        return summary

    def save(self, folder: Path, notes: str) -> None:
        """Write the student as a Hugging Face folder with a model card, and how it is used to be asked."""
        asking = {"prompt": self.config.prompt, "examples": [asdict(example) for example in self._examples]}
        texts = {"README.md": notes, ASKING: json.dumps(asking, indent=2, ensure_ascii=False) + "\n"}
        save_student(self._loaded, folder, texts)

    def release(self) -> None:
        """Free the memory of the model; the next use loads it again."""
        self._student = None
        gc.collect()

    @property
    def _loaded(self) -> Student:
        if self._student is None:
            self._student = load_student(self.config, self.folder)
        return self._student

    @property
    def _format(self) -> PromptFormat:
        return PromptFormat(self._loaded.tokenizer, self._examples, chat=self.config.prompt == "chat")


def taught_prompts(model: str) -> tuple[Literal["plain", "chat"], list[WorkedExample]] | None:
    """How the student saved in the folder `model` is used to be asked; None for a model of other origin."""
    path = Path(model) / ASKING
    if not path.is_file():
        return None
    asking = read_json(path)
    return asking["prompt"], [WorkedExample(**example) for example in asking["examples"]]
