"""Reads the XML of ASDiv: an element `Problem` for each row, whose children are its fields.

<Problem ID="nluds-0001" Grade="1"><Body>…</Body><Question>…</Question><Answer>9 (apples)</Answer>…</Problem>
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from tutelage.errors import DataError
from tutelage.json_lines import MOST_LINE
from tutelage.tasks.rows import Row


def read_xml(path: Path) -> list[Row]:
    """The rows of a file. Raises DataError if it cannot be read, is no XML, defines entities, or has no rows."""
    try:
        if path.stat().st_size > MOST_LINE:
            raise DataError(f"the file is longer than {MOST_LINE >> 20} MiB", path=path)
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the file: {error.strerror or error}", path=path) from None
    if b"<!ENTITY" in data:
        raise DataError("the file defines entities, which is not done in data; remove them", path=path)
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"not XML ({error})", path=path) from None
    rows = [
        Row({field.tag: "".join(field.itertext()) for field in problem}, str(path), number=number)
        for number, problem in enumerate(root.iter("Problem"), start=1)
    ]
    if not rows:
        raise DataError("the file has no rows: no element Problem is in it", path=path)
    return rows
