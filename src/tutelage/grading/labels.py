"""Finds the choices that a piece of text names by their labels. Pure.

(A) bank (B) library:   "(B)"   "B. library"   "option B"   "I pick B"   name B;   "She played."   "a bank"   name none

A label counts if it is separate and marked as a label: in brackets, before a full stop or colon at the start, after
"option" or a similar word, or at the end of a sentence that chooses. A letter within a word never counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tutelage.grading.words import text_key
from tutelage.records import Choice

_REFUSED = r"(?!\W{0,3}(?:is|are|was|would be)\s(?:\w+\s)?(?:wrong|incorrect|not|false|out)\b)"
_CHOOSES = (
    r"(?:\b(?i:is|be|are|was|pick|picked|choose|chose|chosen|select|selected|with|so|thus|therefore|hence|then|say"
    r"|guess|prefer|option|choice|answer|letter|it|(?:it|that)['’]s)|[:=→⇒]|[=-]>)"
)
_JUDGED = r"\s(?:is|fits)\s(?:the\s)?(?:right|correct|best|only)\b"
_DASHES = ("- ", "– ", "— ")
_NO_LABEL_BEHIND = re.compile(
    r"\b(?:vitamin|plan|hepatitis|influenza|type|grade|group|team|class|section|appendix|figure|table|model|page|chapter)"
    r"\s\W{0,4}$",
    re.IGNORECASE,
)


_MOST = 20
"""The maximum number of labels in a piece whose words are compared."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """Patterns of labels; group 1, and 2 of `pair`, is the label."""

    bracketed: re.Pattern[str]
    named: re.Pattern[str]
    leading: re.Pattern[str]
    pair: re.Pattern[str]
    ending: re.Pattern[str]
    chosen: re.Pattern[str]
    alone: re.Pattern[str]


def labelled(piece: str, choices: Sequence[Choice], *, stated: bool = True) -> list[Choice]:
    """The choices that a piece names by label; only one if its text follows the label.

    `stated`: the piece comes from a statement of the answer, so a label at its end counts.
    """
    marks = _marks(tuple(choice.label for choice in choices))
    by_label = {choice.label.casefold(): choice for choice in choices}
    found = [*marks.bracketed.finditer(piece), *marks.named.finditer(piece)]
    found += [mark for mark in (marks.leading.match(piece), marks.chosen.search(piece[-80:])) if mark]
    for mark in found[:_MOST]:
        choice = by_label.get(mark[1].casefold())
        if choice and _says(mark.string[mark.end() : mark.end() + 2 * len(choice.text) + 20], choice):
            return [choice]
    names = {mark[1].casefold() for mark in found}
    for mark in marks.pair.finditer(piece):
        names |= {mark[1].casefold(), mark[2].casefold()}
    last = marks.ending.search(piece[-40:]) if stated else None
    if last and not _NO_LABEL_BEHIND.search(piece[-40:][: last.start(1)]):
        names.add(last[1].casefold())
    return [choice for choice in choices if choice.label.casefold() in names]


def _says(words: str, choice: Choice) -> bool:
    """Whether the words begin with the choice's text."""
    own = text_key(choice.text)
    return bool(own) and f"{text_key(words)} ".startswith(f"{own} ")


def leading(piece: str, choices: Sequence[Choice]) -> int:
    """The end of the label at the start of a piece; 0 if there is none."""
    start = _marks(tuple(choice.label for choice in choices)).leading.match(piece)
    return start.end() if start else 0


def behind_label(piece: str, choices: Sequence[Choice]) -> list[str]:
    """The text after the label at the start of a piece; also with a dash before it, which may be a minus: C) - 5."""
    end = leading(piece, choices)
    return [piece[end:], piece[end - 2 :]] if piece[:end].endswith(_DASHES) else [piece[end:]]


def label_and_text(piece: str, choices: Sequence[Choice]) -> Choice | None:
    """The choice if the piece is its label and text: `B. library`."""
    label = _marks(tuple(choice.label for choice in choices)).leading.match(piece)
    if label is None:
        return None
    said = [text_key(part) for part in behind_label(piece, choices)]
    own = (choice for choice in choices if choice.label.casefold() == label[1].casefold())
    return next((choice for choice in own if text_key(choice.text) in said and any(said)), None)


def lone_label(piece: str, choices: Sequence[Choice]) -> Choice | None:
    """The choice if the piece is only its label: `B`, `(b)`, `B.`"""
    alone = _marks(tuple(choice.label for choice in choices)).alone.fullmatch(piece)
    return next((c for c in choices if alone and c.label.casefold() == alone[1].casefold()), None)


@lru_cache(maxsize=256)
def _marks(labels: tuple[str, ...]) -> _Marks:
    exact = "|".join(sorted((re.escape(label) for label in labels), key=len, reverse=True)) or r"(?!)"
    end = r"[\s*_.!\"')}]{0,6}$"
    patterns = (
        rf"(?<![\w\\])[(\[]\s?((?i:{exact}))\s?[)\]](?!\w){_REFUSED}",
        rf"\b(?i:option|choice|letter)\s?[(\"'*]{{0,4}}({exact}|(?i:{exact})(?=[*\"')]{{0,4}}(?:[.:,)]|$)))(?!\w){_REFUSED}",
        rf"(?:(?i:so|thus|hence|therefore|then),?\s(?=(?:{exact}){_JUDGED}))?"
        rf"[\s*_\"'(\[]{{0,6}}((?i:{exact})(?=[*_]{{0,3}}[.):\]](?!\w))"
        rf"|(?:{exact})(?=[*_\"']{{0,3}}\s?(?:[,;:–—-]\s|[,;:]|$)|\s(?:is|would|seems|because|since)\b)){_REFUSED}"
        r"[\s*_.):\]\"']{0,6}(?:[-–—]\s)?",
        rf"(?<![\w'’])\(?({exact})\)?\s?(?:,|/|&|and|or)\s?\(?({exact})(?!\w)",
        rf"(?:^|[\s*\"'])({exact}){end}",
        rf"{_CHOOSES}[\s*\"'(,]{{1,6}}({exact}){end}",
        rf"[\s*_\"'(\[]{{0,6}}((?i:{exact}))[\s*_\"')\].:!]{{0,6}}",
    )
    return _Marks(*map(re.compile, patterns))
