"""Finds the sound part of a reply's steps, or the flaw that rejects them. Pure.

steps   "The correct answer is 12. Reach it by reasoning.\\nEach box holds 4 pens, so 3 × 4 = 12 pens."
sound   "Each box holds 4 pens, so 3 × 4 = 12 pens."
steps   "3 × 5 = 15 pens."  for 12    refused: "the reasoning comes to 15, not to 12"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tutelage.records import AnswerKind, Grade, Problem
from tutelage.teacher.judge.aim import Flaw
from tutelage.teacher.judge.arithmetic import find_flaw, find_ungrounded
from tutelage.teacher.judge.conclusions import find_contradiction
from tutelage.teacher.judge.in_signs import in_signs
from tutelage.teacher.judge.leaks import find_leak
from tutelage.teacher.judge.talk import find_talk
from tutelage.teacher.reading.echoes import UNSPACED, Echoes
from tutelage.teacher.reading.excerpts import excerpts
from tutelage.teacher.reading.openings import opens_with_answer
from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import Fault, find_calculations
from tutelage.text.format import write_number
from tutelage.text.numbers import Number, whole_number

_LONGEST_QUOTE = 100
"""The most characters of the reply that a reason quotes."""
_FEWEST_WORDS = 3
_ANY_WORD = re.compile(rf"[{UNSPACED}]|\w+")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W\d_]{{2,}}")
_NO_WAY: Flaw = ("answer leaked without reasoning", "the reply gives no reasoning that stands by itself")
_STATES = re.compile(
    r"\W*+(?:(?:so|thus|therefore|hence)\b\W*+)?(?:(?:the|my|our)\ (?:\w+\ )?answer\b[^.\n]{0,40}"
    r"\b(?:is|are|was|(?:must|should|would)\ be)\b"
    r"|(?:final\ |correct\ )?answer\s?:)",
    re.I,
)
_SOFT = re.compile(
    r"(?<=\b[Tt])he (?:correct|right) (?=(?:total|number|amount|sum|price|cost|result|value|difference|total)\b)"
)
"""An echo of an earlier wrong answer: of `the correct number of pens` the adjective is dropped."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the steps of a rationale for `problem`; `ours` are the word runs of the prompts.

    `check_arithmetic` rejects false calculations. `check_way` rejects steps that do not reach the answer. Of the `kind`
    text a number is known, and need not be calculated.
    """

    problem: Problem
    grade: Grade
    ours: Echoes
    check_arithmetic: bool
    check_way: bool = True
    kind: AnswerKind = "number"

    @property
    def _wanted(self) -> Number | None:
        """The problem's answer, if it is a number to be calculated."""
        return None if self.problem.choices or self.kind == "text" else whole_number(self.problem.answer)

    def sound_part(self, steps: str, shorter: str | None = None) -> tuple[str, Flaw | None]:
        """The best part without a flaw; if there is none, the steps and their first flaw.

        Where the steps have a flaw, the parts of `shorter`, another reading of the reply, come before theirs.
        """
        first = self.flaw(steps)
        if first and shorter is not None:
            part, flaw = self.sound_part(shorter)
            if flaw is None:
                return part, None
        for part in excerpts(steps, self.problem, self._wanted, self.grade, self._is_foreign):
            if part != steps and first and not self._stands_alone(part):
                continue
            if (first if part == steps else self.flaw(part)) is None:
                return _SOFT.sub("he ", part), None
        return steps, first or _NO_WAY

    def _stands_alone(self, part: str) -> bool:
        """Whether a part has words enough, and calculates with no result of what was cut."""
        enough = len(_WORD.findall(part)) >= _FEWEST_WORDS
        way = self.check_way and self._wanted is not None
        return enough and not (way and find_ungrounded(part, self.problem, strictly=True))

    def flaw(self, steps: str) -> Flaw | None:
        """The first reason why the steps must not be trained on as they stand."""
        return next(self._flaws(steps), None)

    def _flaws(self, steps: str) -> Iterator[Flaw]:
        wanted = self._wanted
        if self.check_way and len(_ANY_WORD.findall(steps)) < _FEWEST_WORDS:
            yield "answer leaked without reasoning", "the reply states the answer without a step of reasoning"
        if talk := find_talk(steps, self.problem.text, number=wanted is not None):
            yield "answer leaked without reasoning", f"the reply speaks of what is not in the question: {talk!r}"
        if self.check_arithmetic and (fault := false_calculation(steps)):
            yield "false calculation", fault
        for start, end in self.ours.find(steps, self.problem.text)[:1]:
            yield "repeats the prompt", f"the reply repeats what it was told: {quote(steps[start:end])!r}"
        if _STATES.match(steps) or opens_with_answer(steps, self.problem):
            yield "answer leaked without reasoning", "the reply begins with its answer"
        if wanted is not None and (leak := find_leak(steps, self.problem, wanted)):
            yield "answer leaked without reasoning", leak
        if self.check_way and wanted is not None and (flaw := find_flaw(steps, self.problem, wanted)):
            yield flaw
        if self.check_way and wanted is None and (flaw := find_contradiction(steps, self.problem, self.grade)):
            yield flaw

    def _is_foreign(self, sentence: str) -> bool:
        question = self.problem.text
        talks = find_talk(sentence, question, number=self._wanted is not None) is not None
        return talks or bool(self.ours.find(sentence, question)) or _STATES.match(sentence) is not None


def false_calculation(steps: str) -> str | None:
    """The first calculation that is surely false, as in `2 × 4 = 9 is false: it makes 8`; None if there is none."""
    steps = in_signs(steps)
    faults = (item.fault for item in find_calculations(steps) if item.fault and not is_ambiguous(steps, item))
    fault = next(faults, None)
    return None if fault is None else _explain(fault)


def _explain(fault: Fault) -> str:
    if fault.makes is None:
        return f"{quote(fault.text)} is false: it divides by zero"
    exact = write_number(fault.makes)
    makes = f"about {float(round(fault.makes, 2))}" if "/" in exact else exact
    return f"{quote(fault.text)} is false: it makes {makes}"


def quote(text: str) -> str:
    """At most 100 characters of a reply, on one line, as a reason quotes it."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"
