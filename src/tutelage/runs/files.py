"""Atomic file writes (temporary file, sync, rename), appended rows, and disk errors with a remedy."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from tutelage import json_lines
from tutelage.errors import DataError, RunError, TutelageError
from tutelage.json_lines import read_values

Row = TypeVar("Row")


def digest(*parts: object) -> str:
    """16 hex digits of SHA-256 over plain data and records, in a canonical form: a JSON list, hashed piece by piece."""
    hashed = hashlib.sha256(b"[")
    for place, part in enumerate(parts):
        text = json.dumps(plain(part), sort_keys=True, ensure_ascii=False)
        hashed.update((", " * (place > 0) + text).encode())
    hashed.update(b"]")
    return hashed.hexdigest()[:16]


def seed_of(*parts: object) -> int:
    """A 64-bit seed that depends on these parts alone."""
    return int(digest(*parts), 16)


def write_text(path: Path, text: str) -> None:
    """Write a file atomically."""
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def whole_file(path: Path) -> Generator[IO[str]]:
    """Open a file for an atomic write: it is written aside, synced and renamed at the end.

    Links are followed. A pipe or a device is written to directly.
    """
    with disk_errors(path):
        target = target_of(path)
        if is_stream(path):
            with path.open("w", encoding="utf-8", errors="replace") as file:
                yield file
            return
        temporary = unfinished(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w", encoding="utf-8", errors="replace") as file:
                yield file
                _sync(file)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def target_of(path: Path) -> Path:
    """The path with all links resolved. Raises RunError where no path can have this name."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise RunError(f"cannot use {str(path)!r}: {error}; choose another place for it") from None


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device or an open file of a process, such as /dev/stdout."""
    link = path
    for _ in range(40):  # as many as Linux follows
        if os.path.realpath(link.parent).startswith("/proc/"):
            return True
        if not link.is_symlink():
            break
        link = link.parent / link.readlink()
    return exists(path) and not (path.is_file() or path.is_dir())


def check_regular(path: Path) -> None:
    """Raise RunError where something is that is no file, such as a pipe or a device: a reader would wait for ever."""
    if exists(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        raise RunError(f"cannot read {path}: it is {kind}, and no file; restore it, or remove it")


def exists(path: Path) -> bool:
    """Whether a path exists. Raises RunError if the path cannot be looked up."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise RunError(f"cannot use {str(path)!r}: {reason}; choose another place for it") from None
    return True


def unfinished(path: Path) -> Path:
    """The temporary path of `whole_file`; a kill can leave it behind."""
    return path.with_name(f".{path.name}.part")


def try_to_write_in(folder: Path) -> None:
    """Make a file without a name in a folder, or in the nearest one above that exists. Raises OSError.

    The rights don't tell: root has all of them in /proc, where no file can be made.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if exists(each) and each.is_dir())
    with TemporaryFile(dir=there):
        pass


def write_json(path: Path, data: object) -> None:
    """Write plain data or a record as JSON, atomically."""
    write_text(path, json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")


def append_rows(path: Path, rows: Iterable[object], *, synced: bool = True) -> None:
    """Append records as JSON lines; if `synced`, they and all before them are on disk when this returns."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as file:  # a teacher may send half a surrogate pair
            file.write(as_lines(rows))
            if synced:
                _sync(file)


def write_rows(path: Path, rows: Iterable[object]) -> None:
    """Write records as JSON lines, atomically."""
    with whole_file(path) as file:
        file.writelines(as_lines([row]) for row in rows)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """The whole rows of a JSONL file; a torn last row, left by a crash, is cut off the file."""
    if not path.exists():
        return []
    _cut_torn_row(path)
    adapter, rows = TypeAdapter(kind), list[Row]()
    try:
        for _, row in read_values(path):
            rows.append(adapter.validate_python(row))
    except DataError as error:
        raise RunError(f"{error}; {RESTORE}") from None
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise RunError(f"{path}, line {len(rows) + 1} is broken ({reason}); {RESTORE}") from None
    return rows


