"""The grader that stands beside exported data: grade.py, and grader.json with what it grades by."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from tutelage.config import TaskConfig
from tutelage.errors import RunError
from tutelage.export.data import Written
from tutelage.export.source import RunSource
from tutelage.records import AnswerKind
from tutelage.runs.files import write_json, write_text
from tutelage.tasks.catalog import match_of
from tutelage.user_code import is_code


def write_grader(source: RunSource, folder: Path) -> Written:
    """Write grade.py and grader.json. Raises RunError where the task is an object of the user's own program."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "grader.json", _settings(source))
    write_text(folder / "grade.py", resources.files("tutelage.export").joinpath("grade.py").read_text("utf-8"))
    return {"grade.py": 0, "grader.json": 0}


def _settings(source: RunSource) -> dict[str, Any]:
    task, parts = source.config.task, source.run.mark.get("parts", {})
    if "task" in parts and not is_code(task.name):
        raise RunError(
            f"{source.run.root} was begun from Python with a task of its own, whose grader stands in no file; name the"
            " task in a configuration as FILE.py:FUNCTION"
        )
    own = is_code(task.name) or task.grader is not None
    return {
        "kind": _kind(source),
        "match": match_of(task) or "exact",
        "f1": task.match_f1,
        "task": _placed(task).model_dump(mode="json") if own else None,
    }


def _placed(task: TaskConfig) -> TaskConfig:
    """The task, its files by their whole paths: it is graded in another folder."""
    files = {"path": task.path, "name": task.name if is_code(task.name) else None, "grader": task.grader}
    whole = {name: str(Path(file).absolute()) for name, file in files.items() if file and "://" not in file}
    return task.model_copy(update=whole)


def _kind(source: RunSource) -> AnswerKind:
    for row in source.problems("test"):
        return row.kind
    raise RunError(f"{source.run.root} has no test problems any more; restore its problems.jsonl")
