"""Classifies an HTTP error by status and message: transient, one request's own fault, or fatal for the session. Pure.

429  "Rate limit reached"                          RequestFailed("rate limit")       tried again, slower
429  "You exceeded your current quota", no wait    Refused("quota")                  ends the session
400  "This model's maximum context length is …"    RequestFailed("rejected request") this request only
400  "bad temperature"                             Refused; if others are answered, `alone`: this request only
524  a gateway that waited for the work            RequestFailed("server error", charged=True)
"""

from __future__ import annotations

import re

from tutelage.config import TeacherConfig
from tutelage.records import FailureReason
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.refusal import GIVEN_UP, NO_CREDIT

LONGEST_WAIT = 900.0
"""The longest wait, in seconds, that a session accepts; if an endpoint asks for more, the session ends."""
_PASSING = (408, 409, 424, 425, 498, 499)
"""Transient statuses below 500; 424, 498 and 499 are Groq's (console.groq.com/docs/errors)."""
_CROWDED = (429, 498, 529)
"""The endpoint is overloaded: all workers slow down."""
_BUSY = (429, 503, 529)
"""Here a reply was not begun, for a limit or a load."""
_DONE = (408, 502, 504, 524, 598)
"""A gateway gave up waiting; the reply may have been written and charged."""
_OF_ALL = (401, 402, 407)
"""The statuses from 400 to 499 that are never one request's own fault: key, credits, proxy."""
_GONE = (404, 405, 410)
"""The model or the address is unknown. Gateways say so now and then of a model that they serve, or of one prompt."""
_POLICY = re.compile(
    r"content_?filter|censorship|content_policy|invalid_prompt|data_?inspection_?failed|content exists risk|\bflagged\b"
    r"|moderation|(usage|content|safety|acceptable use) (policy|policies|guidelines)|content management policy"
    r"|content filter|safety_check|high risk|敏感"
    r"|blocked by .{0,20}guardrail|guardrail .{0,20}(blocked|intervened)"
    r"|(inappropriate|sensitive|unsafe|prohibited|harmful) content|\bprohibited_content\b|responsibleai"
)
"""Content policy, as OpenAI, Azure, DashScope, DeepSeek, OpenRouter, xAI, Zhipu, StepFun and Gemini write it."""
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|string_above_max_length|context (length|size|window|limit)"
    r"|(input|prompt|request|message)s? (\(.{1,20}\) )?(is |are |was )?(too (long|large)|longer than)"
    r"|maximum (model|prompt) length|too many (input )?tokens|input token count|tokens to keep from the initial prompt"
    r"|reduce (the|your) (length|message|prompt|input)|model token limit|range of input length|less than \d+ tokens"
    r"|max_new_tokens`? must be <=|超长|input tokens exceeded|not exceed `?max_(num|input|seq)_(tokens|len)"
)
"""A prompt that is too long, as OpenAI, vLLM, SGLang, llama.cpp, Anthropic, Gemini, Groq and others write it."""
_TOO_LARGE = re.compile(
    r"(request|prompt|input) (is )?too (large|long)|context_length_exceeded|context (length|window)"
)
"""The same where the status speaks of limits: with it Anthropic and Bedrock speak of long prompts and many tokens."""
_CROWD = re.compile(r"rate.?limit|too many requests|throttl|, please wait")
"""Too many requests, as Google and Bedrock write it with status 400 or 403."""
_QUOTA_CODES = re.compile(
    r"insufficient_(quota|balance|credits?|funds)|exceeded_current_quota_error|billing_(hard_limit|not_active|error)"
    r"|arrearage|payment_required|quota_exhausted|budget_exceeded"
)
_USED_UP = re.compile(r"(quota|usage limit)\b.{0,20}\b(exceeded|reached|exhausted|used up)|exceed\w* .{0,20}quota")
"""No quota left; with status 429 these words may speak of a minute."""
_PER_DAY = re.compile(r"per_?day")
_DAY_OVER = re.compile(r"too many (tokens|requests) per day|daily [\w ]{0,30}(limit|quota|allocation)")
"""A day's limit is used up, as Bedrock and Cloudflare write it; without a wait, no retry of a minute helps."""
_BAD = r"\b(invalid|incorrect|wrong|no valid|expired|revoked|missing)"
_IS_BAD = re.compile(rf"{_BAD}\b.{{0,20}}\b(key|token|credential)")
_OF_THE_KEY = re.compile(rf"api[ _-]?key|{_IS_BAD.pattern}|no auth|bearer|unauthori[sz]ed|authenticat")
_BAD_KEY = re.compile(
    rf"{_BAD}[ _](x-)?api[ _-]?key|api[ _-]?key (is |was )?(not (valid|found)|invalid|expired|incorrect|revoked)"
)
"""Gemini and xAI report a bad key with status 400."""
_OF_ACCESS = re.compile(
    r"countr|region|territor|location|access to|permission|not allowed|organi[sz]ation|verif|model|terms|suspended"
    r"|disabled|\bip\b|credit|balance|billing"
)


