"""The user's own objects in a run: a task, a teacher, a self-reflection loss, an engine.

own = OwnParts(task=MyTask(), teacher=MyTeacher())
own.keys(config)      {"task": "my-task 1", "teacher": "my-teacher 1"}: part of a run's identity, beside its settings
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tutelage.config import RunConfig, TaskConfig
from tutelage.contracts import key_of, told
from tutelage.errors import ConfigError
from tutelage.tasks.catalog import code_of
from tutelage.tasks.task import Task
from tutelage.teacher.teacher import Teacher

if TYPE_CHECKING:
    from tutelage.student.sampler import SamplerFactory
    from tutelage.student.training.reflection import Reflection


@dataclass(frozen=True, slots=True)
class OwnParts:
    """The objects that replace parts of the configuration; None: not replaced."""

    task: Task | None = None
    teacher: Teacher | None = None
    reflection: Reflection | None = None
    engine: SamplerFactory | None = None

    def keys(self, config: RunConfig) -> dict[str, str]:
        """The keys of the user's own objects and files. Raises ConfigError."""
        given = {"task": self.task, "teacher": self.teacher, "reflection": self.reflection, "engine": self.engine}
        code = code_of(config.task) if self.task is None else {}
        return code | {role: key_of(role, part) for role, part in given.items() if part is not None}

    def applied(self, config: RunConfig) -> RunConfig:
        """The configuration of a run with these parts: a given task replaces the section `task`.

        Raises ConfigError if a part would have no effect.
        """
        training = config.training
        if self.reflection is not None and (training.reflection == "none" or not training.reflection_weight):
            off = "reflection is 'none'" if training.reflection == "none" else "reflection_weight is 0"
            raise ConfigError(f"training.{off}, so the reflection given would have no say; set it, or give none")
        if self.task is None:
            return config
        name = getattr(self.task, "name", None)
        return config.model_copy(update={"task": TaskConfig(name=name if isinstance(name, str) else "own")})

    def in_arm(self, config: RunConfig, base: RunConfig) -> OwnParts:
        """The parts for a study's arm: an arm that changes the base's teacher or loss does not use the user's."""
        ours, theirs = config.training, base.training
        silent = ours.reflection == "none" or not ours.reflection_weight
        return replace(
            self,
            teacher=self.teacher if config.teacher.kind == base.teacher.kind else None,
            reflection=None if silent or ours.reflection != theirs.reflection else self.reflection,
        )

    def need_pickling(self) -> None:
        """Check that the parts can be pickled for the processes of several seeds. Raises ConfigError."""
        try:
            pickle.dumps(self)
        except Exception as error:  # the user's objects may fail in any way
            raise ConfigError(f"several jobs need parts that can be pickled ({told(error)}); use one job") from error
