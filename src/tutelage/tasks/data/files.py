"""Data files as rows, by their content: JSON Lines, JSON, CSV and Parquet.

    {"question": "…", "answer": "12"}      one object a line, a list of such objects, or one object with one such list
    question;answer                        commas, semicolons, tabs or bars, with or without a byte order mark

What else begins like a file of a known kind is refused by its name: a spreadsheet, an archive, a pointer to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

from tutelage.errors import DataError
from tutelage.json_lines import NotJson, parse_json, read_json, shortened
from tutelage.tasks.data.csv_file import read_csv
from tutelage.tasks.data.parquet import read_parquet
from tutelage.tasks.rows import Row, read_jsonl, rows_of

_ELSE: Mapping[bytes, str] = {
    b"version https://git-lfs": "the file is a Git LFS pointer, not the data; run git lfs pull",
    b"\x1f\x8b": "the file is compressed by gzip; unpack it",
    b"PK\x03\x04": "the file is a spreadsheet or a zip archive; export the rows as CSV, or unpack it",
    b"ARROW1": "the file is an Arrow file; save the rows as Parquet (to_parquet) or JSON Lines (to_json)",
    b"SQLite format 3": "the file is a SQLite database; export the rows as CSV or JSON Lines",
    b"<!DOCTYPE": "the file is a web page; download the data itself",
    b"<html": "the file is a web page; download the data itself",
}


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, by its suffix and its first bytes; a file of another suffix is read as JSON Lines.

    Raises:
        DataError: the file is missing, empty, broken or of another kind.
        ConfigError: it is Parquet, and the package pyarrow is missing.
    """
    first = _first_bytes(path)
    for mark, remedy in _ELSE.items():
        if first.startswith(mark):
            raise DataError(remedy, path=path)
    suffix = path.suffix.lower()
    if first.startswith(b"PAR1") or suffix == ".parquet":
        return read_parquet(path, first)
    is_list = first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    return _READERS.get(suffix, read_json_rows if is_list else read_jsonl)(path)


def read_json_rows(path: Path) -> list[Row]:
    """The rows of a JSON file: a list of objects, an object with one such list, columns, named rows, or JSON Lines."""
    if not _first_bytes(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        try:
            with path.open("rb") as file:
                lines = list(islice((line for line in file if line.strip()), 2))
            whole = not isinstance(parse_json(lines[0].removeprefix(b"\xef\xbb\xbf")), dict) or len(lines) == 1
        except (OSError, IndexError):
            whole = False
        except NotJson:
            whole = True
        if not whole:
            return read_jsonl(path)
    value = read_json(path)
    return rows_of(_rows_in(cast(dict[str, Any], value), path) if isinstance(value, dict) else value, str(path))


def _rows_in(value: dict[str, Any], path: Path) -> Sequence[object]:
    """The list of rows in a JSON object."""
    lists = {name: cast(list[Any], part) for name, part in value.items() if isinstance(part, list)}
    of_rows = [name for name, part in lists.items() if part and all(isinstance(row, dict) for row in part)]
    tables = {name: cast(dict[str, Any], part) for name, part in value.items() if isinstance(part, dict) and part}
    if len(tables) == len(value) > 1:
        return _rows_of_tables(tables)
    if len(lists) == len(value) > 1 and not of_rows and len({len(part) for part in lists.values()}) == 1:
        return [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
    if len(of_rows) == 1 and not {"role", "from"} & lists[of_rows[0]][0].keys():
        return lists[of_rows[0]]
    if len(of_rows) > 1:
        raise DataError(
            f"there are several lists of rows: {', '.join(of_rows)}; give each a file of its own, as train.json",
            path=path,
        )
    if not value:
        raise DataError(f"expected a list of rows, found {shortened(value)}", path=path)
    return [value]


def _rows_of_tables(value: dict[str, dict[str, Any]]) -> list[object]:
    """The rows of an object of objects: pandas' columns, {"question": {"0": "…", …}, …}, or rows by their names."""
    numbers = [name for name in next(iter(value.values())) if name.isdecimal()]
    if numbers and all(list(column) == numbers for column in value.values()):
        return [{name: column[number] for name, column in value.items()} for number in numbers]
    return list(value.values())


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except (OSError, ValueError):  # the reader says why
        return b""


_READERS: Mapping[str, Callable[[Path], list[Row]]] = {
    ".json": read_json_rows,
    ".csv": read_csv,
    ".tsv": read_csv,
}
