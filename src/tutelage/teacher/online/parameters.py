"""The parameters of a chat request, adapted to an endpoint from its refusals. Pure.

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
"""Statuses that may refuse a parameter or a role. Servers that render the chat template answer its error with 500."""
_UNKNOWN = re.compile(
    r"unsupported|not support|n[o']t support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|not a valid"
    r"|not available|invalid (parameter|argument|field)|forbidden|deprecated|instead|cannot find|required"
    r"|only the default|not be (set|specified|provided|used)"
)
"""An unknown parameter, as OpenAI, Azure, Mistral, Groq, Gemini, vLLM and others report it."""
_VALUE = re.compile(
    r"too (large|long|many|big|high|small)|maximum|context|exceed|at most|must be|range|(less|greater) than"
)
"""A known parameter with an invalid value."""
_SYSTEM = r"\b(system|developer)\b"
_NO = r"(not supported|unsupported|not enabled|not allowed|not permitted|not available)"
_NO_SYSTEM = re.compile(
    rf"{_SYSTEM}.{{0,60}}{_NO}|(not|n[o'’]t) support\w*\b.{{0,40}}{_SYSTEM}|only .{{0,60}}\broles? are supported"
    rf"|(unsupported|unexpected|invalid|unknown|unrecogni[sz]ed) (message )?(role|value)s?\b.{{0,20}}{_SYSTEM}"
    r"|roles must alternate|(system|developer)['\"]? is not one of"
    r"|\brole\b.{0,40}input should be (?!.{0,60}system).{0,60}\buser\b"
    r"|(first message|conversation)\b.{0,30}\b(must|should|has to)\b.{0,30}\buser\b",
    re.DOTALL,
)
"""No system role, as OpenAI (o1), the templates of Gemma and Mistral, Gemini, Bedrock and schemas report it."""


class AskAgain(RequestFailed):
    """The endpoint refused the form of a request; later requests have another form, so ask again at once."""

    def __init__(self, message: str) -> None:
        super().__init__("rejected request", message)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a request: the name of the token limit, and whether there is a system role."""

    limit: LimitName
    system: bool = True


class Parameters:
    """Builds request bodies in the form that the endpoint takes; refusals change the form for this object's life."""

    def __init__(self, config: TeacherConfig, limit: LimitName) -> None:
        self._config = config
        self.form = self.first = Form(limit if config.token_limit == "auto" else config.token_limit)
        self._tried = {self.form.limit}

    def body(self, messages: list[Message], seed: int | None) -> dict[str, object]:
        """The JSON body of a chat request."""
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
        """Adapt the form to a refusal; True if a request of the form `used` may succeed in the form of now."""
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
        """The setting to change if a refusal names a parameter that was sent; empty if it names none."""
        config, text = self._config, text.lower()
        for name in ("temperature", "top_p", "seed"):
            if getattr(config, name) is not None and _is_refused((name,), text):
                return f"set teacher.{name} to null to send none"
        if _is_refused((self.form.limit,), text) and config.token_limit != "auto":
            return "set teacher.token_limit to auto"
        named = [name for name in config.extra_body if _is_refused((name.lower(),), text)]
        return f"take {named[0]} out of teacher.extra_body" if named else ""


def shaping(config: TeacherConfig, query: str) -> dict[str, object]:
    """The parameters that enter the ledger's key besides temperature and limit; those at their default are left out."""
    said = {
        "top_p": config.top_p,
        "seed": config.seed,
        "token_limit": None if config.token_limit == "auto" else config.token_limit,
        "extra_body": dict(config.extra_body) or None,
        "query": query or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def seed_of(seed: int | None, sample: int | str) -> int | None:
    """The seed of one sample. Samples differ in it, or all replies to one prompt would be the same."""
    return None if seed is None else random.Random(f"{seed}/{sample}").getrandbits(31)


def _is_refused(names: tuple[str, ...], text: str) -> bool:
    """Whether a lower-case text says that one of these parameters is unknown."""
    named = any(re.search(rf"(?<![\w]){re.escape(name)}(?!\w)", text) for name in names)
    return named and bool(_UNKNOWN.search(text)) and not (_VALUE.search(text) and "only the default" not in text)


def _for_the_user(messages: list[Message]) -> list[Message]:
    """The messages with the system text at the head of the first user message."""
    said = [message["content"] for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    if not rest:
        return [{"role": "user", "content": "\n\n".join(said)}]
    return [{**rest[0], "content": "\n\n".join([*said, rest[0]["content"]])}, *rest[1:]]
