"""Proposes parts of a reply's steps that can stand alone, the best first. Pure.

steps     "The answer is 63.\\nThe step that goes wrong adds 9.\\n3 + 4 = 7 bags.\\nThe answer is 7.\\n7 × 9 = 63 cans."
excerpt   "3 + 4 = 7 bags.\\n7 × 9 = 63 cans."

Four things are cut: an answer stated before or between the steps, sentences that refer to more than the question
(`foreign`), an outline of steps that are then carried out, and a check of the result behind them. A part is contiguous:
sentences before and after a foreign one are never joined. Soundness is checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from tutelage.records import Grade, Problem
from tutelage.teacher.reading.announced import is_announced
from tutelage.teacher.reading.noise import is_check, without_talk
from tutelage.teacher.reading.reasoning import says_only_the_answer
from tutelage.text.numbers import Number, find_numbers, find_word_numbers
from tutelage.text.sentences import pieces_of
from tutelage.text.statements import statements

Piece = tuple[str, str]
"""A sentence and the white space after it."""

_HANGS = re.compile(
    r"""\W*(?:so|thus|therefore|hence|however|but|instead|then|next|finally|lastly|after\ (?:that|this)|also|otherwise
    |because|which|this|that|these|those|it|s?he|they|as\ a\ result|consequently|and)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""The beginning of a sentence that depends on the one before."""
_OPENING = re.compile(
    r"\A(?:(?:this|that|it) is because "
    r"|(?:this|that|it) (?:is|was|can be) (?:calculated|found|computed|obtained|determined)[^.:=\d\n]{0,40}[:.]\s*"
    r"|to (?:\w+ ){0,3}(?:this|that|it)(?: \w+){0,2}, (?:[^.:=\d\n]{0,60}:\s*)?)",
    re.IGNORECASE,
)
"""An opening that refers to a sentence that was cut: To get this, let's follow the steps:"""
_STUB = re.compile(
    r"\s*(?:(?:\d{1,2}[.)]|[-*•])?[^\w]*|(?:so|then|therefore|thus|hence|finally)\W*|[^.!?=\d]{1,40}:\s*)",
    re.IGNORECASE,
)
_MOST_STUBS, _LONGEST_STUB = 4, 60


def excerpts(
    steps: str, problem: Problem, wanted: Number | None, grade: Grade, foreign: Callable[[str], bool]
) -> Iterator[str]:
    """The parts to try, the best first: the part after the last foreign sentence comes before earlier ones.

    Those without a check of the result come first of all. Those with it follow, since the solution may need it.
    `wanted` is the number to be calculated, if the answer is one.
    """
    pieces = list(pieces_of(steps))
    check = next((place for place, (sentence, _) in enumerate(pieces) if place and is_check(sentence)), None)
    if check is not None:  # small models check wrongly, and what is left without the check is shorter
        yield from excerpts(_joined(pieces[:check]), problem, wanted, grade, foreign)
    reasoned = [piece for piece in pieces if not _is_stated(piece[0], steps, problem, grade)]
    blocks = [list(block) for bad, block in groupby(reasoned, lambda piece: foreign(piece[0])) if not bad]
    for block in reversed(blocks):
        behind_a_cut = block[0] is not pieces[0]
        text = _opened(_joined(block))
        if behind_a_cut and _HANGS.match(text):
            continue
        shorter = [_joined(block[start:]) for start in _starts(block, problem, wanted)]
        yield from (without_stubs(part) for part in map(_opened, shorter) if not _HANGS.match(part))
        yield without_stubs(text)


def _opened(text: str) -> str:
    """The text after a cut, without an opening that has lost its meaning."""
    left = without_talk(_OPENING.sub("", text, count=1))
    return text if left == text else left[:1].upper() + left[1:]


def without_stubs(text: str) -> str:
    """The text without last lines that are only the number or the title of a step."""
    for _ in range(_MOST_STUBS):
        before, _, last = text.rpartition("\n")
        if not before.strip() or len(last) > _LONGEST_STUB or not _STUB.fullmatch(last):
            break
        text = before.rstrip()
    return text


def _joined(pieces: Sequence[Piece]) -> str:
    return "".join(sentence + space for sentence, space in pieces).strip()


def _is_stated(sentence: str, steps: str, problem: Problem, grade: Grade) -> bool:
    """Whether a sentence only states an answer: the right one, or a result of the steps."""
    if not statements(sentence) or not says_only_the_answer(sentence):
        return False
    verdict = grade(problem, sentence)
    return verdict.correct or (verdict.answer is not None and f"= {verdict.answer}" in steps)


def _starts(block: Sequence[Piece], problem: Problem, wanted: Number | None) -> Iterator[int]:
    """Indices where a block may begin: after an outline, or after a first sentence that gives the answer away.

    An announcement that ends in a colon belongs to its calculation, not to the outline.
    """
    told = [sentence for sentence, _ in block]
    calculated = next((place for place, sentence in enumerate(told) if "=" in sentence), len(told))
    outline = [place for place, sentence in enumerate(told[:calculated]) if is_announced(sentence)]
    outline = [place for place in outline if not told[place].endswith(":")]
    if len(outline) > 1 and outline[-1] - outline[0] < 2 * len(outline):
        yield outline[-1] + 1
    if len(block) > 1 and "=" not in block[0][0] and _gives_away(block[0][0], problem, wanted):
        yield 1


def _gives_away(sentence: str, problem: Problem, wanted: Number | None) -> bool:
    """Whether a sentence holds the numeric answer, and the question does not."""
    values = {number.value for number in (*find_numbers(sentence), *find_word_numbers(sentence))}
    defines = sentence.lower().startswith("let ")
    return wanted is not None and wanted.value in values and problem.answer not in problem.text and not defines
