"""Joins server-sent events to one completion, for endpoints that stream without being asked. Pure.

: OPENROUTER PROCESSING                                               a comment; it may precede plain JSON, too
data: {"choices": [{"delta": {"content": "3 × 4"}}]}
data: {"choices": [{"delta": {"content": " = 12"}, "finish_reason": "stop"}], "usage": {…}}
data: [DONE]

Comments keep a connection alive while the model works: openrouter.ai/docs/api/reference/streaming, DeepSeek's
quick_start/rate_limit (which sends empty lines before plain JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic_core import from_json

from tutelage.teacher.online.refusal import said_in

_BOM = b"\xef\xbb\xbf"
_ASIDE = re.compile(rb"\s*(?:(?::|//|#)[^\r\n]*(?:[\r\n]|$)|/\*.*?\*/)", re.DOTALL)
_WHOLE = re.compile(rb"\{.*\}|\[DONE\]", re.DOTALL)
_EVENT = re.compile(rb"(?:event|data|id|retry):")
_DEPTH = 4
"""Sections within sections that are merged; of deeper ones the last counts."""
_PARTS = ("content", "reasoning_content", "reasoning", "refusal")


def plain_body(body: bytes) -> bytes:
    """The body without a byte order mark and leading comments."""
    start = len(_BOM) if body.startswith(_BOM) else 0
    while match := _ASIDE.match(body, start):
        start = match.end()
    return body[start:].strip().removeprefix(_BOM)


def parsed(data: bytes) -> object:
    """The JSON in a body or an event, which may hold half a surrogate pair or bytes of no character. Raises ValueError.

    JSON's escapes allow the former; a cut or a stream may break a character in two.
    """
    try:
        return from_json(data)
    except ValueError:
        text = data.decode(errors="replace")
        if "\ufffd" not in text and "\\ud" not in text.lower():
            raise
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def is_stream(body: bytes) -> bool:
    """Whether this plain body consists of events."""
    return _EVENT.match(body) is not None


def completion_of(body: bytes) -> object:
    """The completion that the events make up, or the first error in them. Raises ValueError if they end early.

    The texts of all events are joined; of numbers, as in usage, the largest counts, of any other field the last value.
    """
    whole: dict[str, object] = {}
    message: dict[str, object] = {}
    choice: dict[str, object] = {}
    ended = False
    for data in _events(body):
        if data == b"[DONE]":
            ended = True
            break
        event = parsed(data)
        if said_in(event):
            return _merged(whole, cast(dict[str, object], event)) if isinstance(event, dict) else event
        if not isinstance(event, dict):
            raise ValueError("an event is no object")
        chunk = cast(dict[str, object], event)
        first = _first(chunk.get("choices"))
        whole = _merged(whole, chunk, but=("choices",))
        choice = _merged(choice, first, but=("delta", "message"))
        _add(message, first.get("delta") or first.get("message"), whole="message" in first)
    if not ended and choice.get("finish_reason") is None:
        raise ValueError("the events end before the reply does")
    if not choice and not message:
        choices: list[object] = []
        return whole | {"choices": choices}
    return whole | {"choices": [choice | {"message": message}]}


def _merged(
    before: dict[str, object], section: Mapping[str, object], but: Sequence[str] = (), depth: int = 0
) -> dict[str, object]:
    """A section as it was before with the fields of a later one; of two numbers the larger."""
    merged = dict(before)
    for name, value in section.items():
        known = merged.get(name)
        if isinstance(known, dict) and isinstance(value, dict) and depth < _DEPTH:
            inner = cast(dict[str, object], value)
            merged[name] = _merged(cast(dict[str, object], known), inner, depth=depth + 1)
        elif isinstance(known, int | float) and isinstance(value, int | float):
            merged[name] = max(known, value)
        elif value is not None and name not in but:
            merged[name] = value
    return merged


def _events(body: bytes) -> Iterator[bytes]:
    """The data of the events, in order. Lines end with \\n, \\r\\n or \\r; several data lines are one.

    Some servers leave out the empty line between events: then each line of data is one.
    """
    data: list[bytes] = []
    for line in [*re.split(rb"\r\n|\n|\r", body), b""]:
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
        elif not line:
            if any(data):
                yield from data if all(_WHOLE.fullmatch(each) for each in data) else [b"\n".join(data)]
            data = []


def _first(choices: object) -> dict[str, object]:
    choice = cast(list[object], choices)[0] if isinstance(choices, list) and choices else None
    return cast(dict[str, object], choice) if isinstance(choice, dict) else {}


def _add(message: dict[str, object], delta: object, *, whole: bool) -> None:
    """Add an event's delta to the message, or the message so far if `whole`."""
    if not isinstance(delta, dict):
        return
    for name, value in cast(dict[str, object], delta).items():
        before = message.get(name)
        if name in _PARTS and isinstance(value, str) and isinstance(before, str):
            message[name] = value if whole and value.startswith(before) else before + value
        elif isinstance(before, str | list) and isinstance(value, list if isinstance(before, str) else str | list):
            message[name] = [*_listed(cast(object, before)), *_listed(cast(object, value))]
        elif value is not None:
            message[name] = value


def _listed(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else [value]
