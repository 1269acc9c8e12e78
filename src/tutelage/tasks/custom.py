"""The task `custom`: the user's own problems, as JSONL.

    {"question": "Tom has 3 boxes of 4 pens. How many?", "answer": "12", "rationale": "3 × 4 = 12.", "equation": "3*4"}
    {"question": "Where are books lent?", "choices": ["bank", "library"], "answer": "B"}

Question and answer must be there, the rest may be; other fields don't count. `path` is one file, of which validation
and test are drawn by content, or a folder with `train.jsonl` and, if you have them, `validation.jsonl`, `test.jsonl`
and `examples.jsonl`: worked examples for few-shot prompts, which are problems with a rationale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tutelage.config import TaskConfig
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError, DataError
from tutelage.grading.grade import canonical, grade
from tutelage.grading.matching import check_pattern
from tutelage.grading.words import text_key
from tutelage.records import AnswerKind, Choice, Problem, WorkedExample, state_answer
from tutelage.tasks.published.load import sound
from tutelage.tasks.rows import Row, read_jsonl
from tutelage.tasks.splits import LoadedTask, Source, build_task, divide
from tutelage.text.numbers import whole_number
from tutelage.text.statements import shorten

FIELDS = ("question", "answer", "choices", "rationale", "equation")
TEST_SHARE = 0.2
"""Share of a single file's questions that are its test split."""

_MOSTLY = 0.9
"""Share of answers of one kind from which the others are taken for mistakes."""

