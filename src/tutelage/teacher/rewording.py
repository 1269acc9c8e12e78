"""Rewords a worked solution without changing its steps and calculations. Pure.

"Tom sold 48/2 = 24 cards. He has 24 + 5 = 29 now."
"First, Tom sold 48/2 = 24 cards. Then he has 24 + 5 = 29 now."
"48/2 = 24, so Tom sold 24 cards. He has 24 + 5 = 29 now."
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from tutelage.text.calculations import Calculation, find_calculations
from tutelage.text.sentences import pieces_of, sentences

Rewording = Callable[[str], str]
Names = frozenset[str]

_LINKED = re.compile(
    r"""(?:so|then|first|firstly|second|next|now|finally|therefore|thus|hence|after|afterwards|and|but|also|altogether
    |in\ total|to|if|since|because|let|step|that|this|these|those|which|together|combined|start|begin|last|lastly|as
    |however|check|what|the\ point|the\ deciding|we\ need|the\ whole)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_NAMES = """the a an he she they it we there in on for each his her their its of with at by all every both when
one two three"""
_LOWERED = frozenset(_NO_NAMES.split())
_CONNECTIVES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("First, ", ("Then ", "Next, "), "So "),
    ("To begin with, ", ("After that, ", "Now ", ""), "In the end, "),
    ("", ("Now ", "Then ", ""), "Finally, "),
)
_OPENINGS = ("", "Take it step by step. ", "Work it out in order. ")
_LEADING_ON = """or because since by as finding that is of get gives from make makes calculate find have we so then do
using to equals and if"""
_NOT_A_SUBJECT = frozenset(_LEADING_ON.split())


def wordings(text: str, question: str = "") -> Iterator[str]:
    """Wordings of a solution: the text itself, then light changes, then heavier ones; some may be equal.

    `question` helps to recognise names, which keep their capital letter.
    """
    names = _names(f"{question}\n{text}")
    for opening in _OPENINGS:
        for lines in (_as_it_stands, _other_layout):
            for reword in _rewordings(names):
                yield opening + lines(reword(text))


def calculation_first(sentence: str, question: str = "") -> str:
    """A sentence with its calculation first, or unchanged if that is impossible: `48/2 = 24, so Tom sold 24 cards.`"""
    return _calculation_first(sentence, _names(f"{question}\n{sentence}"))


def _names(text: str) -> Names:
    return frozenset(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", text))


def _rewordings(names: Names) -> list[Rewording]:
    first, *others = [partial(_connect, connectives=connectives, names=names) for connectives in _CONNECTIVES]
    calculation_first = partial(_map_sentences, change=partial(_calculation_first, names=names))
    words_first = partial(_map_sentences, change=_words_first)
    return [_as_it_stands, first, calculation_first, words_first, *others]


def _as_it_stands(text: str) -> str:
    return text


def _other_layout(text: str) -> str:
    """One sentence a line; a text of several lines is put on one."""
    pieces = sentences(text)
    if "\n" not in text.strip():
        return "\n".join(pieces)
    return " ".join(piece if piece[-1:] in ".!?:;," else f"{piece}." for piece in pieces)


def _map_sentences(text: str, change: Callable[[str], str]) -> str:
    return "".join(change(piece) + space for piece, space in pieces_of(text))


def _connect(text: str, connectives: tuple[str, tuple[str, ...], str], names: Names) -> str:
    """The text with a connective before each sentence that has none and can follow one."""
    pieces = list(pieces_of(text))
    first, middle, last = connectives
    if len(pieces) < 2:
        return text
    joined: list[str] = []
    for index, (piece, space) in enumerate(pieces):
        connective = first if index == 0 else last if index == len(pieces) - 1 else middle[(index - 1) % len(middle)]
        onward = None if _LINKED.match(piece) or not connective else _after_comma(piece, names)
        joined.append((piece if onward is None else connective + onward) + space)
    return "".join(joined)


def _after_comma(sentence: str, names: Names) -> str | None:
    """The sentence as it stands after a comma; None if the case of its first word is uncertain."""
    word = re.match(r"[A-Za-z]+", sentence)
    if word is None:
        return sentence if re.match(r"[\d$(]", sentence) else None
    if word[0].lower() in _LOWERED:
        return sentence[0].lower() + sentence[1:]
    return sentence if word[0] in names or word[0] == "I" else None


def _calculation_first(sentence: str, names: Names) -> str:
    """`Tom sold 48/2 = 24 cards.` as `48/2 = 24, so Tom sold 24 cards.`"""
    parts = _around_calculation(sentence)
    if parts is None or (onward := _after_comma(parts[0], names)) is None:
        return sentence
    _, calculation, after = parts
    return f"{calculation.text}, so {onward}{calculation.stated}{after}"


def _words_first(sentence: str) -> str:
    """`Tom sold 48/2 = 24 cards.` as `Tom sold 24 cards, because 48/2 = 24.`"""
    if (parts := _around_calculation(sentence)) is None:
        return sentence
    before, calculation, after = parts
    end = after[-1:] if after.endswith((".", "!")) else ""
    return f"{before}{calculation.stated}{after.removesuffix(end)}, because {calculation.text}{end}"


def _around_calculation(sentence: str) -> tuple[str, Calculation, str] | None:
    """The sentence split at its only calculation, if the words around it still make a sentence with just the result."""
    found = find_calculations(sentence)
    if len(found) != 1 or _LINKED.match(sentence):
        return None
    calculation = found[0]
    before, after = sentence[: calculation.start], sentence[calculation.end :]
    words = re.findall(r"[A-Za-z]+", before)
    plain = re.fullmatch(r"[^:=,;(]*[A-Za-z] ", before) is not None
    # A percentage or a unit within the calculation would be lost or said twice.
    bare = not re.search(r"[A-Za-z%]{2}", calculation.text) and not re.search(r"[+*/×÷=(]", after)
    if not plain or not bare or len(words) < 2 or words[-1].lower() in _NOT_A_SUBJECT:
        return None
    return before, calculation, after
