"""The command, called in this process as a user calls it, and settings for the smallest run."""

from typer.testing import CliRunner, Result

from tutelage.cli import app

SETTINGS = {
    "task": {"name": "leg_counting", "train": 4, "validation": 2, "test": 3, "options": {"max_animals": 2}},
    "exam": {"samples": 1, "max_new_tokens": 6},
    "evaluation": {"max_new_tokens": 6},
    "training": {"epochs": 1, "batch_size": 4},
    "rounds": {"max": 1},
}


def tutelage(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
