"""A run is a directory. Its files are always whole: each is written aside, synced and renamed, or gets rows appended.

runs/demo/
  run.json                     {"format": "1.1.0", "id": "b1946ac9…", "data": "591785b7…", "seal": "c3d1…"}
  config.yaml                  every setting, with the versions of Python and of the main packages
  ledger.sqlite                the teacher's replies
  round-01/stages.json         {"exam": {"key": "0f343b09…", "done": true, "seconds": 41.2}, …}
  round-01/exam.jsonl …        one row an attempt
  result.json                  the whole run in figures
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from tutelage.config import RunConfig
from tutelage.config.file import dump_config, read_written
from tutelage.errors import ConfigError, RunError
from tutelage.json_lines import is_unicode
from tutelage.run_records import RESULT_VERSION, AskedAs, Precision, RoundResult, RunResult, Work
from tutelage.runs.files import (
    RESTORE,
    digest,
    disk_errors,
    exists,
    plain,
    read_json,
    read_record,
    unfinished,
    write_json,
    write_text,
)
from tutelage.runs.resume_rules import FREE, IDLE, UNTRAINED, differences, other_contents, other_parts
from tutelage.runs.seals import content_of, is_sealed, sealed
from tutelage.runs.stage import Stage, changed, entries
from tutelage.runs.stage_cache import StageCache
from tutelage.runs.versions import FORMAT, check_major, is_version, newest

Result = TypeVar("Result", RoundResult, RunResult)

RESULT = "result.json"

_RESTORE = "restore it, or choose another directory with --out"

PACKAGES = ("tutelage", "torch", "transformers", "peft", "openai", "reasoning-gym")


class Run:
    """A run directory, opened for one configuration and one set of problems.

    `cache` holds finished stages of other runs on the same problems.
    """

    def __init__(
        self, root: Path, identity: str, cache: StageCache | None = None, parts: Mapping[str, str] | None = None
    ) -> None:
        self.root, self.id, self._cache, self.parts = root, identity, cache, parts or {}

    @classmethod
    def open(
        cls,
        root: Path,
        config: RunConfig,
        data: str,
        cache: StageCache | None = None,
        parts: Mapping[str, str] | None = None,
        kept: Mapping[str, Any] | None = None,
    ) -> Run:
        """Start a run in `root`, which is `locked`, or continue the one that is there.

        `data` is a digest of the task's problems, `parts` has the keys of what is the user's own: task, teacher, ….
        What is to be `kept` in run.json, if it is anything: `precision` for `kept_precision`, `asked` for `kept_asked`,
        `source` for `source_of`, and `pins`, the digests of what else is read, by names (rounds/pins.py).

        Raises:
            RunError: it has begun with another configuration, other problems or a newer version, or the disk is full.
        """
        marker = root / "run.json"
        new: dict[str, Any] = {"format": FORMAT, "id": uuid.uuid4().hex}
        found, kept = check_format(marker) if marker.exists() else new, {**(kept or {})}
        pins = kept.get("pins", {})
        if _begun(root):
            before = _config(root)
            other = other_parts(found.get("parts", {}), parts or {})
            if other := [*other, *differences(before, config, FREE if _trained(root) else FREE + UNTRAINED)]:
                what = f"{root} was run with other settings ({'; '.join(other[:3])})"
                raise RunError(f"{what}; set them back, or use another --out")
            if found["data"] != data:
                raise RunError(f"the problems of {root} have changed since it began; restore them or use another --out")
            if changed := other_contents(found.get("pins", {}), pins):
                raise RunError(
                    f"{root} began with another content of {', '.join(changed[:3])}; restore it, or use another --out"
                )
            kept["pins"] = {**found.get("pins", {}), **pins}
            if differences(before, config, IDLE):
                (root / "result.json").unlink(missing_ok=True)  # the run finished under the earlier settings
        own = {"parts": dict(parts)} if parts else {}
        mark = {name: value for name, value in found.items() if name not in ("parts", "pins")}
        mark |= {"format": newest(mark["format"], FORMAT), "data": data}
        mark |= {name: plain(value) for name, value in kept.items() if value}
        write_json(marker, sealed({**mark, **own}))
        write_text(root / "config.yaml", f"# As run, with {versions()}.\n{dump_config(config)}")
        of_students = {name: pin for name, pin in pins.items() if not name.startswith("teacher.")}
        under = [each for each in (own, of_students) if each]
        return cls(root, found["id"], cache and cache.part(digest(data, *under) if under else data), parts)

    @property
    def ledger(self) -> Path:
        """The default file for the teacher's replies."""
        return self.root / "ledger.sqlite"

    def folder(self, round: int) -> Path:
        """The directory of a round."""
        return round_folder(self.root, round)

    def stage(self, round: int | None, name: str, *inputs: object) -> Stage:
        """A stage of a round (None: of the whole run) under the key of its inputs."""
        return Stage(self.root if round is None else self.folder(round), name, digest(name, *inputs))

    def shared_stage(self, round: int | None, name: str, *inputs: object) -> Stage:
        """A stage that other runs may have done already: its work depends on its inputs and the problems alone."""
        return Stage(self.root if round is None else self.folder(round), name, digest(name, *inputs), self._cache)

    def seconds(self, round: int | None) -> float:
        """Seconds that the finished stages of a round took; None: of all rounds and of the whole run."""
        folders = [self.folder(round)] if round is not None else [self.root, *round_folders(self.root)]
        return sum(stage.get("seconds", 0.0) for folder in folders for stage in entries(folder).values())

    def keep_result(self, round: int | None, result: RoundResult | RunResult) -> None:
        """Write the result.json of a round (None: of the whole run), and its digest into stages.json."""
        folder = self.root if round is None else self.folder(round)
        write_json(folder / RESULT, result)
        entry = {"key": digest(result), "done": True, "files": {RESULT: content_of(folder / RESULT)}}
        write_json(folder / "stages.json", {**entries(folder), "result": sealed(entry)})

    def work(self, round: int | None) -> dict[str, Work]:
        """What the stages of a round cost (None: those of the whole run), by their names."""
        stages = entries(self.root if round is None else self.folder(round))
        return {name: Work(**entry["work"]) for name, entry in stages.items() if "work" in entry}

    def limits(self, round: int) -> dict[str, int]:
        """The tokens after which the stages of a round cut an answer, by their names."""
        stages = entries(self.folder(round))
        return {name: entry["max_new_tokens"] for name, entry in stages.items() if "max_new_tokens" in entry}


