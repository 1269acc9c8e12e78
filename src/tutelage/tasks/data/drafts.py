"""Reads rows as drafts of problems, before the kind of their answers is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps

from tutelage.errors import DataError
from tutelage.grading.free_text import read_yes_no
from tutelage.records import Choice
from tutelage.tasks.data.columns import OURS, Columns, columns_of, mapping
from tutelage.tasks.data.fields import columns_in, filled, is_template
from tutelage.tasks.data.messages import Conversation, is_conversation, read_conversation
from tutelage.tasks.data.solutions import is_worked, split_solution, steps_of
from tutelage.tasks.rows import NoProblemError, Row, listed, parsed
from tutelage.text.statements import shorten

MOSTLY = 0.9
"""Share of answers of one kind from which the others are taken for mistakes."""
_OF_TURNS = ("alpaca", "query/response")
"""Forms that may have earlier turns, as `history`."""
_PRAISED = ("label", "kto_tag")
"""Columns that say whether a completion is a good one: TRL's unpaired preference and ms-swift, LLaMA-Factory."""
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Draft:
    """A row read field by field."""

    row: Row
    answer_field: str
    question: str
    answer: str
    choices: tuple[Choice, ...]
    rationale: str | None
    equation: str | None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """Rows of one form as drafts, and a note on those that are left out."""

    drafts: list[Draft]
    form: str
    notes: tuple[str, ...]


def read_drafts(rows: Sequence[Row], fields: Mapping[str, str], *, json: bool = False) -> Drafts:
    """The drafts of rows of one form. `json`: answers may have parts.

    A few rows that are not one question and its answer are left out. Raises DataError.
    """
    columns = columns_of(rows, fields)
    rows, notes = _praised(rows, columns, fields)
    if json and columns.answer and not is_template(columns.answer):
        rows = [_with_json(row, columns.answer) for row in rows]
    if lettered := _lettered(rows, columns):
        columns, rows = replace(columns, choices="choices"), lettered
        notes.append("the columns A, B, … are read as choices")
    worked = columns.form == OURS and _are_worked(rows, columns)
    drafts, others, broken = list[Draft](), list[NoProblemError](), list[DataError]()
    for row in rows:
        try:
            drafts.append(_draft(row, columns, worked))
        except NoProblemError as error:
            others.append(error)
        except DataError as error:
            broken.append(error.with_traceback(None))
    if broken:
        raise broken[0] if len(broken) == len(rows) else _counted(broken, len(rows))
    count = f"{len(others):,} of {len(rows):,}"
    if not drafts or (len(others) > 1 and len(drafts) < MOSTLY * len(rows)):
        wanted = f"a problem is one question and its answer, but {count} rows are not"
        raise DataError(f"{others[0]}; {wanted}: leave them out, or cut them to one turn")
    if others:
        notes.append(f"rows left out, which are not one question and its answer: {count}; {others[0]}")
    return Drafts(drafts, columns.form, tuple(notes))


def _counted(broken: Sequence[DataError], rows: int) -> DataError:
    """The first error, which says how many rows are broken."""
    first = broken[0]
    error = DataError(f"{first}; {len(broken):,} of {rows:,} rows {'is' if len(broken) == 1 else 'are'} broken")
    error.path, error.line, error.field = first.path, first.line, first.field
    return error


def _praised(rows: Sequence[Row], columns: Columns, fields: Mapping[str, str]) -> tuple[Sequence[Row], list[str]]:
    """The rows without those whose completion is said to be a bad one, and a note on these. Raises DataError.

    A column that `fields` names, or that repeats the answer, says nothing of a completion.
    """
    if columns.worked is None and columns.messages is None:
        return rows, []
    own = set[str]().union(*map(columns_in, fields.values()))
    names = [name for name in _PRAISED if name not in own and _are_truths(name, rows)]
    names = [name for name in names if not _is_answer(name, rows, columns)]
    good = [row for row in rows if not any(_truth(row, name) is False for name in names)]
    if not good:
        wanted = "a right one is needed for each question; if the label is the answer, name it by task.field.answer"
        rows[0].fail(None, f"every completion is labelled false, and {wanted}")
    left_out = len(rows) - len(good)
    told = f"rows left out, whose completion is labelled false: {left_out:,} of {len(rows):,}"
    return good, [told] if left_out else []


def _is_answer(name: str, rows: Sequence[Row], columns: Columns) -> bool:
    """Whether a column is true where the answer is yes and false where it is no, in every row."""
    answer = columns.answer
    if answer is None or is_template(answer):
        return False
    return all(
        (said := _truth(row, name)) is not None and read_yes_no(str(row.optional(answer))) == ("yes" if said else "no")
        for row in rows
    )


def _are_truths(name: str, rows: Sequence[Row]) -> bool:
    """Whether a column holds nothing but true and false, where it holds anything."""
    return all(row.data.get(name) in (None, "") or _truth(row, name) is not None for row in rows)


def _truth(row: Row, name: str) -> bool | None:
    """The truth value in a column, which in a CSV is a text; None: there is none."""
    value = row.data.get(name)
    return value if isinstance(value, bool) else _TRUTHS.get(str(value).strip().lower())


