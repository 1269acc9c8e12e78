"""Grades multiple choice: which of a problem's choices does a text state, by label or by words?

choices (A) bank (B) library:    "The answer is (B)."    "B. library"    "You go to the library."    ->  B
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from tutelage.grading.free_text import text_key
from tutelage.records import Choice, Problem, Verdict
from tutelage.text.latex import unlatex
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import NO_ANSWER, Unread, affirmed, last_line, shorten, statements

_ASIDE = re.compile(r"[,;]? (?:because|since|rather than|instead of|as opposed to|and not|not)\b|, as\b", re.IGNORECASE)


def grade_choice(problem: Problem, text: str) -> Verdict:
    """Grades the label of the stated choice."""
    stated = stated_choice(text, problem.choices)
    if isinstance(stated, Unread):
        return Verdict(False, None, stated.reason)
    right = stated.label.casefold() == problem.answer.strip().casefold()
    return Verdict(right, stated.label, "right" if right else f"{stated.label} is not {problem.answer}")


def stated_choice(text: str, choices: Sequence[Choice]) -> Choice | Unread:
    """The choice stated as the final answer: by the last statement that names one, else at the end of the text."""
    text = unlatex(text)
    found = statements(text)
    for statement in found:
        choice = _read_either(statement.piece, statement.line, choices)
        if isinstance(choice, Choice) or not choice.silent:
            return choice
    if found:
        return Unread(f"no choice in {shorten(found[0].piece)!r}", silent=True)
    line = last_line(text)
    said = bare_sentences(line)
    if not said:
        return NO_ANSWER
    lone_label = any(text_key(said[0]) == choice.label.casefold() for choice in choices)
    choice = _read_either(said[0] if lone_label else said[-1], line, choices)
    return choice if isinstance(choice, Choice) or not choice.silent else NO_ANSWER


def read_choice(piece: str, choices: Sequence[Choice]) -> Choice | Unread:
    """The one choice that a piece names."""
    said = affirmed(piece)
    if said is None:
        return Unread(f"{shorten(piece)!r} says only what is not the answer", silent=True)
    whole = text_key(said)
    for named in (
        [c for c in choices if text_key(c.text) == whole],
        [c for c in choices if c.label.casefold() == whole],
    ):
        if len(named) == 1:
            return named[0]
    aside = _ASIDE.search(said)
    said = said[: aside.start()] if aside and aside.start() else said
    labelled = _labelled(said, choices)
    if not labelled:
        return _one(_worded(said, choices), piece)
    return _agreed(_one(labelled, piece), said, choices)


def _read_either(piece: str, line: str, choices: Sequence[Choice]) -> Choice | Unread:
    """What a sentence names; what its line does if the sentence, such as the "B" of "B. library", names nothing."""
    choice = read_choice(piece, choices)
    if isinstance(choice, Choice):
        return _agreed(choice, line, choices)
    return read_choice(line, choices) if choice.silent else choice


def _agreed(choice: Choice | Unread, said: str, choices: Sequence[Choice]) -> Choice | Unread:
    """The choice, unless the words after its label are those of another one."""
    words = text_key(said[_leading(said, choices) :])
    said_by = {other.label for other in choices if text_key(other.text) == words}
    if isinstance(choice, Choice) and said_by and choice.label not in said_by:
        return Unread(f"{shorten(said)!r} is not what choice {choice.label} says")
    return choice


def _one(named: list[Choice], piece: str) -> Choice | Unread:
    if len(named) > 1:
        return Unread(f"two choices stated: {named[0].label} and {named[1].label}")
    return named[0] if named else Unread(f"no choice in {shorten(piece)!r}", silent=True)


def _labelled(piece: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices named by label: (B), [b], option B, "B." or "B:" at the start, B at the end."""
    marks = _marks(tuple(choice.label for choice in choices))
    names = {name.casefold() for pattern in marks for name in pattern.findall(piece)}
    return [choice for choice in choices if choice.label.casefold() in names]


def _worded(piece: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices whose full text stands in the piece, without those that are but a part of a longer one that does."""
    words = f" {text_key(piece)} "
    keys = {choice: f" {text_key(choice.text)} " for choice in choices}
    named = [choice for choice, key in keys.items() if key.strip() and key in words]
    return [c for c in named if not any(keys[c] != keys[o] and keys[c] in keys[o] for o in named)]


def _leading(piece: str, choices: Sequence[Choice]) -> int:
    """Where the label at the start of a piece ends; 0 if none stands there."""
    start = _marks(tuple(choice.label for choice in choices))[2].match(piece)
    return start.end() if start else 0


@lru_cache(maxsize=256)
def _marks(labels: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    exact = "|".join(sorted((re.escape(label) for label in labels), key=len, reverse=True)) or r"(?!)"
    return (
        re.compile(rf"[(\[]\s?({exact})\s?[)\]]", re.IGNORECASE),
        re.compile(rf"\b(?i:option|choice|letter)\s?[(\"'*]{{0,4}}({exact})(?!\w)"),
        re.compile(
            rf"[\s*_\"'(\[]{{0,6}}((?i:{exact})(?=[*_]{{0,3}}[.):\]])|(?:{exact})(?=[*_]{{0,3}}\s?(?:[,;:–—-]|$)))[\s*_.):\]]{{0,6}}"
        ),
        re.compile(rf"\b({exact})\)?\s?(?:,|/|&|and|or)\s?\(?(?:{exact})(?!\w)"),
        re.compile(rf"(?:^|[\s*\"'])({exact})[\s*_.\"')]{{0,6}}$"),
    )
