"""What a run writes for its readers alone, such as `tutelage view`: no stage depends on it.

    problems.jsonl            {"split": "train", "kind": "number", "problem": {"id": "9f2c…", "question": "Tom …", …}}
    round-01/mistakes.jsonl   {"problem_id": "9f2c…", "sample": 2, "kind": "wrong calculation", "step": "3 + 4 = 8", …}

Each is written again when the run goes on, if it is missing or changed. Mistakes are sealed under their exam: rows that
are unchanged are not computed again. A disk that refuses a file does not end the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tutelage.errors import RunError
from tutelage.mistakes.marked import MarkedMistake
from tutelage.records import SPLITS, Exam
from tutelage.rounds.context import RunContext
from tutelage.rounds.error_summary import exam_summary, marked_mistakes
from tutelage.rounds.kept import keep_rows
from tutelage.run_records import ExamSummary
from tutelage.runs.files import digest
from tutelage.runs.reader import MISTAKES, PROBLEMS, ProblemRow
from tutelage.runs.seals import sealed, sound_rows


def keep_problems(ctx: RunContext) -> None:
    """Write the problems of all splits, then the practice problems so far; a run that goes on may have more of them."""
    kind = ctx.task.kind
    rows = [ProblemRow(split, kind, problem) for split in SPLITS for problem in ctx.task.problems(split)]
    rows += [ProblemRow("train", kind, problem) for problem in ctx.practice]
    _keep(ctx, ctx.run.root / PROBLEMS, rows, or_more=bool(ctx.config.teacher.practice))


def keep_mistakes(ctx: RunContext, round: int, exam: Exam) -> ExamSummary:
    """Mark the mistakes of an exam and write them, as far as it isn't done; returns its figures."""
    path, key = ctx.run.folder(round) / MISTAKES, digest(*exam.attempts)
    mistakes = marked_mistakes(exam, ctx.task, _known(path, key), ctx.practice)
    _keep(ctx, path, [sealed(each, key) for each in mistakes])
    return exam_summary(exam, mistakes)


def _known(path: Path, key: str) -> list[MarkedMistake]:
    try:
        return sound_rows(path, MarkedMistake, key) if path.is_file() else []
    except OSError:
        return []


def _keep(ctx: RunContext, path: Path, rows: Sequence[object], *, or_more: bool = False) -> None:
    try:
        keep_rows(path, rows, or_more=or_more)
    except (RunError, OSError) as error:
        ctx.show.say(f"{error} (`tutelage view` then shows less)")
