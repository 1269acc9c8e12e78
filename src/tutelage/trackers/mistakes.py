"""A round's sampled mistakes with the teacher's feedback, as a table for trackers.

("wrong calculation", "Tom has 3 …", "24", "3 × 8 = 25 …", "3 × 8 = 25", "3 × 8 = 24", "First, 3 × 8 = 24 …", "yes")

The sample depends on the mistakes alone, so that it is the same in every process.
"""

from __future__ import annotations

import heapq

from tutelage.mistakes.marked import MarkedMistake
from tutelage.records import Attempt, Feedback
from tutelage.runs.files import digest
from tutelage.runs.reader import MISTAKES, RunReader
from tutelage.text.printable import printable

SAMPLE = 20
"""Mistakes of a round, at most."""
LONGEST = 2000
"""Characters of a text, at most."""


def sampled_mistakes(run: RunReader, round: int) -> list[tuple[str, ...]]:
    """The rows of the table; none if the round has no mistakes. Their columns are COLUMNS."""
    marked = run.records(round, MISTAKES, MarkedMistake)
    drawn = heapq.nsmallest(SAMPLE, marked, key=lambda each: digest(each.problem_id, each.sample))
    if not drawn:
        return []
    wanted = {(each.problem_id, each.sample) for each in drawn}
    attempts = {
        (each.problem_id, each.sample): each.text
        for each in run.records(round, "exam.jsonl", Attempt)
        if (each.problem_id, each.sample) in wanted
    }
    problems = {each.id: each for each in run.problems}
    replies = _replies(run, round, {each.problem_id for each in drawn})
    rows: list[tuple[str, ...]] = []
    for each in drawn:
        problem, attempt = problems.get(each.problem_id), attempts.get((each.problem_id, each.sample), "")
        reply = _best([reply for reply in replies if reply.problem_id == each.problem_id], attempt)
        texts = (
            each.kind or "unknown",
            problem.question if problem else "",
            problem.answer if problem else "",
            attempt.strip(),
            each.step,
            each.right,
            reply.text if reply else "",
            "" if reply is None else "yes" if reply.verdict.correct else "no",
        )
        rows.append(tuple(printable(text, lines=True)[:LONGEST] for text in texts))
    return rows


def _replies(run: RunReader, round: int, problems: set[str]) -> list[Feedback]:
    return [each for each in run.records(round, "feedback.jsonl", Feedback) if each.problem_id in problems]


def _best(replies: list[Feedback], attempt: str) -> Feedback | None:
    """The reply to this very mistake if there is one, and rather one that is right."""
    return max(replies, key=lambda reply: (reply.mistake == attempt, reply.verdict.correct), default=None)
