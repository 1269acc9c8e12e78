"""The budget against what the endpoint itself saw: no cap is ever passed, whatever is in flight or lost on the way."""

import json

import pytest

from tests.teacher.online.sessions import PROBLEMS, lost, make_teacher, requests, seen_by, spent, teach
from tutelage.config import BudgetConfig, PriceConfig, TeacherConfig
from tutelage.errors import BudgetSpent
from tutelage.records import FeedbackRequest, Usage
from tutelage.teacher.online.budget import cost_of, least_for, most_for
from tutelage.teacher.prompts import Prompts
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

PRICE = PriceConfig(prompt=1.0, completion=4.0)
CAPS = [
    {"requests": 7},
    {"prompt_tokens": 5_000},
    {"completion_tokens": 450},
    {"tokens": 6_000},
    {"usd": 0.006},
    {"requests": 9, "tokens": 6_000, "usd": 1.0},
]
each_cap = pytest.mark.parametrize("caps", CAPS, ids="+".join)


def within(caps, usage):
    """Whether what was used stays within every cap."""
    used = {
        "requests": usage.requests,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "tokens": usage.prompt_tokens + usage.completion_tokens,
        "usd": cost_of(usage.prompt_tokens, usage.completion_tokens, PRICE),
    }
    return all(used[name] <= cap for name, cap in caps.items())


@pytest.mark.parametrize("cap", [0, 1, 7, 39])
def test_a_cap_on_requests_is_used_up_and_never_passed(tmp_path, cap):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: Fault.slow(0.005 * (number % 3))) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), budget=BudgetConfig(requests=cap))
        assert isinstance(error, BudgetSpent)
        assert f"{cap} of {cap} requests" in str(error)
        assert len(endpoint.log) == len(delivered) == cap
        again, error = teach(tmp_path, endpoint, requests(), budget=BudgetConfig(requests=cap))
        assert isinstance(error, BudgetSpent)
        assert len(endpoint.log) == len(again) == cap
        more, error = teach(tmp_path, endpoint, requests(), budget=BudgetConfig(requests=40))
        assert (error, len(more), len(endpoint.log)) == (None, 40, 40)


@pytest.mark.parametrize("said", [True, False], ids=["usage", "no usage"])
@each_cap
def test_slow_replies_in_flight_count_at_their_bound(tmp_path, caps, said):
    faults = None if said else Fault.missing_usage()
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: faults, latency=0.05) as endpoint:
        settings = {"budget": BudgetConfig(**caps), "price": PRICE, "max_tokens": 30, "concurrency": 16}
        delivered, error = teach(tmp_path, endpoint, requests(), **settings)
    assert isinstance(error, BudgetSpent)
    assert 2 <= len(endpoint.log) < 40
    assert spent(tmp_path) == sum((feedback.usage for feedback in delivered), Usage())
    assert within(caps, seen_by(endpoint))
    assert within(caps, spent(tmp_path))
    if said:
        assert spent(tmp_path).prompt_tokens == seen_by(endpoint).prompt_tokens


@each_cap
def test_what_timed_out_counts_at_its_bound(tmp_path, caps):
    """Every second reply comes too late; the endpoint charges it all the same."""
    late = Fault.slow(20.0)
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: late if number % 2 else None) as endpoint:
        settings = {"budget": BudgetConfig(**caps), "price": PRICE, "max_tokens": 50, "concurrency": 4}
        delivered, error = teach(tmp_path, endpoint, requests(), timeout=0.4, **settings)
    assert isinstance(error, BudgetSpent)
    timed_out = sum(feedback.failure == "time-out" for feedback in delivered)
    assert timed_out == lost(tmp_path).requests >= 1
    assert len(endpoint.log) == spent(tmp_path).requests == seen_by(endpoint).requests
    assert lost(tmp_path).completion_tokens == 50 * timed_out
    assert within(caps, spent(tmp_path))
    assert within(caps, seen_by(endpoint))


def test_what_was_lost_stays_lost_for_the_next_session(tmp_path):
    cap = BudgetConfig(requests=4)
    said = []
    with answer_key_endpoint(PROBLEMS, faults=[None, *[Fault.half_body()] * 2]) as endpoint:
        delivered, _ = teach(tmp_path, endpoint, requests(3), say=said.append, concurrency=1, budget=cap)
        assert [feedback.failure for feedback in delivered] == [None, "broken reply", "broken reply"]
        most = lost(tmp_path).prompt_tokens + lost(tmp_path).completion_tokens
        assert said == [f"sent and never answered: 2 so far; perhaps charged, and counted at {most:,} tokens"]
        again, error = teach(tmp_path, endpoint, requests(3), say=said.append, concurrency=1, budget=cap)
        assert said[1:] == said[:1]  # once in each start, also where the budget ends it
        assert (len(again), isinstance(error, BudgetSpent), len(endpoint.log)) == (2, True, 4)
    assert (spent(tmp_path).requests, lost(tmp_path).requests) == (4, 2)


