"""Extracts text, reasoning and refusal from a chat message, in any vendor's form. Pure.

{"content": "Each box …", "reasoning_content": "Let me see …"}                  DeepSeek, vLLM, SGLang, DashScope
{"content": "Each box …", "reasoning": "…", "reasoning_details": […]}           OpenRouter, Groq, newer vLLM
{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "…"}]}, {"type": "text", "text": "…"}]}
                                                                                Mistral (spring-projects/spring-ai#5020)
{"content": {"parts": [{"text": "…", "thought": true}, {"text": "…"}]}}         Gemini
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thinking_blocks")
_DEPTH = 4


class Message(NamedTuple):
    """The parts of a chat message; `text_missing` if it has no content field, or one with a refusal part."""

    text: str
    reasoning: str
    refusal: str
    text_missing: bool = True


class NotRead(Exception):
    """The body is no completion; `place` is the field that is wrong or missing."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def read_message(choice: Mapping[str, object]) -> Message:
    """The message of a choice; a missing one is empty if the choice has a finish reason. Raises NotRead."""
    message = choice["delta"] if choice.get("message") is None and "delta" in choice else choice.get("message")
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if message is None and isinstance(choice.get("finish_reason") or choice.get("finishReason"), str):
        message = {}
    if not isinstance(message, dict):
        raise NotRead("choices.0.message")
    parts = cast(dict[str, object], message)
    content, refusal = parts.get("content"), parts.get("refusal")
    if content is not None and not isinstance(content, str | list | dict):
        raise NotRead("choices.0.message.content")
    texts, thoughts = _Split(), [_joined(parts.get(name)) for name in _THOUGHTS]
    texts.add(cast(object, content))
    said = next((thought for thought in thoughts if thought), "") or _joined(parts.get("reasoning_details"))
    refused = _joined(refusal) or texts.refusal
    missing = content is None or bool(texts.refusal)
    return Message("".join(texts.written), said or "".join(texts.thought), refused, missing)


class _Split:
    """The parts of a message's content, sorted into text, reasoning and refusal."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.thought: list[str] = []
        self.refusal = ""

    def add(self, content: object, depth: int = 0) -> None:
        """Sort a text, a part or a list of parts; other content, such as an image, is left out."""
        if isinstance(content, str):
            self.written.append(content)
        elif isinstance(content, list) and depth < _DEPTH:
            for part in cast(list[object], content):
                self.add(part, depth + 1)
        elif isinstance(content, dict):
            part = cast(dict[str, object], content)
            kind = str(part.get("type") or "")
            if part.get("thought") is True or "think" in kind or "reason" in kind or "thought" in kind:
                self.thought.append(_joined(part))
            elif kind == "refusal":
                self.refusal += _joined(part.get("refusal"))
            elif "parts" in part:
                self.add(part["parts"], depth + 1)
            elif isinstance(text := part.get("text", part.get("content", part.get("value"))), str | dict | list):
                self.add(
                    cast(dict[str, object], text).get("value") if isinstance(text, dict) else cast(object, text),
                    depth + 1,
                )


def _joined(value: object, depth: int = 0) -> str:
    """All text in a piece of reasoning: a string, or nested parts."""
    if isinstance(value, str):
        return value
    if depth > _DEPTH:
        return ""
    if isinstance(value, list):
        return "".join(_joined(part, depth + 1) for part in cast(list[object], value))
    if isinstance(value, dict):
        part = cast(dict[str, object], value)
        names = ("text", "thinking", "reasoning", "summary", "content")
        return next((found for name in names if (found := _joined(part.get(name), depth + 1))), "")
    return ""