def explain_status(
    status: int, code: str, text: str, wait: float | None, endpoint: str, config: TeacherConfig
) -> RequestFailed | Refused:
    """The exception for an error status: RequestFailed for one request, Refused for all; its message has the remedy.

    `code` and `text` are the endpoint's own; `wait` is its retry-after in seconds.
    """
    said, words = f"({status}): {text}", f"{code} {text}".lower()
    if _is_quota(status, words, wait):
        return Refused("quota", f"the account at {endpoint} has no quota left {said}; add credit, then go on")
    if status in (400, 403) and _CROWD.search(words):
        status = 429
    elif (status == 400 or status >= 500) and GIVEN_UP.search(words):
        status = max(status, 500)
    elif own := _own_failure(status, words, said):
        return own
    if status in (*_PASSING, 402, 429) or status >= 500:
        return _passing(status, words, said, wait, endpoint)
    return _refused(status, words, said, endpoint, config)


def _is_quota(status: int, words: str, wait: float | None) -> bool:
    if status == 402:
        return wait is None  # with a wait, OpenRouter limits the requests in flight
    if _QUOTA_CODES.search(words):
        return status < 500
    if status == 412 and "suspended" in words:  # Fireworks
        return True
    used_up = NO_CREDIT.search(words) or (status in (401, 403) and _USED_UP.search(words))
    return status in (400, 401, 403, 412, 429) and wait is None and bool(used_up)


def _own_failure(status: int, words: str, said: str) -> RequestFailed | None:
    """The fault of this one request, if the message states it, whatever the status."""
    if _POLICY.search(words) and not (status in (401, 402) or "rate limit" in words):
        return RequestFailed("refused by policy", f"refused by the endpoint's content policy {said}")
    if status == 413 or (status != 401 and (_TOO_LARGE if status in _BUSY else _TOO_LONG).search(words)):
        return RequestFailed("rejected request", f"the prompt is too long for the model {said}")
    return None


def _passing(status: int, words: str, said: str, wait: float | None, endpoint: str) -> RequestFailed | Refused:
    short = wait is not None and wait < LONGEST_WAIT
    if status == 429 and (_PER_DAY.search(words) if short else wait is None and _DAY_OVER.search(words)):
        remedy = "run the same command again when the day is over there"
        return Refused("rate limit", f"the limit for a day at {endpoint} is used up {said}; {remedy}")
    if wait is not None and wait > LONGEST_WAIT:
        remedy = "run the same command again then"
        return Refused(
            "rate limit", f"{endpoint} wants to be left alone for {min(wait, 1e9) / 60:.0f} min {said}; {remedy}"
        )
    return RequestFailed(
        "rate limit" if status in (402, 429) else "server error",
        f"the endpoint failed {said}",
        wait=wait,
        charged=status in _DONE,
        crowded=status in _CROWDED and not wait,
    )


def _refused(status: int, words: str, said: str, endpoint: str, config: TeacherConfig) -> Refused:
    reason: FailureReason = "rejected request"
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(words)):
        return _unauthorised(status, words, said, endpoint, config)
    what, remedy = "rejected the request", "check the settings of teacher"
    if status == 404:
        what = f"does not know the model {config.model!r} or the address"
        remedy = "check teacher.model and teacher.base_url (it usually ends in /v1)"
    elif status == 407:
        what = "is behind a proxy that wants a login: it refused the request"
        remedy = "put user and password into the address in HTTPS_PROXY (or ALL_PROXY), or name the host in NO_PROXY"
    message = f"the endpoint {endpoint} {what} {said}; {remedy}"
    return Refused(reason, message, alone=_alone(status, said), of_all=status in _GONE)


def _unauthorised(status: int, words: str, said: str, endpoint: str, config: TeacherConfig) -> Refused:
    told = said.partition(": ")[2]
    of_the_key = _OF_THE_KEY.search(words)
    other = status == 403 and told != "no message" and not of_the_key
    if other or (_OF_ACCESS.search(words) and not _IS_BAD.search(words)):
        remedy = f"check what the account of {_key(config)} may use there, and teacher.model"
        return Refused(
            "authentication", f"the endpoint {endpoint} refused access {said}; {remedy}", alone=_alone(status, said)
        )
    remedy = f"check {_key(config)}" + ("" if config.key_env else ", or set teacher.key_env")
    quoted = f" (it says: {told})" if told and told != "no message" else ""
    return Refused(
        "authentication",
        f"the endpoint {endpoint} refused the key ({status}); {remedy}{quoted}",
        alone=None if of_the_key else _alone(status, said),
    )


def _key(config: TeacherConfig) -> str:
    """Where the key comes from, in words."""
    return f"${config.key_env}" if config.key_env else "teacher.extra_headers"


def _alone(status: int, said: str) -> RequestFailed | None:
    """The failure to raise if other requests are answered; None if every request must fail."""
    if status in _OF_ALL or not 400 <= status < 500:
        return None
    reason: FailureReason = "server error" if status in _GONE else "rejected request"
    return RequestFailed(reason, f"the endpoint refused this request, and answers others {said}")
