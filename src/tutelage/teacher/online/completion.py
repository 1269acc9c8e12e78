"""What an endpoint answered: a chat completion read strictly, a refusal explained. Pure; no HTTP.

200  {"choices": [{"message": {"content": "Each box …"}, "finish_reason": "stop"}], "usage": {…}}   Reply
429  "You exceeded your current quota", insufficient_quota                                         Refused("quota")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from tutelage.config import TeacherConfig
from tutelage.teacher.online.failures import Refused, RequestFailed

LONGEST_WAIT = 900.0
"""Seconds that an endpoint may ask us to wait; if it wants longer the session ends and says so."""
LATEST = 1000
"""Replies that are remembered; what is sent twice comes soon."""
_MOST_TOKENS = 10**9
"""No reply takes so many; an endpoint that says so says nothing."""
_PASSING = (408, 409, 425)
"""Statuses below 500 that may pass by themselves."""
_POLICY = ("content_filter", "content_policy_violation")
_TOO_LONG = "context_length_exceeded"
"""Codes that say nothing about the next request."""
_QUOTA = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered; token counts are None and `id` is empty where it did not say."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    id: str = ""


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


def _count(said: object) -> int | None:
    """A number of tokens; None for what is none. A reply that is paid for is not thrown away for its bill."""
    return int(said) if isinstance(said, int | float) and 0 <= said <= _MOST_TOKENS else None


def _section(said: object) -> object:
    return cast(object, said) if isinstance(said, dict) else None


_Count = Annotated[int | None, BeforeValidator(_count)]


class _Usage(BaseModel):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None


class _Completion(BaseModel):
    """What of a chat completion is used. Endpoints differ in the rest, so nothing else is asked for."""

    choices: list[_Choice] = Field(min_length=1)
    usage: Annotated[_Usage | None, BeforeValidator(_section)] = None
    id: object = None


def read_completion(body: bytes, content_type: str = "") -> Reply:
    """The reply in the body of a good answer. Raises RequestFailed, charged, if there is none in it."""
    if not body.strip():
        raise RequestFailed("broken reply", "the reply has an empty body", charged=True)
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        what = "HTML" if "html" in content_type or body.lstrip()[:1] == b"<" else "no chat completion"
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the body"
        start = " ".join(body[:80].decode(errors="replace").split())
        message = f"the reply is {what}: {place} is wrong or missing; it begins {start!r}"
        raise RequestFailed("broken reply", message, charged=True) from None
    choice, usage = completion.choices[0], completion.usage
    refused = choice.message.content is None and choice.message.refusal is not None
    return Reply(
        text=(choice.message.content or choice.message.refusal or "").replace("\x00", ""),  # which ends a text in SQL
        finish_reason="content_filter" if refused else choice.finish_reason or "stop",
        prompt_tokens=usage and usage.prompt_tokens,
        completion_tokens=usage and usage.completion_tokens,
        id=str(completion.id or ""),
    )


class LatestReplies:
    """The latest replies, so that one is known that comes again, as the answer to another question."""

    def __init__(self) -> None:
        self._asked: dict[int, int] = {}

    def is_repeat(self, reply: Reply, messages: Sequence[Mapping[str, str]]) -> bool:
        """Whether this very reply was the answer to other messages before. Some servers give all replies one id."""
        asked = hash(repr(messages))
        first = self._asked.setdefault(hash((reply.id, reply.text)), asked)
        if len(self._asked) > LATEST:
            del self._asked[next(iter(self._asked))]
        return bool(reply.id and reply.text) and first != asked


def explain_status(
    status: int, code: str, text: str, wait: float | None, endpoint: str, config: TeacherConfig
) -> RequestFailed | Refused:
    """What an HTTP status means: whether all requests would fare alike, and what to do.

    `code` and `text` are the endpoint's own, `wait` the seconds that it wants to be left alone.
    """
    said = f"({status}): {text}"
    if code in _POLICY:
        return RequestFailed("refused by policy", f"refused by the endpoint's content policy {said}")
    if code == _TOO_LONG:
        return RequestFailed("rejected request", f"the prompt is too long for the model {said}")
    passing = status == 429 or status in _PASSING or status >= 500
    if not passing or code == _QUOTA:
        return _refused(status, code, said, endpoint, config)
    if wait is not None and wait > LONGEST_WAIT:
        remedy = "run the same command again then"
        return Refused(
            "rate limit", f"{endpoint} wants to be left alone for {min(wait, 1e9) / 60:.0f} min {said}; {remedy}"
        )
    return RequestFailed("rate limit" if status == 429 else "server error", f"the endpoint failed {said}", wait=wait)


def _refused(status: int, code: str, said: str, endpoint: str, config: TeacherConfig) -> Refused:
    if status in (401, 403):
        remedy = f"check ${config.key_env}"
        return Refused("authentication", f"the endpoint {endpoint} refused the key ({status}); {remedy}")
    if status == 402 or code == _QUOTA:
        return Refused("quota", f"the account at {endpoint} has no quota left {said}; add credit, then go on")
    what, remedy = "rejected the request", "check the settings of teacher"
    if status == 404:
        what = f"does not know the model {config.model!r} or the address"
        remedy = "check teacher.model and teacher.base_url (it usually ends in /v1)"
    return Refused("rejected request", f"the endpoint {endpoint} {what} {said}; {remedy}")
