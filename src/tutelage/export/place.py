"""A new folder or file, which is in its place when all of it is written."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tutelage.errors import ConfigError
from tutelage.runs.files import disk_errors, exists, remove, unfinished


@contextmanager
def whole(out: Path) -> Generator[Path]:
    """A place beside `out` to write a file or a folder at, which is then renamed. Raises ConfigError, RunError."""
    if exists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"--out {out} is there already; name a new place, or remove it")
    with disk_errors(out):
        temporary = unfinished(out.absolute())
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        remove(temporary)
        try:
            yield temporary
            if out.is_dir():
                out.rmdir()
            temporary.rename(out)
        finally:
            remove(temporary)
