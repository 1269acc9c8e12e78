"""Of which kind the answers are, and problems of that kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError
from tutelage.grading.code import check_tests
from tutelage.grading.grade import canonical
from tutelage.grading.json_value import check_json
from tutelage.grading.matching import check_pattern
from tutelage.grading.words import text_key
from tutelage.records import AnswerKind, Problem
from tutelage.tasks.data.drafts import MOSTLY, Draft
from tutelage.tasks.data.notes import is_measured, on_comma
from tutelage.text.numbers import whole_number


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
    if all(is_measured(draft.answer) for draft in drafts):
        return "number"
    yes_no = [draft for draft in drafts if text_key(draft.answer) in ("yes", "no")]
    numbers = [draft for draft in drafts if whole_number(draft.answer)]
    parts: tuple[tuple[AnswerKind, list[Draft]], ...] = (("number", numbers), ("yes-no", yes_no))
    for found, part in parts:
        if len(part) == len(drafts):
            return found
        if len(part) >= MOSTLY * len(drafts):
            fitting = {id(draft) for draft in part}
            odd = next(draft for draft in drafts if id(draft) not in fitting)
            odd.row.fail(
                odd.answer_field,
                f"{odd.answer[:60]!r} is odd: {len(part)} of {len(drafts)} answers are of the kind {found}; "
                f"correct it, or set task.kind: text{on_comma(odd.answer) if found == 'number' else ''}",
            )
    return "text"


def count_from_0(drafts: Sequence[Draft]) -> bool:
    """Whether the answers count the choices from 0, as in MMLU.

    At least one is 0, and none is the label or the text of a choice, so that nothing else can be meant.
    """
    return all(map(_is_place, drafts)) and any(int(draft.answer) == 0 for draft in drafts)


def _is_place(draft: Draft) -> bool:
    named = {said for choice in draft.choices for said in (choice.label, choice.text)}
    is_count = re.fullmatch("[0-9]{1,2}", draft.answer) and draft.answer not in named
    return bool(is_count) and int(draft.answer) < len(draft.choices)


def labelled(draft: Draft) -> Draft:
    """A draft whose answer counts the choices from 0, with the label of its choice for that."""
    return replace(draft, answer=draft.choices[int(draft.answer)].label)


def to_problem(draft: Draft, kind: AnswerKind, system: str | None = None) -> Problem:
    """The problem of a row, below this system message or its own. Raises DataError for an answer of another kind."""
    if kind == "choice" and not draft.choices:
        draft.row.fail("choices", "the row has no choices")
    try:
        answer = canonical(kind, draft.answer, draft.choices)
    except ValueError as error:
        comma = on_comma(draft.answer) if kind == "number" else ""
        draft.row.fail(draft.answer_field, f"{error} (the kind of the task is {kind}){comma}")
    return Problem.of(
        draft.question,
        answer,
        choices=draft.choices if kind == "choice" else (),
        rationale=draft.rationale,
        equation=draft.equation,
        system=system or draft.system,
    )


def check_match(config: TaskConfig, kind: AnswerKind, drafts: Sequence[Draft]) -> None:
    """Refuse `match` where answers are no words, and patterns, JSON and tests that are none.

    Raises ConfigError and DataError.
    """
    if config.match is None:
        return
    if config.grader is not None:
        raise ConfigError(f"task.grader grades the answers, so task.match ({config.match}) has no say; leave it out")
    if kind != "text":
        told = "" if config.kind else "; set task.kind: text if they are words"
        raise ConfigError(f"task.match is {config.match!r}, but the answers are of the kind {kind}, not text{told}")
    check = {"regex": check_pattern, "json": check_json, "code": check_tests}.get(config.match)
    if check is None:
        return
    for draft in drafts:
        asked = config.match == "code"
        try:
            check(draft.question if asked else draft.answer)
        except ValueError as error:
            draft.row.fail("question" if asked else draft.answer_field, str(error))
