import pytest

from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import ConfigError
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.budget import Budget, estimate_request, prompt_tokens_bound
from tutelage.teacher.prompts import MAX_MISTAKE_BYTES, first_messages, second_messages

PRICE = PriceConfig(prompt=1.0, completion=4.0)
PROBLEM = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")


def test_without_caps_everything_fits():
    budget = Budget(BudgetConfig(), PRICE, Usage(10**6, 10**9, 10**9, 1e6))
    assert budget.fits(Usage(1, 10**6, 10**6, 100.0))


@pytest.mark.parametrize(
    "caps",
    [BudgetConfig(requests=3), BudgetConfig(tokens=450), BudgetConfig(usd=0.0009)],
    ids=["requests", "tokens", "usd"],
)
def test_a_cap_counts_what_is_spent_and_in_flight(caps):
    budget = Budget(caps, PRICE, Budget(caps, PRICE).charge(100, 50))
    bound = budget.charge(100, 50)
    assert budget.fits(bound)
    budget.reserve(bound)
    assert budget.fits(bound)
    budget.reserve(bound)
    assert not budget.fits(bound)
    budget.settle(bound, None)
    assert budget.fits(bound)
    budget.settle(bound, bound)
    assert budget.idle
    assert budget.fits(bound)


def test_a_cap_of_nothing_allows_nothing():
    budget = Budget(BudgetConfig(requests=0), PRICE)
    assert not budget.fits(budget.charge(1, 1))


def test_dollars_need_a_price():
    with pytest.raises(ConfigError, match=r"teacher\.budget\.usd is 5 but teacher\.price is not set"):
        Budget(BudgetConfig(usd=5.0), PriceConfig())


def test_says_which_caps_are_reached():
    caps = BudgetConfig(requests=2, tokens=10_000, usd=0.5)
    message = str(Budget(caps, PRICE, Usage(2, 1000, 500, 0.003)).exhausted(Usage(1, 300, 512, 0.01)))
    assert "2 of 2 requests, 1,500 of 10,000 tokens, $0.0030 of $0.5000 used" in message
    assert "up to 812 tokens and $0.0100; raise teacher.budget" in message


def test_the_estimate_bounds_both_times_of_asking():
    config = TeacherConfig(kind="openai", max_tokens=100)
    request = FeedbackRequest(PROBLEM, "é" * MAX_MISTAKE_BYTES)
    prompt, completion = estimate_request(request, config, "number")
    asked = [first_messages(request, "number"), second_messages(request, "number", "wrong answer: 7 is not 12")]
    assert prompt >= sum(prompt_tokens_bound(messages) for messages in asked)
    assert prompt >= sum(len(message["content"].encode()) for messages in asked for message in messages)
    assert completion == 200
    assert estimate_request(request, TeacherConfig(), "number") == (0, 0)
