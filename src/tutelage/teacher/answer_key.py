"""The offline teacher: it rewords the problem's worked solution, a gold rationale or an equation.

    problem   "A farm has 3 cows and 2 hens. How many legs?", solution "3 cows have 3 × 4 = 12 legs. 2 hens have …"
    mistake   "3 cows have 3 × 4 = 13 legs. …"
    feedback  "3 × 4 = 12, so 3 cows have 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.
              The answer is 16."

The feedback reads as an ordinary solution. If possible, the sentence that the student got wrong is reordered or put
into words. The text does not mention a mistake, since the student's prompt shows none. No step is split or repeated:
small students copy such a form without its meaning (docs/results.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tutelage.mistakes.explanation import explain_step
from tutelage.mistakes.first_wrong_step import FirstWrongStep, first_wrong_step
from tutelage.mistakes.repair import Repair, repaired
from tutelage.mistakes.solution import equation_text, worked_solution
from tutelage.practice_records import Near, Practice
from tutelage.records import (
    AnswerKind,
    Attempt,
    Feedback,
    FeedbackRequest,
    Grade,
    Problem,
    Usage,
    Verdict,
    state_answer,
)
from tutelage.runs.files import seed_of
from tutelage.teacher.other_numbers import with_other_numbers
from tutelage.teacher.rewording import calculation_first, wordings
from tutelage.teacher.teacher import Deliver
from tutelage.text.calculations import find_calculations
from tutelage.text.numbers import find_numbers, read_number
from tutelage.text.sentences import sentence_to, sentences

NO_SOLUTION = "the answer key has no worked solution for this problem"
_LONGEST = 1.5
"""A wording has at most this many times the solution's characters, and `_SPARE` more: students are small."""
_SPARE = 60
_LIGHT = 4
"""A seed starts at one of this many lightest wordings; further samples reach the others."""


class AnswerKeyTeacher:
    """Writes rationales from worked solutions, offline and free.

    `seed`, the request's `sample` and its mistake select the wording, so that samples of one problem differ. With
    `explain`, feedback on a mistake also says what is wrong with it. With `repair` it is the first wrong step put
    right, where that is known; else a rationale. `near` makes further problems for practice, the best first; None:
    problems with an equation get other numbers.
    """

    def __init__(
        self,
        *,
        grade: Grade,
        kind: AnswerKind,
        seed: int = 0,
        explain: bool = False,
        repair: bool = False,
        near: Near | None = None,
    ) -> None:
        self._grade, self._seed, self._explain, self._repair = grade, seed, explain, repair
        self._near = near or with_other_numbers
        self._kind: AnswerKind = kind

    @property
    def key(self) -> str:
        """See Teacher."""
        return f"answer-key {self._seed}{' explaining' * self._explain}{' repairing' * self._repair}"

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request in order; a problem without a sound solution ends as a rejected Feedback."""
        for request in requests:
            deliver(self._answer(request))

    def practise(self, requests: Iterable[FeedbackRequest], deliver: Callable[[Practice], None]) -> None:
        """Make a problem near that of each request, with its worked solution; one without ends as a rejected reply."""
        for request in requests:
            deliver(self._practise(request))

    def _practise(self, request: FeedbackRequest) -> Practice:
        about, seed = request.identity, seed_of(self._seed, "practice", *request.identity)
        problem = next(self._near(request, seed), None)
        if problem is None:
            reason = "the answer key finds no other problem like this one"
            return Practice(*about, "", Verdict(False, None, reason), failure="no new problem")
        written = write_feedback(FeedbackRequest(problem, None, request.sample), self._kind, self._seed)
        if isinstance(written, str):
            return Practice(*about, "", Verdict(False, None, written), failure="no new problem", problem=problem)
        verdict = self._grade(problem, written.rationale)
        failure = None if verdict.correct else "wrong answer"
        return Practice(*about, written.rationale, verdict, Usage(requests=1), failure=failure, problem=problem)

    def _answer(self, request: FeedbackRequest) -> Feedback:
        if self._repair and (mended := write_repair(request)) is not None:
            verdict = Verdict(True, None, "a step put right")
            return Feedback(*request.identity, mended.right, verdict, Usage(requests=1), step=mended.wrong)
        written = write_feedback(request, self._kind, self._seed)
        if isinstance(written, str):
            verdict = Verdict(False, None, written)
            return Feedback(*request.identity, "", verdict, Usage(requests=1), failure="nothing to teach from")
        verdict = self._grade(request.problem, written.rationale)
        failure, explanation = ("wrong answer", None) if not verdict.correct else (None, written.explanation)
        return Feedback(
            *request.identity,
            written.rationale,
            verdict,
            Usage(requests=1),
            failure=failure,
            explanation=explanation if self._explain else None,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A rationale and an explanation of the mistake; the latter is None without a mistake, or if no fault is found."""

    rationale: str
    explanation: str | None


def write_feedback(request: FeedbackRequest, kind: AnswerKind, seed: int = 0) -> Written | str:
    """The answer key's reply to a request, or the reason why there is none."""
    source = _source(request.problem, kind)
    if isinstance(source, str):
        return source
    problem, solution = source
    wrong = None if request.mistake is None else first_wrong_step(problem, request.mistake, request.answer)
    text = _take(_variants(problem, solution, wrong), seed % _LIGHT + request.sample)
    return Written(state_answer(text, problem.answer), wrong and explain_step(wrong))


