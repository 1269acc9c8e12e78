"""The command, called in this process as a user calls it, and settings for the smallest run."""

import os

from typer.testing import CliRunner, Result

from tutelage.cli import app

SETTINGS = {
    "task": {"name": "leg_counting", "train": 4, "validation": 2, "test": 3, "options": {"max_animals": 2}},
    "exam": {"samples": 1, "max_new_tokens": 6},
    "evaluation": {"max_new_tokens": 6},
    "training": {"epochs": 1, "batch_size": 4},
    "rounds": {"max": 1},
}


UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")} | {
    "OMP_NUM_THREADS": "1"
}
"""For processes that get a Ctrl-C: where it meets coverage holding its lock, they would wait for it for good."""


def tutelage(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
