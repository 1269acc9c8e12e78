"""What a request says beside its messages, and what a refusal teaches about how an endpoint wants it written. Pure.

400  Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.    the limit goes by its other name
400  System role not supported                                                     the system text goes to the user
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tutelage.config import TeacherConfig
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.prompts import Message

LimitName = Literal["max_tokens", "max_completion_tokens"]
_STATUSES = (400, 422, 500)
"""Refusals of a parameter or a role. Servers that render a template themselves answer its fault with 500."""
_UNKNOWN = re.compile(
    r"unsupported|not support|n[o']t support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|not a valid"
    r"|not available|invalid (parameter|argument|field)|forbidden|deprecated|instead|cannot find|required"
    r"|only the default"
)
"""A parameter that an endpoint does not take, in the words of OpenAI, Azure, Mistral, Groq, Gemini, vLLM and others."""
_VALUE = re.compile(
    r"too (large|long|many|big|high|small)|maximum|context|exceed|at most|must be|range|(less|greater) than"
)
"""One that it takes, with another value."""
_SYSTEM = r"\b(system|developer)\b"
_NO = r"(not supported|unsupported|not enabled|not allowed|not permitted|not available)"
_NO_SYSTEM = re.compile(
    rf"{_SYSTEM}.{{0,60}}{_NO}|(not|n[o'’]t) support\w*\b.{{0,40}}{_SYSTEM}|only .{{0,60}}\broles? are supported"
    rf"|(unsupported|unexpected|invalid|unknown|unrecogni[sz]ed) (message )?(role|value)s?\b.{{0,20}}{_SYSTEM}"
    r"|roles must alternate",
    re.DOTALL,
)
"""No system role, in the words of OpenAI (o1), Gemma's and Mistral's templates, Gemini, Bedrock."""


class AskAgain(RequestFailed):
    """The endpoint refused how a request was written, not what it asks; it is written otherwise from now on."""

    def __init__(self, message: str) -> None:
        super().__init__("rejected request", message)


@dataclass(frozen=True, slots=True)
class Form:
    """How an endpoint wants its requests written: the limit's name, and whether it knows a system role."""

    limit: LimitName
    system: bool = True


class Parameters:
    """A request's body, in the form that the endpoint takes; what it refuses is learnt, for as long as this lives."""

    def __init__(self, config: TeacherConfig, limit: LimitName) -> None:
        self._config = config
        self.form = self.first = Form(limit if config.token_limit == "auto" else config.token_limit)
        self._tried = {self.form.limit}

    def body(self, messages: list[Message], seed: int | None) -> dict[str, object]:
        """What is sent to be answered."""
        config = self._config
        values = {"temperature": config.temperature, "top_p": config.top_p, "seed": seed}
        return {
            "model": config.model,
            "messages": messages if self.form.system else _for_the_user(messages),
            **{name: value for name, value in values.items() if value is not None},
            self.form.limit: config.max_tokens,
            **config.extra_body,
        }

    def learn(self, status: int, text: str, used: Form) -> bool:
        """Whether a request of this form was refused for it alone, so that in the form of now it may be answered."""
        text = text.lower()
        if status not in _STATUSES:
            return False
        if used.system and _NO_SYSTEM.search(text):
            self.form = replace(self.form, system=False)
            return True
        if self._config.token_limit == "auto" and _is_refused(get_args(LimitName), text):
            others = [name for name in get_args(LimitName) if name not in self._tried]
            if used.limit == self.form.limit and others:
                self._tried.add(others[0])
                self.form = replace(self.form, limit=others[0])
            return used.limit != self.form.limit
        return False

    def remedy(self, text: str) -> str:
        """What to set where a refusal names a parameter that was sent; empty if it names none."""
        config, text = self._config, text.lower()
        for name in ("temperature", "top_p", "seed"):
            if getattr(config, name) is not None and _is_refused((name,), text):
                return f"set teacher.{name} to null to send none"
        if _is_refused((self.form.limit,), text) and config.token_limit != "auto":
            return "set teacher.token_limit to auto"
        named = [name for name in config.extra_body if _is_refused((name.lower(),), text)]
        return f"take {named[0]} out of teacher.extra_body" if named else ""


def shaping(config: TeacherConfig, query: str) -> dict[str, object]:
    """All of it that shapes a reply, beside temperature and limit, as the ledger's key holds it: what is not usual."""
    said = {
        "top_p": config.top_p,
        "seed": config.seed,
        "token_limit": None if config.token_limit == "auto" else config.token_limit,
        "extra_body": dict(config.extra_body) or None,
        "query": query or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def seed_of(seed: int | None, sample: int | str) -> int | None:
    """The seed of one sample: with the same for all, several replies to one prompt would be the same."""
    return None if seed is None else random.Random(f"{seed}/{sample}").getrandbits(31)


def _is_refused(names: tuple[str, ...], text: str) -> bool:
    """Whether a text, in small letters, says that one of these parameters is not taken."""
    named = any(re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", text) for name in names)
    return named and bool(_UNKNOWN.search(text)) and not (_VALUE.search(text) and "only the default" not in text)


def _for_the_user(messages: list[Message]) -> list[Message]:
    """The same, with what the system says at the head of the user's first message."""
    said = [message["content"] for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    if not rest:
        return [{"role": "user", "content": "\n\n".join(said)}]
    return [{**rest[0], "content": "\n\n".join([*said, rest[0]["content"]])}, *rest[1:]]
