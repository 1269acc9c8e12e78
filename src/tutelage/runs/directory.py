"""A run is a directory. What stands in it is whole: files are written aside, synced and renamed, rows are appended.

    runs/demo/
      run.json                     {"format": 1, "id": "b1946ac9…", "data": "591785b7…"}
      config.yaml                  every setting, with the versions of Python and of the main packages
      ledger.sqlite                the teacher's replies
      round-01/stages.json         {"exam": {"key": "0f343b09…", "done": true, "seconds": 41.2}, …}
      round-01/exam.jsonl …        one row an attempt
      result.json                  the whole run in figures

A stage is done when it stands in stages.json under its key, the hash of its settings and inputs. Whatever stands under
another key is owed again.
"""

from __future__ import annotations

import dataclasses
import platform
import shutil
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from tutelage.config import RunConfig
from tutelage.config_file import dump_config, load_config
from tutelage.errors import RunError
from tutelage.run_records import RoundResult, RunResult, Work
from tutelage.runs.files import digest, disk_errors, read_json, read_record, unfinished, write_json, write_text
from tutelage.runs.resume_rules import FREE, IDLE, differences
from tutelage.runs.stage_cache import Shelf

FORMAT = 1
"""Version of the layout of a run directory."""

PACKAGES = ("tutelage", "torch", "transformers", "peft", "openai", "reasoning-gym")


class Stage:
    """One stage of one round on disk: its key, whether it is done, what it summed up."""

    def __init__(self, folder: Path, name: str, key: str, shelf: Shelf | None = None) -> None:
        self.folder, self.name, self.key, self._shelf = folder, name, key, shelf
        self._started = time.monotonic()
        self._artefacts: Sequence[str] = ()
        if shelf is not None and not self.done and (entry := shelf.take(key, folder)):
            self._write(entry)

    @property
    def done(self) -> bool:
        """Whether the stage ended under this very key."""
        entry = self._entry()
        return entry.get("key") == self.key and entry.get("done") is True

    @property
    def summary(self) -> dict[str, Any]:
        """What `finish` was told, with `seconds`."""
        return self._entry()

    def begin(self, *artefacts: str, scratch: Sequence[str] = ()) -> None:
        """Announce the work; artefacts of another key are removed, those of this key stay to be continued.

        `scratch` are artefacts that are of no use once the stage is done.
        """
        self._started, self._artefacts = time.monotonic(), artefacts
        if self._entry().get("key") != self.key:
            for artefact in (*artefacts, *scratch):
                path = self.folder / artefact
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self._write({"key": self.key, "done": False})

    def finish(self, work: Work | None = None, summary: Mapping[str, object] | None = None) -> None:
        """Record the stage as done, with its seconds in this process and what it cost."""
        cost = {"work": dataclasses.asdict(work)} if work else {}
        seconds = round(time.monotonic() - self._started, 3)
        entry = {"key": self.key, "done": True, "seconds": seconds, **cost, **(summary or {})}
        self._write(entry)
        if self._shelf is not None:
            self._shelf.put(self.key, self.folder, self._artefacts, entry)

    def _entry(self) -> dict[str, Any]:
        return _stages(self.folder).get(self.name, {})

    def _write(self, entry: Mapping[str, object]) -> None:
        write_json(self.folder / "stages.json", {**_stages(self.folder), self.name: entry})


class Run:
    """A run directory, opened for one configuration and one set of problems.

    `shelf` holds finished stages of other runs on the same problems.
    """

    def __init__(self, root: Path, identity: str, shelf: Shelf | None = None) -> None:
        self.root, self.id, self._shelf = root, identity, shelf

    @classmethod
    def open(cls, root: Path, config: RunConfig, data: str, shelf: Shelf | None = None) -> Run:
        """Start a run in `root`, which is `locked`, or continue the one that stands there.

        `data` is a digest of the task's problems.

        Raises:
            RunError: it has begun with another configuration, other problems or a newer version, or the disk is full.
        """
        marker = root / "run.json"
        new: dict[str, Any] = {"format": FORMAT, "id": uuid.uuid4().hex}
        found = _check_format(marker) if marker.exists() else new
        if _begun(root):
            before = load_config(root / "config.yaml")
            if changed := differences(before, config, FREE):
                what = f"{root} was run with other settings ({'; '.join(changed[:3])})"
                raise RunError(f"{what}; set them back, or use another --out")
            if found["data"] != data:
                raise RunError(f"the problems of {root} have changed since it began; restore them or use another --out")
            if differences(before, config, IDLE):
                (root / "result.json").unlink(missing_ok=True)  # it ended under the settings that stood here before
        write_json(marker, {**found, "data": data})
        write_text(root / "config.yaml", _stamped(config))
        return cls(root, found["id"], shelf and shelf.part(data))

    @property
    def ledger(self) -> Path:
        """Where the teacher's replies are kept unless the configuration names a place."""
        return self.root / "ledger.sqlite"

    def folder(self, round: int) -> Path:
        """The directory of a round."""
        return round_folder(self.root, round)

    def stage(self, round: int | None, name: str, *inputs: object) -> Stage:
        """A stage of a round (None: of the whole run) under the key of its inputs."""
        return Stage(self.root if round is None else self.folder(round), name, digest(name, *inputs))

    def shared_stage(self, round: int | None, name: str, *inputs: object) -> Stage:
        """A stage that other runs may have done: its inputs are all that its work depends on, but for the problems."""
        return Stage(self.root if round is None else self.folder(round), name, digest(name, *inputs), self._shelf)

    def seconds(self, round: int | None) -> float:
        """Seconds that the finished stages of a round took; None: of all rounds and of the whole run."""
        folders = [self.folder(round)] if round is not None else [self.root, *_rounds(self.root)]
        return sum(stage.get("seconds", 0.0) for folder in folders for stage in _stages(folder).values())

    def work(self, round: int | None) -> dict[str, Work]:
        """What the stages of a round cost (None: those of the whole run), by their names."""
        stages = _stages(self.root if round is None else self.folder(round))
        return {name: Work(**entry["work"]) for name, entry in stages.items() if "work" in entry}


