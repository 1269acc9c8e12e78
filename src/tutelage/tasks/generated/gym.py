"""Seeded rows of reasoning-gym. Only this module imports it: it is slow to import and changes global state.

{"question": "…", "answer": "16", "metadata": {"animals": {"cow": 3, "duck": 2}, "total_legs": 16, …}}
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from types import ModuleType
from typing import Any, cast

from tutelage.errors import ConfigError

Row = Mapping[str, Any]

_BLOCK = 1_000


def gym_rows(dataset: str, seed: int, settings: Mapping[str, object]) -> Iterator[Row]:
    """An endless stream of a dataset's rows. Raises ConfigError for settings that reasoning-gym refuses."""
    for block in count():
        rows = _create(dataset, f"{dataset} {seed} {block}", settings)
        for index in range(_BLOCK):
            with untouched_random_state():
                row = rows[index]
            yield row


def _create(dataset: str, seed: str, settings: Mapping[str, object]) -> Sequence[Row]:
    with untouched_random_state():
        gym = _reasoning_gym()
        # reasoning-gym seeds row i with seed + i: neighbouring seeds would share almost all rows
        start = random.Random(seed).getrandbits(48)
        try:
            return gym.create_dataset(dataset, seed=start, size=_BLOCK, **settings)
        except (AssertionError, ValueError) as error:
            raise ConfigError(f"task.options of {dataset}: {error}") from None


def _reasoning_gym() -> Any:  # noqa: ANN401  (it has no types)
    """The package; imported lazily, since that takes a second."""
    if importlib.util.find_spec("pycosat") is None:
        # It has no wheels and needs a C compiler. reasoning-gym imports it, but only zebra puzzles use it.
        sys.modules["pycosat"] = ModuleType("pycosat")
    return cast(Any, importlib.import_module("reasoning_gym"))


@contextmanager
def untouched_random_state() -> Generator[None]:
    """Restore Python's and NumPy's global random state at the end of the `with` block."""
    state = random.getstate()
    numpy = cast(Any, sys.modules.get("numpy"))
    numpy_state = numpy.random.get_state() if numpy else None
    try:
        yield
    finally:
        random.setstate(state)
        if numpy:
            numpy.random.set_state(numpy_state)


def animal_legs() -> Mapping[str, int]:
    """The number of legs of each of reasoning-gym's animals."""
    with untouched_random_state():
        _reasoning_gym()
        return importlib.import_module("reasoning_gym.arithmetic.leg_counting").ANIMALS
