"""Splits a text into sentences. Pure, linear in the text.

"Tom sold 48/2 = 24 cards at $14.50. He has 5 now."  ->  ["Tom sold 48/2 = 24 cards at $14.50.", "He has 5 now."]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BOUNDARY = re.compile(
    r"(?:[.!?][\"”’'*_)\]}$]{0,4}(?=\s|$)|[。！？][\"”’」』）*_]{0,4})(?P<space>\s*)|(?<!\s)(?P<line>\s*\n\s*)"
)
_ABBREVIATED = "mr mrs ms dr st vs e.g i.e etc a.m p.m jr sr approx u.s"
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_UNITS = "ft in oz lb lbs sq cu hr hrs min mins sec yd yds mi pt qt gal tbsp tsp cm mm km kg ml max"
_UNIT_ABBREVIATIONS = frozenset(_UNITS.split())
_LAST_WORD = re.compile(r"[^\s(\"'“]+$")


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; decimals, `$14.50`, abbreviations and initials do not end one."""
    return [sentence for sentence, _ in pieces_of(text)]


def bare_sentences(text: str) -> list[str]:
    """The sentences without final punctuation."""
    bare = (sentence.rstrip(".!?").rstrip() for sentence in sentences(text))
    return [sentence for sentence in bare if sentence]


def pieces_of(text: str) -> Iterator[tuple[str, str]]:
    """Each sentence with the white space after it."""
    start = 0
    for match in boundaries(text):
        piece = text[start : match.end()].rstrip()
        if piece.strip():
            yield piece.lstrip() if start == 0 else piece, match["space"] or match["line"] or ""
        start = match.end()
    if rest := text[start:].strip():
        yield rest, ""


def end_of_sentence(text: str, start: int, end: int) -> int:
    """The end of the sentence around `start`, before its punctuation; at most `end`."""
    return next((match.start() for match in boundaries(text, start, end)), end)


def boundaries(text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
    """The ends of sentences: each match covers the punctuation and the white space after it."""
    for match in _BOUNDARY.finditer(text, start, len(text) if end is None else end):
        space = match["space"]
        if not space or "\n" in space or text[match.start()] != "." or not _is_abbreviation(text, match):
            yield match


def _is_abbreviation(text: str, stop: re.Match[str]) -> bool:
    """Whether the full stop belongs to an abbreviation or initial; the text after it decides."""
    found = _LAST_WORD.search(text[max(0, stop.start() - 12) : stop.start()])
    word, after = found[0].lower() if found else "", text[stop.end() : stop.end() + 1]
    if after.islower():
        return word in _ABBREVIATIONS or word in _UNIT_ABBREVIATIONS
    if len(word) == 1:
        return word.isalpha() and (after.isupper() or after.isdigit() or after in "$(\"'“")
    return word in _ABBREVIATIONS or (word == "no" and after.isdigit())


def sentence_to(text: str, end: int) -> tuple[int, str]:
    """The first sentence of a text that ends at the character `end` or later, with its start; else the last one."""
    start, sentence = 0, ""
    for sentence in sentences(text):
        start = text.index(sentence, start)
        if start + len(sentence) >= end:
            break
        start += len(sentence)
    return start, sentence
