import pytest

from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import ConfigError
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.online.budget import Budget, least_for, most_for, prompt_tokens_bound
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.ways import Asking

PROMPTS = Prompts("number")
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
    assert "2 of 2 requests, 1,500 of 10,000 tokens, 0.0030 of 0.5000 USD used" in message
    assert "up to 1 request, 4,396 tokens, 0.0244 USD (a model may think" in message  # 300 + 8 * 512; rounded up
    assert message.endswith("; raise teacher.budget to go on")


def test_the_bounds_hold_both_times_of_asking():
    config = TeacherConfig(kind="openai", max_tokens=100, price=PRICE, ask="mistake", hint="first")
    request = FeedbackRequest(PROBLEM, "3 + 4 = 7 pens are in the boxes. " * 100)
    least, most = least_for(request, config, PROMPTS), most_for(request, config, PROMPTS)
    askings = Asking("mistake", hint=True), Asking("mistake", hint=True, again=True)
    asked = [PROMPTS.messages(request, asking, "wrong answer: 7 is not 12") for asking in askings]
    assert most.prompt_tokens >= sum(prompt_tokens_bound(messages) for messages in asked)
    assert most.prompt_tokens >= sum(len(message["content"].encode()) for messages in asked for message in messages)
    assert (most.requests, most.completion_tokens) == (2, 200)
    assert most.cost_usd == pytest.approx((most.prompt_tokens + 4 * 200) / 1e6)
    assert (least.requests, least.completion_tokens) == (1, 1)
    assert 0 < least.prompt_tokens < sum(len(message["content"].split()) for message in asked[0])


def test_offline_nothing_costs_anything():
    request = FeedbackRequest(PROBLEM)
    assert least_for(request, TeacherConfig(), PROMPTS) == most_for(request, TeacherConfig(), PROMPTS) == Usage(1)


def test_through_the_batch_api_it_costs_half():
    request = FeedbackRequest(PROBLEM)
    config = TeacherConfig(kind="openai", price=PRICE)
    batch = config.model_copy(update={"batch": True})
    assert most_for(request, batch, PROMPTS).cost_usd == most_for(request, config, PROMPTS).cost_usd / 2


def test_agreement_multiplies_everything():
    request = FeedbackRequest(PROBLEM)
    config = TeacherConfig(kind="openai", price=PRICE)
    thrice = config.model_copy(update={"self_consistency": 3})
    one, three = most_for(request, config, PROMPTS), most_for(request, thrice, PROMPTS)
    assert (three.requests, three.prompt_tokens) == (3 * one.requests, 3 * one.prompt_tokens)


def test_the_bounds_follow_the_longer_prompt_of_an_explanation():
    request = FeedbackRequest(PROBLEM, "3 + 4 = 7 pens.")
    config = TeacherConfig(kind="openai", max_tokens=100, price=PRICE, ask="mistake", hint="first")
    explaining = config.model_copy(update={"explain": True})
    asked = [
        PROMPTS.messages(request, Asking("mistake-explained", hint=True)),
        PROMPTS.messages(request, Asking("mistake-explained", hint=True, again=True), "x" * 200),
    ]
    least, most = (bound(request, explaining, PROMPTS) for bound in (least_for, most_for))
    assert most.prompt_tokens >= sum(prompt_tokens_bound(messages) for messages in asked)
    assert most.prompt_tokens > most_for(request, config, PROMPTS).prompt_tokens
    assert least_for(request, config, PROMPTS).prompt_tokens < least.prompt_tokens < most.prompt_tokens
    assert most_for(FeedbackRequest(PROBLEM), explaining, PROMPTS) == most_for(
        FeedbackRequest(PROBLEM), config, PROMPTS
    )


def test_bounds_grow_with_what_replies_have_passed_them_by():
    messages = PROMPTS.messages(FeedbackRequest(PROBLEM), Asking("question"))
    budget = Budget(BudgetConfig(tokens=10**6), PRICE)
    assert budget.wary
    plain = budget.bound(messages, 100)
    budget.learn(messages, 100, Usage(1, plain.prompt_tokens - 20, 90, 0.0))
    assert not budget.wary
    assert budget.bound(messages, 100) == plain
    budget.learn(messages, 100, Usage(1, plain.prompt_tokens + 10, 940, 0.0))
    grown = budget.bound(messages, 100)
    assert (grown.prompt_tokens, grown.completion_tokens) == (plain.prompt_tokens + 20, 100 + 2 * 840)


