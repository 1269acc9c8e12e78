"""Grades multiple choice: finds the choice that a text states, by label or by words.

choices (A) bank (B) library:    "The answer is (B)."    "B. library"    "You go to the library."    ->  B
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tutelage.grading.labels import behind_label, label_and_text, labelled, leading, lone_label
from tutelage.grading.words import text_key
from tutelage.records import Choice, Problem, Verdict
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import NO_ANSWER, Unread, affirmed, last_line, lead, shorten, statements

_ASIDE = re.compile(r"[,;]? (?:because|since|rather than|instead of|as opposed to|and not|not)\b|, as\b", re.IGNORECASE)


def grade_choice(problem: Problem, text: str) -> Verdict:
    """Grades the label of the stated choice."""
    stated = stated_choice(text, problem.choices)
    if isinstance(stated, Unread):
        return Verdict(False, None, stated.reason)
    right = stated.label.casefold() == problem.answer.strip().casefold()
    return Verdict(right, stated.label, "right" if right else f"{stated.label} is not {problem.answer}")


def stated_choice(text: str, choices: Sequence[Choice]) -> Choice | Unread:
    """The choice stated as the final answer: in the last statement that names one, else at the start or the end.

    `text` has no markup.
    """
    found = statements(text)
    for statement in found:
        choice = _read_either(statement.piece, statement.line, choices)
        if isinstance(choice, Choice) or not choice.silent:
            return choice
    if found:
        return Unread(f"no choice in {shorten(found[0].piece)!r}", silent=True)
    if first := _first_line(text, choices):
        return first
    line = last_line(text)
    said = bare_sentences(line)
    if not said:
        return NO_ANSWER
    lone = lone_label(said[0], choices)
    choice = _read_either(said[0] if lone else said[-1], line, choices, stated=False)
    return choice if isinstance(choice, Choice) or not choice.silent else NO_ANSWER


def read_choice(piece: str, choices: Sequence[Choice], *, stated: bool = True) -> Choice | Unread:
    """The one choice that a piece names. `stated`: the piece comes from a statement of the answer."""
    said = affirmed(piece)
    if said is None:
        return Unread(f"{shorten(piece)!r} says only what is not the answer", silent=True)
    whole = text_key(said)
    exact = [choice for choice in choices if said.strip() in (choice.text, choice.label)]  # "A" beside (A) x … (D) a
    named = [choice for choice in choices if text_key(choice.text) == whole]
    if len(named) == 1 and exact in ([], named):
        return named[0]
    if lone := lone_label(said, choices):
        return lone
    aside = _ASIDE.search(said)
    said = said[: aside.start()] if aside and aside.start() else said
    named = labelled(said, choices, stated=stated)
    if not named:
        return _one(_worded(said, choices), piece)
    return _agreed(_one(named, piece), said, choices)


def _first_line(text: str, choices: Sequence[Choice]) -> Choice | None:
    """The choice that the first line gives and the others explain; None where the lines list the choices."""
    first, _, rest = text.strip().partition("\n")
    rest = rest.strip()
    if not rest or (leading(rest, choices) and lead(text) is None):
        return None
    if lone := lone_label(first, choices):
        return lone
    if lead(text) is None and not leading(first, choices):
        return None
    choice = read_choice(first.rstrip(". "), choices, stated=False)
    if not isinstance(choice, Choice):
        return None
    words = text_key(first[leading(first, choices) :])
    return choice if words == text_key(choice.text) else None


def _read_either(piece: str, line: str, choices: Sequence[Choice], *, stated: bool = True) -> Choice | Unread:
    """The choice that a sentence names; if none, as in the "B" of "B. library", the choice that its line names."""
    if both := label_and_text(line, choices):
        return both
    choice = read_choice(piece, choices, stated=stated)
    if isinstance(choice, Choice):
        return _agreed(choice, line, choices)
    return read_choice(line, choices, stated=stated) if choice.silent else choice


def _agreed(choice: Choice | Unread, said: str, choices: Sequence[Choice]) -> Choice | Unread:
    """The choice, unless the words after its label are the text of another one."""
    words = {text_key(part) for part in behind_label(said, choices)}
    said_by = {other.label for other in choices if text_key(other.text) in words}
    if isinstance(choice, Choice) and said_by and choice.label not in said_by:
        return Unread(f"{shorten(said)!r} is not what choice {choice.label} says")
    return choice


def _one(named: list[Choice], piece: str) -> Choice | Unread:
    if len(named) > 1:
        return Unread(f"two choices stated: {named[0].label} and {named[1].label}")
    return named[0] if named else Unread(f"no choice in {shorten(piece)!r}", silent=True)


def _worded(piece: str, choices: Sequence[Choice]) -> list[Choice]:
    """The choices whose full text is in the piece, without those that are only part of a longer one there."""
    words = f" {text_key(piece)} "
    keys = {choice: f" {text_key(choice.text)} " for choice in choices}
    named = [choice for choice, key in keys.items() if key.strip() and key in words]
    result = f" {text_key(piece.rpartition('=')[2])} "
    if len(named) > 1 and any(keys[choice] == result for choice in named):
        named = [choice for choice in named if keys[choice] == result]  # 12 + 6 = 18
    return [c for c in named if not any(keys[c] != keys[o] and keys[c] in keys[o] for o in named)]
