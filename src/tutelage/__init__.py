"""Tutelage teaches small language models to reason.

>>> from tutelage import load_config, run
>>> result = run(load_config("examples/demo.yaml"), "runs/demo")

Your own task, teacher, self-reflection loss or engine: docs/extending.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.api import ask, evaluate, load_task, results, run, study
    from tutelage.config import EvaluationConfig, RunConfig, StudentConfig, TaskConfig
    from tutelage.config.file import load_config, parse_config
    from tutelage.errors import (
        BudgetSpent,
        ConfigError,
        DataError,
        RunError,
        StudentError,
        TeacherError,
        TutelageError,
    )
    from tutelage.records import (
        Attempt,
        Choice,
        Completion,
        Exam,
        Feedback,
        FeedbackRequest,
        Problem,
        TrainingExample,
        Usage,
        Verdict,
        WorkedExample,
        state_answer,
    )
    from tutelage.student.sampler import Sampled, Sampler, SamplerFactory, SamplingSettings, StopCriteria
    from tutelage.student.training.reflection import Compared, Reflection, Seen
    from tutelage.tasks.task import Task
    from tutelage.teacher.teacher import Teacher

__version__ = "0.2.0"

_HOMES = {
    "api": ("ask", "evaluate", "load_task", "results", "run", "study"),
    "config": ("EvaluationConfig", "RunConfig", "StudentConfig", "TaskConfig"),
    "config.file": ("load_config", "parse_config"),
    "errors": ("BudgetSpent", "ConfigError", "DataError", "RunError", "StudentError", "TeacherError", "TutelageError"),
    "student.sampler": ("Sampled", "Sampler", "SamplerFactory", "SamplingSettings", "StopCriteria"),
    "student.training.reflection": ("Compared", "Reflection", "Seen"),
    "tasks.task": ("Task",),
    "teacher.teacher": ("Teacher",),
}
"""The modules that define the public names; all others are in `records`."""

__all__ = [
    "Attempt",
    "BudgetSpent",
    "Choice",
    "Compared",
    "Completion",
    "ConfigError",
    "DataError",
    "EvaluationConfig",
    "Exam",
    "Feedback",
    "FeedbackRequest",
    "Problem",
    "Reflection",
    "RunConfig",
    "RunError",
    "Sampled",
    "Sampler",
    "SamplerFactory",
    "SamplingSettings",
    "Seen",
    "StopCriteria",
    "StudentConfig",
    "StudentError",
    "Task",
    "TaskConfig",
    "Teacher",
    "TeacherError",
    "TrainingExample",
    "TutelageError",
    "Usage",
    "Verdict",
    "WorkedExample",
    "__version__",
    "ask",
    "evaluate",
    "load_config",
    "load_task",
    "parse_config",
    "results",
    "run",
    "state_answer",
    "study",
]


def __getattr__(name: str) -> object:
    """Import a public name on first access, so that the command starts fast."""
    if name not in __all__:
        raise AttributeError(f"module 'tutelage' has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "records")
    return getattr(import_module(f"tutelage.{home}"), name)
