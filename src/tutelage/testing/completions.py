"""Turns a chat request into a chat completion, in pure functions.

{"model": "test", "messages": [{"role": "user", "content": "How many pens?"}], …}
{"id": "chatcmpl-0", "choices": [{"message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}], …}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tutelage.testing.faults import Fault
from tutelage.testing.form import Form
from tutelage.testing.forms import FORMS

Body = dict[str, Any]
"""A JSON object: the body of a request or a response."""
Reply = Callable[[Body], str]
"""Writes the text of a completion from the body of the request."""
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Completion:
    """The bytes of a completion, and the tokens charged. Tokens are counted as words."""

    data: bytes
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


def read_request(data: bytes) -> Body | None:
    """The body of a chat request; None if it is not one."""
    try:
        body = json.loads(data)
    except ValueError:
        return None
    return body if is_request(body) else None


def is_request(body: object) -> bool:
    """Whether this is an object with at least one message, all with a text."""
    try:
        messages = cast(Body, body)["messages"]
        return bool(messages) and all(isinstance(message["content"], str) for message in messages)
    except (LookupError, TypeError):
        return False


def look_up(rationales: Mapping[str, str]) -> Reply:
    """Replies with the rationale of the longest of these questions that the prompt contains."""

    def reply(body: Body) -> str:
        prompt = str(body["messages"][-1]["content"])
        found = [question for question in rationales if question in prompt]
        return rationales[max(found, key=len)] if found else "This question is not known here."

    return reply


def complete(
    number: int, created: float, body: Body, text: str, fault: Fault, form: Form = FORMS["openai"]
) -> Completion:
    """The completion with this text in a server's form, with the fault applied; `created` is in Unix seconds."""
    if fault.finish_reason == "content_filter":
        text = ""
    elif fault.finish_reason == "length":
        text = text[: len(text) // 2]
    prompt = sum(len(message["content"].split()) + _TOKENS_PER_MESSAGE for message in body["messages"])
    words = len(text.split())
    message = {"role": "assistant", "content": text, "refusal": None}
    whole: Body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(created),
        "model": body.get("model", "test"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": fault.finish_reason}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": words, "total_tokens": prompt + words},
    }
    kept = {name: part for name, part in (form.shape(whole) | dict(fault.parts)).items() if part is not None}
    data = form.before + fault.before + (_as_events(kept) if fault.events else json.dumps(kept).encode())
    return Completion(data, prompt, words + form.thoughts)


def _as_events(whole: Body) -> bytes:
    """A completion as server-sent events, its text in two pieces."""
    choice = whole["choices"][0]
    text = str(choice["message"]["content"])
    pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
    rest = {name: value for name, value in whole.items() if name not in ("choices", "usage")}
    chunks = [rest | {"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    chunks += [rest | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}]
    chunks += [rest | {"choices": [], "usage": whole["usage"]}] if "usage" in whole else []
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
