"""The semantic versions of what a run writes: `format` in run.json, `version` in result.json (docs/run-directory.md).

run.json      {"format": "1.1.0", …}     the layout of the directory and its tables
result.json   {"version": "1.0.0", …}    its figures

Files of the same major version are read, whatever the others are; `1` is read as 1.0.0.
"""

from __future__ import annotations

import re
from pathlib import Path

from tutelage.errors import RunError

FORMAT = "1.1.0"
"""Version of the layout of a run directory."""

_VERSION = re.compile(r"(\d{1,9})(?:\.(\d{1,9})\.(\d{1,9}))?")


def is_version(found: object) -> bool:
    """Whether a value from a file is a version."""
    return isinstance(found, int | str) and _VERSION.fullmatch(str(found)) is not None


def check_major(path: Path, what: str, found: object, ours: str) -> None:
    """Raise RunError unless `path` is of the major version that this Tutelage reads."""
    if not is_version(found):
        raise RunError(f"{path}: its {what} is {str(found)[:40]!r}, and no version such as {ours}; restore the file")
    theirs, major = _parts(found)[0], _parts(ours)[0]
    if theirs == major:
        return
    who, remedy = (
        ("a newer", "upgrade this one: pip install --upgrade tutelage")
        if theirs > major
        else ("an older", "read it with that one")
    )
    raise RunError(f"{path} was written by {who} Tutelage ({what} {found}, and this one reads {major}.x); {remedy}")


def newest(found: object, ours: str) -> str:
    """The newer of two versions: a run keeps that of the newest Tutelage that wrote in it."""
    return ".".join(map(str, max(_parts(found), _parts(ours))))


def _parts(version: object) -> tuple[int, int, int]:
    parts = _VERSION.fullmatch(str(version))
    assert parts, "the version has been checked"
    return int(parts[1]), int(parts[2] or 0), int(parts[3] or 0)
