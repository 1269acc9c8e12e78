"""The usual forms of rows, by the names of their columns.

question/answer      {"question": "…", "answer": "12", "choices": […], "rationale": "…", "equation": "3*4"}
                     {"question": "…", "options": […], "answer": "B"}                              MMLU-Pro, MedQA
question/solution    {"question": "…", "solution": "… #### 12"}
                     {"question": "…", "choices": {"text": […], "label": […]}, "answerKey": "B"}  ARC
problem/solution     {"problem": "…", "solution": "… \\\\boxed{12}", "answer": "12"}            MATH
prompt/completion    {"prompt": "…", "completion": "… The answer is 12."}, or both as messages    TRL
                     {"prompt": "…", "completion": "…", "label": true}, of which false ones are left out
prompt-only          {"prompt": "…", "answer": "12"}, or the prompt as messages                   TRL, verl
preference           {"prompt": "…", "chosen": "…", "rejected": "…"}                              TRL
                     {"instruction": "…", "input": "…", "chosen": "…", "rejected": "…"}           LLaMA-Factory
                     {"conversations": [{"from": "human", …}], "chosen": {"from": "gpt", …}, …}   LLaMA-Factory
alpaca               {"instruction": "…", "input": "…", "output": "…", "system": "…"}
query/response       {"query": "…", "response": "…", "system": "…"}                               ms-swift
messages             {"messages": [{"role": "user", "content": "…"}, …]}                          OpenAI
sharegpt             {"conversations": [{"from": "human", "value": "…"}, …], "system": "…"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tutelage.errors import DataError
from tutelage.tasks.data.messages import is_conversation, read_conversation
from tutelage.tasks.rows import NoProblemError, Row, listed, parsed


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a row has what, each a column's name; `question`, `answer`, `rationale`, `system` may be templates.

    `worked` is a solution that states its answer, `more` stands below the question, `messages` is a conversation.
    """

    form: str
    question: str | None = None
    more: str | None = None
    answer: str | None = None
    worked: str | None = None
    choices: str | None = None
    rationale: str | None = None
    equation: str | None = None
    system: str | None = None
    messages: str | None = None


_OPTIONAL = ("input", "context", "system", "choices", "options")
"""Columns that the first row may lack, though others have them."""
_FINAL = ("answer", "final_answer", "expected_answer", "ground_truth", "reward_model.ground_truth", "answerKey")
_SOLUTIONS = ("solution", "response", "completion")
OURS = "question/answer"


def columns_of(rows: Sequence[Row], fields: Mapping[str, str]) -> Columns:
    """The columns of rows like the first one that is one question. Raises DataError if they fit no form or several."""
    row = _with_optional(rows)
    named = {ours: yours for ours, yours in fields.items() if ours not in ("question", "answer", "messages")}
    if "messages" in fields:
        found = Columns("messages", messages=fields["messages"], system=_first(row, "system"))
        return replace(found, answer=fields.get("answer"), **named)
    if "question" in fields or (row.has("question") and (row.has("answer") or "answer" in fields)):
        ours = {name: fields.get(name, name) for name in ("question", "answer", "choices", "rationale", "equation")}
        if not row.has(ours["choices"]) and "choices" not in fields and row.has_choices("options"):
            ours["choices"] = "options"
        return replace(Columns(OURS, **ours), system=fields.get("system"))
    found = [columns for form in _FORMS if (columns := form(row, "answer" in fields)) is not None]
    found = [each for each in found if not any(_repeats(row, each, other) for other in found)]
    if len(found) > 1:
        row.fail(
            None,
            f"the columns fit two forms, {found[0].form} and {found[1].form}; say which is meant, as task.field: "
            f"{_remedy(found[0])} or {_remedy(found[1])}",
        )
    if not found:
        _refuse(row)
    if "answer" in fields:
        return replace(found[0], answer=fields["answer"], **named)
    return replace(found[0], **named)


def _with_optional(rows: Sequence[Row]) -> Row:
    """The first row, with columns that only others have; a column that is blank at first is no less one."""
    first = next(filter(_is_single, rows), rows[0])
    wanted = [name for name in _OPTIONAL if name not in first.data]
    data = {name: row.data[name] for name in wanted for row in rows if row.data.get(name) is not None}
    return replace(first, data={**first.data, **data}) if data else first


def _is_single(row: Row) -> bool:
    """Whether a row may be one question: its conversation, if it has one, has no more turns."""
    talk = _first(row, "messages", "conversations")
    try:
        if talk is not None:
            read_conversation(row, talk)
    except NoProblemError:
        return False
    except DataError:  # no conversation
        return True
    return True


def mapping(row: Row, *fields: str) -> str:
    """How columns of other names are named, in words; Question is taken for question."""
    others = {str(name).lower(): name for name in row.data if name not in fields}
    yours = {field: others.get(field, "YOURS") for field in fields}
    yaml = ", ".join(f"{field}: {name}" for field, name in yours.items())
    flags = " ".join(f"--field {field}={name}" for field, name in yours.items())
    return f"task.field: {{{yaml}}} maps names, and so does tutelage init {flags}"