@contextmanager
def locked(root: Path) -> Generator[None]:
    """Create the directory of a run if needed, and lock it against other processes.

    The system frees the lock when the process ends, even after a kill. Raises RunError: the path is taken by something
    else, another process holds the lock, or the disk is full.
    """
    from filelock import FileLock, Timeout

    if not is_unicode(str(root)):
        raise RunError(
            f"cannot use {str(root)!r}: its name is not Unicode, which models are saved by; choose another --out"
        )
    lock, run = root / ".lock", root / "run.json"
    killed_at_once = {lock, unfinished(run)}  # all that a start leaves if it is killed before it has a run.json
    if not exists(run) and root.exists() and (not root.is_dir() or {*root.iterdir()} - killed_at_once):
        raise RunError(f"{root} exists and is no run; choose another directory with --out")
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=0):
                yield
        except Timeout:
            raise RunError(f"another process is at work in {root}; wait for it, or choose another --out") from None


def kept_precision(root: Path) -> tuple[bool, Precision | None]:
    """Whether the run in `root` has begun, and the precision that it keeps. Raises RunError."""
    if not exists(root / "run.json"):
        return False, None
    kept = check_format(root / "run.json").get("precision")
    return _begun(root), Precision(**kept) if kept else None


def kept_asked(root: Path) -> AskedAs | None:
    """How the student of the run in `root` has been asked since it began; None if it has not begun. Raises RunError."""
    kept = check_format(root / "run.json").get("asked") if exists(root / "run.json") and _begun(root) else None
    return AskedAs(**kept) if kept else None