@pytest.mark.parametrize("fault", [Fault.http(500), Fault.rate_limited(0.01, "ms")], ids=["500", "429"])
def test_what_was_refused_costs_nothing(tmp_path, fault):
    with answer_key_endpoint(PROBLEMS, faults=[None, fault, None, fault]) as endpoint:
        delivered, error = teach(
            tmp_path, endpoint, requests(5), concurrency=1, retries=1, budget=BudgetConfig(requests=5)
        )
        assert (error, len(delivered), len(endpoint.log)) == (None, 5, 7)
    assert spent(tmp_path) == seen_by(endpoint)
    assert lost(tmp_path) == Usage()


STATED = {"prompt_tokens": 5000, "completion_tokens": 90, "total_tokens": 5090, "cost": 0.05}
"""More than the bound of any request here."""
DIED = json.dumps({"error": {"message": "upstream died"}, "usage": STATED}).encode()


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=DIED),
        Fault(500, body=DIED),
        Fault(422, body=DIED),
        Fault(finish_reason="error", parts={"usage": STATED}),
    ],
    ids=["200", "500", "422", "finish reason"],
)
def test_what_an_error_says_that_it_took_counts(tmp_path, fault, batch):
    settings = {"price": PRICE, "max_tokens": 50, "concurrency": 1, "batch": batch, "batch_poll": 0.01}
    with answer_key_endpoint(PROBLEMS, faults=[None, fault]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(3), **settings)
    assert (error, [feedback.failure is None for feedback in delivered].count(False)) == (None, 1)
    assert lost(tmp_path) == Usage(1, 5000, 90, 0.05)
    assert spent(tmp_path) == sum((feedback.usage for feedback in delivered), lost(tmp_path))


@pytest.mark.parametrize(("cost", "counted"), [({}, Usage()), ({"cost": 2e-5}, Usage(1, 61, 9, 2e-5))])
def test_an_error_counts_where_it_states_a_cost(tmp_path, cost, counted):
    usage = {"prompt_tokens": 61, "completion_tokens": 9, "total_tokens": 70, **cost}
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault(finish_reason="error", parts={"usage": usage})]) as endpoint:
        teach(tmp_path, endpoint, requests(3), price=PRICE, concurrency=1)
    assert lost(tmp_path).cost_usd >= counted.cost_usd
    assert lost(tmp_path).requests == counted.requests


def test_errors_that_cost_more_than_their_bound_pass_no_cap(tmp_path):
    fault, cap = Fault(500, body=DIED), BudgetConfig(usd=0.5)
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: fault if number % 2 else None) as endpoint:
        settings = {"price": PRICE, "max_tokens": 50, "concurrency": 4}
        delivered, error = teach(tmp_path, endpoint, requests(), budget=cap, **settings)
    assert isinstance(error, BudgetSpent)
    died = sum(feedback.failure == "server error" for feedback in delivered)
    assert died == lost(tmp_path).requests >= 2
    assert 0.05 * died <= spent(tmp_path).cost_usd <= 0.5


def test_another_run_has_a_budget_of_its_own(tmp_path):
    cap = BudgetConfig(requests=3)
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(), budget=cap)
        other, error = teach(tmp_path, endpoint, requests(), budget=cap, run_id="run-b")
    assert isinstance(error, BudgetSpent)
    assert len(other) == 6  # three found, three bought
    assert spent(tmp_path, "run-b").requests == 3


def test_what_is_known_is_delivered_when_nothing_may_be_bought(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests()[30:], concurrency=1)
        delivered, error = teach(tmp_path, endpoint, requests(), budget=BudgetConfig(requests=0))
    assert isinstance(error, BudgetSpent)
    assert [feedback.problem_id for feedback in delivered] == [problem.id for problem in PROBLEMS[30:40]]


def test_a_second_asking_that_the_budget_forbids_leaves_the_first_reply(tmp_path):
    with TeacherEndpoint(lambda _: "2 + 4 = 6. The answer is 6.") as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1), budget=BudgetConfig(requests=1))
    assert isinstance(error, BudgetSpent)
    assert (feedback.failure, feedback.usage.requests) == ("wrong answer", 1)


@pytest.mark.parametrize(("ask", "askings"), [("mistake", 2), ("auto", 3)])
@pytest.mark.parametrize("self_consistency", [1, 3])
def test_the_estimate_bounds_what_was_charged(tmp_path, self_consistency, ask, askings):
    settings = {"self_consistency": self_consistency, "price": PRICE, "ask": ask}
    config = TeacherConfig(kind="openai", model="m", **settings)
    asked = [FeedbackRequest(problem, "3 + 4 = 7. The answer is 7.") for problem in PROBLEMS[:5]]
    with TeacherEndpoint(lambda _: "2 + 4 = 6. The answer is 6.") as endpoint:
        delivered, _ = teach(tmp_path, endpoint, asked, **settings)
    assert sum((feedback.usage for feedback in delivered), Usage()).requests == askings * 5 * self_consistency
    by_id = {request.problem.id: request for request in asked}
    for feedback in delivered:
        least, most = (bound(by_id[feedback.problem_id], config, Prompts("number")) for bound in (least_for, most_for))
        for name in ("requests", "prompt_tokens", "completion_tokens", "cost_usd"):
            assert getattr(least, name) <= getattr(feedback.usage, name) <= getattr(most, name)


