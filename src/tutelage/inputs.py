"""What a run reads, as it is now: its problems, and all that a finished run is compared with before its result is read.

What is gone cannot be compared. The result is read all the same, and it is said:

    runs/mine has finished, and its result is read; as they were: its settings, teacher.path; not compared, since it
    cannot be read: its problems (mine.jsonl: there is no such file …)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tutelage.config import RunConfig
from tutelage.errors import TutelageError
from tutelage.own_parts import OwnParts
from tutelage.rounds.pins import WORKED, pins
from tutelage.run_records import RunResult
from tutelage.runs.finished import Inputs, has_run, read_finished
from tutelage.runs.mark import read_mark
from tutelage.runs.source import Source, source_of
from tutelage.tasks.catalog import open_task
from tutelage.tasks.own import own_task
from tutelage.tasks.splits import LoadedTask
from tutelage.tasks.task import task_digest

Say = Callable[[str], None]


def opened(config: RunConfig, out: Path, say: Say, own: OwnParts) -> tuple[LoadedTask, Source | None]:
    """The task, and the commit of the hub that it is from: the run's own, once it has begun.

    Raises ConfigError and DataError.
    """
    if own.task:
        return own_task(own.task, config.task), None
    asked, kept = Source(config.task.path, config.task.revision, ""), _kept_source(config, out)
    settings = config.task if kept is None else config.task.model_copy(update={"revision": kept.commit})
    task = open_task(settings, say)
    if task.commit is None:
        return task, None
    say(f"the data of {settings.path or settings.name} is that of commit {task.commit}")
    return task, replace(asked, commit=task.commit)


def _kept_source(config: RunConfig, out: Path) -> Source | None:
    """The commit that the run has read, if the settings still ask for the same data set; it never changes."""
    kept = source_of(out)
    same = kept is not None and (kept.path, kept.revision) == (config.task.path, config.task.revision)
    return kept if same else None


def read_unchanged(config: RunConfig, root: Path, own: OwnParts, say: Say) -> RunResult | None:
    """The result of a run that finished from these settings and from what it would read now; None if there is none.

    No model is loaded. `say` is told what could not be compared.
    """
    inputs = Inputs(config, parts=own.keys(config))
    if (result := read_finished(root, inputs)) is None:
        return None
    inputs, fault = _with_contents(inputs, root, own, say)
    if not has_run(root, inputs):
        return None
    if told := not_compared(root, inputs, fault):
        say(told)
    return result


def _with_contents(inputs: Inputs, root: Path, own: OwnParts, say: Say) -> tuple[Inputs, str]:
    """The inputs with the contents that can be read, and why the problems can't be."""
    config, mark = inputs.config, read_mark(root / "run.json")
    if own.task is None and _kept_source(config, root):
        shown = {name: pin for name, pin in mark.get("pins", {}).items() if name.startswith(WORKED)}
        return replace(inputs, data=mark["data"], pins=pins(config, ()) | shown), ""
    try:
        task, _ = opened(config, root, say, own)
    except TutelageError as error:
        return replace(inputs, pins=pins(config, ())), str(error)
    return replace(inputs, data=task_digest(task), pins=pins(config, task.examples)), ""


def not_compared(root: Path, inputs: Inputs, fault: str = "") -> str | None:
    """What a run has read and `inputs` lack, and what is as it was, in words; None if they lack nothing.

    `fault` says why the problems cannot be read.
    """
    kept = read_mark(root / "run.json").get("pins", {})
    same = ["its settings", *(["its problems"] if inputs.data else []), *(name for name in kept if name in inputs.pins)]
    gone = [name for name in kept if name not in inputs.pins]
    if inputs.data is None:
        gone = [f"its problems ({fault})", *(name for name in gone if not name.startswith(WORKED))]
    if not gone:
        return None
    return (
        f"{root} has finished, and its result is read; as they were: {', '.join(same)}; not compared, since it cannot"
        f" be read: {', '.join(gone)}"
    )