def read_result(root: Path) -> RunResult | None:
    """The result of a finished run; None if it has not finished. Raises RunError where there is no run."""
    if not exists(root / "run.json"):
        raise RunError(f"{root} is not a run directory; `tutelage run CONFIG --out {root}` starts a run there")
    check_format(root / "run.json")
    return read_kept(root, RunResult)


def read_finished(
    root: Path,
    config: RunConfig,
    data: str | None = None,
    parts: Mapping[str, str] | None = None,
    pins: Mapping[str, str] | None = None,
) -> RunResult | None:
    """The result of a run that finished under this configuration (see `has_run`); None if there is none.

    It is also None if a file of the run has changed since. A run that goes on finds the change and redoes the work.
    """
    return read_result(root) if has_run(root, config, data, parts, pins) and is_as_written(root) else None


def is_as_written(root: Path) -> bool:
    """Whether the files of all finished stages are unchanged. The models of rounds are not read."""
    return not any(
        changed(folder, name, entry, but="model")
        for folder in [root, *round_folders(root)]
        for name, entry in entries(folder).items()
    )


def has_run(
    root: Path,
    config: RunConfig,
    data: str | None = None,
    parts: Mapping[str, str] | None = None,
    pins: Mapping[str, str] | None = None,
) -> bool:
    """Whether a directory has a run of this configuration; settings that don't affect a finished run are ignored.

    `data` is a digest of the task's problems and must be the same; None: not compared. `parts` has the keys of the
    user's own task, teacher, … and must be the same, and so must `pins` that the run has.
    """
    if not exists(root / "run.json") or not (root / "config.yaml").exists():
        return False
    mark = check_format(root / "run.json") if data is not None or parts else read_json(root / "run.json", _RESTORE)
    if data is not None and mark["data"] != data:
        return False
    if mark.get("parts", {}) != (parts or {}) or other_contents(mark.get("pins", {}), pins or {}):
        return False
    return not differences(_config(root), config, IDLE)


def read_rounds(root: Path) -> tuple[RoundResult, ...]:
    """The finished rounds of a run."""
    return tuple(result for folder in round_folders(root) if (result := read_kept(folder, RoundResult)))


def round_folder(root: Path, round: int) -> Path:
    """The folder of a round of the run in `root`."""
    return root / f"round-{round:02d}"


def round_folders(root: Path) -> list[Path]:
    """The folders of a run's rounds, in order."""
    return sorted(root.glob("round-*"))


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


def _config(root: Path) -> RunConfig:
    try:
        return read_written(root / "config.yaml")
    except ConfigError as error:
        raise RunError(f"{error}; restore it, or choose another directory with --out") from None


def check_format(marker: Path) -> dict[str, Any]:
    """The content of a run.json. Raises RunError: it is broken, changed, of another major version, or no run's."""
    found = read_json(marker, _RESTORE)
    if not is_version(found.get("format")) or "id" not in found or "data" not in found:
        raise RunError(f"{marker} is not the run.json of a run; choose another directory with --out")
    check_major(marker.parent, "format", found["format"], FORMAT)
    if not is_sealed(found):
        raise RunError(f"{marker} has changed since it was written; restore it, or choose another directory with --out")
    return found


def run_id(root: Path) -> str | None:
    """The identity of the run in a folder; None if there is none."""
    return check_format(root / "run.json")["id"] if exists(root / "run.json") else None


def _begun(root: Path) -> bool:
    return any((folder / "stages.json").exists() for folder in (root, *round_folders(root)))


def _trained(root: Path) -> bool:
    """Whether a round was trained. A study deletes models, and then the evaluation is the evidence."""
    stages = [entries(folder) for folder in round_folders(root)]
    return any(each.get(name, {}).get("done") for each in stages for name in ("training", "evaluation"))


def versions() -> str:
    """Versions of Python and of the main packages, in one line."""
    found = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
