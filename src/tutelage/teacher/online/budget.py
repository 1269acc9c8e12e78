"""The budget: hard caps on what the teacher may cost, and upper bounds on what a request can cost. Pure.

    caps {requests: 500, tokens: None, usd: 5.0}, spent 4.97 USD, two requests in flight that may cost 0.01 USD each:
    a third that may cost 0.02 USD does not fit.

A request counts when it is answered, and also when it was sent and its reply was lost (a time-out, a broken
connection, a killed process): it may have been charged, so it counts at its upper bound. One that the endpoint refused
with a status was not charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import BudgetSpent, ConfigError
from tutelage.money import PICO
from tutelage.records import FeedbackRequest, Usage
from tutelage.teacher.prompts import MAX_REASON_BYTES, Message, Prompts
from tutelage.teacher.ways import askings, ways

_TOKENS_PER_MESSAGE = 16
_TOKENS_PER_PROMPT = 64
"""Chat templates add role marks to each message, and some a preamble such as today's date."""
MOST_BYTES_PER_TOKEN = 8
"""Running text has 3 to 5 bytes a token with today's tokenisers; so many on average would be out of the ordinary."""


def prompt_tokens_bound(messages: Sequence[Message]) -> int:
    """An upper bound on the tokens of a prompt.

    Byte-level and byte-fallback tokenisers make no token of less than one UTF-8 byte, so bytes bound tokens, about
    fourfold for English prose.
    """
    texts = sum(len(part.encode(errors="replace")) for message in messages for part in message.values())
    return texts + _TOKENS_PER_MESSAGE * len(messages) + _TOKENS_PER_PROMPT


def most_for(request: FeedbackRequest, config: TeacherConfig, prompts: Prompts) -> Usage:
    """The most that answering a request can take: every reply refused, and as long as allowed.

    Only the `openai` teacher costs anything.
    """
    if config.kind != "openai":
        return Usage(requests=1)
    reason = "x" * MAX_REASON_BYTES
    asked = [prompts.messages(request, asking, reason) for asking in askings(request, config)]
    prompt = config.self_consistency * sum(prompt_tokens_bound(messages) for messages in asked)
    requests = config.self_consistency * len(asked)
    completion = requests * config.max_tokens
    return Usage(requests, prompt, completion, cost_of(prompt, completion, price_of(config)))


def least_for(request: FeedbackRequest, config: TeacherConfig, prompts: Prompts) -> Usage:
    """The least that it can take: asked once, by the shortest prompt that may come first, answered by one token."""
    if config.kind != "openai":
        return Usage(requests=1)
    first = (askings(replace(request, ways=(way,)), config)[0] for way in ways(config))
    asked = (prompts.messages(request, asking) for asking in first)
    text = min(sum(len(message["content"].encode(errors="replace")) for message in each) for each in asked)
    prompt, completion = config.self_consistency * (text // MOST_BYTES_PER_TOKEN), config.self_consistency
    return Usage(config.self_consistency, prompt, completion, cost_of(prompt, completion, price_of(config)))


def price_of(config: TeacherConfig) -> PriceConfig:
    """What is paid: less through the Batch API."""
    share = config.price.batch if config.batch else 1.0
    return PriceConfig(prompt=share * config.price.prompt, completion=share * config.price.completion)


def cost_of(prompt_tokens: int, completion_tokens: int, price: PriceConfig) -> float:
    """US dollars, in whole millionths of millionths."""
    parts = ((prompt_tokens, price.prompt), (completion_tokens, price.completion))
    exact = sum(tokens * Decimal(repr(each)) for tokens, each in parts) / 10**6
    return round(exact * PICO) / PICO


class Budget:
    """What may still be spent.

    Raises:
        ConfigError: a cap in US dollars without a price, which could never be reached.
    """

    def __init__(self, caps: BudgetConfig, price: PriceConfig, spent: Usage | None = None) -> None:
        if caps.usd is not None and not (price.prompt or price.completion):
            raise ConfigError(
                f"teacher.budget.usd is {caps.usd:g} but teacher.price is not set: give the endpoint's price in US "
                "dollars for a million tokens as price: {prompt: …, completion: …}, or cap requests or tokens"
            )
        self._caps, self._price = caps, price
        self._spent = spent or Usage()
        self._in_flight = Usage()

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return self._in_flight.requests == 0

    def bound(self, messages: Sequence[Message], max_tokens: int) -> Usage:
        """The most that asking this once can cost."""
        return self.charge(prompt_tokens_bound(messages), max_tokens)

    def charge(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """What a reply of so many tokens costs."""
        cost = cost_of(prompt_tokens, completion_tokens, self._price)
        return Usage(1, prompt_tokens, completion_tokens, cost)

    def fits(self, bound: Usage) -> bool:
        """Whether a request with this bound stays within every cap, whatever those in flight turn out to cost."""
        total = self._spent + self._in_flight + bound
        return all(cap is None or value <= cap for _, value, cap, _ in self._figures(total))

    def reserve(self, bound: Usage) -> None:
        """Count a request as in flight."""
        self._in_flight = self._in_flight + bound

    def settle(self, bound: Usage, paid: Usage | None) -> None:
        """Take a request out of flight: it cost `paid`, or nothing (None)."""
        prompt = self._in_flight.prompt_tokens - bound.prompt_tokens
        completion = self._in_flight.completion_tokens - bound.completion_tokens
        # The cost is made of the tokens anew: differences of dollars would drift.
        cost = cost_of(prompt, completion, self._price)
        self._in_flight = Usage(self._in_flight.requests - 1, prompt, completion, cost)
        self._spent += paid or Usage()

    def exhausted(self, bound: Usage) -> BudgetSpent:
        """The exception that says which caps a further request could pass."""
        used = [
            f"{form.format(value)} of {form.format(cap)} {name}" for name, value, cap, form in self._capped(self._spent)
        ]
        needed = [f"{form.format(value)} {name}" for name, value, _, form in self._capped(bound)]
        return BudgetSpent(
            f"the teacher's budget is spent: {', '.join(used)} used, and one more request may take up to "
            f"{', '.join(needed)}; raise teacher.budget to go on"
        )

    def _figures(self, usage: Usage) -> list[tuple[str, float, float | None, str]]:
        """Name, value, cap and form of everything that can be capped."""
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
