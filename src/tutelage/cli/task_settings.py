"""The task of commands without a run: given by name or by a run's configuration, with the same settings as a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from tutelage.config import RunConfig, TaskConfig

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the task, such as task.kind=text; repeatable."),
]


def task_settings(task: str, given: Mapping[str, object], overrides: list[str] | None) -> TaskConfig:
    """`task` is a name, a YAML file with a `task:` section, or data. `given` overrides the file, `overrides` both.

    Raises ConfigError.
    """
    return run_settings(task, given, overrides).task


def run_settings(task: str, given: Mapping[str, object], overrides: list[str] | None) -> RunConfig:
    """The same with the settings of a run around the task's. Raises ConfigError."""
    from tutelage.config.file import is_data_file, parse_config, read_settings
    from tutelage.config.places import HUB_PLACE
    from tutelage.tasks.catalog import TASKS
    from tutelage.user_code import is_code

    if task not in TASKS and (is_data_file(task) or Path(task).is_dir() or HUB_PLACE.fullmatch(task)):
        task, given = "custom", {"path": task, **given}
    if task in TASKS or is_code(task) or not (Path(task).is_file() or task.endswith((".yaml", ".yml"))):
        return parse_config({"task": {"name": task, **given}}, overrides or [], origin=f"task {task}")
    data = read_settings(task)
    if isinstance(data, dict) and isinstance((section := cast(dict[str, Any], data).get("task")), dict):
        data = {**cast(dict[str, Any], data), "task": {**cast(dict[str, Any], section), **given}}
    return parse_config(cast(object, data), overrides or [], origin=task)
