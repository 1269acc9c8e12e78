"""The form of a round's rationales, and whether it has moved away from round 0's. Pure.

A student learns the form with the steps. If round 0 teaches short lines and round 1 outlines of twice the length, it
writes outlines, and is worse for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tutelage.records import Feedback
from tutelage.text.sentences import sentences
from tutelage.text.statements import without_statement

FEWEST = 8
"""Rationales from which a round's form can be told."""
LENGTHS, SHARES = 1.5, 0.3
"""By so many times the median length, and by so much a share, must differ to be worth a word."""

_ITEM = re.compile(r"^\s*(?:(?:step\s*)?\d{1,2}\s*[.):]|[-*•])\s+\S", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Form:
    """Of some rationales: the median of their words, the shares that stand in lines and in an outline."""

    rationales: int
    words: float
    lines: float
    outlines: float


def rationales(replies: Sequence[Feedback]) -> list[str]:
    """The texts of the replies that can be trained on."""
    return [reply.text for reply in replies if reply.is_rationale]


def form_of(texts: Sequence[str]) -> Form:
    """The form of rationales; the closing statement is no part of it."""
    texts = [without_statement(text) for text in texts]
    if not texts:
        return Form(0, 0.0, 0.0, 0.0)
    words = median(len(text.split()) for text in texts)
    lines = sum(map(_in_lines, texts)) / len(texts)
    outlines = sum(len(_ITEM.findall(text)) >= 2 for text in texts) / len(texts)
    return Form(len(texts), words, lines, outlines)


def has_moved(first: Form, now: Form) -> str | None:
    """In what a round's form differs from round 0's, in words; None if in nothing, or too few are there to tell."""
    if min(first.rationales, now.rationales) < FEWEST:
        return None
    parts: list[str] = []
    if not 1 / LENGTHS <= (now.words + 1) / (first.words + 1) <= LENGTHS:
        parts.append(f"half of them have {now.words:g} words or more (round 0: {first.words:g})")
    for share, before, what in [(now.lines, first.lines, "in lines"), (now.outlines, first.outlines, "in an outline")]:
        if abs(share - before) > SHARES:
            parts.append(f"{share:.0%} stand {what} (round 0: {before:.0%})")
    return f"the form of the rationales has moved away from round 0's: {', '.join(parts)}" if parts else None


def _in_lines(text: str) -> bool:
    """Whether the sentences stand in lines of their own, or most do."""
    lines = sum(1 for line in text.splitlines() if line.strip())
    return lines >= 2 and 2 * lines > len(sentences(text))