def write_repair(request: FeedbackRequest) -> Repair | None:
    """The mistake of a request put right at its first wrong step; None without one, or if nothing right is known."""
    if request.mistake is None:
        return None
    wrong = Verdict(False, request.answer, "")
    return repaired(request.problem, Attempt(request.problem.id, request.sample, request.mistake, wrong, "stop", 0))


def _source(problem: Problem, kind: AnswerKind) -> tuple[Problem, str] | str:
    """The problem with its first sound source, and that source's solution; or the reason why there is none."""
    last_reason = NO_SOLUTION
    for candidate in _sources(problem):
        solution = worked_solution(candidate)
        if solution is None:
            last_reason = f"the answer key's equation cannot be worked out: {candidate.equation}"
        elif reason := _unsound(candidate, solution, kind):
            last_reason = reason
        else:
            return candidate, solution
    return last_reason


def _take(variants: Iterator[str], index: int) -> str:
    """The variant at `index`, modulo their number; made lazily."""
    made: list[str] = []
    for variant in variants:
        made.append(variant)
        if len(made) > index:
            return variant
    return made[index % len(made)]


def _sources(problem: Problem) -> list[Problem]:
    """Copies of the problem: with its gold rationale alone, then with its equation alone."""
    sources: list[Problem] = []
    if problem.rationale and problem.rationale.strip():
        sources.append(Problem(problem.id, problem.question, problem.answer, problem.choices, problem.rationale, None))
    if problem.equation and problem.equation.strip():
        sources.append(Problem(problem.id, problem.question, problem.answer, problem.choices, None, problem.equation))
    return sources


def _unsound(problem: Problem, solution: str, kind: AnswerKind) -> str | None:
    """The reason why the solution must not be taught, if there is one."""
    calculations = find_calculations(solution)
    if wrong := next((item for item in calculations if not item.holds), None):
        return f"the worked solution holds a false calculation: {' '.join(wrong.text.split())}"
    answer = read_number(problem.answer)
    if kind != "number" or answer is None:
        return None
    if problem.rationale is None:
        reached = calculations[-1].result if calculations else find_numbers(solution)[-1].value
        return None if reached == answer else f"the equation {problem.equation} does not give {problem.answer}"
    values = {abs(number.value) for number in find_numbers(solution)} | {abs(item.result) for item in calculations}
    return None if abs(answer) in values else f"the worked solution does not reach the answer {problem.answer}"


def _variants(problem: Problem, solution: str, wrong: FirstWrongStep | None) -> Iterator[str]:
    """Sound, distinct wordings, lightest first; with a mistake, those that correct its first wrong step."""
    bases = _put_right(problem, solution, wrong) if wrong else [solution]
    longest = _LONGEST * len(solution) + _SPARE
    seen: set[str] = set()
    for text in (text for base in bases for text in _wordings(base, problem)):
        if text not in seen and len(text) <= longest and all(item.holds for item in find_calculations(text)):
            seen.add(text)
            yield text
    if not seen:
        yield solution


def _wordings(solution: str, problem: Problem) -> Iterator[str]:
    """The wordings of a solution; those of an equation come right after the first general one."""
    general = wordings(solution, problem.question)
    yield next(general)
    yield from _equation_wordings(solution, problem)
    yield from general


def _put_right(problem: Problem, solution: str, wrong: FirstWrongStep) -> list[str]:
    """The solution with the sentence at fault reordered or put into words.

    Without calculations, and if the answer is no number, wordings that set the last fact apart.
    """
    calculations = find_calculations(solution)
    if not calculations:
        return [solution] if read_number(problem.answer) is not None else _with_decisive_fact(solution)
    start, sentence = sentence_to(solution, calculations[-1 if wrong.step is None else wrong.step].end)
    in_words = _in_words(sentence, 0) if problem.rationale is None else calculation_first(sentence, problem.question)
    return [solution[:start] + in_words + solution[start + len(sentence) :]]


def _with_decisive_fact(solution: str) -> list[str]:
    """A solution of facts with a mark before the last, decisive one, next to the conclusion."""
    *facts, last = sentences(solution) or [solution]
    marks = "What decides it:", "The point that settles the question:", "The deciding fact:"
    return [" ".join([*facts, mark, last]) for mark in marks]


_OPERATION_WORDS = {
    "+": ("Add {a} and {b}", "{a} and {b} together"),
    "-": ("Take {b} away from {a}", "{a} less {b}"),
    "×": ("Multiply {a} by {b}", "{a} times {b}"),
    "/": ("Divide {a} by {b}", "{a} shared by {b}"),
}
_STEP = re.compile(r"(?:(?<=^)|(?<=\. ))(\(?-?[\d./]+\)?) ([-+×/]) (\(?-?[\d./]+\)?)(?= = )")


def _equation_wordings(solution: str, problem: Problem) -> list[str]:
    """Wordings of an equation's steps: in words, and with the whole equation first."""
    whole = equation_text(problem.equation) if problem.rationale is None and problem.equation else None
    if whole is None:
        return []
    worded = [_in_words(solution, form) for form in (0, 1)]
    return [worded[0], f"We need {whole}. {solution}", worded[1], f"The whole calculation is {whole}. {solution}"]


def _in_words(text: str, form: int) -> str:
    """Each bare step with its operation in words before it: `Add 32 and 42: 32 + 42 = 74.`"""

    def worded(match: re.Match[str]) -> str:
        words = _OPERATION_WORDS[match[2]][form]
        return f"{words.format(a=match[1].strip('()'), b=match[3].strip('()'))}: {match[0]}"

    return _STEP.sub(worded, text)
