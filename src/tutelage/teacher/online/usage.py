"""Parses the usage section of a reply, in the forms of many endpoints; never less than was charged. Pure.

OpenAI      prompt 200, completion 940, of which reasoning 900, total 1140      200 + 940
xAI         prompt 200, completion 40, reasoning 900 beside it, total 1140      200 + 940
Gemini      prompt 200, completion 40, total 1140, the rest not stated          200 + 940
Anthropic   input 150, output 40, read from a cache 50 beside the input         200 + 40, cached 50

Sources: docs.x.ai (rate-limits) for xAI; router-for-me/CLIProxyAPI#5733 and mozilla-ai/any-llm#1290 for Gemini. The
cost is `cost` of OpenRouter (docs/use-cases/usage-accounting; the charge of the user's own provider account is a field
of its own), `total_cost` of Perplexity, `estimated_cost` of DeepInfra, or `cost_in_usd_ticks` of xAI
(ENTERPILOT/GoModel#297: 10^10 a dollar).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

_MOST_TOKENS = 10**7
"""Larger counts are ignored: no reply takes so many tokens."""
_MOST_USD = 1e4
_DEPTH = 3
_PROMPT = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_token_count")
_COMPLETION = ("completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count")
_TOTAL = ("total_tokens", "totalTokenCount", "total_token_count")
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cachedContentTokenCount", "cache_read_input_tokens")
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Anthropic's `input_tokens` leave these out."""
_THOUGHTS = re.compile(r"(num_)?(reasoning|thoughts?|thinking)_?(output_)?(tokens?|token_?count)", re.IGNORECASE)
_TICKS_PER_USD = 10**10


@dataclass(frozen=True, slots=True)
class Taken:
    """Tokens and US dollars of a reply; None if it does not state them.

    `least` is a lower bound on prompt and completion together, for when one of them is None. `cached` of the prompt's
    tokens were read from a cache; `thoughts` are reasoning tokens, if the endpoint counts them separately.
    """

    prompt: int | None = None
    completion: int | None = None
    least: int = 0
    cached: int = 0
    cost_usd: float | None = None
    thoughts: int = 0


def read_usage(said: object) -> Taken:
    """Parse a usage section. An unreadable one is empty, not an error: the reply is paid for and is kept."""
    if not isinstance(said, dict):
        return Taken()
    usage = cast(dict[str, object], said)
    prompt = _first(usage, _PROMPT)
    if prompt is not None and "input_tokens" in usage and "prompt_tokens" not in usage:
        prompt += sum(_loose(usage.get(name)) or 0 for name in _BESIDE_INPUT)
    completion = _first(usage, _COMPLETION)
    total = max((_loose(usage.get(name)) or 0 for name in _TOTAL), default=0)
    inside, beside = _thoughts(usage)
    if completion is not None:
        completion = max(completion, _with_thoughts(completion, inside, beside, total - (prompt or 0) if total else 0))
    least = max(total, (prompt or 0) + max(inside, beside))
    if prompt is not None and completion is not None:
        completion, least = max(completion, total - prompt), 0
    cached = max((count or 0 for name, count, _ in _counts(usage) if name in _CACHED), default=0)
    cached = cached if cached <= (prompt or 0) else 0
    return Taken(prompt, completion, least, cached, _cost(usage), max(inside, beside))


def _with_thoughts(completion: int, inside: int, beside: int, rest: int) -> int:
    """The completion tokens with the reasoning in them.

    `inside` and `beside` are reasoning tokens named as part of the completion, or elsewhere; `rest` is the total less
    the prompt.
    """
    if rest > completion:
        return rest
    if inside > completion:
        return completion + inside
    # If the total is just prompt and completion, the completion includes the reasoning (SGLang), if it is long enough.
    if beside > completion or (beside and not rest):
        return completion + beside
    return completion


def _thoughts(usage: Mapping[str, object]) -> tuple[int, int]:
    """Reasoning tokens named as part of the completion, and those named elsewhere."""
    inside = beside = 0
    for name, count, path in _counts(usage):
        if count and _THOUGHTS.fullmatch(name):
            if re.search("completion|output", path):
                inside = max(inside, count)
            else:
                beside = max(beside, count)
    return inside, 0 if beside == inside else beside


def _counts(usage: Mapping[str, object], path: str = "", depth: int = 0) -> Iterator[tuple[str, int | None, str]]:
    """All token counts with their names, and the path of the section that they are in."""
    for name, value in usage.items():
        if isinstance(value, dict) and depth < _DEPTH:
            yield from _counts(cast(dict[str, object], value), f"{path}.{name}", depth + 1)
        else:
            yield name, _loose(cast(object, value)), path


def _first(usage: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := _count(usage.get(name))) is not None), None)


def _count(said: object) -> int | None:
    """A token count, rounded up; None if the value is no count."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _MOST_TOKENS:
        return None
    return math.ceil(said)


def _loose(said: object) -> int | None:
    """A token count that may be a string; used where it can only raise the bill."""
    return _count(_number(said))


def _number(said: object) -> int | float | None:
    if isinstance(said, int | float):
        return said
    if not isinstance(said, str):
        return None
    try:
        return float(said)
    except ValueError:
        return None


def _cost(usage: Mapping[str, object]) -> float | None:
    """The charge in US dollars that the endpoint states."""
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cast(dict[str, object], cost).get("total_cost")
    charged = _dollars(cost)
    details = usage.get("cost_details")
    upstream = (
        _dollars(cast(dict[str, object], details).get("upstream_inference_cost")) if isinstance(details, dict) else None
    )
    own = usage.get("is_byok")
    if upstream and own is not False and (own or upstream > (charged or 0.0)):
        charged = (charged or 0.0) + upstream
    if charged is None:
        charged = _dollars(usage.get("estimated_cost"))
    ticks = _number(usage.get("cost_in_usd_ticks"))
    if charged is None and isinstance(ticks, int | float):
        charged = _dollars(ticks / _TICKS_PER_USD)
    return charged


def _dollars(said: object) -> float | None:
    value = _number(said)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_USD:
        return None
    return float(value)