_UNIT = re.compile(
    r"(?<=[0-9%.½¼¾]) ?(?!(?:and|or|to|of|in|by|per|minus|plus|st|nd|rd|th|am|pm)\b)"
    r"(?:[a-zµ²³]+[/.²³]?[a-zµ²³]*\.?|°[CF]?)(?: [a-z]+){0,2}$"
)
_STATED = re.compile(
    r"(?:^|(?<=\s))(?:####.*|(?:so |thus |therefore,? )?the (?:final )?answer is [^\n]*)\s*\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A row read field by field, before the kind of the answers is known."""

    row: Row
    answer_field: str
    question: str
    answer: str
    choices: tuple[Choice, ...]
    rationale: str | None
    equation: str | None


def load_custom(config: TaskConfig) -> LoadedTask:
    """The user's problems.

    Raises:
        DataError: a file is missing, empty or not UTF-8, or a row is broken, incomplete or unlike the others.
        ConfigError: `path` is missing, or `field` names a field that we don't have.
    """
    if config.path is None:
        raise ConfigError("task.path is missing: the task `custom` reads a JSONL file or a folder with train.jsonl")
    fields = field_names(config.field)
    path = Path(config.path)
    if path.is_dir():
        files = {split: path / f"{split}.jsonl" for split in ("train", "validation", "test", "examples")}
    else:
        files = {"train": path}
    drafts = {name: read_drafts(f, fields) for name, f in files.items() if name == "train" or f.exists()}
    given = [draft for name, part in drafts.items() if name != "examples" for draft in part]
    kind = config.kind or tell_kind(given)
    notes = _notes(config, kind, given)
    _check_match(config, kind, given)
    problems = {name: [to_problem(draft, kind) for draft in part] for name, part in drafts.items()}
    task = build_task(config, kind, _examples(problems), _source(config, problems, notes), origin=str(path))
    if config.match in (None, "exact"):
        return task
    way = f"{config.match} {config.match_f1:g}" if config.match == "f1" else config.match
    grader = partial(grade, kind, match=config.match, f1=config.match_f1)
    return replace(task, grader=grader, way=way, own=config.match == "regex")


def _check_match(config: TaskConfig, kind: AnswerKind, drafts: Sequence[Draft]) -> None:
    """Refuse `match` where answers are no words, and patterns that are none. Raises ConfigError and DataError."""
    if config.match is None:
        return
    if config.grader is not None:
        raise ConfigError(f"task.grader grades the answers, so task.match ({config.match}) has no say; leave it out")
    if kind != "text":
        told = "" if config.kind else "; set task.kind: text if they are words"
        raise ConfigError(f"task.match is {config.match!r}, but the answers are of the kind {kind}, not text{told}")
    if config.match == "regex":
        for draft in drafts:
            try:
                check_pattern(draft.answer)
            except ValueError as error:
                draft.row.fail(draft.answer_field, str(error))


def field_names(mapping: Mapping[str, str]) -> dict[str, str]:
    """Our field names to the user's. Raises ConfigError for a name that we don't have."""
    for ours in mapping:
        if ours not in FIELDS:
            remedy = did_you_mean(ours, FIELDS, f"our fields are {', '.join(FIELDS)}")
            raise ConfigError(f"unknown field task.field.{ours}; {remedy} (write it as ours: yours)")
    return {name: mapping.get(name, name) for name in FIELDS}


def read_drafts(path: Path, fields: Mapping[str, str]) -> list[Draft]:
    """The rows of a file, each checked on its own. Raises DataError."""
    return [_draft(row, fields) for row in read_jsonl(path)]


def tell_kind(drafts: Sequence[Draft]) -> AnswerKind:
    """What the answers are: choices where the rows have choices, else all numbers (with units or without), all yes or
    no, or words.

    Raises:
        DataError: some rows have choices and some not, or a few answers are of another kind than nearly all.
    """
    with_choices = [draft for draft in drafts if draft.choices]
    if with_choices:
        odd = next((draft for draft in drafts if not draft.choices), None)
        if odd is not None:
            odd.row.fail("choices", f"this row has no choices, but {len(with_choices)} of {len(drafts)} rows have")
        return "choice"
    if len(_measured(drafts)) == len(drafts):
        return "number"
    yes_no = [draft for draft in drafts if text_key(draft.answer) in ("yes", "no")]
    numbers = [draft for draft in drafts if whole_number(draft.answer)]
    parts: tuple[tuple[AnswerKind, list[Draft]], ...] = (("number", numbers), ("yes-no", yes_no))
    for found, part in parts:
        if len(part) == len(drafts):
            return found
        if len(part) >= _MOSTLY * len(drafts):
            fitting = {id(draft) for draft in part}
            odd = next(draft for draft in drafts if id(draft) not in fitting)
            odd.row.fail(
                odd.answer_field,
                f"{odd.answer[:60]!r} is odd: {len(part)} of {len(drafts)} answers are of the kind {found}; "
                "correct it, or set task.kind: text",
            )
    return "text"


def _measured(drafts: Sequence[Draft]) -> list[Draft]:
    """The rows whose answer is a number, perhaps with a unit: 12, 12 pens, 5 km/h."""
    return [draft for draft in drafts if whole_number(_UNIT.sub("", draft.answer))]


def _notes(config: TaskConfig, kind: AnswerKind, drafts: Sequence[Draft]) -> tuple[str, ...]:
    """What the user should know of how the answers are read, where they are numbers with units."""
    measured = [draft for draft in _measured(drafts) if not whole_number(draft.answer)]
    if config.kind or not measured or kind not in ("number", "text"):
        return ()
    such = f"{len(measured)} of {len(drafts)} answers are numbers with a unit, such as {shorten(measured[0].answer)!r}"
    if kind == "number":
        return (f"{such}: the number alone is graded; task.kind: text compares the words as well",)
    return (f"{such}: they are graded as words, so that 12 is wrong for 12 pens; task.kind: number grades the number",)


def to_problem(draft: Draft, kind: AnswerKind) -> Problem:
    """The problem of a row. Raises DataError if its answer is none of that kind."""
    if kind == "choice" and not draft.choices:
        draft.row.fail("choices", "the row has no choices")
    try:
        answer = canonical(kind, draft.answer, draft.choices)
    except ValueError as error:
        draft.row.fail(draft.answer_field, f"{error} (the kind of the task is {kind})")
    return Problem.of(
        draft.question,
        answer,
        choices=draft.choices if kind == "choice" else (),
        rationale=draft.rationale,
        equation=draft.equation,
    )


def _draft(row: Row, fields: Mapping[str, str]) -> Draft:
    for name in ("question", "answer"):
        if not row.has(fields[name]):
            has = ", ".join(str(key) for key in row.data) or "no fields"
            row.fail(fields[name], f"the field is missing; the row has {has}; task.field: {{{name}: YOURS}} maps names")
    return Draft(
        row=row,
        answer_field=fields["answer"],
        question=row.text(fields["question"]),
        answer=row.scalar(fields["answer"]),
        choices=row.choices(fields["choices"]) if row.optional(fields["choices"]) is not None else (),
        rationale=_without_statement(row.optional_text(fields["rationale"])),
        equation=row.optional_text(fields["equation"]),
    )


def _source(config: TaskConfig, problems: Mapping[str, Sequence[Problem]], told: Sequence[str]) -> Source:
    train, left_out = sound(problems["train"])
    notes = (*told, *left_out)
    validation = problems.get("validation")
    if "test" in problems:
        return Source(train, problems["test"], validation, notes)
    distinct = len({problem.id for problem in train})
    if distinct < 3:
        raise DataError(
            f"{distinct} problems are too few to draw validation and test from; give at least 3", path=config.path
        )
    rest, test = divide(train, max(1, round(TEST_SHARE * distinct)), f"split {config.seed}")
    note = f"there is no test file: {TEST_SHARE:.0%} of the questions are drawn as test by seed {config.seed}"
    return Source(rest, test, validation, (*notes, note))


def _examples(problems: Mapping[str, Sequence[Problem]]) -> tuple[WorkedExample, ...]:
    asked = {problem.id for name, part in problems.items() if name != "examples" for problem in part}
    return tuple(
        WorkedExample(problem.text, state_answer(problem.rationale, problem.answer))
        for problem in problems.get("examples", ())
        if problem.rationale is not None and problem.id not in asked
    )


def _without_statement(rationale: str | None) -> str | None:
    """The steps alone: a rationale gets its final answer stated in our one form later."""
    if rationale is None:
        return None
    return _STATED.sub("", rationale).rstrip() or None
