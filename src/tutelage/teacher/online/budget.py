"""The budget: hard caps on the teacher's cost, held by an upper bound for every request. Pure.

    caps {requests: 500, tokens: None, usd: 5.0}, spent 4.97 USD, two requests in flight that may cost 0.01 USD each:
    a third that may cost 0.02 USD does not fit.

An answered request counts at its cost. A request whose reply was lost (time-out, broken connection, killed process)
may have been charged, so it counts at its upper bound. A request that failed costs what the endpoint says; one
that it refused, and says no cost of, costs nothing.

Some endpoints don't count reasoning tokens against `max_tokens`, or add tokens to the prompt. So the first request of
a capped session goes alone, requests must have room for `FIRST` times their completion until many replies have been
seen, and each reply that exceeds its bound raises all later bounds by twice the excess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import BudgetSpent, ConfigError
from tutelage.money import PICO, sum_usd
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.online.prices import listed_price
from tutelage.teacher.prompts import MAX_REASON_BYTES, Message, Prompts
from tutelage.teacher.ways import Asking, askings, ways

_TOKENS_PER_MESSAGE = 16
_TOKENS_PER_PROMPT = 64
"""Allowance for chat templates: they add role marks to each message, and some add a preamble such as the date."""
_WRITE_FACTOR = 1.25
"""Price of writing to a cache by that of reading plainly (docs.claude.com/en/docs/build-with-claude/prompt-caching)."""
FIRST = 8
"""A request must have room for this many times its completion tokens, as the model may think beyond them."""
SOON = 50
"""Replies after which that factor falls: to the half after twice as many, to 1 after `FIRST` times as many."""
MOST_BYTES_PER_TOKEN = 8
"""For the lower bound: prose has 3 to 5 bytes a token with current tokenisers."""


def prompt_tokens_bound(messages: Sequence[Message]) -> int:
    """An upper bound on the tokens of a prompt: its UTF-8 bytes, and an allowance for the chat template.

    No token of a byte-level or byte-fallback tokeniser is shorter than one byte. For English prose the bound is about
    four times the true number.
    """
    texts = sum(len(part.encode(errors="replace")) for message in messages for part in message.values())
    return texts + _TOKENS_PER_MESSAGE * len(messages) + _TOKENS_PER_PROMPT


def most_for(request: FeedbackRequest, config: TeacherConfig, prompts: Prompts) -> Usage:
    """The most that answering a request can cost: all ways are asked, and every reply has `max_tokens` tokens.

    Teachers other than `openai` cost nothing.
    """
    if config.kind != "openai":
        return Usage(requests=1)
    reason = "x" * MAX_REASON_BYTES
    asked = [prompts.messages(request, asking, reason) for asking in askings(request, config)]
    prompt = config.self_consistency * sum(prompt_tokens_bound(messages) for messages in asked)
    return _most(config.self_consistency * len(asked), prompt, config)


def most_for_practice(request: FeedbackRequest, new: Problem, config: TeacherConfig, prompts: Prompts) -> Usage:
    """The most that a practice problem can cost: it is made from a request, and `new` is solved by every sample."""
    if config.kind != "openai":
        return Usage(requests=1)
    alone = prompts.messages(FeedbackRequest(new), Asking("question"))
    prompt = prompt_tokens_bound(prompts.practice(request)) + config.self_consistency * prompt_tokens_bound(alone)
    return _most(1 + config.self_consistency, prompt, config)


def _most(requests: int, prompt: int, config: TeacherConfig) -> Usage:
    completion, price = requests * config.max_tokens, price_of(config)
    written = prompt if (price.cache_write or 0.0) > price.prompt else 0
    return Usage(requests, prompt, completion, cost_of(prompt, completion, price, written_tokens=written))


def least_for(request: FeedbackRequest, config: TeacherConfig, prompts: Prompts) -> Usage:
    """The least that answering a request can cost: the shortest possible first prompt, answered by one token."""
    if config.kind != "openai":
        return Usage(requests=1)
    first = (askings(replace(request, ways=(way,)), config)[0] for way in ways(config))
    asked = (prompts.messages(request, asking) for asking in first)
    text = min(sum(len(message["content"].encode(errors="replace")) for message in each) for each in asked)
    prompt, completion = config.self_consistency * (text // MOST_BYTES_PER_TOKEN), config.self_consistency
    return Usage(config.self_consistency, prompt, completion, cost_of(prompt, completion, price_of(config)))


def price_of(config: TeacherConfig) -> PriceConfig:
    """The price to pay, with the Batch API's discount. Raises ConfigError if it is `auto` and no list has the model."""
    price = config.price
    if price.auto:
        listed = listed_price(config.model or "", config.base_url)
        price = PriceConfig(
            prompt=price.prompt or listed.prompt,
            completion=price.completion or listed.completion,
            cached=listed.cached if price.cached is None else price.cached,
            cache_write=listed.cache_write if price.cache_write is None else price.cache_write,
            batch=price.batch,
        )
    share = price.batch if config.batch else 1.0
    cached, written = (None if each is None else share * each for each in (price.cached, price.cache_write))
    prompt, completion = share * price.prompt, share * price.completion
    return PriceConfig(prompt=prompt, completion=completion, cached=cached, cache_write=written)


