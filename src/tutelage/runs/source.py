"""Which commit of a data set on the hub a run has read: it goes on with the same, whatever the hub has by then.

run.json    {…, "source": {"path": "hf://owner/name", "revision": null, "commit": "d5f0…"}}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tutelage.runs.files import read_json

SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Source:
    """The path and the revision that the settings ask for (None: the task's own, the newest), and the commit read."""

    path: str | None
    revision: str | None
    commit: str


def source_of(root: Path) -> Source | None:
    """What the run in a folder has read of the hub; None if there is no run, or it reads no data of the hub."""
    marker = root / "run.json"
    kept: Any = read_json(marker).get(SOURCE) if marker.is_file() else None
    if not isinstance(kept, dict):
        return None
    fields = cast(dict[str, Any], kept)
    return Source(fields.get("path"), fields.get("revision"), str(fields.get("commit")))
