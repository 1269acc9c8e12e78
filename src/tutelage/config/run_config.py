"""RunConfig: every setting of a run with its type, unit, bounds and one sentence.

    task: {name: gsm8k, path: data/gsm8k}
    student: {model: smollm2-135m}
    teacher: {kind: openai, model: gpt-4.1-mini, budget: {requests: 2000}}

A setting that a file leaves out has its default; `file.py` reads and writes such files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypeGuard

from pydantic import Field, field_validator, model_validator

from tutelage.config.base import Section, Seed
from tutelage.config.contradictions import refuse_contradictions
from tutelage.config.method import Method, with_method
from tutelage.config.sections import (
    EvaluationConfig,
    ExamConfig,
    RoundsConfig,
    StudentConfig,
    TaskConfig,
    Tracker,
    TrainingConfig,
)
from tutelage.config.teacher_config import TeacherConfig


class RunConfig(Section):
    """Every setting of a run. `parse_config` makes one of plain data; `tutelage.config` has the classes of sections."""

    task: TaskConfig
    method: Method = "tutelage"
    """Whose defaults hold for teacher, exam, training and rounds: ours, or those of the paper (docs/method.md)."""
    student: StudentConfig = StudentConfig()
    teacher: TeacherConfig = TeacherConfig()
    exam: ExamConfig = ExamConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    training: TrainingConfig = TrainingConfig()
    rounds: RoundsConfig = RoundsConfig()
    seed: Seed = 0
    """Seed of exams, draws and the order of training."""
    report_to: Sequence[Tracker] = Field(default_factory=list[Tracker])
    """Experiment trackers that are told of the run (docs/trackers.md): tensorboard, trackio, mlflow, wandb."""

    @model_validator(mode="before")
    @classmethod
    def _by_the_method(cls, data: object) -> object:
        return with_method(data)

    @field_validator("report_to", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        """One name, or several with commas, as elsewhere; `none` is none."""
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        return [name for name in dict.fromkeys(names) if name != "none"] if _are_texts(names) else value

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        refuse_contradictions(self.student, self.teacher, self.exam, self.training)
        return self


def _are_texts(value: object) -> TypeGuard[list[str] | tuple[str, ...]]:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)  # type: ignore[reportUnknownVariableType]
