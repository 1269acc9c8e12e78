"""How long a student may speak: as long as the rationales that it has learnt from, and some more. Pure.

rationales of 40 to 90 tokens     99 of 100 have 88 at the most → 88 × 1.25 = 110 → 112 tokens

A student that may think before it answers gets as much again as thoughts may take.
"""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.config import AnswerLimit
from tutelage.records import Attempt, TrainingExample
from tutelage.student.sampler import UNTRAINED
from tutelage.student.student import Student

SHARE, MARGIN, STEP, LEAST = 0.99, 1.25, 16, 32
"""So many of the rationales are no longer than what the margin is put on; the limit is a multiple of STEP."""
THOUGHTS = 2048
"""Tokens that are added for a student that may think: no rationale says how long its thoughts are."""
MOST_CUT = 0.1
"""Share of an exam that may be cut before the run says so."""


def answer_limit(setting: AnswerLimit, student: Student, questions: Sequence[str], learnt: int | None) -> int:
    """Tokens after which a student's answer is cut: the setting, or what it has `learnt` from speaks for.

    For a student that may think, room for its thoughts is added. Where that and the longest question are more than the
    student can look at, it is what is left.
    """
    if setting != "auto":
        return setting
    wanted, room = (learnt or UNTRAINED) + THOUGHTS * student.thinks, student.room_for_answers(questions)
    return wanted if room is None else max(1, min(wanted, room))


def learnt_length(student: Student, examples: Sequence[TrainingExample]) -> int | None:
    """The limit for what this student becomes by these examples: it has learnt from those before, too."""
    rationales = list(dict.fromkeys(example.anchor for example in examples if example.corrects is None))
    tokens = [limit_for(student.rationale_tokens(rationales))] if rationales else []
    return max([*tokens, *([student.answer_tokens] if student.answer_tokens else [])], default=None)


def limit_for(tokens: Sequence[int]) -> int:
    """The limit for a student that has learnt from rationales of so many tokens."""
    ordered = sorted(tokens)
    usual = ordered[min(len(ordered) - 1, int(SHARE * len(ordered)))]
    steps = -(-int(usual * MARGIN) // STEP)
    return max(LEAST, steps * STEP)


def told_of_cuts(attempts: Sequence[Attempt], setting: AnswerLimit, limit: int) -> str | None:
    """What to say of an exam of which too much was cut."""
    cut = sum(attempt.finish == "length" for attempt in attempts)
    if cut <= MOST_CUT * len(attempts):
        return None
    remedy = f"{2 * limit}, or train for more epochs, so that it ends its answers" if setting == "auto" else "auto"
    return f"{cut:,} of {len(attempts):,} attempts were cut at {limit} tokens; set exam.max_new_tokens to {remedy}"
