"""The practice problems that a run has kept, as rows of the task `custom`. Only reads.

{"question": "Ann has 5 boxes of 6 pens. How many pens?", "answer": "30", "rationale": "5 × 6 = 30 pens."}
"""

from __future__ import annotations

from collections.abc import Iterator

from tutelage.practice_records import Practice
from tutelage.runs.reader import PRACTICE, RunReader
from tutelage.text.statements import without_statement


def exported(run: RunReader) -> Iterator[dict[str, object]]:
    """One row for every problem that was kept, round by round; fields that it has not are left out."""
    for round in run.folders:
        for row in run.records(round, PRACTICE, Practice):
            if row.problem is None or not row.verdict.correct:
                continue
            problem = row.problem
            choices = [{"label": choice.label, "text": choice.text} for choice in problem.choices]
            yield {
                "question": problem.question,
                "answer": problem.answer,
                **({"choices": choices} if choices else {}),
                "rationale": without_statement(row.text),
                **({"equation": problem.equation} if problem.equation else {}),
            }