def _repeats(row: Row, talk: Columns, other: Columns) -> bool:
    """Whether a conversation says what other columns say, as in NuminaMath."""
    if talk.messages is None or other.messages is not None or other.question is None:
        return False
    try:
        said = read_conversation(row, talk.messages)
        column = other.worked or other.answer or ""
        reply = read_conversation(row, column).reply if is_conversation(row.optional(column)) else row.scalar(column)
        return (said.question, said.reply) == (row.text(other.question), reply)
    except DataError:
        return False


def _refuse(row: Row) -> None:
    has = listed(row.data)
    if talk := _first(row, "messages", "conversations"):
        read_conversation(row, talk)  # says why it is none
    if row.has("chosen") and row.has("rejected"):
        row.fail("prompt", f"a preference without a prompt, so there is no question; {mapping(row, 'question')}")
    if row.has("question"):
        row.fail("answer", f"the field is missing; the row has {has}; {mapping(row, 'answer')}")
    if row.has("prompt"):
        row.fail(
            "answer",
            f"a prompt without an answer: a known final answer is needed; the row has {has}; {mapping(row, 'answer')}",
        )
    if talk := next((key for key, value in row.data.items() if is_conversation(value)), None):
        row.fail(
            "messages",
            f"the field is missing; {talk} holds a conversation: task.field: {{messages: {talk}}} reads it, and so "
            f"does tutelage init --field messages={talk}",
        )
    missing = ["question"] if row.has("answer") else ["question", "answer"]
    row.fail("question", f"the field is missing; the row has {has}; {mapping(row, *missing)}")


def _remedy(columns: Columns) -> str:
    if columns.messages:
        return f"{{messages: {columns.messages}}}"
    steps = f", rationale: {columns.worked}" if columns.answer and columns.worked else ""
    return f"{{question: {columns.question}, answer: {columns.answer or columns.worked}{steps}}}"


def _first(row: Row, *names: str) -> str | None:
    return next((name for name in names if row.has(name)), None)


def _asked(row: Row, form: str, question: str, worked: tuple[str, ...], answered: bool) -> Columns | None:
    """Columns of a question with a worked solution, an answer or both."""
    solution, answer = _first(row, *worked), _first(row, *_FINAL)
    if not row.has(question) or not (solution or answer or answered):
        return None
    return Columns(form, question, answer=answer, worked=solution, choices=_first(row, "choices", "options"))


def _problem(row: Row, answered: bool) -> Columns | None:
    return _asked(row, "problem/solution", "problem", ("solution", "generated_solution"), answered)


def _question(row: Row, answered: bool) -> Columns | None:
    return _asked(row, "question/solution", "question", _SOLUTIONS, answered and not row.has("chosen"))


def _prompt(row: Row, answered: bool) -> Columns | None:
    if row.has("chosen"):
        return None
    if row.has("completion"):
        return _asked(row, "prompt/completion", "prompt", ("completion",), answered)
    return _asked(row, "prompt-only", "prompt", ("solution",), answered)


def _preference(row: Row, answered: bool) -> Columns | None:
    if not (row.has("chosen") and row.has("rejected")):
        return None
    talk = _first(row, "messages", "conversations")
    if talk and isinstance(row.value("chosen"), Mapping):
        return Columns("preference", talk, worked="chosen", system=_first(row, "system"))
    if row.has("prompt"):
        return _asked(row, "preference", "prompt", ("chosen",), answered)
    if is_conversation(row.value("chosen")):
        return Columns("preference", messages="chosen", answer=_first(row, *_FINAL))
    question = _first(row, "question", "instruction")
    if question is None or _first(row, *_SOLUTIONS, "output"):
        return None
    found = _asked(row, "preference", question, ("chosen",), answered)
    more = _first(row, "input") if question == "instruction" else None
    return found and replace(found, more=more, system=_first(row, "system"))


def _alpaca(row: Row, answered: bool) -> Columns | None:
    found = _asked(row, "alpaca", "instruction", ("output", "response"), answered and not row.has("chosen"))
    more, system = _first(row, "input", "context"), _first(row, "system")
    return found and replace(found, more=more, system=system)


def _query(row: Row, answered: bool) -> Columns | None:
    found = _asked(row, "query/response", "query", ("response",), answered)
    return found and replace(found, system=_first(row, "system"))


def _messages(row: Row, answered: bool) -> Columns | None:
    return _talk(row, "messages", "messages")


def _sharegpt(row: Row, answered: bool) -> Columns | None:
    return _talk(row, "sharegpt", "conversations")


def _talk(row: Row, form: str, column: str) -> Columns | None:
    if (
        not row.has(column)
        or not is_conversation(parsed(row.value(column)))
        or isinstance(row.optional("chosen"), Mapping)
    ):
        return None
    return Columns(form, messages=column, answer=_first(row, *_FINAL), system=_first(row, "system"))


_FORMS: tuple[Callable[[Row, bool], Columns | None], ...] = (
    _problem,
    _question,
    _prompt,
    _preference,
    _alpaca,
    _query,
    _messages,
    _sharegpt,
)
