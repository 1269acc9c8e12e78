"""Reads conversations: one question, perhaps below a system message, and perhaps the reply to it.

[{"role": "system", "content": "…"}, {"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]
[{"from": "system", "value": "…"}, {"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tutelage.json_lines import Json, shortened
from tutelage.tasks.rows import NoProblemError, Row, parsed

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
_KEYS = (("role", "content"), ("from", "value"))


@dataclass(frozen=True, slots=True)
class Conversation:
    """The texts of a conversation, each None where it has no such message; `thoughts` are those of the reply."""

    system: str | None
    question: str | None
    reply: str | None
    thoughts: str | None


def is_conversation(value: Json) -> bool:
    """Whether a value is a list of messages, also as JSON in a cell of a table, if its roles are known."""
    read = parsed(value)
    if not isinstance(read, list) or not read:
        return False
    messages = cast(list[Any], read)
    if not all(isinstance(item, Mapping) and any(role in item for role, _ in _KEYS) for item in messages):
        return False
    # an answer may be JSON, too: [{"from": "Rome", "to": "Oslo"}]
    return read is value or all(any(_is_said_by(item, *keys) for keys in _KEYS) for item in messages)


def _is_said_by(message: Mapping[str, Any], who: str, what: str) -> bool:
    return what in message and str(message.get(who)).lower() in _ROLES


def read_conversation(row: Row, field: str) -> Conversation:
    """The conversation in a field. Raises DataError if it is none, NoProblemError if it is not one question."""
    value = parsed(row.value(field))
    if not is_conversation(value):
        row.fail(field, f'expected messages such as [{{"role": "user", "content": …}}], found {shortened(value)}')
    texts: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    thoughts: str | None = None
    for message in cast(list[Mapping[str, Any]], value):
        role, text = _read(row, field, message)
        if role == "assistant":
            thought = message.get("thinking") or message.get("reasoning_content")
            thoughts = thought.strip() or None if isinstance(thought, str) else None
        if text:
            if role == "user" and texts["assistant"] and not texts["user"]:
                row.fail(field, "the assistant speaks before the user, so what it says is no answer", NoProblemError)
            texts[role].append(row.checked(field, text))
    for role, spoken in texts.items():
        if len(spoken) > 1:
            row.fail(field, f"the conversation has {len(spoken)} messages of the {role}", NoProblemError)
    system, question, reply = ("".join(texts[role]) or None for role in ("system", "user", "assistant"))
    return Conversation(system, question, reply, thoughts)


def _read(row: Row, field: str, message: Mapping[str, Any]) -> tuple[str, str]:
    who, what = next(keys for keys in _KEYS if keys[0] in message)
    role = _ROLES.get(str(message[who]).lower())
    if message.get("tool_calls"):
        row.fail(field, "the assistant calls a tool, which no student does", NoProblemError)
    if role is None:
        known = ", ".join(name for name in _ROLES)
        told = f"a message is of {message[who]!r}; a problem has those of {known} only (no calls of tools)"
        row.fail(field, told, NoProblemError)
    content = message.get(what)
    if isinstance(content, list):
        parts = cast(list[Any], content)
        texts = [cast(Mapping[str, Any], part).get("text") for part in parts if isinstance(part, Mapping)]
        if len(texts) < len(parts) or not all(isinstance(text, str) for text in texts):
            told = f"expected text, found {shortened(parts)}; a student reads no images or sounds"
            row.fail(field, told, NoProblemError)
        content = "".join(map(str, texts))
    if not isinstance(content, str):
        row.fail(field, f"expected a text as {what} of a message, found {shortened(content)}")
    return role, content.strip()
