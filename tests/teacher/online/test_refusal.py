"""What a refusal says, in the forms of many endpoints."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.online.refusal import read_refusal, said_in


def read(body):
    return read_refusal(body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "status", "code", "text"),
    [
        ({"error": {"message": "no", "type": "t", "code": "c"}}, None, "c t", "no"),
        ({"error": {"message": "no", "code": 429}}, 429, "", "no"),
        ({"error": {"message": "no", "code": "429"}}, 429, "429", "no"),
        ([{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}], 429, "RESOURCE_EXHAUSTED", "no"),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, 400, "BadRequestError", "no"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, None, "overloaded_error", "no"),
        ({"code": "denied", "error": "no"}, None, "denied", "no"),
        ({"error": "no"}, None, "", "no"),
        ({"detail": "no"}, None, "", "no"),
        ({"detail": [{"loc": ["body"], "msg": "no"}, {"msg": "nor that"}]}, None, "", "no; nor that"),
        ({"detail": [{"loc": ["body", "top_p"], "msg": "no"}]}, None, "", "top_p: no"),
        ({"detail": [{"loc": ["query", "top_p"], "msg": "no top_p"}]}, None, "", "no top_p"),
        ({"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "?"}]}}, None, "", "n: ?"),
        ({"error": {"message": "no", "param": "seed"}}, None, "", "seed: no"),
        ({"error": {"message": "no seed", "param": "seed"}}, None, "", "no seed"),
        ({"message": ["no", "nor that"]}, None, "", "no; nor that"),
        ({"message": "no"}, None, "", "no"),
        ({"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "busy"}}}, 429, "", "busy"),
        ({"error": {"message": '{"error": {"code": 429, "message": "no"}}', "code": 502}}, 429, "", "no"),
        ({"error": {"error": {"message": "no", "code": 429}}}, 429, "", "no"),
        ({"error": {"message": {"text": "?", "message": "no"}, "code": 429}}, 429, "", "no"),
        ({"error_code": 18, "error_msg": "no"}, None, "", "no"),
        ({"statusCode": 429, "message": "no"}, 429, "", "no"),
        (b"<h1>Bad gateway</h1>", None, "", "<h1>Bad gateway</h1>"),
        (b"\xef\xbb\xbf" + b'{"error": "no"}', None, "", "no"),
    ],
)
def test_forms(body, status, code, text):
    said = read(body)
    assert (said.status, said.code, said.text) == (status, code, text)


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        ({"message": "x", "type": "overloaded_error"}, 529),
        ({"message": "x", "code": "rate_limit_exceeded"}, 429),
        ({"message": "Trying to keep the first 9 tokens when context the overflows."}, 400),
        ({"message": "insufficient balance"}, 402),
        ({"message": "Too many requests"}, 429),
        ({"message": "Open api qps request limit reached"}, 429),
        ({"message": "x"}, 500),
        ({"message": "x", "status": "UNAVAILABLE"}, 503),
        ({"message": "Your account balance is negative"}, 402),
        ({"message": "You have run out of credits"}, 402),
        ({"message": "Load balancer: no healthy upstream"}, 503),
        ({"message": "Insufficient capacity, please try later"}, 529),
        ({"message": "The model is overloaded"}, 529),
        ({"message": "context canceled"}, 503),
        ({"message": 'Post "http://10.0.0.7/v1": context deadline exceeded'}, 503),
        ({"message": "the context has exceeded its limit"}, 400),
        ({"message": "an SSL context could not be made"}, 500),
    ],
)
def test_the_status_that_words_stand_for(error, meant):
    assert said_in({"error": error}).meant == meant


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        ({"message": "no", "details": [{"@type": "x/RetryInfo", "retryDelay": "45.837906927s"}]}, 45.837906927),
        ({"message": "Please try again in 9m38.016s. Need more?"}, 578.016),
        ({"message": "Please retry in 47.434392449s."}, 47.434392449),
        ({"message": "try again in 350ms"}, 0.35),
        ({"message": "Please try again in 20 seconds"}, 20.0),
        ({"message": "try again in 2 minutes"}, 120.0),
        ({"message": "Too many requests, retry after 2000 ms"}, 2.0),
        ({"message": "retry after 500 milliseconds"}, 0.5),
        ({"message": "try again in 6 min"}, 360.0),
        ({"message": "Try again in 1 min 30 s"}, 90.0),
        ({"message": "Try again in 1 hour and 30 minutes."}, 5400.0),
        ({"message": "Retry after 1 day"}, 86400.0),
        ({"message": "wait 1.5 h"}, 5400.0),
        ({"message": "please try again in about 30 seconds"}, 30.0),
        ({"message": "Request was throttled. Expected available in 9 seconds."}, 9.0),
        ({"message": "Retry-After: 5"}, 5.0),
        ({"message": "Please wait 30 before retrying"}, 30.0),
        ({"message": "retry 1 of 3 failed"}, None),
        ({"message": "You may retry 3 more times"}, None),
        ({"message": "Try again in 3 weeks"}, None),
        ({"message": "Try again in 00:00:30"}, None),
        ({"message": "no", "retry_after": "5 seconds"}, 5.0),
        ({"message": "no", "retry_after": 7}, 7.0),
        ({"message": "no", "metadata": {"retry_after_ms": 700}}, 0.7),
        ({"message": "Please wait 2 seconds before trying again."}, 2.0),
        ({"message": "wait for 3m"}, 180.0),
        ({"message": "try again in a while"}, None),
        ({"message": "try again in " + "1" * 5000 + "x"}, None),
    ],
)
def test_the_wait_that_it_asks_for(error, wait):
    assert read({"error": error}).wait == pytest.approx(wait)


def test_headers_that_a_router_quotes():
    error = {"message": "no", "code": 429, "metadata": {"headers": {"X-RateLimit-Reset": "1741305600000"}}}
    assert read({"error": error}).reset == {"x-ratelimit-reset": "1741305600000"}


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [], "error": None},
        {"error": {}},
        {"errors": []},
        {"base_resp": {"status_code": 0, "status_msg": ""}},
        {"id": "x"},
        {"code": 0, "msg": "ok", "data": {"choices": [{"message": {"content": "12"}}]}},
        {"code": "200", "message": "success", "result": {}},
        {"success": True, "message": "done"},
        {"status": "queued", "message": "wait"},
        {"choices": [], "status": "error", "message": "x"},
        [],
        7,
    ],
)
def test_what_speaks_of_no_error(value):
    assert said_in(value) is None


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"success": False, "message": "busy"}, 500),
        ({"status": "error", "message": "Rate limit reached"}, 429),
        ({"status": 429, "message": "busy"}, 429),
        ({"statusCode": 503, "message": "busy"}, 503),
        ({"error_code": 18, "error_msg": "Open api qps request limit reached"}, 429),
        ({"errorCode": 7, "errorMessage": "insufficient balance"}, 402),
    ],
)
def test_an_error_without_that_name(value, meant):
    """As of Baidu, of a gateway, of a framework: with status 200."""
    assert said_in(value).meant == meant


def test_minimax_says_it_in_its_own_place():
    said = said_in({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})
    assert (said.text, said.meant) == ("insufficient balance", 402)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "metadata", "details", "raw", "retryDelay"]), inner
        )
    ),
)


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_it_says_something(body):
    said = read_refusal(body)
    assert isinstance(said.text, str)
    assert 400 <= said.meant <= 599
    assert said.wait is None or said.wait >= 0
