"""The run.json of a run: what it is, and what it keeps from its first start to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tutelage.errors import RunError
from tutelage.run_records import AskedAs, Precision
from tutelage.runs.files import exists, read_json
from tutelage.runs.layout import has_begun
from tutelage.runs.seals import is_sealed
from tutelage.runs.versions import FORMAT, check_major, is_version

Kept = TypeVar("Kept", AskedAs, Precision)

RESTORE_OR_LEAVE = "restore it, or choose another directory with --out"
"""What can be done about a file of a run that is broken."""


def read_mark(marker: Path) -> dict[str, Any]:
    """The content of a run.json. Raises RunError: it is broken, changed, of another major version, or no run's."""
    found = read_json(marker, RESTORE_OR_LEAVE)
    if not is_version(found.get("format")) or "id" not in found or "data" not in found:
        raise RunError(f"{marker} is not the run.json of a run; choose another directory with --out")
    check_major(marker.parent, "format", found["format"], FORMAT)
    if not is_sealed(found):
        raise RunError(f"{marker} has changed since it was written; {RESTORE_OR_LEAVE}")
    return found


def run_id(root: Path) -> str | None:
    """The identity of the run in a folder; None if there is none."""
    return read_mark(root / "run.json")["id"] if exists(root / "run.json") else None


def kept_precision(root: Path) -> tuple[bool, Precision | None]:
    """Whether the run in `root` has begun, and the precision that it keeps. Raises RunError."""
    if not exists(root / "run.json"):
        return False, None
    return has_begun(root), kept(read_mark(root / "run.json"), "precision", Precision)


def kept_asked(root: Path) -> AskedAs | None:
    """How the student of the run in `root` has been asked since it began; None if it has not begun. Raises RunError."""
    begun = exists(root / "run.json") and has_begun(root)
    return kept(read_mark(root / "run.json"), "asked", AskedAs) if begun else None


def kept(mark: Mapping[str, Any], name: str, kind: type[Kept]) -> Kept | None:
    """What a run.json keeps under a name, without what a later version has added; None if it keeps nothing there."""
    return TypeAdapter(kind).validate_python(mark[name]) if name in mark else None
