"""What the teacher is asked in a round: for rationales of problems, and for those of the student's mistakes. Pure.

A problem of round 1: the student answered 13 twice and 14 once; the teacher is asked about one of the two kinds of
mistake, in round 2 about the other.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, zip_longest
from typing import TypeVar

from tutelage.config import TeacherConfig
from tutelage.errors import TutelageError
from tutelage.mistakes.selection import by_answer, new_mistakes, sent_again
from tutelage.records import TRANSIENT, Attempt, Exam, Feedback, FeedbackRequest, Grade, Problem
from tutelage.text.statements import statements

_SHORT = 240
"""Bytes of a question that is never too long."""
_MORE = "7\nThen 7919 more"
"""What a cut text could go on with: a digit of the number it ends with, and a line without an answer."""

_Row = TypeVar("_Row", Attempt, Feedback)


def annotation_requests(problems: Sequence[Problem], teacher: TeacherConfig, seed: object) -> list[FeedbackRequest]:
    """Round 0: so many rationales each, with no mistake in view, for all problems or for `teacher.seed_problems`.

    `teacher.rationales_per_problem` says how many. Then come `extra_rationales`, for problems in random order: first
    those without a rationale, then each once before any a second time.
    """
    order = random.Random(f"{seed}/annotated").sample(problems, len(problems))
    drawn = {problem.id for problem in order[: teacher.seed_problems]}
    usual = [problem for problem in problems if problem.id in drawn]
    requests = [
        FeedbackRequest(problem, None, sample) for problem in usual for sample in range(teacher.rationales_per_problem)
    ]
    more = [FeedbackRequest(problem, None, 0) for problem in order if problem.id not in drawn]
    rng, sample = random.Random(f"{seed}/more"), teacher.rationales_per_problem
    while problems and len(more) < teacher.extra_rationales:
        more.extend(FeedbackRequest(problem, None, sample) for problem in rng.sample(problems, len(problems)))
        sample += 1
    return requests + more[: teacher.extra_rationales]


def feedback_requests(
    problems: Sequence[Problem],
    exam: Exam,
    teacher: TeacherConfig,
    before: Sequence[Feedback],
    seed: object,
    cut: Collection[Attempt] = (),
) -> list[FeedbackRequest]:
    """Later rounds: what is asked about the mistakes of an exam, in this order, so that a spent budget cuts the end.

    The first mistake of every problem, problems by `teacher.priority`, then the second of each, … up to
    `teacher.replies_per_problem` each and `teacher.replies_per_round` in all. A problem whose mistakes are all
    near-identical to those sent `before` (the feedback of all earlier rounds) is asked about once more in the very
    words of then: the ledger answers such requests for nothing, so they stand at the end and are not counted.
    `selection` says which mistake is shown, `near_duplicates` what is near-identical. With `teacher.ask: question`
    another rationale is asked for instead, and so it is where the only mistake is that attempts were `cut`: a teacher
    could not put that right. A problem's samples are counted on from round to round, so that a teacher can word each
    rationale anew.
    """
    sat, sent = by_problem(exam.attempts), by_problem(sorted(filter(_was_sent, before), key=order_of))
    new: list[list[FeedbackRequest]] = []
    again: list[list[FeedbackRequest]] = []
    asked = Counter(reply.problem_id for reply in before if reply.failure not in TRANSIENT)
    for problem in _by_priority(problems, sat, teacher, before, seed):
        first = asked[problem.id]
        wrong = [attempt for attempt in sat[problem.id] if not attempt.verdict.correct]
        if teacher.kind != "student":  # which looks at no mistake
            wrong = [attempt for attempt in wrong if attempt not in cut]
        if teacher.ask == "question" or not wrong:
            new.append([FeedbackRequest(problem, None, first + n) for n in range(teacher.replies_per_problem)])
            continue
        groups = by_answer(wrong, random.Random(f"{seed}/{problem.id}"))
        told = sent.get(problem.id, [])
        shown = list(islice(new_mistakes(groups, told), teacher.replies_per_problem))
        if shown:
            numbered = enumerate(shown, start=first)
            new.append([FeedbackRequest(problem, each.text, n, each.verdict.answer) for n, each in numbered])
        else:
            again.append(sent_again(problem, groups, told)[: teacher.replies_per_problem])
    return _breadth_first(new)[: teacher.replies_per_round] + _breadth_first(again)


def only_cut(problems: Iterable[Problem], exam: Exam, grade: Grade) -> frozenset[Attempt]:
    """The wrong attempts that were cut at the length limit before they had stated an answer."""
    by_id = {problem.id: problem for problem in problems}
    wrong = (attempt for attempt in exam.attempts if attempt.finish == "length" and not attempt.verdict.correct)
    return frozenset(attempt for attempt in wrong if not _has_stated(attempt, by_id[attempt.problem_id], grade))


def _has_stated(attempt: Attempt, problem: Problem, grade: Grade) -> bool:
    """Whether the answer would still be read if the text, or its whole lines, went on with other numbers.

    A grader falls back on the last number where no answer is stated.
    """
    text, answer = attempt.text, attempt.verdict.answer
    if answer is None:  # none is read, or the user's grader tells none
        return any(not text.rstrip().endswith(stated.piece) for stated in statements(text))
    try:
        return any(grade(problem, begun + _MORE).answer == answer for begun in (text, text[: text.rfind("\n") + 1]))
    except TutelageError:  # the user's grader refuses what nobody wrote
        return True


def practice_requests(
    requests: Sequence[FeedbackRequest], before: Iterable[Feedback], each: int
) -> list[FeedbackRequest]:
    """What the teacher is asked for practice: `each` new problems for every request of a round that is asked anew.

    They are in the order of the requests: the first problem of each, then the second, ….
    """
    asked = {reply.identity for reply in before}
    new = [request for request in requests if request.identity not in asked]
    return [replace(request, sample=each * request.sample + n) for n in range(each) for request in new]


def longest_question(problems: Iterable[Problem]) -> int:
    """The most UTF-8 bytes of a practice problem's text: those of the longest problem, which the student can read."""
    return max(_SHORT, *(len(problem.text.encode(errors="replace")) for problem in problems))


