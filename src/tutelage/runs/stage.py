"""One stage of one round on disk: its key, whether it is done, and whether its files are unchanged.

    round-01/stages.json    {"exam": {"key": "0f343b09…", "done": true, "seconds": 41.2, "files": {…}, …}, …}

The key of a stage is a hash of its settings and inputs. A stage is done if stages.json has an entry with this key and
its files are unchanged since. Otherwise its work is done again.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tutelage.errors import RunError
from tutelage.run_records import Work
from tutelage.runs.files import read_json, remove, write_json
from tutelage.runs.seals import contents_of, first_change, is_sealed, sealed
from tutelage.runs.stage_cache import StageCache


class Stage:
    """One stage of one round: its key, whether it is done, and its summary.

    `fault` describes the change that `done` has found in a finished stage, if any. `unsealed`, set by `begin`, says
    that existing rows may come from a version without seals.
    """

    def __init__(self, folder: Path, name: str, key: str, cache: StageCache | None = None) -> None:
        self.folder, self.name, self.key, self._cache = folder, name, key, cache
        self.fault: str | None = None
        self._started = time.monotonic()
        self._artefacts: Sequence[str] = ()
        self._whole: bool = False
        self.unsealed = False
        if cache is not None and not self.done and (entry := cache.take(key, folder)):
            self._write(entry)

    @property
    def done(self) -> bool:
        """Whether the stage has ended under this key and its files are unchanged."""
        entry = self._entry()
        if entry.get("key") != self.key or entry.get("done") is not True:
            return False
        if not self._whole:  # files are checked once
            self.fault = changed(self.folder, self.name, entry)
            self._whole = self.fault is None
        return self._whole

    @property
    def summary(self) -> dict[str, Any]:
        """The summary given to `finish`, with `seconds`."""
        return self._entry()

    def begin(
        self, *artefacts: str, rows: Sequence[str] = (), scratch: Sequence[str] = (), beside: Sequence[str] = ()
    ) -> None:
        """Begin the work: remove artefacts of another key, and keep those of this key to continue them.

        If a finished stage has changed, only `rows` are kept: their seals tell which are unchanged. `scratch` are
        artefacts that are not needed once the stage is done. `beside` are files that exist before the stage.
        """
        self._started, self._artefacts, self._whole = time.monotonic(), (*artefacts, *rows, *beside), False
        same = self._entry().get("key") == self.key
        self.unsealed = same and not {"sealed", "files"} & self._entry().keys()
        for name in (*artefacts, *rows, *scratch):
            kept = name in rows and (self.folder / name).is_file()
            if not same or (self.fault and not kept):
                remove(self.folder / name)
        self._write({"key": self.key, "done": False, "sealed": not self.unsealed})

    def finish(self, work: Work | None = None, summary: Mapping[str, object] | None = None) -> None:
        """Record the stage as done, with its files, its seconds in this process and its cost."""
        cost = {"work": dataclasses.asdict(work)} if work else {}
        seconds = round(time.monotonic() - self._started, 3)
        files = {"files": contents_of(self.folder, self._artefacts)}
        entry = sealed({"key": self.key, "done": True, "seconds": seconds, **cost, **(summary or {}), **files})
        self._write(entry)
        self._whole, self.fault = True, None
        if self._cache is not None:
            self._cache.put(self.key, self.folder, self._artefacts, entry)

    def _entry(self) -> dict[str, Any]:
        return entries(self.folder).get(self.name, {})

    def _write(self, entry: Mapping[str, object]) -> None:
        write_json(self.folder / "stages.json", {**entries(self.folder), self.name: entry})


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of stages.json by stage. Raises RunError if it is broken."""
    file = folder / "stages.json"
    stages = read_json(file, REMEDY) if file.exists() else {}
    if not all(_is_entry(entry) for entry in stages.values()):
        raise RunError(f"{file} is broken; {REMEDY}")
    return stages


REMEDY = "restore it, or remove it: its stages are then done again, and what the ledger holds costs nothing"


def changed(folder: Path, name: str, entry: Mapping[str, Any], *, but: str = "") -> str | None:
    """What has changed in a finished stage, in words; None if nothing has. The file `but` is not read."""
    if not is_sealed(entry):
        return f"{folder / 'stages.json'}: its entry {name!r} has changed since it was written"
    files = {file: content for file, content in entry.get("files", {}).items() if file != but}
    if (path := first_change(folder, files)) is not None:
        return f"{path} has changed since it was written" if path.exists() else f"{path} is gone"
    if name == "student" and entry.get("done") and not (folder / name).is_dir():  # saved before there were digests
        return f"{folder / name} is gone"
    return None


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    found = cast(dict[str, Any], entry)
    return isinstance(found.get("seconds", 0.0), int | float) and all(
        isinstance(found.get(part, {}), dict) for part in ("files", "work")
    )