@contextmanager
def locked(root: Path) -> Generator[None]:
    """Make the directory of a run unless it is there, and keep other processes out of it.

    Freed by the system when the process ends, however it ends. Raises RunError: something else stands there, another
    process is at work in it, or the disk is full.
    """
    import fcntl

    lock, run = root / ".lock", root / "run.json"
    killed_at_once = {lock, unfinished(run)}  # all that a start leaves which was killed before it was a run
    if not run.exists() and root.exists() and (not root.is_dir() or {*root.iterdir()} - killed_at_once):
        raise RunError(f"{root} exists and is no run; choose another directory with --out")
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is at work in {root}; wait for it, or choose another --out") from None
            yield


def read_result(root: Path) -> RunResult | None:
    """The result of a finished run; None if it has not finished. Raises RunError where there is no run."""
    if not (root / "run.json").exists():
        raise RunError(f"{root} is not a run directory; `tutelage run CONFIG --out {root}` starts a run there")
    _check_format(root / "run.json")
    path = root / "result.json"
    return read_record(path, RunResult) if path.exists() else None


def read_finished(root: Path, config: RunConfig, data: str | None = None) -> RunResult | None:
    """The result of a run that has ended under this configuration, as `has_run` compares it; None if there is none."""
    return read_result(root) if has_run(root, config, data) else None


def has_run(root: Path, config: RunConfig, data: str | None = None) -> bool:
    """Whether what stands in a directory is a run of this configuration, but for what has no say in when it ends.

    `data` is a digest of the task's problems, which must be those it was run on; None: they are not looked at.
    """
    if not (root / "run.json").exists() or not (root / "config.yaml").exists():
        return False
    if data is not None and _check_format(root / "run.json")["data"] != data:
        return False
    return not differences(load_config(root / "config.yaml"), config, IDLE)


def read_rounds(root: Path) -> tuple[RoundResult, ...]:
    """The finished rounds of a run."""
    return tuple(read_record(path, RoundResult) for path in sorted(root.glob("round-*/result.json")))


def round_folder(root: Path, round: int) -> Path:
    """Where a round of the run in `root` stands."""
    return root / f"round-{round:02d}"


def forget_students(root: Path) -> None:
    """Free the disk of a finished run's models; its attempts and figures stay. With more rounds it trains anew."""
    rounds = [(folder, "training", "model") for folder in _rounds(root)]
    for folder, stage, model in [(root, "student", "student"), *rounds]:
        stages = _stages(folder)
        if stages.pop(stage, None) is not None:
            write_json(folder / "stages.json", stages)
        shutil.rmtree(folder / model, ignore_errors=True)


def _rounds(root: Path) -> list[Path]:
    return sorted(root.glob("round-*"))


def _stages(folder: Path) -> dict[str, dict[str, Any]]:
    file = folder / "stages.json"
    stages = read_json(file) if file.exists() else {}
    if not all(isinstance(entry, dict) for entry in stages.values()):
        raise RunError(f"{file} is broken; remove it, and its stages are done again")
    return stages


def _check_format(marker: Path) -> dict[str, Any]:
    found = read_json(marker)
    if not isinstance(found.get("format"), int) or "id" not in found or "data" not in found:
        raise RunError(f"{marker} is not the mark of a run; choose another directory with --out")
    if found["format"] > FORMAT:
        raise RunError(f"{marker.parent} was written by a newer Tutelage (format {found['format']}); upgrade this one")
    return found


def _begun(root: Path) -> bool:
    return any((folder / "stages.json").exists() for folder in (root, *_rounds(root)))


def versions() -> str:
    """Those of Python and of the main packages."""
    found = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def _stamped(config: RunConfig) -> str:
    return f"# As run, with {versions()}.\n{dump_config(config)}"
