"""The sentences of a text. Pure.

"Tom sold 48/2 = 24 cards at $14.50. He has 5 now."  ->  ["Tom sold 48/2 = 24 cards at $14.50.", "He has 5 now."]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ABBREVIATED = "mr mrs ms dr st no vs e.g i.e etc a.m p.m jr sr approx u.s"
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_BOUNDARY = re.compile(r"(?<=[.!?])[\"”')]?(\s+)(?=[\"“'(]?[A-Z0-9$(])|(\s*\n\s*)")


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; decimals, `$14.50`, abbreviations and initials do not end one."""
    return [sentence for sentence, _ in pieces_of(text)]


def pieces_of(text: str) -> Iterator[tuple[str, str]]:
    """Each sentence with the white space after it."""
    start = 0
    for match in _BOUNDARY.finditer(text):
        before = text[start : match.start()]
        if "\n" not in match.group() and _is_abbreviation(before):
            continue
        space = match[1] or match[2] or ""
        piece = text[start : match.end()].rstrip()
        if piece:
            yield piece, space
        start = match.end()
    if rest := text[start:].strip():
        yield rest, ""


def _is_abbreviation(before: str) -> bool:
    last = before.rsplit(maxsplit=1)[-1].rstrip(".").lstrip("(\"'“").lower() if before.split() else ""
    return before.endswith(".") and (last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha()))
