"""Which parts of a reply's steps may stand by themselves, the best first. Pure.

steps     "The answer is 63.\\nThe step that goes wrong adds 9.\\n3 + 4 = 7 bags.\\nThe answer is 7.\\n7 × 9 = 63 cans."
excerpt   "3 + 4 = 7 bags.\\n7 × 9 = 63 cans."

What is cut: an answer given first or between the steps, sentences that make no sense to a reader of the question alone
(`foreign`), an outline of steps that are then done. A part is one piece of the reply: sentences on both sides of a
foreign one are never joined. Whether an excerpt is sound is not told here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from tutelage.records import Grade, Problem
from tutelage.teacher.announced import is_announced
from tutelage.teacher.noise import without_talk
from tutelage.teacher.reasoning import says_only_the_answer
from tutelage.text.numbers import find_numbers, find_word_numbers, whole_number
from tutelage.text.sentences import pieces_of
from tutelage.text.statements import statements

Piece = tuple[str, str]
"""A sentence, and the white space behind it."""

_HANGS = re.compile(
    r"""\W*(?:so|thus|therefore|hence|however|but|instead|then|also|otherwise|because|which|this|that|these|those|it
    |as\ a\ result|consequently|and)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""How a sentence begins that goes on from the one before."""
_OPENING = re.compile(
    r"\A(?:(?:this|that|it) is because |to (?:\w+ ){0,3}(?:this|that|it)(?: \w+){0,2}, (?:[^.:=\d\n]{0,60}:\s*)?)",
    re.IGNORECASE,
)
"""What hangs on a sentence that is not there: To get this, let's follow the steps:"""
_STUB = re.compile(
    r"\s*(?:(?:\d{1,2}[.)]|[-*•])?[^\w]*|(?:so|then|therefore|thus|hence|finally)\W*|[^.!?=\d]{1,40}:\s*)",
    re.IGNORECASE,
)
_MOST_STUBS, _LONGEST_STUB = 4, 60


def excerpts(steps: str, problem: Problem, grade: Grade, foreign: Callable[[str], bool]) -> Iterator[str]:
    """The parts to be tried, the best first: what stands behind the last foreign sentence before what precedes it."""
    pieces = list(pieces_of(steps))
    reasoned = [piece for piece in pieces if not _is_stated(piece[0], steps, problem, grade)]
    blocks = [list(block) for bad, block in groupby(reasoned, lambda piece: foreign(piece[0])) if not bad]
    for block in reversed(blocks):
        behind_a_cut = block[0] is not pieces[0]
        text = _opened(_joined(block))
        if behind_a_cut and _HANGS.match(text):
            continue
        shorter = [_joined(block[start:]) for start in _starts(block, problem)]
        yield from (without_stubs(_opened(part)) for part in shorter if not _HANGS.match(part))
        yield without_stubs(text)


def _opened(text: str) -> str:
    """What is left behind a cut, without an opening that is mere talk now."""
    left = without_talk(_OPENING.sub("", text, count=1))
    return text if left == text else left[:1].upper() + left[1:]


def without_stubs(text: str) -> str:
    """The text without an end that is only the number or the title of a step."""
    for _ in range(_MOST_STUBS):
        before, _, last = text.rpartition("\n")
        if not before.strip() or len(last) > _LONGEST_STUB or not _STUB.fullmatch(last):
            break
        text = before.rstrip()
    return text


def _joined(pieces: Sequence[Piece]) -> str:
    return "".join(sentence + space for sentence, space in pieces).strip()


def _is_stated(sentence: str, steps: str, problem: Problem, grade: Grade) -> bool:
    """Whether a sentence only states an answer: the right one, or a number that the steps come upon."""
    if not statements(sentence) or not says_only_the_answer(sentence):
        return False
    verdict = grade(problem, sentence)
    return verdict.correct or (verdict.answer is not None and f"= {verdict.answer}" in steps)


def _starts(block: Sequence[Piece], problem: Problem) -> Iterator[int]:
    """Where a block may begin: behind an outline, or behind a first sentence that gives the answer away.

    What is announced right before its calculation belongs to this.
    """
    told = [sentence for sentence, _ in block]
    calculated = next((place for place, sentence in enumerate(told) if "=" in sentence), len(told))
    outline = [place for place, sentence in enumerate(told[:calculated]) if is_announced(sentence)]
    outline = [place for place in outline if not told[place].endswith(":")]
    if len(outline) > 1 and outline[-1] - outline[0] < 2 * len(outline):
        yield outline[-1] + 1
    if len(block) > 1 and "=" not in block[0][0] and _gives_away(block[0][0], problem):
        yield 1


def _gives_away(sentence: str, problem: Problem) -> bool:
    """Whether a sentence holds the answer, a number that the question does not."""
    wanted = whole_number(problem.answer)
    values = {number.value for number in (*find_numbers(sentence), *find_word_numbers(sentence))}
    return wanted is not None and wanted.value in values and problem.answer not in problem.text
