"""Whether a run has moved since a page looked: a short text that differs after every change of its files or index."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def pulse_of(run: Path, *more: object) -> str:
    """16 hex digits over sizes and times of the files of a run and of its rounds, and over `more`."""
    seen: list[object] = [*more]
    for folder in (run, *sorted(run.glob("round-*"))):
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry) for entry in entries if not entry.name.startswith("."))
        except OSError:
            continue
        for name, entry in found:
            try:
                state = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            seen.append((name, state.st_size, state.st_mtime_ns))
    return hashlib.sha256(repr(seen).encode("utf-8", "backslashreplace")).hexdigest()[:16]
