"""`price: auto`, by the list of the package genai-prices."""

import pytest

from tests.teacher.grading import grade
from tutelage.config import BudgetConfig, PriceConfig, RunConfig, TeacherConfig
from tutelage.errors import ConfigError
from tutelage.teacher.online.budget import Budget, cost_of, price_of, told_price
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.teacher.online.prices import listed_price


def config(**settings):
    return TeacherConfig(**{"kind": "openai", "model": "gpt-4.1-mini", **settings})


def test_auto_is_what_the_list_says():
    price = price_of(config(price="auto"))
    assert (price.prompt, price.completion, price.cached) == (0.4, 1.6, 0.1)
    assert Budget(BudgetConfig(usd=1.0), price)


def test_figures_of_one_s_own_win():
    price = price_of(config(price={"auto": True, "completion": 3.0, "cached": 0.0}))
    assert (price.prompt, price.completion, price.cached) == (0.4, 3.0, 0.0)
    assert price_of(config(price={"prompt": 7.0})).prompt == 7.0


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
