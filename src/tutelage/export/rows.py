"""Lessons as rows of the forms that trainers read. Pure.

    trl-sft    {"prompt": "Question: …\\nAnswer:", "completion": " 3 × 4 = 12 …"}     TRL's prompt and completion
    trl-dpo    {"prompt": "Question: …\\nAnswer:", "chosen": " 3 × 4 …", "rejected": " 3 + 4 …"}
    messages   {"messages": [{"role": "user", …}, {"role": "assistant", …}]}        TRL, axolotl, ms-swift, verl, OpenAI
    alpaca     {"instruction": …, "input": "", "output": …, "system": …}            LLaMA-Factory, axolotl, ms-swift
    sharegpt   {"conversations": [{"from": "human", …}, {"from": "gpt", …}]}        LLaMA-Factory, axolotl

The prompts of TRL's rows are those that the student was taught with: plain text, or the messages of a chat. The others
have the question alone, for a model of any kind. Alpaca's rows have a column `system` if the run has system messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.export.source import Lesson
from tutelage.records import WorkedExample
from tutelage.student.prompts import LEAD, apart, chat_messages, plain_prompt

Row = dict[str, Any]
ToRow = Callable[[Lesson], Row]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of data: rows to learn from, rows of pairs, and the words that LLaMA-Factory describes them with."""

    lesson: ToRow
    pair: ToRow
    described: Mapping[str, Any] | None = None
    described_pairs: Mapping[str, Any] | None = None


def trl(examples: Sequence[WorkedExample], *, chat: bool) -> Form:
    """TRL's rows with a prompt, in the student's form behind its worked examples."""

    def prompt(question: str) -> str | list[dict[str, str]]:
        return chat_messages(examples, question) if chat else plain_prompt(examples, question)

    def said(text: str) -> str | list[dict[str, str]]:
        return [_turn(text)] if chat else LEAD + text.strip()

    return Form(
        lambda lesson: {"prompt": prompt(lesson.question), "completion": said(lesson.right)},
        lambda pair: {"prompt": prompt(pair.question), "chosen": said(pair.right), "rejected": said(pair.wrong)},
    )


def message_rows(lesson: Lesson) -> Row:
    """A lesson as the messages of a chat."""
    return {"messages": [*chat_messages((), lesson.question), _turn(lesson.right)]}


def _asked(lesson: Lesson) -> list[Row]:
    roles = {"system": "system", "user": "human"}
    return [{"from": roles[turn["role"]], "value": turn["content"]} for turn in chat_messages((), lesson.question)]


def _gpt(text: str) -> Row:
    return {"from": "gpt", "value": text.strip()}


def _turn(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text.strip()}


_ROLES = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
MESSAGES = Form(
    message_rows,
    lambda pair: {**message_rows(pair), "rejected_response": pair.wrong.strip()},  # so ms-swift reads preferences
    {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": _ROLES},
)
SHAREGPT = Form(
    lambda lesson: {"conversations": [*_asked(lesson), _gpt(lesson.right)]},
    lambda pair: {"conversations": _asked(pair), "chosen": _gpt(pair.right), "rejected": _gpt(pair.wrong)},
    {"formatting": "sharegpt", "columns": {"messages": "conversations"}},
    {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
    },
)


def alpaca(*, system: bool) -> Form:
    """Alpaca's rows; `system`: with a column for system messages, which is null in a row that has none."""
    columns = {"prompt": "instruction", "query": "input"}
    above = {"system": "system"} if system else {}

    def asked(lesson: Lesson) -> Row:
        if not system:
            return {"instruction": lesson.question, "input": ""}
        message, question = apart(lesson.question)
        return {"instruction": question, "input": "", "system": message}

    return Form(
        lambda lesson: {**asked(lesson), "output": lesson.right.strip()},
        lambda pair: {**asked(pair), "chosen": pair.right.strip(), "rejected": pair.wrong.strip()},
        {"columns": {**columns, "response": "output", **above}},
        {"ranking": True, "columns": {**columns, "chosen": "chosen", "rejected": "rejected", **above}},
    )
