"""Looks up a model's price in the list of the package genai-prices (github.com/pydantic/genai-prices).

gpt-4.1-mini at https://api.openai.com/v1     0.40 read, 0.10 read from a cache, 1.60 written, US dollars a million
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from tutelage.errors import ConfigError

_OPENAI = "https://api.openai.com/v1"
_HOURS = 24
_SOME = 1000
"""Tokens whose price is looked up: about a request's number, below all tiers for long prompts."""


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """US dollars per million tokens; `source` names the list and its date."""

    prompt: float
    completion: float
    cached: float
    cache_write: float
    source: str


@cache
def listed_price(model: str, base_url: str | None) -> ListedPrice:
    """The price of a model at an endpoint; if it differs by the hour, the highest of the next 24 hours.

    Raises:
        ConfigError: the list does not know the endpoint or the model.
    """
    from genai_prices import Usage, __version__, calc_price

    url = base_url or _OPENAI
    now = datetime.now(UTC)
    usages = [
        Usage(input_tokens=_SOME),
        Usage(output_tokens=_SOME),
        Usage(input_tokens=_SOME, cache_read_tokens=_SOME),
        Usage(input_tokens=_SOME, cache_write_tokens=_SOME),
    ]

    def highest(usage: Usage) -> float:
        hours = (now + timedelta(hours=hour) for hour in range(_HOURS))
        found = (calc_price(usage, model, provider_api_url=url, genai_request_timestamp=hour) for hour in hours)
        return float(max(price.total_price for price in found) * 10**6 / _SOME)

    try:
        prompt, completion, cached, cache_write = (highest(usage) for usage in usages)
    except LookupError:
        raise ConfigError(
            f"teacher.price is auto, and the list of genai-prices {__version__} has no price for the model {model!r} "
            f"at {url}; give it in US dollars for a million tokens as price: {{prompt: …, completion: …}}"
        ) from None
    source = f"the list of genai-prices {__version__}, whose latest price is of {_latest(now.date())}"
    return ListedPrice(prompt, completion, cached, cache_write, source)


@cache
def _latest(today: date) -> date:
    """When the latest price of the list came into force; the list itself has no date."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import StartDateConstraint

    models = (model for provider in get_snapshot().providers for model in provider.models)
    prices = (price for model in models if isinstance(model.prices, list) for price in model.prices)
    starts = (price.constraint.start_date for price in prices if isinstance(price.constraint, StartDateConstraint))
    return max((start for start in starts if start <= today), default=today)
