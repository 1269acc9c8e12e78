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
from typing import Any

from tutelage.config import RunConfig
from tutelage.config.file import dump_config
from tutelage.errors import RunError
from tutelage.json_lines import is_unicode
from tutelage.run_records import RoundResult, RunResult, Work
from tutelage.runs.files import (
    digest,
    disk_errors,
    exists,
    plain,
    unfinished,
    write_json,
    write_text,
)
from tutelage.runs.finished import read_config
from tutelage.runs.layout import RESULT, has_begun, has_rationales, has_trained, round_folder, round_folders
from tutelage.runs.mark import read_mark
from tutelage.runs.resume_rules import (
    FREE,
    IDLE,
    UNTAUGHT,
    UNTAUGHT_FILES,
    UNTRAINED,
    differences,
    other_contents,
    other_parts,
)
from tutelage.runs.seals import content_of, sealed
from tutelage.runs.stage import Stage, entries
from tutelage.runs.stage_cache import StageCache
from tutelage.runs.versions import FORMAT, newest

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
        found, kept = read_mark(marker) if marker.exists() else new, {**(kept or {})}
        pins = kept.get("pins", {})
        if has_begun(root):
            before = read_config(root)
            other, trained = other_parts(found.get("parts", {}), parts or {}), has_trained(root)
            taught = trained or has_rationales(root)
            free = FREE + (() if trained else UNTRAINED) + (() if taught else UNTAUGHT)
            if other := [*other, *differences(before, config, free)]:
                what = f"{root} was run with other settings ({'; '.join(other[:3])})"
                raise RunError(f"{what}; set them back, or use another --out")
            if found["data"] != data:
                raise RunError(f"the problems of {root} have changed since it began; restore them or use another --out")
            began = {name: pin for name, pin in found.get("pins", {}).items() if taught or name not in UNTAUGHT_FILES}
            if changed := other_contents(began, pins):
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
        # Verdicts are among what is shared, and the same problems can be graded in several ways.
        graded = config.task.model_dump(include={"kind", "match", "match_f1"}, exclude_defaults=True)
        under = [each for each in (own, of_students, graded) if each]
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


def versions() -> str:
    """Versions of Python and of the main packages, in one line."""
    found = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
