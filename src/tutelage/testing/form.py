"""The form of one server's replies and refusals, and OpenAI's, on which the others build.

Form(troubles={"too-long": Fault.http(400, …), …}, shape=…, thoughts=11)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tutelage.testing.faults import Fault

Json = dict[str, Any]
TROUBLES = ("too-long", "policy", "no-credits", "bad-key", "rate-limit", "overloaded")
"""The refusals of every form, each in the server's own words."""
THOUGHT = "Let me see what is asked for, and go step by step."
"""The reasoning in every reply of a reasoning model."""
WORDS = len(THOUGHT.split())
"""Its tokens, counted as words."""


def _same(whole: Json) -> Json:
    return whole


@dataclass(frozen=True, slots=True)
class Form:
    """A server's form: `shape` turns OpenAI's completion into its own; `thoughts` are tokens charged besides text."""

    troubles: Mapping[str, Fault]
    shape: Callable[[Json], Json] = _same
    thoughts: int = 0
    before: bytes = b""
    """Bytes sent before every reply."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers sent with every reply."""


def fault(status: int, body: object, **headers: str) -> Fault:
    """A fault with this JSON body; headers are written with underscores."""
    return Fault(status, {key.replace("_", "-"): value for key, value in headers.items()}, json.dumps(body).encode())


def openai() -> Form:
    """platform.openai.com/docs/guides/error-codes; the flagged prompt: pal-mcp-server#178."""
    long = "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens."
    flagged = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
    quota = "You exceeded your current quota, please check your plan and billing details."
    limit = "Rate limit reached for gpt-4.1-mini on requests per min (RPM): Limit 3, Used 3. Please try again in 1s."
    return Form(
        {
            "too-long": Fault.http(400, long, code="context_length_exceeded"),
            "policy": Fault.http(400, flagged, code="invalid_prompt"),
            "no-credits": Fault.http(429, quota, code="insufficient_quota"),
            "bad-key": Fault.http(401, "Incorrect API key provided: sk-x.", code="invalid_api_key"),
            "rate-limit": Fault.http(429, limit, code="rate_limit_exceeded"),
            "overloaded": Fault.http(503, "The engine is currently overloaded, please try again later"),
        }
    )
