"""`price: auto`, by the list of the package genai-prices."""

import pytest

from tests.teacher.grading import grade
from tutelage.config import BudgetConfig, PriceConfig, RunConfig, TeacherConfig
from tutelage.errors import ConfigError
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.online.budget import Budget, cost_of, most_for, price_of, told_price
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.teacher.online.prices import listed_price
from tutelage.teacher.prompts import Prompts


def config(**settings):
    return TeacherConfig(**{"kind": "openai", "model": "gpt-4.1-mini", **settings})


def test_auto_is_what_the_list_says():
    price = price_of(config(price="auto"))
    assert (price.prompt, price.completion, price.cached, price.cache_write) == (0.4, 1.6, 0.1, 0.4)
    assert Budget(BudgetConfig(usd=1.0), price)


def test_figures_of_one_s_own_win():
    price = price_of(config(price={"auto": True, "completion": 3.0, "cached": 0.0}))
    assert (price.prompt, price.completion, price.cached) == (0.4, 3.0, 0.0)
    assert price_of(config(price={"prompt": 7.0})).prompt == 7.0


def test_what_is_written_to_a_cache_has_the_price_of_the_list():
    claude = {"model": "claude-sonnet-4-5", "base_url": "https://api.anthropic.com/v1"}
    assert price_of(config(price="auto", **claude)).cache_write == 3.75
    assert price_of(config(price="auto", batch=True, **claude)).cache_write == 1.875
    assert price_of(config(price={"auto": True, "cache_write": 6.0}, **claude)).cache_write == 6.0


def test_a_batch_has_its_share_of_it():
    price = price_of(config(price="auto", batch=True))
    assert (price.prompt, price.completion, price.cached) == pytest.approx((0.2, 0.8, 0.05))


@pytest.mark.parametrize(
    ("model", "url"),
    [("no-such-model", None), ("gpt-4.1-mini", "http://localhost:8000/v1"), ("", "https://api.openai.com/v1")],
)
def test_what_the_list_does_not_have_is_said(model, url):
    with pytest.raises(
        ConfigError, match=r"teacher\.price is auto, and the list of genai-prices .* has no price"
    ) as told:
        listed_price(model, url)
    assert "price: {prompt: …, completion: …}" in str(told.value)


def test_the_list_has_a_date():
    assert "whose latest price is of 20" in listed_price("gpt-4.1-mini", None).source


def test_the_list_and_its_date_are_told_at_the_start(tmp_path):
    told = []
    settings = {
        "kind": "number",
        "grade": grade,
        "ledger": tmp_path / "l",
        "run_id": "a",
        "environ": {"K": "sk-12345678"},
    }
    OpenAITeacher(config(price="auto", key_env="K"), **settings, say=told.append)
    assert told == [told_price(config(price="auto"))]
    assert told[0].startswith("gpt-4.1-mini costs 0.4 and 1.6 USD a million tokens, by the list of genai-prices 0.")
    assert told_price(config(price={"prompt": 1.0})) is None


def test_a_cap_in_dollars_may_rest_on_the_list():
    teacher = {"kind": "openai", "model": "gpt-4.1-mini", "budget": {"usd": 1}, "price": "auto"}
    assert RunConfig.model_validate({"task": {"name": "gsm8k"}, "teacher": teacher}).teacher.price == PriceConfig(
        auto=True
    )


def test_what_is_read_from_a_cache_costs_less():
    price = PriceConfig(prompt=1.0, completion=4.0, cached=0.1)
    assert cost_of(100, 10, price, 60) == pytest.approx((40 + 6 + 40) / 10**6)
    assert cost_of(100, 10, PriceConfig(prompt=1.0, completion=4.0), 60) == pytest.approx(140 / 10**6)


def test_what_is_written_to_a_cache_costs_more():
    price = PriceConfig(prompt=1.0, completion=4.0, cached=0.1)
    assert cost_of(100, 10, price, 20, 60) == pytest.approx((20 + 2 + 75 + 40) / 10**6)
    assert cost_of(100, 10, price.model_copy(update={"cache_write": 2.0}), 20, 60) == pytest.approx(182 / 10**6)


@pytest.mark.parametrize(("cache_write", "dearest"), [(None, 1.25), (2.0, 2.0), (0.5, 1.0)])
def test_the_bound_is_that_of_a_prompt_that_is_written_to_a_cache(cache_write, dearest):
    budget = Budget(BudgetConfig(), PriceConfig(prompt=1.0, completion=4.0, cache_write=cache_write))
    bound = budget.bound([{"role": "user", "content": "x" * 1000}], 100)
    assert bound.cost_usd == pytest.approx((dearest * bound.prompt_tokens + 400) / 10**6)


def test_the_estimate_has_the_price_of_a_cache_that_is_written():
    asked, prompts = FeedbackRequest(Problem.of("How many?", "2")), Prompts("number")
    plain, dearer = (
        most_for(asked, config(price={"prompt": 1.0, "cache_write": each}), prompts) for each in (None, 2.0)
    )
    assert dearer.cost_usd == pytest.approx(2 * plain.cost_usd)
