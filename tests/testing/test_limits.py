from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.asking import ask, post, refused
from tutelage.testing import Seen, TeacherEndpoint, most_requests_in_a_minute, most_tokens_in_a_minute
from tutelage.testing.limits import Limits, duration


def seen(arrival, tokens=0):
    return Seen(arrival, None, "", 200, tokens, 0)


arrivals = st.lists(st.tuples(st.integers(0, 300).map(lambda n: n / 2), st.integers(0, 50)), max_size=60)


@given(arrivals, st.integers(1, 6) | st.none(), st.integers(1, 100) | st.none())
def test_limits_hold_and_admit_whatever_fits(asked, requests, tokens):
    limits, log = Limits(requests, tokens), []
    for moment, amount in sorted(asked):
        ruling = limits.admit(moment, amount)
        with_it = [*log, seen(moment, amount)]
        fits = (requests is None or most_requests_in_a_minute(with_it) <= requests) and (
            tokens is None or most_tokens_in_a_minute(with_it) <= tokens
        )
        assert (ruling.wait == 0) is fits
        log = with_it if fits else log


@given(arrivals, st.integers(1, 6), st.integers(50, 100))
def test_whoever_comes_back_when_told_is_admitted(asked, requests, tokens):
    limits, moment = Limits(requests, tokens), 0.0
    for _, amount in asked:
        wait = limits.admit(moment, amount).wait
        if wait:
            assert limits.admit(moment + wait - 0.25, amount).wait > 0
            moment += wait
            assert limits.admit(moment, amount).wait == 0


def test_the_example():
    limits = Limits(requests=2)
    assert [limits.admit(now, 1).wait for now in (100.0, 110.0, 120.0, 160.0)] == [0, 0, 40, 0]
    assert Limits().admit(0.0, 10**9).wait == 0
    assert Limits(tokens=10).admit(0.0, 11).wait == 60  # it never will be
    assert Limits().admit(0.0, 1).headers == {}


@given(arrivals)
def test_the_busiest_minute(asked):
    log = [seen(*each) for each in asked]
    windows = [[(at, n) for at, n in asked if start <= at < start + 60] for start, _ in asked]
    assert most_requests_in_a_minute(log) == max(map(len, windows), default=0)
    assert most_tokens_in_a_minute(log) == max((sum(n for _, n in window) for window in windows), default=0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.017, "17ms"),
        (0.9996, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (64.321, "1m4.321s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_an_endpoint_keeps_its_limit_of_requests():
    with TeacherEndpoint(lambda _: "", requests_per_minute=2) as endpoint:
        for _ in range(2):
            post(endpoint, ask("q"))
        status, headers, error = refused(endpoint, ask("q"))
        assert [entry.status for entry in endpoint.log] == [200, 200, 429]
    assert (status, error["code"]) == (429, "rate_limit_exceeded")
    first, second, third = (entry.arrival for entry in endpoint.log)
    assert int(headers["retry-after"]) == ceil(first + 60 - third)
    assert int(headers["retry-after-ms"]) == ceil((first + 60 - third) * 1000)
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("2", "0")
    assert headers["x-ratelimit-reset-requests"] == duration(second + 60 - third)


def test_an_endpoint_keeps_its_limit_of_tokens():
    with TeacherEndpoint(lambda _: "two words", tokens_per_minute=15) as endpoint:
        post(endpoint, ask("one"))
        status, headers, _ = refused(endpoint, ask("one two three"))
        post(endpoint, ask("one two"))
        assert sum(entry.prompt_tokens + entry.completion_tokens for entry in endpoint.log) == 15
    assert (status, headers["x-ratelimit-remaining-tokens"]) == (429, "8")