def test_bounds_grow_with_the_bill():
    messages = PROMPTS.messages(FeedbackRequest(PROBLEM), Asking("question"))
    budget = Budget(BudgetConfig(usd=1.0), PRICE)
    plain = budget.bound(messages, 100)
    budget.learn(messages, 100, Usage(1, 100, 50, 3 * budget.charge(100, 50).cost_usd))
    assert budget.bound(messages, 100).cost_usd == pytest.approx(3 * plain.cost_usd)


def test_what_an_earlier_start_has_shown_is_known():
    messages = PROMPTS.messages(FeedbackRequest(PROBLEM), Asking("question"))
    budget = Budget(BudgetConfig(tokens=10**6), PRICE, overrun=840)
    assert not budget.wary
    assert budget.bound(messages, 100).completion_tokens == 100 + 2 * 840
    assert not Budget(BudgetConfig(requests=5), PRICE).wary


MESSAGES = PROMPTS.messages(FeedbackRequest(PROBLEM), Asking("question"))


@pytest.mark.parametrize(("cap", "fits"), [(799, False), (800, True)])
def test_the_first_request_needs_room_for_thoughts_beyond_its_limit(cap, fits):
    budget = Budget(BudgetConfig(completion_tokens=cap), PRICE)
    bound = budget.bound(MESSAGES, 100)
    assert budget.has_room(bound) == fits
    if not fits:
        said = str(budget.exhausted(bound))
        assert "0 of 799 completion tokens used, and one more request may take up to 800 completion tokens" in said
        assert "(a model may think beyond teacher.max_tokens: up to 8 times that is allowed for); raise" in said


def test_the_first_request_needs_room_in_dollars_too():
    bound = Budget(BudgetConfig(), PRICE).bound(MESSAGES, 100)
    needed = bound.cost_usd + 7 * 100 * 4 / 10**6
    assert Budget(BudgetConfig(usd=needed + 1e-9), PRICE).has_room(bound)
    assert not Budget(BudgetConfig(usd=needed - 1e-9), PRICE).has_room(bound)


def test_the_more_replies_keep_to_their_bounds_the_less_room_is_kept_beyond_them():
    budget = Budget(BudgetConfig(completion_tokens=1000), PRICE)
    bound = budget.bound(MESSAGES, 100)
    side_by_side = []
    for _ in range(401):
        count = 0
        while budget.has_room(bound):
            budget.reserve(bound)
            count += 1
        for _ in range(count):
            budget.settle(bound, None)
        budget.learn(MESSAGES, 100, Usage(1, 50, 10, 0.0))
        side_by_side.append(count)
    assert side_by_side == sorted(side_by_side)
    assert (side_by_side[0], side_by_side[50], side_by_side[100], side_by_side[400]) == (1, 1, 2, 10)


def test_what_was_exceeded_is_known_and_not_multiplied():
    budget = Budget(BudgetConfig(completion_tokens=10_000), PRICE)
    budget.learn(MESSAGES, 100, Usage(1, 50, 940, 0.0))
    bound = budget.bound(MESSAGES, 100)
    assert bound.completion_tokens == 100 + 2 * 840
    for _ in range(5):
        assert budget.has_room(bound)
        budget.reserve(bound)
    assert not budget.has_room(bound)


def test_a_count_that_the_endpoint_did_not_state_raises_no_bound():
    budget = Budget(BudgetConfig(tokens=10**6), PRICE)
    budget.learn(MESSAGES, 100, Usage(1, 50, 940, 0.0))
    grown = budget.bound(MESSAGES, 100)
    for _ in range(5):
        budget.learn(MESSAGES, 100, grown, grown)
    assert budget.bound(MESSAGES, 100).completion_tokens == grown.completion_tokens
