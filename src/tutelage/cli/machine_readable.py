"""`--json`: what a command tells, as one line of JSON for programs. Messages still go to the standard error."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON instead, for programs.")]


def json_line(data: object, *, ascii_only: bool) -> str:
    """Records and plain data as JSON in one line that is safe to show."""
    from pydantic_core import to_jsonable_python

    from tutelage.text.printable import printable_json

    plain = to_jsonable_python(data, inf_nan_mode="null")
    return json.dumps(plain) if ascii_only else printable_json(plain)


def print_json(data: object) -> None:
    """Print records and plain data as one line of JSON."""
    print(json_line(data, ascii_only=not is_unicode_output()))


def is_unicode_output() -> bool:
    """Whether the standard output takes every character."""
    return sys.stdout.encoding.lower().startswith("utf")
