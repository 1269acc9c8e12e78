"""RunConfig: every setting of a run with its type, unit, bounds and one sentence.

    task: {name: gsm8k, path: data/gsm8k}
    student: {model: smollm2-135m}
    teacher: {kind: openai, model: gpt-4.1-mini, budget: {requests: 2000}}

A setting that a file leaves out has its default; `file.py` reads and writes such files.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from tutelage.config.base import Section, Seed
from tutelage.config.contradictions import refuse_contradictions
from tutelage.config.sections import (
    EvaluationConfig,
    ExamConfig,
    RoundsConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from tutelage.config.teacher_config import TeacherConfig


class RunConfig(Section):
    """Every setting of a run."""

    task: TaskConfig
    student: StudentConfig = StudentConfig()
    teacher: TeacherConfig = TeacherConfig()
    exam: ExamConfig = ExamConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    training: TrainingConfig = TrainingConfig()
    rounds: RoundsConfig = RoundsConfig()
    seed: Seed = 0
    """Seed of exams, draws and the order of training."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        refuse_contradictions(self.student, self.teacher, self.training)
        return self
