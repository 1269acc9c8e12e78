"""Reads a reply with a new problem and its worked solution. Pure.

reply   "**Question:** Ann has 5 boxes of 6 pens. How many pens?\\n\\nSolution:\\n5 × 6 = 30 pens.\\nThe answer is 30."
read    the problem "Ann has 5 boxes of 6 pens. How many pens?" with the answer 30, solved by "5 × 6 = 30 pens. …"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tutelage.grading.grade import canonical
from tutelage.grading.grade import grade as grade_by_kind
from tutelage.mistakes.near_problems import NearProblems
from tutelage.records import AnswerKind, Choice, FailureReason, Grade, Problem
from tutelage.teacher.judge.aim import Flaw
from tutelage.teacher.judge.soundness import quote
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.reading.reasoning import reasoning
from tutelage.teacher.reply import read_reply
from tutelage.text.markup import clean
from tutelage.text.numbers import read_number
from tutelage.text.statements import statements, without_statement
from tutelage.text.thoughts import without_thoughts

_FEWEST_WORDS = 4

_BEGINS = r"^\W{0,8}(?:\d{1,2}[.)]\W{1,4})?"
_ENDS = r"(?: (?:for|to|of) [^\n:.?]{1,40})?[^\w\n:]{0,4}(?::\W{0,4}|$)"
_QUESTION = re.compile(
    rf"{_BEGINS}(?:(?:sure|certainly|okay|of course)\W{{1,3}})?(?:here(?:['’]s| is) )?(?:the |a |an |my )?"
    rf"(?:new |practice |similar |another ){{0,3}}(?:question|problem)(?: #?\d{{1,2}})?{_ENDS}",
    re.IGNORECASE | re.MULTILINE,
)
_SOLUTION = re.compile(
    rf"{_BEGINS}(?:the )?(?:new |worked |step[- ]by[- ]step |detailed |complete ){{0,2}}solution\b{_ENDS}",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER = re.compile(rf"{_BEGINS}(?:the )?answer[^\w\n:]{{0,4}}:\W{{0,4}}", re.IGNORECASE | re.MULTILINE)
"""What stands in the place of "Solution:" at times."""
_CHOICE = re.compile(r"^[ \t]*\(?([A-Z])[).:][ \t]+(\S[^\n]{0,300})$", re.MULTILINE)
_ASKED = re.compile(r"[^?]{1,1500}\?(?=\s*\n)")
_QUOTES = ('"', "”")
_TAG = re.compile(r"</?(?:question|attempt|solution)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was read: the new problem, its worked solution (else the reply) and the flaw for which it is dropped."""

    problem: Problem | None
    text: str
    flaw: Flaw | None = None


def read_practice(
    text: str,
    finish_reason: str,
    failed: Problem,
    kind: AnswerKind,
    grade: Grade,
    *,
    max_tokens: int,
    check_arithmetic: bool,
    ours: Echoes,
) -> Draft:
    """The new problem and its worked solution, which ends with the answer.

    `failed` is the problem that it was made from, `kind` that of the answers. The solution is judged like any other
    rationale (`read_reply`), held to the answer that it states.
    """
    asked, solution = _parts(text)
    found = _problem(asked, solution, failed, kind)
    if isinstance(found, str):
        return Draft(None, text.strip(), ("no new problem", found))
    if ours.find(found.question, failed.text):
        reason = f"the question repeats what it was told: {quote(found.question)!r}"
        return Draft(None, text.strip(), ("no new problem", reason))
    known = NearProblems[str]()
    known.add([failed], "the failed problem")
    if again := known.find(found):
        return Draft(found, text.strip(), ("known problem", f"it is {again} again, or nearly so"))
    reading = read_reply(
        solution,
        finish_reason,
        found,
        grade,
        max_tokens=max_tokens,
        check_arithmetic=check_arithmetic,
        ours=ours,
        kind=kind,
    )
    if not reading.verdict.correct:
        failure: FailureReason = reading.failure or "no new problem"
        failure = "no new problem" if failure in _OF_THE_FORM else failure
        return Draft(found, text.strip(), (failure, reading.verdict.reason))
    return Draft(replace(found, rationale=without_statement(reading.text)), reading.text)


_OF_THE_FORM: frozenset[FailureReason] = frozenset(
    ("empty", "unparsable", "cut at the length limit", "refused by policy", "wrong answer", "repeats the prompt")
)


def _parts(text: str) -> tuple[str, str]:
    """The question and the solution of a reply; without a mark between them, a question ends with its `?`."""
    text = _TAG.sub("", clean(without_thoughts(text)))
    marks = list(_QUESTION.finditer(text))
    begun = marks[0].end() if marks else 0
    end = _SOLUTION.search(text, begun) or _ANSWER.search(text, begun)
    if end is not None:
        started = [mark.end() for mark in marks if mark.end() <= end.start()]
        return text[started[-1] if started else 0 : end.start()].strip(), text[end.end() :].strip()
    rest = text[begun:].strip()
    asked = _ASKED.match(rest)
    return (asked[0], rest[asked.end() :].strip()) if asked else ("", text)


def _problem(asked: str, solution: str, failed: Problem, kind: AnswerKind) -> Problem | str:
    """The problem with the answer that its solution states; or why there is none."""
    choices = tuple(Choice(*match.groups()) for match in _CHOICE.finditer(asked)) if kind == "choice" else ()
    question = " ".join((_CHOICE.sub("", asked) if choices else asked).split())
    if question.endswith(_QUOTES) and question.count(question[-1]) % 2:
        question = question[:-1]  # the other one stood round the mark before it
    if fault := _fault(question, choices, kind):
        return fault
    answer = _answer(solution, Problem.of(question, _ANY[kind], choices=choices), kind)
    if answer is None:
        return "the solution states no answer that can be read"
    if _is_negative(answer) and not _is_negative(failed.answer):
        return f"its answer is negative: {answer}"
    return Problem.of(question, answer, choices=choices, system=failed.system)


def _fault(question: str, choices: tuple[Choice, ...], kind: AnswerKind) -> str | None:
    """What is wrong with a new question, in words."""
    if len(question.split()) < _FEWEST_WORDS:
        return "the reply has no new question"
    if kind == "choice" and len({choice.label for choice in choices}) != max(2, len(choices)):
        return "the new question has no options, or two with one label"
    return "the new question states its answer" if statements(question) else None


_ANY: dict[AnswerKind, str] = {"number": "0", "choice": "A", "yes-no": "yes", "text": "-"}
"""An answer of each kind, to read another one."""


def _answer(solution: str, draft: Problem, kind: AnswerKind) -> str | None:
    """The answer that a solution states, in canonical form."""
    text = reasoning(solution)
    stated = grade_by_kind(kind, draft, text).answer if statements(text) else None
    try:
        return None if stated is None else canonical(kind, stated, draft.choices)
    except ValueError:
        return None


def _is_negative(answer: str) -> bool:
    value = read_number(answer)
    return value is not None and value < 0
