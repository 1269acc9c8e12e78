"""From mistakes to requests, and from the teacher's replies to training examples: pure functions of a round.

A problem of round 1: the student answered 12 twice and 14 once; the teacher is asked with one of the two kinds of
mistake in view; its rationale becomes the anchor, the rationale of round 0 a positive, both mistakes negatives.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, zip_longest
from typing import TypeVar

from tutelage.config import TeacherConfig, TrainingConfig
from tutelage.mistakes.selection import by_answer, new_mistakes, sent_again
from tutelage.records import TRANSIENT, Attempt, Exam, Feedback, FeedbackRequest, Problem, TrainingExample
from tutelage.text.run_on import cut

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
    problems: Sequence[Problem], exam: Exam, teacher: TeacherConfig, before: Sequence[Feedback], seed: object
) -> list[FeedbackRequest]:
    """Later rounds: what is asked about the mistakes of an exam, in this order, so that a spent budget cuts the end.

    The first mistake of every problem, problems by `teacher.priority`, then the second of each, … up to
    `teacher.replies_per_problem` each and `teacher.replies_per_round` in all. A problem whose mistakes are all
    near-identical to those sent `before` (the feedback of all earlier rounds) is asked about once more in the very
    words of then: the ledger answers such requests for nothing, so they stand at the end and are not counted.
    `selection` says which mistake is shown, `near_duplicates` what is near-identical. Without `teacher.show_mistake`
    another rationale is asked for instead. A problem's samples are counted on from round to round, so that a teacher
    can word each rationale anew.
    """
    sat, sent = _by_problem(exam.attempts), _by_problem(sorted(filter(_was_sent, before), key=_identity))
    new: list[list[FeedbackRequest]] = []
    again: list[list[FeedbackRequest]] = []
    asked = Counter(reply.problem_id for reply in before if reply.failure not in TRANSIENT)
    for problem in _by_priority(problems, sat, teacher, before, seed):
        first = asked[problem.id]
        if not teacher.show_mistake:
            new.append([FeedbackRequest(problem, None, first + n) for n in range(teacher.replies_per_problem)])
            continue
        wrong = [attempt for attempt in sat[problem.id] if not attempt.verdict.correct]
        groups = by_answer(wrong, random.Random(f"{seed}/{problem.id}"))
        told = sent.get(problem.id, [])
        shown = list(islice(new_mistakes(groups, told), teacher.replies_per_problem))
        if shown:
            numbered = enumerate(shown, start=first)
            new.append([FeedbackRequest(problem, each.text, n, each.verdict.answer) for n, each in numbered])
        else:
            again.append(sent_again(problem, groups, told)[: teacher.replies_per_problem])
    return _breadth_first(new)[: teacher.replies_per_round] + _breadth_first(again)


def build_examples(
    problems: Sequence[Problem],
    history: Sequence[Sequence[Feedback]],
    exams: Sequence[Exam],
    config: TrainingConfig,
    seed: object,
) -> list[TrainingExample]:
    """The round's training examples.

    `history` holds the feedback of every round so far, `exams` every exam so far; the last of each is this round's
    (round 0 has none). Every right rationale of this round, or of all rounds (`config.data`), is an anchor. Positives
    are the other right rationales for the problem, whatever their round; negatives are the mistakes of this round's
    exam, beside this round's rationales: earlier ones are learnt again by the LM loss alone, which costs a third. An
    attempt that was cut at the length limit has no end to reflect on, so it is no negative. The student's own right
    attempts (`config.rejection_sampling`) are positives, and anchors too if asked for. An explained mistake of
    this round is one more row, which learns to correct it.
    """
    taught = [_rationales(feedback) for feedback in history]
    own = [_own_correct(exam) for exam in exams if config.rejection_sampling != "none"]
    if config.rejection_sampling == "train":
        taught[1:] = [_merged(parts) for parts in zip(taught[1:], own, strict=True)]
    anchors = taught[-1] if config.data == "round" else _merged(taught)
    right = _merged([*taught, *own])
    wrong = _by_problem(exams[-1].mistakes) if exams else {}
    examples: list[TrainingExample] = []
    for problem in problems:
        rng = random.Random(f"{seed}/{problem.id}")
        negatives = distinct(a.text.strip() for a in wrong.get(problem.id, ()) if a.finish == "stop" and a.text.strip())
        for anchor in distinct(anchors.get(problem.id, [])):
            positives = [text for text in distinct(right[problem.id]) if text != anchor]
            example = TrainingExample(
                problem,
                anchor,
                tuple(_draw(positives, config.max_positives, rng)),
                tuple(_draw(negatives, config.max_negatives, rng)),
            )
            new = anchor in taught[-1].get(problem.id, ())
            examples.append(example if new else example.without_reflection())
    by_id = {problem.id: problem for problem in problems}
    return examples + [
        TrainingExample(by_id[reply.problem_id], f"{reply.explanation}\n{reply.text}", corrects=reply.mistake)
        for reply in sorted(history[-1], key=_identity)
        if reply.explanation and reply.verdict.correct
    ]


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
        taught = {reply.problem_id for reply in before if reply.verdict.correct}
        owed.sort(key=lambda problem: problem.id in taught)
    return owed


def _was_sent(reply: Feedback) -> bool:
    """Whether the teacher saw a mistake: not in round 0, and not where the request was lost on the way."""
    return reply.mistake is not None and reply.failure not in TRANSIENT


def _identity(reply: Feedback) -> tuple[str, int, str]:
    return reply.problem_id, reply.sample, reply.mistake or ""


def _breadth_first(requests: Iterable[Sequence[FeedbackRequest]]) -> list[FeedbackRequest]:
    """The first of each, then the second of each, and so on."""
    return [request for request in chain.from_iterable(zip_longest(*requests)) if request is not None]


def distinct(texts: Iterable[str]) -> list[str]:
    """The texts without repeats, in their order."""
    return list(dict.fromkeys(texts))


def _rationales(feedback: Iterable[Feedback]) -> dict[str, list[str]]:
    """The right rationales of every problem, in the order of asking, whatever order they came in."""
    usable = [reply for reply in feedback if reply.verdict.correct]
    found: dict[str, list[str]] = {}
    for reply in sorted(usable, key=_identity):
        found.setdefault(reply.problem_id, []).append(reply.text)
    return found


def _own_correct(exam: Exam) -> dict[str, list[str]]:
    right = _by_problem(a for a in exam.attempts if a.verdict.correct and a.finish == "stop")
    return {problem: [cut(attempt.text).strip() for attempt in attempts] for problem, attempts in right.items()}


def _by_problem(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.problem_id, []).append(row)
    return found


def _merged(parts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for part in parts:
        for problem, texts in part.items():
            merged.setdefault(problem, []).extend(texts)
    return merged


def _draw(texts: Sequence[str], most: int, rng: random.Random) -> list[str]:
    return list(texts) if len(texts) <= most else rng.sample(texts, most)
