"""The settings of a run: their types and bounds, what contradicts what, and YAML in and out (`file.py`)."""

from tutelage.config.base import Section, Seed
from tutelage.config.run_config import RunConfig
from tutelage.config.sections import (
    AnswerLimit,
    EvaluationConfig,
    ExamConfig,
    GuardConfig,
    LoraConfig,
    RoundsConfig,
    StudentConfig,
    TaskConfig,
    TrainingConfig,
)
from tutelage.config.teacher_config import BudgetConfig, PriceConfig, TeacherConfig

__all__ = [
    "AnswerLimit",
    "BudgetConfig",
    "EvaluationConfig",
    "ExamConfig",
    "GuardConfig",
    "LoraConfig",
    "PriceConfig",
    "RoundsConfig",
    "RunConfig",
    "Section",
    "Seed",
    "StudentConfig",
    "TaskConfig",
    "TeacherConfig",
    "TrainingConfig",
]