def _lettered(rows: Sequence[Row], columns: Columns) -> Sequence[Row] | None:
    """The rows with their columns A, B, … as choices, where each answer is the letter of one, as in MMLU."""
    answer = columns.answer or ""
    if (columns.choices and any(row.has(columns.choices) for row in rows)) or is_template(columns.question or "{"):
        return None
    read = list[Row]()
    for row in rows:
        choices = {letter: row.data[letter] for letter in "ABCDEFGHIJ" if row.data.get(letter) not in (None, "")}
        if len(choices) < 2 or row.optional(answer) not in tuple(choices):
            return None
        read.append(replace(row, data={**row.data, "choices": choices}))
    return read


def _are_worked(rows: Sequence[Row], columns: Columns) -> bool:
    """Whether what nearly all rows have as their answers are worked solutions, as in GSM8K."""
    answer, rationale = columns.answer or "", columns.rationale or ""
    if is_template(answer) or any(row.has(rationale) for row in rows):
        return False
    values = [row.optional(answer) for row in rows]
    found = sum(is_conversation(value) or (isinstance(value, str) and is_worked(value)) for value in values)
    return found >= MOSTLY * len(rows)


def _draft(row: Row, columns: Columns, worked: bool) -> Draft:
    if columns.form == OURS:
        _need(row, columns)
    elif columns.form in _OF_TURNS and parsed(row.optional("history")):
        row.fail("history", "the row has earlier turns", NoProblemError)
    question, system, said = _question(row, columns)
    field = columns.answer or columns.worked or columns.messages or "answer"
    steps = None
    if columns.worked is not None:
        said = _said(row, columns.worked, needed=columns.answer is None)
    elif worked:
        said = _said(row, field, needed=True)
    if columns.answer is not None and not worked:
        answer = _text(row, columns.answer, "answer")
        steps = None if said is None else _steps_beside(said)
    else:
        assert said is not None, "what states the answer is needed"
        answer, steps = _solved(row, field, said)
    rationale = _optional(row, columns.rationale, "rationale")
    return Draft(
        row=row,
        answer_field=field,
        question=question,
        answer=answer,
        choices=row.choices(columns.choices)
        if columns.choices is not None and row.optional(columns.choices) is not None
        else (),
        rationale=steps_of(rationale) or steps,
        equation=_optional(row, columns.equation, "equation"),
        system=_optional(row, columns.system, "system") or system,
    )


def _with_json(row: Row, answer: str) -> Row:
    """The row with its answer as JSON if it has parts."""
    value = row.optional(answer)
    if not isinstance(value, list | dict):
        return row
    return replace(row, data={**row.data, answer: dumps(value, ensure_ascii=False)})


def _need(row: Row, columns: Columns) -> None:
    for name, column in (("question", columns.question), ("answer", columns.answer)):
        if column is not None and not is_template(column) and not row.has(column):
            row.fail(column, f"the field is missing; the row has {listed(row.data)}; {mapping(row, name)}")


def _question(row: Row, columns: Columns) -> tuple[str, str | None, Conversation | None]:
    """The question, the system message above it, and the conversation if it holds the reply."""
    if columns.messages is not None:
        talk = read_conversation(row, columns.messages)
        if talk.question is None:
            row.fail(columns.messages, "no message of the user, so there is no question")
        if talk.reply is None and columns.answer is None:
            row.fail(
                columns.messages, "no message of the assistant, so there is no answer; name it by task.field.answer"
            )
        return talk.question, talk.system, talk
    column = columns.question or "question"
    if not is_template(column) and is_conversation(row.optional(column)):
        talk = read_conversation(row, column)
        if talk.question is None or talk.reply is not None:
            row.fail(column, "a prompt ends with the one message of the user, and this does not", NoProblemError)
        return talk.question, talk.system, None
    more = _optional(row, columns.more, "input")
    question = _text(row, column, "question")
    return (f"{question}\n{more}" if more else question), None, None


def _said(row: Row, field: str, *, needed: bool) -> Conversation | None:
    """The solution in a field: a text, or the reply in a conversation or a message."""
    value = row.optional(field)
    if isinstance(value, dict) and is_conversation([value]):
        row = replace(row, data={**row.data, field: [value]})
    if is_conversation(row.optional(field)):
        talk = read_conversation(row, field)
        if talk.reply is None:
            row.fail(field, "no message of the assistant, so there is no answer")
        return talk
    text = row.text(field) if needed else row.optional_text(field)
    return None if text is None else Conversation(None, None, text, None)


def _solved(row: Row, field: str, said: Conversation) -> tuple[str, str | None]:
    """The answer and the steps of a solution. Raises DataError if it states no answer."""
    solved = split_solution(said.reply or "")
    if solved is None:
        end = shorten((said.reply or "").strip().rpartition("\n")[2])
        row.fail(
            field,
            f"no final answer in the solution, which ends with {end!r}: it must end with #### 12, \\boxed{{12}} or "
            "'The answer is 12.'; or name a column with the answer: task.field: {answer: YOURS}",
        )
    return solved.answer, solved.steps or said.thoughts


def _steps_beside(said: Conversation) -> str | None:
    """The steps of a solution whose answer stands in a column of its own."""
    solved = split_solution(said.reply or "")
    return said.reply if solved is None else solved.steps or said.thoughts


def _text(row: Row, column: str, ours: str) -> str:
    if is_template(column):
        return filled(row, column, ours)
    return row.text(column) if ours == "question" else row.scalar(column)


def _optional(row: Row, column: str | None, ours: str) -> str | None:
    if column is None:
        return None
    return filled(row, column, ours) if is_template(column) else row.optional_text(column)
