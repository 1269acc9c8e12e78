"""What a run has left: its result and those of its rounds, and whether it is the run of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tutelage.config import RunConfig
from tutelage.config.file import parse_written, read_yaml_file
from tutelage.errors import ConfigError, RunError
from tutelage.renamed import differing, modern, retired_in
from tutelage.run_records import RESULT_VERSION, RoundResult, RunResult
from tutelage.runs.files import RESTORE, exists, read_json, read_record
from tutelage.runs.layout import RESULT, round_folders
from tutelage.runs.mark import RESTORE_OR_LEAVE, read_mark
from tutelage.runs.resume_rules import IDLE, differences, other_contents
from tutelage.runs.stage import changed, entries
from tutelage.runs.versions import check_major

Result = TypeVar("Result", RoundResult, RunResult)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run is made from.

    `data` is a digest of the task's problems; None: not compared. `parts` has the keys of the user's own task, teacher,
    …, `pins` the digests of what else is read (rounds/pins.py); of those a run may have fewer.
    """

    config: RunConfig
    data: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    pins: Mapping[str, str] = field(default_factory=dict[str, str])


def read_result(root: Path) -> RunResult | None:
    """The result of a finished run; None if it has not finished. Raises RunError where there is no run."""
    if not exists(root / "run.json"):
        raise RunError(f"{root} is not a run directory; `tutelage run CONFIG --out {root}` starts a run there")
    read_mark(root / "run.json")
    return read_kept(root, RunResult)


def read_finished(root: Path, inputs: Inputs) -> RunResult | None:
    """The result of a run that finished from these inputs (see `has_run`); None if there is none.

    It is also None if a file of the run has changed since. A run that goes on finds the change and redoes the work.
    """
    return read_result(root) if has_run(root, inputs) and is_as_written(root) else None


def is_as_written(root: Path) -> bool:
    """Whether the files of all finished stages are unchanged. The models of rounds are not read."""
    return not any(
        changed(folder, name, entry, but="model")
        for folder in [root, *round_folders(root)]
        for name, entry in entries(folder).items()
    )


def has_run(root: Path, inputs: Inputs) -> bool:
    """Whether a directory has a run of these inputs; settings that don't affect a finished run are ignored."""
    if not exists(root / "run.json") or not (root / "config.yaml").exists():
        return False
    mark = read_mark(root / "run.json")
    if inputs.data is not None and mark["data"] != inputs.data:
        return False
    if mark.get("parts", {}) != inputs.parts or other_contents(mark.get("pins", {}), inputs.pins):
        return False
    return not differences(read_config(root), inputs.config, IDLE)


def read_kept(folder: Path, kind: type[Result]) -> Result | None:
    """The result.json of a run or a round; None if there is none.

    Raises RunError if it has changed or is of another major version.
    """
    path, entry = folder / RESULT, entries(folder).get("result")
    if not path.exists():
        return None
    if entry and (fault := changed(folder, "result", entry)):
        raise RunError(f"{fault}; restore it, or start the run again: it is then rewritten")
    if kind is RunResult:
        check_major(path, "version", read_json(path, RESTORE).get("version", RESULT_VERSION), RESULT_VERSION)
    return read_record(path, kind)


def read_config(root: Path) -> RunConfig:
    """The configuration of a run, as run. Raises RunError if it cannot be read, or can't be run as it was."""
    path = root / "config.yaml"
    try:
        settings = modern(read_yaml_file(path))
        for key, value in differing(retired_in(settings)).items():
            began = f"{root} began with {key}: {value}, which is retired, so it cannot go on"
            raise RunError(f"{began}; choose another directory with --out")
        return parse_written(settings, origin=str(path))
    except ConfigError as error:
        raise RunError(f"{error}; {RESTORE_OR_LEAVE}") from None