def told_price(config: TeacherConfig) -> str | None:
    """A line that states the listed price and its source; None if the price is not `auto`. Raises ConfigError."""
    if config.kind != "openai" or not config.price.auto:
        return None
    price, source = price_of(config), listed_price(config.model or "", config.base_url).source
    own = [name for name in ("prompt", "completion", "cached", "cache_write") if getattr(config.price, name)]
    but = f"; your own: {', '.join(own)}" if own else ""
    return f"{config.model} costs {price.prompt:g} and {price.completion:g} USD a million tokens, by {source}{but}"


def write_price(price: PriceConfig) -> float:
    """The price of prompt tokens written to a cache; if unknown, Anthropic's and DashScope's factor."""
    return _WRITE_FACTOR * price.prompt if price.cache_write is None else price.cache_write


def cost_of(
    prompt_tokens: int, completion_tokens: int, price: PriceConfig, cached_tokens: int = 0, written_tokens: int = 0
) -> float:
    """US dollars, rounded to 1e-12. Of the prompt, `cached_tokens` and `written_tokens` have prices of their own."""
    cached = price.prompt if price.cached is None else price.cached
    parts = (
        (prompt_tokens - cached_tokens - written_tokens, price.prompt),
        (cached_tokens, cached),
        (written_tokens, write_price(price)),
        (completion_tokens, price.completion),
    )
    exact = sum(tokens * Decimal(repr(each)) for tokens, each in parts) / 10**6
    return round(exact * PICO) / PICO


def check_caps(first: FeedbackRequest, config: TeacherConfig, prompts: Prompts) -> None:
    """Raises ConfigError if the caps have no room for the first request of a run with nothing in its ledger."""
    if config.kind != "openai":
        return
    budget = Budget(config.budget, price_of(config))
    bound = budget.bound(prompts.messages(first, askings(first, config)[0]), config.max_tokens)
    if not budget.has_room(bound):
        raise ConfigError(
            f"teacher.budget has no room for the first request, which may take up to {budget.needed(bound)}; raise it, "
            "or lower teacher.max_tokens"
        )


