"""The one model in memory. A run has many students, but only the last one used is loaded."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable

import torch

from tutelage.student.model import LoadedModel
from tutelage.student.training.precision import FullPrecision

Load = Callable[[torch.dtype], LoadedModel]
"""Loads a model with its weights in a precision."""


class OneModel:
    """Holds at most one model, under the key of the student that it belongs to.

    A model that was loaded in float32 keeps those weights while it answers in bfloat16. So between a training, the
    exams after it and the next training nothing is read from disk.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._student: LoadedModel | None = None
        self._full: FullPrecision | None = None

    def hold(self, key: Hashable, dtype: torch.dtype, load: Load) -> LoadedModel:
        """The model of this key, at least as precise as `dtype`; it is loaded unless it is already held."""
        if self._student is None or self._key != key or not self._turn(self._student, dtype):
            self.release()
            self._student, self._key = load(dtype), key
        return self._student

    def take(self, key: Hashable, dtype: torch.dtype, load: Load) -> LoadedModel:
        """The model of this key, given away: the caller may change it."""
        student = self.hold(key, dtype, load)
        self._student = self._full = None
        return student

    def put(self, key: Hashable, student: LoadedModel) -> None:
        """Hold this model from now on, under a key."""
        self.release()
        self._student, self._key = student, key

    def release(self) -> None:
        """Free the memory; the next use loads again."""
        self._student = self._full = None
        gc.collect()  # after training, the model is in reference cycles
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _turn(self, student: LoadedModel, dtype: torch.dtype) -> bool:
        """Cast the held weights in place; False if they were never loaded as precisely as that."""
        held = student.model.dtype
        if held.itemsize < 4 and held != dtype:
            if self._full is None:
                return False
            self._full.restore()
            self._full = None
        if dtype == torch.bfloat16 and held != dtype:
            self._full = FullPrecision(student.model, dtype)
        return True
