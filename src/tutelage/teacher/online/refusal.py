"""Parses error bodies in the forms of many endpoints: status, codes, text, retry-after. Pure.

OpenAI       {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
OpenRouter   {"error": {"code": 403, "message": "…", "metadata": {"raw": "…", "headers": {"X-RateLimit-Reset": "17…"}}}}
Gemini       [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34.4s", …}]}}]
vLLM, SGLang {"object": "error", "message": "…", "type": "BadRequestError", "code": 400}
xAI          {"code": "The caller does not have permission …", "error": "Content violates usage guidelines. …"}
LM Studio    {"error": "Trying to keep the first 111490 tokens when context the overflows. …"}, also with status 200
Baidu        {"error_code": 18, "error_msg": "Open api qps request limit reached"}, with status 200
FastAPI      {"detail": "Content Exists Risk"} or {"detail": [{"loc": ["body", "n"], "msg": "…"}]}

From openrouter.ai/docs/api/reference/errors-and-debugging, n4ze3m/page-assist#406, vercel/ai#18627,
vllm-project/vllm#4667, UKGovernmentBEIS/inspect_ai#2267, lmstudio-ai/lmstudio-bug-tracker#2322, DeepSeek-V2#30.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from pydantic_core import from_json

from tutelage.teacher.online.retry_after import duration, wait_in

_GENERIC = re.compile(r"(upstream|provider) (returned error|error)|(an )?error|bad request", re.IGNORECASE)
"""Messages that say nothing; OpenRouter quotes the provider's own message beside them."""
_STATUSES = {
    "invalid_argument": 400,
    "failed_precondition": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "resource_exhausted": 429,
    "internal": 500,
    "unavailable": 503,
    "deadline_exceeded": 504,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "badrequesterror": 400,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "billing_error": 402,
    "insufficient_quota": 402,
    "insufficient_balance": 402,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "engine_overloaded_error": 529,
    "overloaded_error": 529,
    "timeout_error": 504,
}
"""HTTP statuses by error codes of Google (google.rpc.Code), Anthropic and OpenAI."""
NO_CREDIT = re.compile(
    r"insufficient[ _](account |user )?(quota|balance|credit|fund)|credit balance|have any credits"
    r"|(no|out of|more|enough) credits?\b(?! (were |was )?charged)|(not enough|no) (balance|funds)"
    r"|(used|spent) all .{0,30}credits|balance is (too low|insufficient|not enough)"
    r"|(billing|spending) .{0,12}limit"
    r"|key limit exceeded|payment required|in arrears|recharge|top up|current quota|余额|欠费"
    r"|(credits?|balance|funds|free tier)\b.{0,40}(depleted|exhausted|used up|run out)|specified api usage limits"
    r"|budget has been exceeded|exceeded ?budget|over budget",
    re.IGNORECASE,
)
"""No quota left, as OpenAI, Anthropic, xAI, OpenRouter, Moonshot, DeepSeek, Zhipu, Novita and LiteLLM write it. Gemini
uses such words for a limit per minute, too; its wait tells the two apart."""
GIVEN_UP = re.compile(r"context (deadline|cancel)", re.IGNORECASE)
"""A gateway written in Go gave up a request: its own, or the one behind it."""
_IN_WORDS = (
    (re.compile(r"rate.?limit|too many requests|requests? limit|throttl|, please wait|\bqps\b", re.IGNORECASE), 429),
    (re.compile(rf"{NO_CREDIT.pattern}|(account|wallet) balance|credit limit", re.IGNORECASE), 402),
    (re.compile(r"overload|(insufficient|not enough|no|at|over) (\w+ )?(capacity|resources)", re.IGNORECASE), 529),
    (re.compile(rf"no healthy upstream|unavailable|{GIVEN_UP.pattern}", re.IGNORECASE), 503),
    (
        re.compile(r"context\b.{0,40}(length|size|window|limit|overflow|exceed)|too (long|many tokens)", re.IGNORECASE),
        400,
    ),
)
_UNKNOWN = 500
_CODES = ("code", "Code", "error_code", "errorCode", "errno", "statusCode", "status_code")
_SUCCESS = ("", "0", "00000", "success", "succeeded", "ok", "true", *map(str, range(200, 300)))
_FAILURE = ("error", "failed", "failure", "fail", *map(str, range(400, 600)))
"""Codes and states of what went well, and of what did not."""
_WORDS_OF_ERRORS = ("error_message", "error_msg", "errorMessage", "errorMsg", "errmsg")
_WORDS = ("message", "Message", "msg", *_WORDS_OF_ERRORS, "detail")


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says: the status that it names (or None), its codes, its text.

    `wait` is the wait that the body asks for, in seconds. `reset` holds the provider's headers that the body quotes.
    """

    status: int | None
    code: str
    text: str
    wait: float | None = None
    reset: Mapping[str, str] | None = None

    @property
    def meant(self) -> int:
        """The status that the error names, else the one that its codes or words stand for; 500 if none."""
        if self.status is not None:
            return self.status
        known = [_STATUSES[code] for code in self.code.lower().split() if code in _STATUSES]
        words = [status for pattern, status in _IN_WORDS if pattern.search(f"{self.code} {self.text}")]
        return next(iter([*known, *words]), _UNKNOWN)


def read_refusal(body: bytes) -> Said:
    """What an error body says; a body that is no JSON is taken as text."""
    try:
        value: object = from_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return Said(None, "", body.decode(errors="replace"))
    return said_in(value, surely=True) or Said(None, "", body.decode(errors="replace"))


def said_in(value: object, *, surely: bool = False) -> Said | None:
    """The error in a JSON value; None if it holds none. With `surely` the status is known to be an error."""
    if isinstance(value, list):
        return next((said for item in cast(list[object], value)[:3] if (said := said_in(item, surely=surely))), None)
    if not isinstance(value, dict):
        return None
    whole = cast(dict[str, object], value)
    named = next((whole[name] for name in whole if name.lower() in ("error", "errors") and whole[name]), None)
    if not surely and _is_success(named):
        return None
    error = named or (whole.get("detail") if surely else None) or _minimax(whole)
    if isinstance(error, list):
        error = _joined(cast(list[object], error))
    if isinstance(error, str):
        error = {**whole, "message": error}
    if not isinstance(error, dict):
        if not (surely or error or _is_error(whole)):
            return None
        error = {"code": error, **whole} if error else whole  # a number, or true
    said = _said(cast(dict[str, object], error))
    wait = said.wait if said.wait is not None else _wait(whole, "")
    return replace(said, wait=wait) if said.text or said.code or said.status else None


def _is_error(whole: Mapping[str, object]) -> bool:
    """Whether an object without an `error` field is an error itself: vLLM's, Anthropic's, or a code with a message."""
    if whole.get("object") == "error" or whole.get("type") == "error":
        return True
    text = _text(whole)
    if "choices" in whole or not text:
        return False
    told = _code(whole) not in (None, *_SUCCESS) or any(name in whole for name in _WORDS_OF_ERRORS)
    told = told or any(words.search(text) for words, _ in _IN_WORDS)
    return told or whole.get("success") is False or str(whole.get("status")).lower() in _FAILURE


def _is_success(error: object) -> bool:
    """Whether an `error` says by its code that there is none."""
    return isinstance(error, dict) and _code(cast(dict[str, object], error)) in _SUCCESS[1:]


def _code(section: Mapping[str, object]) -> str | None:
    return next((str(section[name]).lower() for name in _CODES if section.get(name) is not None), None)


def _minimax(whole: Mapping[str, object]) -> dict[str, object] | None:
    """MiniMax answers 200 with `"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}`."""
    section = whole.get("base_resp")
    if not isinstance(section, dict):
        return None
    told = cast(dict[str, object], section)
    return {"message": told.get("status_msg")} if told.get("status_code") else None


def _said(error: Mapping[str, object], depth: int = 0) -> Said:
    text = _text(error)
    for name in ("error", "message", "detail") if depth < 2 and not text else ():
        inner = error.get(name)
        if inner and isinstance(inner, list):
            inner = _joined(cast(list[object], inner))
        if isinstance(inner, dict):
            beside = {other: value for other, value in error.items() if other != name}
            return _said({**beside, **cast(dict[str, object], inner)}, depth + 1)
    if depth < 2 and text.lstrip()[:1] in ("{", "["):  # an error as JSON within the text of another
        inner = _parsed(text)
        if inner is not None:
            return _said({**error, **inner}, depth + 1)
    codes = [error.get(name) for name in ("code", "type", "status")]
    places = (*_CODES, "status", "http_status")
    numbers = [number for name in places if (number := _status(error.get(name)))]
    quota = " ".join(str(item.get("quotaId", "")) for item in _sections(error.get("details")))
    return Said(
        status=numbers[0] if numbers else None,
        code=" ".join(
            [*dict.fromkeys(code for code in codes if isinstance(code, str) and code), *([quota] if quota else [])]
        ),
        text=text,
        wait=_wait(error, text),
        reset=_headers(error),
    )


def _joined(errors: list[object]) -> dict[str, object]:
    """The first of several errors, with the words of the first three."""
    first = cast(dict[str, object], errors[0]) if isinstance(errors[0], dict) else {}
    found = [_text(error) for error in errors[:3]]
    return {**first, "loc": None, "param": None, "message": "; ".join(text for text in found if text)}


def _text(error: object) -> str:
    """The words of an error, behind the parameter that it names beside them."""
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    section = cast(dict[str, object], error)
    found = [section.get(name) for name in _WORDS]
    text = next((part for part in found if isinstance(part, str) and part.strip()), "")
    place = section.get("loc") or section.get("param")
    if isinstance(place, list):  # of FastAPI: where the request was read, then the names of its fields
        place = ".".join(map(str, cast(list[object], place)[1:]))
    if text and isinstance(place, str) and place and place not in text:
        text = f"{place}: {text}"
    metadata = section.get("metadata")
    raw = cast(dict[str, object], metadata).get("raw") if isinstance(metadata, dict) else None
    return raw if isinstance(raw, str) and raw.strip() and _GENERIC.fullmatch(text.strip() or "error") else text


def _parsed(text: str) -> dict[str, object] | None:
    try:
        value: object = from_json(text)
    except ValueError:
        return None
    if isinstance(value, list) and value:
        value = cast(list[object], value)[0]
    if not isinstance(value, dict):
        return None
    inner = cast(dict[str, object], value).get("error", cast(object, value))
    return cast(dict[str, object], inner) if isinstance(inner, dict) else {"message": str(inner)}


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and 400 <= value <= 599 else None


def _wait(error: Mapping[str, object], text: str) -> float | None:
    for section in _sections(error):
        for name in ("retryDelay", "retry_after", "retryAfter", "retry_after_seconds"):
            if (seconds := duration(str(section.get(name, "")))) is not None:
                return seconds
        if (milliseconds := duration(str(section.get("retry_after_ms", "")))) is not None:
            return milliseconds / 1000
    return wait_in(text)


def _headers(error: Mapping[str, object]) -> dict[str, str] | None:
    """The provider's headers, as OpenRouter quotes them."""
    for section in _sections(error):
        headers = section.get("headers")
        if isinstance(headers, dict):
            return {str(name).lower(): str(value) for name, value in cast(dict[object, object], headers).items()}
    return None


def _sections(value: object, depth: int = 0) -> Iterator[dict[str, object]]:
    """An object and the objects in it, to depth 4."""
    if isinstance(value, dict):
        section = cast(dict[str, object], value)
        yield section
        parts = list(section.values())
    else:
        parts = cast(list[object], value) if isinstance(value, list) else []
    if depth < 4:
        for part in parts[:50]:
            yield from _sections(part, depth + 1)