def _by_priority(
    problems: Sequence[Problem],
    sat: Mapping[str, Sequence[Attempt]],
    teacher: TeacherConfig,
    before: Sequence[Feedback],
    seed: object,
) -> list[Problem]:
    """The problems with a mistake, those to be taught first in front, equals in random order."""
    right = {problem: sum(a.verdict.correct for a in attempts) / len(attempts) for problem, attempts in sat.items()}
    enough = 1e-9 if teacher.kind == "student" else 1.0  # STaR gives a hint only where no attempt was right
    owed = [problem for problem in problems if right.get(problem.id, 1.0) < enough]
    random.Random(f"{seed}/order").shuffle(owed)
    if teacher.priority == "weakest-first":
        owed.sort(key=lambda problem: right[problem.id])
    elif teacher.priority == "frontier":
        owed.sort(key=lambda problem: right[problem.id] == 0.0)
    elif teacher.priority == "untaught-first":
        taught = {reply.problem_id for reply in before if reply.is_rationale}
        owed.sort(key=lambda problem: problem.id in taught)
    return owed


def _was_sent(reply: Feedback) -> bool:
    """Whether the teacher saw a mistake: not in round 0, and not where the request was lost on the way."""
    return reply.mistake is not None and reply.failure not in TRANSIENT


def order_of(reply: Feedback) -> tuple[str, int, str]:
    """Where a reply stands among those of a round, in whatever order they came."""
    return reply.problem_id, reply.sample, reply.mistake or ""


def _breadth_first(requests: Iterable[Sequence[FeedbackRequest]]) -> list[FeedbackRequest]:
    """The first of each, then the second of each, and so on."""
    return [request for request in chain.from_iterable(zip_longest(*requests)) if request is not None]


def by_problem(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    """The rows of every problem, in their order."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.problem_id, []).append(row)
    return found