def test_the_requests_are_read_to_the_end_once_the_budget_is_spent(tmp_path):
    taken = []

    def source():
        for request in requests():
            taken.append(request)
            yield request

    with answer_key_endpoint(PROBLEMS) as endpoint:
        with pytest.raises(BudgetSpent):
            make_teacher(tmp_path, endpoint, budget=BudgetConfig(requests=3)).teach(source(), lambda _: None)
        assert len(endpoint.log) == 3
    assert len(taken) == 40  # those that another run has bought are found


def test_the_room_kept_for_thoughts_falls_with_the_replies_of_earlier_starts_too(tmp_path):
    """After 79 replies it is 8 × 50 / 79 times the limit: 507 tokens."""
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(79), max_tokens=100)
        used = spent(tmp_path).completion_tokens
        for more, answered in ((506, 0), (507, 1)):
            cap = BudgetConfig(completion_tokens=used + more)
            delivered, error = teach(tmp_path, endpoint, requests(80)[79:], max_tokens=100, budget=cap)
            assert len(delivered) == answered, error
            assert error is None or "one more request may take up to 507 completion tokens" in str(error)


THINKING = {"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 1140}
"""A model that thinks outside its limit: it charges 940."""


@pytest.mark.parametrize("cap", [130, 500, 940, 1023])
@pytest.mark.parametrize("batch", [False, True])
def test_a_cap_too_tight_for_a_first_request_that_thinks_is_refused_in_one_line(tmp_path, cap, batch):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault(parts={"usage": THINKING})) as endpoint:
        settings = {"budget": BudgetConfig(completion_tokens=cap), "max_tokens": 128, "batch": batch}
        delivered, error = teach(tmp_path, endpoint, requests(), batch_poll=0.01, **settings)
    assert (delivered, len(endpoint.log)) == ([], 0)
    assert isinstance(error, BudgetSpent)
    assert f"0 of {cap:,} completion tokens used, and one more request may take up to" in str(error)
    assert "1,024 completion tokens (a model may think beyond teacher.max_tokens" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("cap", [1024, 1900, 5000, 20_000])
@pytest.mark.parametrize("few", [0, 1, 3, 6])
def test_thoughts_that_come_late_pass_no_cap(tmp_path, cap, few, batch):
    """The first replies keep to their limit, the others don't; 16 are asked side by side."""

    def faults(number, _):
        return Fault(parts={"usage": THINKING}) if number >= few else None

    with answer_key_endpoint(PROBLEMS, faults=faults, latency=0.02) as endpoint:
        settings = {"budget": BudgetConfig(completion_tokens=cap), "max_tokens": 128, "concurrency": 16}
        delivered, error = teach(tmp_path, endpoint, requests(), batch=batch, batch_poll=0.01, **settings)
    assert isinstance(error, BudgetSpent)
    assert len(delivered) == len(endpoint.log) >= 1
    assert spent(tmp_path).completion_tokens <= cap


def test_what_the_prompt_takes_beyond_its_bound_is_known_to_the_next_start(tmp_path):
    usage = {"prompt_tokens": 5000, "completion_tokens": 10, "total_tokens": 5010}
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault(parts={"usage": usage}), latency=0.02) as endpoint:
        teach(tmp_path, endpoint, requests(1))
        cap = BudgetConfig(prompt_tokens=30_000)
        _, error = teach(tmp_path, endpoint, requests(), budget=cap, concurrency=16, max_tokens=50)
    assert isinstance(error, BudgetSpent)
    assert 10_000 <= spent(tmp_path).prompt_tokens <= 30_000


@pytest.mark.parametrize("usage", [{"total_tokens": 1140}, {"prompt_tokens": "200", "completion_tokens": "940"}])
def test_what_a_total_alone_may_cost_passes_no_cap(tmp_path, usage):
    """All of it may be completion, which costs more."""
    price, cap = PriceConfig(prompt=1.0, completion=10.0), 0.06
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault(parts={"usage": usage}), latency=0.01) as endpoint:
        settings = {"price": price, "max_tokens": 128, "concurrency": 6}
        delivered, error = teach(tmp_path, endpoint, requests(), budget=BudgetConfig(usd=cap), **settings)
    assert isinstance(error, BudgetSpent)
    assert len(delivered) == len(endpoint.log) >= 1
    assert len(endpoint.log) * cost_of(0, 1140, price) <= cap
