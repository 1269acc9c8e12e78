"""The budget: hard caps on what the teacher may cost, and upper bounds on what a request can cost. Pure.

    caps {requests: 500, tokens: None, usd: 5.0}, spent 4.97 USD, two requests in flight that may cost 0.01 USD each:
    a third that may cost 0.02 USD does not fit.

Requests are counted when they are answered. What the client library sends again after a time-out or a failure, and
what was in flight when a run was killed, is not known to have been charged and not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import BudgetSpent, ConfigError
from tutelage.records import AnswerKind, FeedbackRequest, Usage
from tutelage.teacher.prompts import MAX_REASON_BYTES, Message, first_messages, second_messages

ASKS_PER_REQUEST = 2
"""A rejected reply is asked for once more."""
_TOKENS_PER_MESSAGE = 16
_TOKENS_PER_PROMPT = 64
"""Chat templates add role marks to each message, and some a preamble such as today's date."""


def prompt_tokens_bound(messages: Sequence[Message]) -> int:
    """An upper bound on the tokens of a prompt.

    Byte-level and byte-fallback tokenisers make no token of less than one UTF-8 byte, so bytes bound tokens, about
    fourfold for English prose.
    """
    texts = sum(len(part.encode(errors="replace")) for message in messages for part in message.values())
    return texts + _TOKENS_PER_MESSAGE * len(messages) + _TOKENS_PER_PROMPT


def estimate_request(request: FeedbackRequest, config: TeacherConfig, kind: AnswerKind) -> tuple[int, int]:
    """Upper bounds on the prompt and completion tokens of one request, both times of asking included.

    Only the `openai` teacher costs anything.
    """
    if config.kind != "openai":
        return 0, 0
    first = first_messages(request, kind)
    second = second_messages(request, kind, "x" * MAX_REASON_BYTES)
    prompt = prompt_tokens_bound(first) + prompt_tokens_bound(second)
    return prompt, ASKS_PER_REQUEST * config.max_tokens


def cost_of(prompt_tokens: int, completion_tokens: int, price: PriceConfig) -> float:
    """US dollars."""
    return (prompt_tokens * price.prompt + completion_tokens * price.completion) / 1e6


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
        self._in_flight: list[Usage] = []

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._in_flight

    def bound(self, messages: Sequence[Message], max_tokens: int) -> Usage:
        """The most that asking this once can cost."""
        return self.charge(prompt_tokens_bound(messages), max_tokens)

    def charge(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """What a reply of so many tokens costs."""
        cost = cost_of(prompt_tokens, completion_tokens, self._price)
        return Usage(1, prompt_tokens, completion_tokens, cost)

    def fits(self, bound: Usage) -> bool:
        """Whether a request with this bound stays within every cap, whatever those in flight turn out to cost."""
        total = sum(self._in_flight, self._spent) + bound
        tokens = total.prompt_tokens + total.completion_tokens
        caps = (self._caps.requests, total.requests), (self._caps.tokens, tokens), (self._caps.usd, total.cost_usd)
        return all(cap is None or value <= cap for cap, value in caps)

    def reserve(self, bound: Usage) -> None:
        """Count a request as in flight."""
        self._in_flight.append(bound)

    def settle(self, bound: Usage, paid: Usage | None) -> None:
        """Take a request out of flight: it cost `paid`, or nothing if it was not answered."""
        self._in_flight.remove(bound)
        self._spent += paid or Usage()

    def exhausted(self, bound: Usage) -> BudgetSpent:
        """The exception that says which caps a further request could pass."""
        caps = self._caps
        tokens = self._spent.prompt_tokens + self._spent.completion_tokens
        figures = [
            f"{self._spent.requests} of {caps.requests} requests" if caps.requests is not None else "",
            f"{tokens:,} of {caps.tokens:,} tokens" if caps.tokens is not None else "",
            f"${self._spent.cost_usd:.4f} of ${caps.usd:.4f}" if caps.usd is not None else "",
        ]
        most = f"up to {bound.prompt_tokens + bound.completion_tokens:,} tokens"
        most += f" and ${bound.cost_usd:.4f}" if caps.usd is not None else ""
        return BudgetSpent(
            f"the teacher's budget is spent: {', '.join(filter(None, figures))} used, and one more request may take "
            f"{most}; raise teacher.budget to go on"
        )
