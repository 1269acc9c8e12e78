"""Reads CSV as people have it: a byte order mark, semicolons or tabs, cells of several lines; all cells are text.

question;answer
"What do 3 pens at 4 coins cost?";12
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from tutelage.errors import DataError
from tutelage.json_lines import MOST_FILE, shortened
from tutelage.tasks.rows import Row

_DELIMITERS = ",;\t|"


def read_csv(path: Path) -> list[Row]:
    """The rows below the header.

    Raises:
        DataError: the file cannot be read, is not UTF-8, has no rows, or a row has other cells than the header.
    """
    lines, skipped = _lines(path), 0
    delimiter = None
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:  # as Excel writes it
        delimiter, lines, skipped = lines[0].strip()[-1], lines[1:], 1
    if not any(line.strip() for line in lines):
        raise DataError("the file has no rows", path=path)
    delimiter = delimiter or _delimiter(next(line for line in lines if line.strip()))
    records = _records(path, lines, delimiter, skipped)
    _, header = next(records)
    names = [name.strip() for name in header]
    while names and not names[-1]:  # as spreadsheets export empty columns
        names.pop()
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise DataError("the column stands twice in the header; rename one", path=path, line=1, field=repeated)
    rows = [Row(_cells(path, line, names, cells), str(path), line) for line, cells in records]
    if not rows:
        raise DataError("the file has a header, but no rows", path=path)
    return rows


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MOST_FILE:
            raise DataError(f"the file is longer than {MOST_FILE >> 20} MiB", path=path)
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(f"cannot read the file: {reason}", path=path) from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("the file is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)", path=path, line=1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"the file is not UTF-8 at byte {error.start}; save it as UTF-8 (in Excel: CSV UTF-8)"
        raise DataError(reason, path=path, line=line) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return [f"{line}\n" for line in text.split("\n")]  # no other sign ends a line: a text may hold U+2028


def _delimiter(header: str) -> str:
    """The sign that divides the header into most cells."""
    return max(_DELIMITERS, key=lambda sign: len(next(csv.reader([header], delimiter=sign), list[str]())))


def _records(path: Path, lines: list[str], delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """The first lines and the cells of all records that are not blank."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"not CSV ({error}); double the quotes within a quoted cell", path=path, line=line
            ) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _cells(path: Path, line: int, names: list[str], cells: list[str]) -> dict[str, str]:
    while len(cells) > len(names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(names):
        found = f"the row has {len(cells)} cells, the header {len(names)} (the last: {shortened(cells[-1])})"
        raise DataError(f"{found}; put quotes around a cell that holds the delimiter", path=path, line=line)
    return dict(zip(names, cells, strict=True))
