"""The kinds of mistakes in a run of an earlier version, which has not written them down: found when all else is read.

An exam's rows are read a second time, as a followed file of the role `kinds`, some at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tutelage.records import Problem
from tutelage.text.numbers import read_number
from tutelage.view.index.followed import Followed
from tutelage.view.index.lines import rows_in
from tutelage.view.marks import mark_of

_PROBLEM = TypeAdapter(Problem)
FIRST_ANSWERS = "SELECT answer FROM problems WHERE answer IS NOT NULL LIMIT 200"
"""By which the kind of answers is told where the run does not say it."""
SOME = 2**16
"""Bytes of an exam that are looked at between two looks at the run."""


def unmarked_exam(run: Path, files: dict[tuple[str, str], Followed]) -> Followed | None:
    """An exam with attempts whose mistakes are not marked: another stage has begun, and there is no mistakes.jsonl."""
    for exam in [file for file in files.values() if file.role == "exam"]:
        folder = exam.path.rpartition("/")[0]
        later, marked = (run / folder / name for name in ("feedback.jsonl", "mistakes.jsonl"))
        if not later.exists() or marked.exists():
            continue
        file = files.setdefault((exam.path, "kinds"), Followed(exam.path, "kinds", exam.round))
        if file.has_news(run):
            return file
    return None


def marked_rows(data: bytes, kind: str, problem_of: Callable[[str], Problem | None]) -> bytes:
    """The rows of mistakes.jsonl for some of an exam's."""
    return b"".join(
        json.dumps(asdict(found)).encode() + b"\n"
        for row in rows_in(data)
        if (problem := problem_of(str(row.get("problem_id")))) and (found := mark_of(problem, kind, row))
    )


def problem_in(row: Mapping[str, Any], name: str) -> Problem | None:
    """The problem of this id that a row of problems.jsonl or examples.jsonl holds."""
    try:
        problem = _PROBLEM.validate_python(row.get("problem"))
    except ValidationError:
        return None
    return problem if problem.id == name else None


def are_numbers(answers: Iterable[str]) -> bool:
    """Whether all of some answers, at least one, are numbers."""
    found = [read_number(answer) is not None for answer in answers]
    return bool(found) and all(found)