class Budget:
    """What may still be spent: the caps, what was spent, and the bounds of what is in flight.

    `overrun` and `replies` are of earlier starts: the most tokens beyond the limit, and the replies that showed it.

    Raises:
        ConfigError: there is a cap in US dollars and no price, so it could never be reached.
    """

    def __init__(
        self,
        caps: BudgetConfig,
        price: PriceConfig,
        spent: Usage | None = None,
        overrun: int | None = None,
        replies: int = 0,
    ) -> None:
        if caps.usd is not None and not (price.prompt or price.completion):
            raise ConfigError(
                f"teacher.budget.usd is {caps.usd:g} but teacher.price is not set: give the endpoint's price in US "
                "dollars for a million tokens as price: {prompt: …, completion: …}, set price: auto, or cap requests "
                "or tokens"
            )
        self._caps, self._price = caps, price
        self._spent = spent or Usage()
        self._in_flight = Usage()
        self._known, self._seen = overrun is not None, replies
        self._more_prompt, self._more_completion, self._dearer = 0, 2 * max(0, overrun or 0), 1.0

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return self._in_flight.requests == 0

    @property
    def _at_most(self) -> PriceConfig:
        """The price for bounds: of the prices of prompt tokens (plain, from a cache, to a cache) the highest."""
        price = self._price
        return price.model_copy(update={"prompt": max(price.prompt, price.cached or 0.0, write_price(price))})

    @property
    def wary(self) -> bool:
        """Whether a request should go alone: tokens or dollars are capped, and no reply has shown its usage yet."""
        caps = self._caps
        counted = (caps.prompt_tokens, caps.completion_tokens, caps.tokens, caps.usd)
        return not self._known and any(cap is not None for cap in counted)

    def bound(self, messages: Sequence[Message], max_tokens: int) -> Usage:
        """The most that asking this once can cost, raised by what earlier replies exceeded their bounds by."""
        prompt, completion = prompt_tokens_bound(messages) + self._more_prompt, max_tokens + self._more_completion
        cost = self._dearer * cost_of(prompt, completion, self._at_most)
        return Usage(1, prompt, completion, round(cost * PICO) / PICO)

    def charge(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """What a reply of so many tokens costs."""
        return Usage(1, prompt_tokens, completion_tokens, cost_of(prompt_tokens, completion_tokens, self._price))

    def learn(self, messages: Sequence[Message], max_tokens: int, paid: Usage, reserved: Usage | None = None) -> None:
        """Raise later bounds if this reply cost more than its own bound.

        A count that is as in `reserved` was not stated by the endpoint: it shows nothing.
        """
        self._known, self._seen = True, self._seen + 1
        self.raise_by(messages, max_tokens, paid, reserved)

    def raise_by(
        self, messages: Sequence[Message], max_tokens: int, paid: Usage, reserved: Usage | None = None
    ) -> None:
        """Raise later bounds alone, for a request that was paid and not answered; as `learn`."""
        if reserved is None or paid.prompt_tokens != reserved.prompt_tokens:
            self._more_prompt = max(self._more_prompt, 2 * (paid.prompt_tokens - prompt_tokens_bound(messages)))
        if reserved is None or paid.completion_tokens != reserved.completion_tokens:
            self._more_completion = max(self._more_completion, 2 * (paid.completion_tokens - max_tokens))
        expected = cost_of(paid.prompt_tokens, paid.completion_tokens, self._price)
        if expected:
            self._dearer = max(self._dearer, paid.cost_usd / expected)

    def fits(self, bound: Usage) -> bool:
        """Whether a request with this bound stays within every cap, if all requests in flight cost their bounds."""
        total = self._spent + self._in_flight + bound
        return all(cap is None or value <= cap for _, value, cap, _ in self._figures(total))

    def has_room(self, bound: Usage) -> bool:
        """Whether a request with this bound may be sent now, beside those in flight."""
        return self.fits(self._careful(bound))

    def _careful(self, bound: Usage) -> Usage:
        """The bound, and what this request and those in flight may take beyond theirs."""
        times = min(FIRST, max(1.0, FIRST * SOON / max(1, self._seen)))
        each = max(bound.completion_tokens, math.ceil(times * (bound.completion_tokens - self._more_completion)))
        flying = self._in_flight
        more = max(0, (flying.requests + 1) * each - flying.completion_tokens - bound.completion_tokens)
        cost = self._dearer * cost_of(0, more, self._price)
        return Usage(1, bound.prompt_tokens, bound.completion_tokens + more, bound.cost_usd + cost)

    def reserve(self, bound: Usage) -> None:
        """Count a request as in flight."""
        self._in_flight = self._in_flight + bound

    def settle(self, bound: Usage, paid: Usage | None) -> None:
        """Take a request out of flight: it cost `paid`, or nothing (None)."""
        flying = self._in_flight
        self._in_flight = Usage(
            flying.requests - 1,
            flying.prompt_tokens - bound.prompt_tokens,
            flying.completion_tokens - bound.completion_tokens,
            sum_usd((flying.cost_usd, -bound.cost_usd)),  # exact: differences of floats would drift
        )
        self._spent += paid or Usage()

    def exhausted(self, bound: Usage) -> BudgetSpent:
        """The exception that names the caps, what is used, and what one more request may take."""
        used = [
            f"{form.format(value)} of {form.format(cap)} {name}" for name, value, cap, form in self._capped(self._spent)
        ]
        return BudgetSpent(
            f"the teacher's budget is spent: {', '.join(used)} used, and one more request may take up to "
            f"{self.needed(bound)}; raise teacher.budget to go on"
        )

    def needed(self, bound: Usage) -> str:
        """What a request with this bound may take of the caps, in words; dollars are rounded up."""
        careful, plain = self._capped(self._careful(bound)), self._capped(bound)
        up = [math.ceil(10_000 * value) / 10_000 if name == "USD" else value for name, value, *_ in careful]
        listed = ", ".join(
            f"{form.format(value)} {name.removesuffix('s') if value == 1 else name}"
            for value, (name, *_, form) in zip(up, careful, strict=True)
        )
        why = f" (a model may think beyond teacher.max_tokens: up to {FIRST} times that is allowed for)"
        return f"{listed}{why if careful != plain else ''}"

    def _figures(self, usage: Usage) -> list[tuple[str, float, float | None, str]]:
        """Name, value, cap and number format of every figure that can be capped."""
        caps = self._caps
        return [
            ("requests", usage.requests, caps.requests, "{:,}"),
            ("prompt tokens", usage.prompt_tokens, caps.prompt_tokens, "{:,}"),
            ("completion tokens", usage.completion_tokens, caps.completion_tokens, "{:,}"),
            ("tokens", usage.prompt_tokens + usage.completion_tokens, caps.tokens, "{:,}"),
            ("USD", usage.cost_usd, caps.usd, "{:.4f}"),
        ]

    def _capped(self, usage: Usage) -> list[tuple[str, float, float, str]]:
        return [(name, value, cap, form) for name, value, cap, form in self._figures(usage) if cap is not None]
