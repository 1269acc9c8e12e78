"""The forms of today's endpoints, on loopback: no right reply is lost, no cap passed, no run ended by one prompt."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.teacher.online.sessions import PROBLEMS, boxes, failures, lost, requests, seen_by, spent, teach
from tests.teacher.online.test_caps import PRICE, within
from tutelage.config import BudgetConfig, PriceConfig
from tutelage.errors import BudgetSpent, TeacherError
from tutelage.records import Usage
from tutelage.teacher.ledger.reader import LedgerReader, export_row
from tutelage.teacher.online import retry
from tutelage.testing import Fault, TeacherEndpoint, answer_key_reply
from tutelage.testing.form import THOUGHT
from tutelage.testing.forms import FORMS
from tutelage.testing.script import parse_script

KNOWN = answer_key_reply(PROBLEMS)
each_form = pytest.mark.parametrize("like", FORMS)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.05))


def endpoint(like="openai", faults=(), **settings):
    return TeacherEndpoint(KNOWN, like=like, faults=faults, **settings)


def at(*numbers):
    """A fault that befalls these problems, by their number of boxes."""
    return lambda fault: lambda _, body: fault if boxes(body) in numbers else None


@each_form
def test_every_right_reply_is_used_and_counted_as_it_was_charged(tmp_path, like):
    with endpoint(like) as served:
        delivered, error = teach(tmp_path, served, requests(6), price=PRICE)
    assert error is None
    assert all(feedback.verdict.correct for feedback in delivered)
    charged, paid = seen_by(served), spent(tmp_path)
    assert (paid.requests, paid.prompt_tokens, paid.completion_tokens) == (
        charged.requests,
        charged.prompt_tokens,
        charged.completion_tokens,
    )


@pytest.mark.parametrize("caps", [{"completion_tokens": 250}, {"tokens": 4_000}, {"usd": 0.006}], ids="+".join)
@each_form
def test_no_cap_is_passed(tmp_path, like, caps):
    settings = {"budget": BudgetConfig(**caps), "price": PRICE, "max_tokens": 30, "concurrency": 16}
    with endpoint(like, latency=0.02) as served:
        delivered, error = teach(tmp_path, served, requests(), **settings)
    assert isinstance(error, BudgetSpent) or len(delivered) == 40
    assert within(caps, seen_by(served))
    assert within(caps, spent(tmp_path)) or like == "openrouter"  # whose own bill is dearer than our price


@pytest.mark.parametrize(
    ("usage", "prompt", "completion"),
    [
        ({"prompt_tokens": 200, "completion_tokens": 40, "reasoning_tokens": 900, "total_tokens": 1140}, 200, 940),
        ({"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 1140}, 200, 940),
        (
            {"prompt_tokens": 200, "completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 900}},
            200,
            940,
        ),
        ({"promptTokenCount": 200, "candidatesTokenCount": 40, "thoughtsTokenCount": 900}, 200, 940),
        ({"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": "1140"}, 200, 940),
        ({"input_tokens": 200, "output_tokens": 940}, 200, 940),
    ],
)
def test_the_cap_of_the_issue_is_held(tmp_path, usage, prompt, completion):
    """A cap of 0.05 USD, for which 0.344 were let through; 40 requests at once."""
    price = PriceConfig(prompt=1.0, completion=10.0)
    with endpoint(faults=lambda *_: Fault(parts={"usage": usage}), latency=0.01) as served:
        delivered, error = teach(
            tmp_path, served, requests(), price=price, budget=BudgetConfig(usd=0.05), concurrency=40, max_tokens=128
        )
    assert isinstance(error, BudgetSpent)
    each = prompt + 10 * completion
    assert 1 <= len(served.log) <= 0.05 * 10**6 / each
    assert spent(tmp_path) == Usage(
        len(delivered), prompt * len(delivered), completion * len(delivered), spent(tmp_path).cost_usd
    )
    assert spent(tmp_path).cost_usd <= 0.05


def test_what_replies_take_is_known_to_the_next_start(tmp_path):
    usage = {"prompt_tokens": 200, "completion_tokens": 940, "total_tokens": 1140}
    cap = {"completion_tokens": 4_000}
    with endpoint(faults=lambda *_: Fault(parts={"usage": usage}), latency=0.05) as served:
        teach(tmp_path, served, requests(1), max_tokens=128)
        _, error = teach(tmp_path, served, requests(), max_tokens=128, budget=BudgetConfig(**cap), concurrency=16)
    assert isinstance(error, BudgetSpent)
    assert spent(tmp_path).completion_tokens <= 4_000


@pytest.mark.parametrize("trouble", ["too-long", "policy"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "among others"])
@each_form
def test_one_prompt_that_is_refused_ends_nothing(tmp_path, like, trouble, first):
    bad = 2 if first else 5
    with endpoint(like, faults=at(bad)(FORMS[like].troubles[trouble])) as served:
        delivered, error = teach(tmp_path, served, requests(6), concurrency=1, retries=1)
        assert error is None
        again, error = teach(tmp_path, served, requests(6), concurrency=1, retries=1)
    assert error is None
    reason = "rejected request" if trouble == "too-long" else "refused by policy"
    for session in (delivered, again):
        assert {feedback.failure for feedback in session} == {None, reason}
        assert sum(feedback.verdict.correct for feedback in session) == 5
    assert lost(tmp_path) == Usage()


@pytest.mark.parametrize("status", [400, 403, 406, 413, 418, 422, 451])
@pytest.mark.parametrize("bad", [(2,), (5,), (2, 3), (5, 6)], ids=str)
def test_a_refusal_in_words_that_nobody_knows(tmp_path, status, bad):
    """Nothing is known but that others are answered, before or after; it ends no run, at no start."""
    with endpoint(faults=at(*bad)(Fault.http(status, "computer says no"))) as served:
        for _ in range(2):
            delivered, error = teach(tmp_path, served, requests(6), concurrency=1)
            assert error is None
            assert sum(feedback.failure == "rejected request" for feedback in delivered) == len(bad)
            assert sum(feedback.verdict.correct for feedback in delivered) == 6 - len(bad)
    assert all("computer says no" in f.verdict.reason for f in delivered if f.failure)


def test_refused_while_the_first_replies_are_still_in_flight(tmp_path):
    def fault(_, body):
        return Fault.http(400, "computer says no") if boxes(body) < 6 else Fault.slow(0.5)

    with endpoint(faults=fault) as served:
        delivered, error = teach(tmp_path, served, requests(8), concurrency=8)
    assert error is None
    assert sum(feedback.verdict.correct for feedback in delivered) == 4


@pytest.mark.parametrize("status", [400, 403, 422])
def test_where_nothing_is_answered_a_few_refusals_end_it(tmp_path, status):
    with endpoint(faults=lambda *_: Fault.http(status, "bad temperature")) as served:
        delivered, error = teach(tmp_path, served, requests(), concurrency=1)
        assert len(served.log) == 3
    assert delivered == []
    assert f"({status})" in str(error)
    assert "bad temperature" in str(error)


def test_many_refusals_end_it_though_others_were_answered(tmp_path):
    with endpoint(faults=lambda n, _: Fault.http(400, "no", code="x") if n >= 4 else None) as served:
        delivered, error = teach(tmp_path, served, requests(40), concurrency=1)
    assert "26 of the last 30 requests failed: 26 rejected request" in str(error)
    assert len(delivered) == 30


@each_form
def test_no_credits_is_said_at_once(tmp_path, like):
    with endpoint(like, faults=lambda n, _: FORMS[like].troubles["no-credits"] if n else None) as served:
        _, error = teach(tmp_path, served, requests(6), concurrency=1, retries=5)
        assert len(served.log) == 2
    assert "no quota left" in str(error)
    assert failures(tmp_path) == {"quota": 1}


@each_form
def test_a_bad_key_is_said_at_once(tmp_path, like):
    with endpoint(like, faults=lambda n, _: FORMS[like].troubles["bad-key"] if n else None) as served:
        _, error = teach(tmp_path, served, requests(6), concurrency=1, retries=5)
        assert len(served.log) == 2
    assert "refused the key" in str(error)
    assert "check $OPENAI_API_KEY" in str(error)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["rate-limit", "overloaded"])
def test_what_passes_costs_nothing_and_is_waited_for(tmp_path, trouble):
    """At all endpoints at once, as each wait takes a second."""

    def asked(like: str) -> None:
        with endpoint(like, faults=[None, FORMS[like].troubles[trouble]]) as served:
            delivered, error = teach(tmp_path / like, served, requests(4), concurrency=1, retries=1)
            assert len(served.log) == 5, like
        assert error is None, like
        assert all(feedback.verdict.correct for feedback in delivered), like
        assert lost(tmp_path / like) == Usage(), like

    with ThreadPoolExecutor(len(FORMS)) as pool:
        assert list(pool.map(asked, FORMS)) == [None] * len(FORMS)


@pytest.mark.parametrize("name", ["events", "bom", "comments"])
def test_a_good_reply_in_an_odd_wrapping_is_read(tmp_path, name):
    with endpoint(faults=parse_script(f"{name}...")) as served:
        delivered, error = teach(tmp_path, served, requests(4))
        assert len(served.log) == 4
    assert error is None
    assert all(feedback.verdict.correct for feedback in delivered)
    assert spent(tmp_path).completion_tokens == seen_by(served).completion_tokens


@pytest.mark.parametrize("wanted", [402, 429, 500, 503])
def test_a_good_status_with_an_error_of_another_is_read_as_that_one(tmp_path, wanted):
    fault = Fault.error_inside(wanted, "no")
    with endpoint(faults=[None, fault]) as served:
        delivered, error = teach(tmp_path, served, requests(4), concurrency=1, retries=1, price=PRICE)
    assert lost(tmp_path) == Usage()
    if wanted == 402:
        assert "no quota left" in str(error)
    else:
        assert [feedback.failure for feedback in delivered] == [None] * 4


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": "3 × 4 ="}, "finish_reason": "error"},
        {"message": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "died"}},
        {"error": {"message": "upstream", "code": "server_error"}},
        {"message": {"content": "x"}, "finish_reason": "network_error"},
    ],
)
def test_a_choice_that_failed_is_tried_again_and_costs_nothing(tmp_path, choice):
    with endpoint(faults=[None, Fault(parts={"choices": [choice]})]) as served:
        delivered, error = teach(tmp_path, served, requests(3), concurrency=1, retries=1)
        assert len(served.log) == 4
    assert (error, lost(tmp_path)) == (None, Usage())
    assert all(feedback.verdict.correct for feedback in delivered)


@pytest.mark.parametrize(
    "parts",
    [
        {"choices": [{"message": None, "finish_reason": "content_filter"}]},
        {"choices": [{"index": 0, "finish_reason": "SAFETY"}]},
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 20}},
        {"choices": [{"message": {"content": ""}, "finish_reason": "sensitive"}]},
    ],
)
def test_what_was_filtered_is_refused_by_policy_and_not_tried_again(tmp_path, parts):
    with endpoint(faults=at(3)(Fault(parts=parts))) as served:
        delivered, error = teach(tmp_path, served, requests(3), concurrency=1, retries=5)
        assert len(served.log) == 4  # asked once more with the hint, as for every reply that is refused
    assert error is None
    assert [feedback.failure for feedback in delivered] == [None, "refused by policy", None]


def test_a_model_that_only_thinks_is_stopped_after_a_few(tmp_path):
    with endpoint(faults=lambda *_: Fault.only_thoughts()) as served:
        _, error = teach(tmp_path, served, requests(40), concurrency=8)
        assert 5 <= len(served.log) <= 5 + 8
    assert isinstance(error, TeacherError)
    assert "only thought" in str(error)
    assert "teacher.max_tokens (now 512)" in str(error)
    assert "enable_thinking" in str(error)


def test_thoughts_now_and_then_stop_nothing(tmp_path):
    with endpoint(faults=lambda n, _: Fault.only_thoughts() if n % 2 else None) as served:
        delivered, error = teach(tmp_path, served, requests(30), concurrency=1)
    assert error is None
    assert sum(feedback.verdict.correct for feedback in delivered) >= 15


@pytest.mark.parametrize("status", [408, 502, 504, 524])
def test_a_gateway_that_gave_up_is_charged_at_the_bound(tmp_path, status):
    with endpoint(faults=[None, Fault.html(status)]) as served:
        delivered, error = teach(tmp_path, served, requests(3), concurrency=1, retries=1, max_tokens=200)
    assert (error, len(delivered)) == (None, 3)
    assert (lost(tmp_path).requests, lost(tmp_path).completion_tokens) == (1, 200)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Your organization must be verified to use this model"),
        (403, "Country, region, or territory not supported"),
        (403, "Project does not have access to model gpt-5"),
    ],
)
def test_access_refused_for_another_reason_than_the_key(tmp_path, status, words):
    with endpoint(faults=lambda *_: Fault.http(status, words)) as served:
        _, error = teach(tmp_path, served, requests(5), concurrency=1)
    assert words in str(error)
    assert "refused the key" not in str(error)


def test_a_proxy_that_wants_a_login(tmp_path):
    with endpoint(faults=lambda *_: Fault.http(407, "Proxy Authentication Required")) as served:
        _, error = teach(tmp_path, served, requests(5), concurrency=1)
    assert "proxy" in str(error)
    assert "HTTPS_PROXY" in str(error)


def test_the_ledger_keeps_thoughts_model_and_provider(tmp_path):
    with endpoint("openrouter") as served:
        teach(tmp_path, served, requests(1), price=PRICE)
    with LedgerReader(tmp_path) as reader:
        [row] = reader.rows()
        assert list(reader.faults()) == []
    data = export_row(row)
    assert (data["reasoning"], data["served_model"], data["provider"]) == (THOUGHT, "m", "BaseTen")
    assert row.cost_usd == 0.00025  # the bill, not our price
    assert row.seconds > 0


def test_what_was_read_from_a_cache_has_its_price(tmp_path):
    price = PriceConfig(prompt=1.0, completion=4.0, cached=0.1)
    with endpoint("deepseek") as served:
        teach(tmp_path, served, requests(1), price=price)
    with LedgerReader(tmp_path) as reader:
        [row] = reader.rows()
    cached = row.prompt_tokens // 2
    assert row.cached_tokens == cached
    parts = (row.prompt_tokens - cached) * 1.0 + cached * 0.1 + row.completion_tokens * 4.0
    assert row.cost_usd == pytest.approx(parts / 10**6)


def test_what_was_written_to_a_cache_has_its_price(tmp_path):
    usage = {"input_tokens": 20, "output_tokens": 40, "cache_creation_input_tokens": 180}
    with endpoint(faults=[Fault(parts={"usage": usage})]) as served:
        teach(tmp_path, served, requests(1), price=PRICE)
    paid = spent(tmp_path)
    assert (paid.prompt_tokens, paid.completion_tokens) == (200, 40)
    assert paid.cost_usd == pytest.approx((20 + 1.25 * 180 + 4 * 40) / 10**6)


def test_the_key_is_in_no_thought(tmp_path):
    from tests.teacher.online.sessions import KEY

    message = {"content": "2 × 4 = 8 pens.\nThe answer is 8.", "reasoning_content": f"The key is {KEY}"}
    fault = Fault(parts={"choices": [{"message": message, "finish_reason": "stop"}], "model": KEY, "provider": KEY})
    with endpoint(faults=[fault]) as served:
        teach(tmp_path, served, requests(1))
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.slow
def test_a_limit_that_nobody_tells_loses_nothing_at_the_default_settings(tmp_path):
    """An endpoint that takes six requests in any second, and refuses the others without a hint."""
    taken = []

    def fault(number, _):
        arrival = served.log[number].arrival
        taken[:] = [moment for moment in taken if moment > arrival - 1]
        if len(taken) >= 6:
            return Fault.rate_limited()
        taken.append(arrival)
        return None

    with endpoint(faults=fault) as served:
        delivered, error = teach(tmp_path, served, requests(24), retries=5)
    assert error is None
    assert all(feedback.verdict.correct for feedback in delivered)


def test_a_slow_reply_is_no_fault_of_its_form(tmp_path):
    slow = replace(Fault.as_events(), seconds=0.05)
    with endpoint("mistral", faults=[slow, slow]) as served:
        delivered, error = teach(tmp_path, served, requests(2))
    assert error is None
    assert len(delivered) == 2


def test_settings_that_were_never_answered_end_the_next_start(tmp_path):
    """That others were answered with other settings says nothing of these."""

    def faults(_, body):
        return Fault.http(400, "computer says no") if body["temperature"] == 0.9 else None

    with endpoint(faults=faults) as served:
        teach(tmp_path, served, requests(3))
        delivered, error = teach(tmp_path, served, requests(40), temperature=0.9, concurrency=1)
        assert len(served.log) == 3 + 3
    assert delivered == []
    assert "computer says no" in str(error)


@pytest.mark.parametrize("still", [True, False])
def test_many_that_are_refused_at_a_later_start_are_told_from_an_endpoint_that_refuses_all(tmp_path, still):
    """Five prompts are left, and refused: whether they are at fault is seen by asking again what was answered."""
    left = range(6, 11)

    def faults(number, body):
        return Fault.http(403, "computer says no") if boxes(body) in left or (number >= 4 and not still) else None

    with endpoint(faults=faults) as served:
        teach(tmp_path, served, requests(4))
        delivered, error = teach(tmp_path, served, requests(9), concurrency=2)
    assert sum(feedback.verdict.correct for feedback in delivered) == 4
    if still:
        assert error is None
        assert sum(feedback.failure == "rejected request" for feedback in delivered) == 5
        assert spent(tmp_path).requests == 5
    else:
        assert "computer says no" in str(error)
        assert len(delivered) == 4


@pytest.mark.parametrize("as_events", [False, True])
def test_a_whole_reply_whose_connection_breaks_at_its_end_is_used(tmp_path, as_events):
    """As from a gateway that announces more than it sends."""
    said = {"content": "There are 4 pens in each of 2 boxes.\n2 * 4 = 8.\nThe answer is 8."}
    choice = {"finish_reason": "stop", "delta" if as_events else "message": said}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 20}}).encode()
    body = b"data: %s\n\ndata: [DONE]\n\n" % body if as_events else body
    with endpoint(faults=[Fault(body=body + b" " * len(body), cut=True)]) as served:
        [feedback], error = teach(tmp_path, served, requests(1), retries=2)
    assert error is None
    assert feedback.verdict.correct
    assert (len(served.log), lost(tmp_path)) == (1, Usage())


def test_an_error_whose_connection_breaks_is_told_by_its_status(tmp_path):
    with endpoint(faults=[None, Fault(429, body=b'{"error": {"message": "slow down"}}', cut=True)]) as served:
        delivered, _ = teach(tmp_path, served, requests(2), concurrency=1)
    assert [feedback.failure for feedback in delivered] == [None, "rate limit"]
    assert lost(tmp_path) == Usage()
