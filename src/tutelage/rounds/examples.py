"""From the teacher's replies to training examples: pure functions of a round.

A problem of round 1: the student answered 13 twice and 14 once. The rationale of this round becomes the anchor, that of
round 0 a positive, both mistakes negatives.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from tutelage.config import TrainingConfig
from tutelage.records import Exam, Feedback, Problem, TrainingExample
from tutelage.rounds.requests import by_problem, order_of
from tutelage.text.run_on import cut


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
    wrong = by_problem(exams[-1].mistakes) if exams else {}
    examples: list[TrainingExample] = []
    for problem in problems:
        rng = random.Random(f"{seed}/{problem.id}")
        negatives = distinct(a.text.strip() for a in wrong.get(problem.id, ()) if a.finish == "stop" and a.text.strip())
        others, new = distinct(right.get(problem.id, [])), set(taught[-1].get(problem.id, ()))
        places = {text: place for place, text in enumerate(others)}
        for anchor in distinct(anchors.get(problem.id, [])):
            example = TrainingExample(
                problem,
                anchor,
                tuple(_draw(_AllBut(others, places[anchor]), config.max_positives, rng)),
                tuple(_draw(negatives, config.max_negatives, rng)),
            )
            examples.append(example if anchor in new else example.without_reflection())
    by_id = {problem.id: problem for problem in problems}
    return examples + [
        TrainingExample(by_id[reply.problem_id], f"{reply.explanation}\n{reply.text}", corrects=reply.mistake)
        for reply in sorted(history[-1], key=order_of)
        if reply.explanation and reply.is_rationale
    ]


def distinct(texts: Iterable[str]) -> list[str]:
    """The texts without repeats, in their order."""
    return list(dict.fromkeys(texts))


def _rationales(feedback: Iterable[Feedback]) -> dict[str, list[str]]:
    """The right rationales of every problem, in the order of asking, whatever order they came in."""
    usable = [reply for reply in feedback if reply.is_rationale]
    found: dict[str, list[str]] = {}
    for reply in sorted(usable, key=order_of):
        found.setdefault(reply.problem_id, []).append(reply.text)
    return found


def _own_correct(exam: Exam) -> dict[str, list[str]]:
    right = by_problem(a for a in exam.attempts if a.verdict.correct and a.finish == "stop")
    return {problem: [cut(attempt.text).strip() for attempt in attempts] for problem, attempts in right.items()}


def _merged(parts: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for part in parts:
        for problem, texts in part.items():
            merged.setdefault(problem, []).extend(texts)
    return merged


class _AllBut(Sequence[str]):
    """All texts but the one at a place, not copied: a problem may have thousands of rationales."""

    def __init__(self, texts: Sequence[str], place: int) -> None:
        self._texts, self._place = texts, place

    def __len__(self) -> int:
        return len(self._texts) - 1

    def __getitem__(self, index: int) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        if index >= len(self):
            raise IndexError
        return self._texts[index + (index >= self._place)]


def _draw(texts: Sequence[str], most: int, rng: random.Random) -> list[str]:
    return list(texts) if len(texts) <= most else rng.sample(texts, most)
