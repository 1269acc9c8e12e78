"""Parses the charge that an endpoint states, in US dollars. Pure.

{"cost": 0.0012}                                     OpenRouter (docs/use-cases/usage-accounting)
{"cost": 0, "cost_details": {"upstream_inference_cost": 0.0012}}     the same, charged to an account of the user's own
{"cost": {"total_cost": 0.0012, …}}                  Perplexity; without a total, its parts are added up
{"estimated_cost": 0.0012}                           DeepInfra
{"cost_in_usd_ticks": 12000000}                      xAI: 10^10 a dollar (ENTERPILOT/GoModel#297)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from tutelage.money import sum_usd

_MOST_USD = 1e4
"""Larger charges are ignored."""
_COSTS = ("cost", "total_cost", "cost_usd", "total_cost_usd", "estimated_cost")
_TOTALS = ("total_cost", "total", "usd")
_PART = re.compile(r"(prompt|input|completion|output|reasoning|request|search)(_tokens|_queries)?_cost")
_AMOUNT = re.compile(r"(?:US)?\$? ?([\d.]+(?:e-?\d+)?) ?(?:\$|USD)?", re.IGNORECASE)
_TICKS_PER_USD = 10**10


def cost_in(usage: Mapping[str, object]) -> float | None:
    """The charge in US dollars that the endpoint states."""
    totals = [cost for name in _COSTS if (cost := _billed(usage.get(name))) is not None]
    charged = max(totals) if totals else _parts(usage)
    details = usage.get("cost_details")
    upstream = (
        _dollars(cast(dict[str, object], details).get("upstream_inference_cost")) if isinstance(details, dict) else None
    )
    own = usage.get("is_byok")
    if upstream and own is not False and (own or upstream > (charged or 0.0)):
        charged = (charged or 0.0) + upstream
    ticks = number_in(usage.get("cost_in_usd_ticks"))
    if charged is None and ticks is not None and 0 <= ticks <= _MOST_USD * _TICKS_PER_USD:  # else no quotient may exist
        charged = _dollars(ticks / _TICKS_PER_USD)
    return charged


def _billed(cost: object) -> float | None:
    """A charge as a number, or as a section with its total or its parts."""
    if not isinstance(cost, dict):
        return _dollars(cost)
    section = cast(dict[str, object], cost)
    totals = [total for name in _TOTALS if (total := _dollars(section.get(name))) is not None]
    return max(totals) if totals else _parts(section)


def _parts(section: Mapping[str, object]) -> float | None:
    parts = [part for name in section if _PART.fullmatch(name) and (part := _dollars(section[name])) is not None]
    return sum_usd(parts) if parts else None


def _dollars(said: object) -> float | None:
    amount = _AMOUNT.fullmatch(said.strip()) if isinstance(said, str) else None
    value = number_in(amount[1] if amount else said)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_USD:
        return None
    return float(value)


def number_in(said: object) -> int | float | None:
    """A number, or a text that is one."""
    if isinstance(said, int | float):
        return said
    if not isinstance(said, str):
        return None
    try:
        return float(said)
    except ValueError:
        return None