def _cut_torn_row(path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start, tail = size, b""
        while start and b"\n" not in tail:
            start = max(0, start - 2**16)
            file.seek(start)
            tail = file.read(2**16)
    whole = start + tail.rfind(b"\n") + 1
    if whole < size:
        with path.open("r+b") as file:
            file.truncate(whole)


RESTORE = "restore it, or start the run again: what has changed is then done anew"
REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
"""Error numbers of a working disk where this path can't be written."""
ODD_PLACES = (errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.ENXIO, errno.EBUSY)
"""Error numbers of a path where no file can be made. If the error names another path, it may be a bug."""

_TOO_LARGE = (f"os error {errno.EFBIG})", "PytorchStreamWriter", "inline_container.cc")
"""What safetensors and torch say where a file can't be written on a disk that is not full; they give no number."""


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Turn errors of a full or read-only disk into a RunError with a remedy."""
    try:
        yield
    except TutelageError:
        raise
    except Exception as error:
        if _says_full(error) or _is_full(path):
            raise RunError(f"the disk is full: cannot write {path}; free some space and start again") from error
        if getattr(error, "errno", None) == errno.EFBIG or any(sign in str(error) for sign in _TOO_LARGE):
            reason = "the system, or the disk, allows no file of this size (`ulimit -f`)"
            raise RunError(f"cannot write {path}: {reason}; raise the limit and start again") from error
        if isinstance(error, OSError) and (
            error.errno in REFUSALS or (error.errno in ODD_PLACES and _is_about(error, path))
        ):
            raise RunError(f"cannot write {path}: {error.strerror}; choose another place for it") from error
        if isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "null byte" in str(error)):
            raise RunError(f"cannot write {str(path)!r}: {error}; choose another name") from error
        raise


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error concerns a path, a file beside it or a folder above it, through links too."""
    folder = os.path.realpath(Path(str(error.filename)).parent)
    return error.filename is not None and Path(folder) in (*path.absolute().parents, *target_of(path).parents)


def _says_full(error: Exception) -> bool:
    """Whether an error is that of a full disk. safetensors tells the number in its text, and removes what it began."""
    codes = (errno.ENOSPC, errno.EDQUOT)
    return any(getattr(error, "errno", None) == code or f"(os error {code})" in str(error) for code in codes)


def _is_full(path: Path) -> bool:
    """Whether less than about a megabyte is free. torch doesn't say that a disk is full."""
    try:
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        disk = shutil.disk_usage(there)
    except (OSError, ValueError, StopIteration):
        return False
    return disk.total > 0 and disk.free < 2**20  # /proc has no size at all


def read_json(path: Path, remedy: str = "choose another directory with --out") -> dict[str, Any]:
    """The object that a JSON file holds. Raises RunError, with the remedy."""
    try:
        data = json_lines.read_json(path)
    except DataError as error:
        raise RunError(f"cannot read {error}; {remedy}") from None
    if not isinstance(data, dict):
        raise RunError(f"{path} does not hold an object; {remedy}")
    return cast(dict[str, Any], data)


def read_record(path: Path, kind: type[Row]) -> Row:
    """The record that a JSON file holds. Raises RunError."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        remedy = "restore it, or remove it and let the command that wrote it write it anew"
        raise RunError(f"cannot read {path} ({reason}); {remedy}") from None


def remove(path: Path) -> None:
    """Remove a file, a folder or a link (not its target), if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def plain(value: object) -> object:
    """Records as plain data; anything else as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value, dict_factory=_as_first_written)
    return value


def _as_first_written(fields: list[tuple[str, object]]) -> dict[str, object]:
    """The fields without those that are new and not used, so that digests stay as they were before there were any."""
    return {name: value for name, value in fields if value is not None or name not in _LATER}


def _sync(file: IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def as_lines(rows: Iterable[object]) -> str:
    """Records as JSON lines."""
    return "".join(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in rows)


_LATER = frozenset(("system",))
"""Fields that records got after runs were written without them."""
