"""Cuts an attempt where its first wrong step begins and ends, so that a page can mark it. Pure.

text   "3 + 4 = 8 pens.\\nThe answer is 8."; Mark(start=0, end=9, right="3 + 4 = 7", …)
pieces "3 + 4 = 8" (marked), " pens.\\nThe answer is 8." (kept)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tutelage.view.facts import Mark

Look = Literal["kept", "marked", "removed", "added"]
"""How a piece of a text is shown: as it is, as the first wrong step, as what one of two texts alone says."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. It is never empty, and it is not escaped."""

    text: str
    look: Look = "kept"


def marked(text: str, mark: Mark | None = None) -> list[Piece]:
    """The pieces of a text, in order; joined they are the text. A mark that is not in the text marks nothing."""
    if mark is None or mark.start is None or mark.end is None or not 0 <= mark.start < mark.end <= len(text):
        return [Piece(text)] if text else []
    start, end = mark.start, mark.end
    pieces = (Piece(text[:start]), Piece(text[start:end], "marked"), Piece(text[end:]))
    return [piece for piece in pieces if piece.text]
