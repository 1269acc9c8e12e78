"""Reads and judges a reply that puts the first wrong step of an attempt right. Pure.

attempt  "3 × 4 = 12 pens. 12 - 2 = 9 are left. The answer is 9."
reply    "Wrong: 12 - 2 = 9 are left.\\nRight: 12 - 2 = 10 are left."
read     the step "12 - 2 = 9 are left." of the attempt, and the text "12 - 2 = 10 are left." in its place
reply    "Wrong: 12 - 2 = 9\\nRight: 12 - 2 = 11"         refused: "12 - 2 = 11 is false: it makes 10"
reply    "Wrong: The answer is 9.\\nRight: The answer is 10."   refused: an earlier step is false already

The step must stand in the attempt, and what stands before it must be true. What is put in its place must be true, use
numbers that are there, and be on the way of the worked solution if the problem has one. It states an answer only if the
steps have come to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutelage.mistakes.first_wrong_step import first_wrong_step
from tutelage.records import AnswerKind, Grade, Problem, Verdict
from tutelage.teacher.judge.aim import Flaw
from tutelage.teacher.judge.arithmetic import find_ungrounded
from tutelage.teacher.judge.soundness import false_calculation, quote
from tutelage.teacher.judge.talk import find_talk
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.reply import Reading, broken_by, rejected
from tutelage.text.calculations import find_calculations
from tutelage.text.numbers import read_number, whole_number
from tutelage.text.plain import plain
from tutelage.text.sentences import sentences
from tutelage.text.statements import statements, without_statement

_MARK = re.compile(r"^[ \t>#*_-]*(?P<mark>wrong|right)(?:[ ]step)?[*_ \t]*:[*_ \t]*", re.IGNORECASE | re.MULTILINE)
_END = re.compile(r"\W*end(?: of (?:the )?attempt)?\W*", re.IGNORECASE)
"""What stands for the place where an attempt stops too early."""
_QUOTES = "\"'`“”‘’«» \t\n"
_MOST_SENTENCES = 2
"""Sentences of a step that is put right; more of them would be a solution."""


def read_repair(  # noqa: PLR0913 - all that a reply is judged by
    text: str,
    finish_reason: str,
    problem: Problem,
    mistake: str,
    grade: Grade,
    *,
    max_tokens: int,
    check_arithmetic: bool,
    ours: Echoes,
    kind: AnswerKind = "number",
) -> Reading:
    """The step of `mistake` that a reply puts right, and what it puts in its place; or why that can't be learnt."""
    cleaned = plain(text)
    if fault := broken_by(cleaned, finish_reason, max_tokens):
        return rejected(text, None, *fault)
    wrong, right = (_part(cleaned, mark) for mark in ("wrong", "right"))
    if not wrong or not right:
        return rejected(text, None, "unparsable", 'the reply does not have two lines, "Wrong:" and "Right:"')
    place = (len(mistake.rstrip()),) * 2 if _END.fullmatch(wrong) else place_of(mistake, wrong)
    if place is None:
        return rejected(text, None, "unparsable", f"{quote(wrong)!r} does not stand in the attempt")
    start, end = place
    number = not problem.choices and kind != "text" and whole_number(problem.answer) is not None
    flaw = next(_flaws(problem, grade, mistake[:start], mistake[start:end], right, ours, number=number), None)
    if flaw is not None and (check_arithmetic or flaw[0] != "false calculation"):
        return rejected(text, None, *flaw)
    return Reading(right, Verdict(True, None, "a step put right"), None, step=mistake[start:end])


def _part(reply: str, mark: str) -> str:
    """What stands behind the last mark of this name, up to the next mark."""
    marks = list(_MARK.finditer(reply))
    ends = [each.start() for each in marks[1:]] + [len(reply)] * bool(marks)
    parts = [reply[each.end() : end] for each, end in zip(marks, ends, strict=True) if each["mark"].lower() == mark]
    return " ".join(parts[-1].split()).strip(_QUOTES) if parts else ""


def place_of(attempt: str, step: str) -> tuple[int, int] | None:
    """Where a step stands in the attempt, whatever the white space; None if it does not. 9 does not stand in 19."""
    for words in (step.split(), step.rstrip(".,;:").split()):
        pattern = r"\s+".join(map(re.escape, words))
        begin = r"(?<!\w)(?<!\d[.,])" if pattern[:1].isalnum() else ""
        found = re.search(rf"{begin}{pattern}(?!\w|[.,]\d)", attempt) if words else None
        if found is not None:
            return found.span()
    return None


def _flaws(
    problem: Problem, grade: Grade, before: str, wrong: str, right: str, ours: Echoes, *, number: bool
) -> Iterator[Flaw]:
    """The reasons why the step must not be learnt, in order."""
    whole = f"{before}{right}" if not before or before[-1].isspace() else f"{before} {right}"
    if right.split() == wrong.split():
        yield "nothing to teach from", "the step stands there as it was"
    if len(sentences(right)) > _MOST_SENTENCES:
        yield "unparsable", "the reply puts more than one step in the place of the wrong one"
    if earlier := false_calculation(before):
        yield "false calculation", f"an earlier step is the first wrong one: {earlier}"
    if fault := false_calculation(right):
        yield "false calculation", fault
    if talk := find_talk(right, problem.text, number=number):
        yield "answer leaked without reasoning", f"the step speaks of what is not in the question: {talk!r}"
    for start, end in ours.find(right, problem.text)[:1]:
        yield "repeats the prompt", f"the step repeats what it was told: {quote(right[start:end])!r}"
    yield from _of_the_answer(problem, grade, whole, right, number=number)
    if number and (ungrounded := find_ungrounded(whole, problem)):
        yield ungrounded
    yield from _of_the_solution(problem, whole)


def _of_the_answer(problem: Problem, grade: Grade, whole: str, right: str, *, number: bool) -> Iterator[Flaw]:
    """An answer is stated where the steps have come to it, and not instead of a step."""
    if not statements(right):
        return
    verdict = grade(problem, right)
    if not verdict.correct:
        yield "wrong answer", f"wrong answer: {verdict.reason}"
    done = find_calculations(whole)
    arrived = bool(done) and done[-1].result == read_number(problem.answer)
    if (number and not arrived) or (not number and not without_statement(right).strip()):
        yield "answer leaked without reasoning", "the step states the answer before the steps have come to it"


def _of_the_solution(problem: Problem, whole: str) -> Iterator[Flaw]:
    """If the problem has a worked solution, the attempt must be on its way with the step put right."""
    found = first_wrong_step(problem, whole)
    if found is None or found.at_end or found.attempt.solution is None:
        return
    yield "does not come to its answer", f"{quote(found.text)!r} is no step of the worked solution"
