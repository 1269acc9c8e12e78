"""From mistakes to requests, and from the teacher's replies to training examples: pure functions of a round.

A problem of round 1: the student answered 12 twice and 14 once; the teacher is asked with one of the two kinds of
mistake in view; its rationale becomes the anchor, the rationale of round 0 a positive, both mistakes negatives.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from tutelage.config import TrainingConfig
from tutelage.records import Attempt, Exam, Feedback, FeedbackRequest, Problem, TrainingExample


def annotation_requests(problems: Iterable[Problem], each: int) -> list[FeedbackRequest]:
    """Round 0: `each` rationales for every problem, with no mistake in view."""
    return [FeedbackRequest(problem, None, sample) for problem in problems for sample in range(each)]


def feedback_requests(problems: Sequence[Problem], exam: Exam, each: int, seed: object) -> list[FeedbackRequest]:
    """Later rounds: for every problem with a mistake up to `each` requests, each with a different mistake in view."""
    mistakes = _by_problem(exam.mistakes)
    requests: list[FeedbackRequest] = []
    for problem in problems:
        texts = distinct(attempt.text for attempt in mistakes.get(problem.id, ()))
        rng = random.Random(f"{seed}/{problem.id}")
        shown = rng.sample(texts, min(each, len(texts)))
        requests += [FeedbackRequest(problem, text, sample) for sample, text in enumerate(shown)]
    return requests


def customise(
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
    attempt that was cut at the length limit has no end to reflect on, so it is no negative.
    """
    taught = [_rationales(feedback) for feedback in history]
    anchors = taught[-1] if config.data == "round" else _merged(taught)
    right = _merged([*taught, *(_own_correct(exam) for exam in exams if config.own_correct)])
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
    return examples


def distinct(texts: Iterable[str]) -> list[str]:
    """The texts without repeats, in their order."""
    return list(dict.fromkeys(texts))


def _rationales(feedback: Iterable[Feedback]) -> dict[str, list[str]]:
    """The right rationales of every problem, in the order of asking, whatever order they came in."""
    usable = [reply for reply in feedback if reply.verdict.correct]
    found: dict[str, list[str]] = {}
    for reply in sorted(usable, key=lambda reply: (reply.problem_id, reply.sample)):
        found.setdefault(reply.problem_id, []).append(reply.text)
    return found


def _own_correct(exam: Exam) -> dict[str, list[str]]:
    right = _by_problem(a for a in exam.attempts if a.verdict.correct and a.finish == "stop")
    return {problem: [attempt.text.strip() for attempt in attempts] for problem, attempts in right.items()}


def _by_problem(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.problem_id, []).append(attempt)
    return found


def _merged(parts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for part in parts:
        for problem, texts in part.items():
            merged.setdefault(problem, []).extend(texts)
    return merged


def _draw(texts: Sequence[str], most: int, rng: random.Random) -> list[str]:
    return list(texts) if len(texts) <= most else rng.sample(texts, most)
