"""Files that are whole: written aside, synced and renamed, or appended row by row."""

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
from typing import IO, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from tutelage.errors import RunError, TutelageError

Row = TypeVar("Row")


def digest(*parts: object) -> str:
    """16 hex digits of SHA-256 over plain data and records, in a canonical form."""
    text = json.dumps([plain(part) for part in parts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seed_of(*parts: object) -> int:
    """A 64-bit seed that hangs on these parts and nothing else."""
    return int(digest(*parts), 16)


def write_text(path: Path, text: str) -> None:
    """Write a file all or nothing."""
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def whole_file(path: Path) -> Generator[IO[str]]:
    """A file that appears when it is whole: written aside, synced, renamed."""
    temporary = unfinished(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("w", encoding="utf-8", errors="replace") as file:
                yield file
                _sync(file)
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """Where `whole_file` writes; a kill can leave it behind."""
    return path.with_name(f".{path.name}.part")


def write_json(path: Path, data: object) -> None:
    """Write plain data or a record as JSON, all or nothing."""
    write_text(path, json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")


def append_rows(path: Path, rows: Iterable[object]) -> None:
    """Append records as JSON lines, on disk when this returns."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as file:  # a teacher may send half a surrogate pair
            file.write(_lines(rows))
            _sync(file)


def write_rows(path: Path, rows: Iterable[object]) -> None:
    """Write records as JSON lines, all or nothing."""
    write_text(path, _lines(rows))


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """The whole rows of a JSONL file; a torn last row, left by a crash, is cut off the file."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
    adapter = TypeAdapter(kind)
    rows: list[Row] = []
    for number, line in enumerate(data[:whole].split(b"\n")[:-1], start=1):
        try:
            rows.append(adapter.validate_json(line))
        except ValidationError as error:
            raise RunError(f"{path}, line {number} is broken ({error.errors()[0]['msg']}); remove the file") from None
    return rows


REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
"""The disk is well, but nothing can be written at this place."""


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """Turn a full or closed disk into an error of the user's, with the remedy."""
    try:
        yield
    except TutelageError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or _is_full(path):
            raise RunError(f"the disk is full: cannot write {path}; free some space and start again") from error
        if isinstance(error, OSError) and error.errno in REFUSALS:
            raise RunError(f"cannot write {path}: {error.strerror}; choose another directory with --out") from error
        raise


def _is_full(path: Path) -> bool:
    """Whether hardly a megabyte is left. torch and safetensors fail on a full disk with errors that don't say so."""
    there = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    return there is not None and shutil.disk_usage(there).free < 2**20


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds. Raises RunError."""
    try:
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}; choose another directory with --out") from None
    if not isinstance(data, dict):
        raise RunError(f"{path} does not hold an object; choose another directory with --out")
    return cast(dict[str, Any], data)


def read_record(path: Path, kind: type[Row]) -> Row:
    """The record that a JSON file holds. Raises RunError."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        remedy = "restore it, or remove it and let the command that wrote it write it anew"
        raise RunError(f"cannot read {path} ({reason}); {remedy}") from None


def plain(value: object) -> object:
    """Records as plain data; anything else as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


def _sync(file: IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _lines(rows: Iterable[object]) -> str:
    return "".join(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in rows)
