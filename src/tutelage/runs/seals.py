"""Seals: content hashes that tell whether the files of a run are unchanged.

    stages.json   {"exam": {"key": "0f343b09…", "done": true, …, "files": {"exam.jsonl": "9a1f…"}, "seal": "77aa…"}}
    exam.jsonl    {"problem_id": "9f2c…", …, "seal": "51c0…"}       the seal of a row has the key of its stage in it

Data without a seal were written by a version without seals and count as unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from tutelage.errors import RunError
from tutelage.json_lines import NotJson, parse_json
from tutelage.runs.files import digest, plain, read_json, write_json

Row = TypeVar("Row")
SEAL, SEALS = "seal", "seals.json"


def sealed(data: object, *under: object) -> dict[str, Any]:
    """A record or plain data with its seal appended."""
    written = json.dumps(plain(data), ensure_ascii=False).encode(errors="replace")
    content = {key: value for key, value in json.loads(written).items() if key != SEAL}
    return {**content, SEAL: digest(content, *under)}


def is_sealed(data: Mapping[str, Any], *under: object) -> bool:
    """Whether data match their seal; data without a seal count as unchanged."""
    if SEAL not in data:
        return True
    return data[SEAL] == digest({key: value for key, value in data.items() if key != SEAL}, *under)


def sound_rows(path: Path, kind: type[Row], *under: object, unsealed: bool = False) -> list[Row]:
    """The unchanged rows of a JSONL file, each once; torn, broken and altered rows are left out.

    Rows without a seal are also left out, unless an earlier version may have written the file (`unsealed`) and no row
    has a seal.
    """
    adapter, has_seal = TypeAdapter(kind), False
    kept: dict[bool, dict[str, Row]] = {True: {}, False: {}}
    for row in _unchanged(path, *under):
        has_seal |= SEAL in row
        if SEAL in row or (unsealed and not has_seal):
            with suppress(ValidationError):
                kept[SEAL in row].setdefault(digest(row), adapter.validate_python(row))
    return list(kept[has_seal].values())


def _unchanged(path: Path, *under: object) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            with suppress(NotJson):
                row: object = parse_json(line.rstrip(b"\n"))
                if isinstance(row, dict) and is_sealed(cast(dict[str, Any], row), *under):
                    yield cast(dict[str, Any], row)


def all_rows(path: Path, kind: type[Row], remedy: str, *, unsealed: bool) -> list[Row]:
    """The rows of a JSONL file. Raises RunError with the remedy if any row but a torn last one has changed."""
    rows = sound_rows(path, kind, unsealed=unsealed)
    if path.exists() and len(rows) != path.read_bytes().count(b"\n"):
        raise RunError(f"{path} has changed since it was written; {remedy}")
    return rows


def content_of(path: Path) -> str | None:
    """A content hash of a file, or of a folder's names and files; None if the path is missing."""
    if path.is_dir():
        inside = {file.relative_to(path).as_posix(): content_of(file) for file in path.rglob("*") if file.is_file()}
        return digest(inside)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def contents_of(folder: Path, names: Iterable[str]) -> dict[str, str | None]:
    """The content hashes of some files of a folder."""
    return {name: content_of(folder / name) for name in names}


def seal_folder(folder: Path) -> None:
    """Record the content hashes of a folder's files, for `is_whole`."""
    names = [file.name for file in folder.iterdir() if file.is_file() and file.name != SEALS]
    write_json(folder / SEALS, sealed({"files": contents_of(folder, names)}))


def has_seals(folder: Path) -> bool:
    """Whether a folder has a record of `seal_folder`; earlier versions wrote none."""
    return (folder / SEALS).exists()


def is_whole(folder: Path) -> bool:
    """Whether the files of a folder match the record of `seal_folder`; without one they count as unchanged."""
    try:
        noted = read_json(folder / SEALS) if has_seals(folder) else sealed({"files": {}})
    except RunError:
        return False
    return is_sealed(noted) and first_change(folder, noted["files"]) is None


def first_change(folder: Path, contents: Mapping[str, str | None]) -> Path | None:
    """The first of some files that has changed; None if all are unchanged."""
    return next((folder / name for name, content in contents.items() if content_of(folder / name) != content), None)
