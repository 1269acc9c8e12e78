"""The one owner of models in memory: a run has many students, and one of them loaded at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable

import torch

from tutelage.student.model import LoadedModel


class OneModel:
    """Holds the model that was asked for last; it lets go of it before another one is loaded."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._student: LoadedModel | None = None

    def hold(self, key: Hashable, load: Callable[[], LoadedModel]) -> LoadedModel:
        """The student of this key, loaded unless it is the one held."""
        if self._student is None or self._key != key:
            self.release()
            self._student, self._key = load(), key
        return self._student

    def take(self, key: Hashable, load: Callable[[], LoadedModel]) -> LoadedModel:
        """The same, which from now on belongs to the caller, who may change it."""
        student = self.hold(key, load)
        self._student = None
        return student

    def release(self) -> None:
        """Free the memory; the next use loads again."""
        self._student = None
        gc.collect()  # a training leaves its model in circles
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
