"""Tutelage teaches small language models to reason.

>>> from tutelage import load_config, run
>>> result = run(load_config("examples/demo.yaml"), "runs/demo")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.api import ask, evaluate, load_task, results, run, study
    from tutelage.config import RunConfig
    from tutelage.config_file import load_config

__version__ = "0.1.0"
__all__ = ["RunConfig", "__version__", "ask", "evaluate", "load_config", "load_task", "results", "run", "study"]


def __getattr__(name: str) -> object:
    """The public names, loaded when they are asked for: the command should start at once."""
    if name not in __all__:
        raise AttributeError(f"module 'tutelage' has no attribute {name!r}")
    homes = {"RunConfig": "tutelage.config", "load_config": "tutelage.config_file"}
    return getattr(import_module(homes.get(name, "tutelage.api")), name)
