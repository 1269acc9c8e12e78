"""A line of results, read whatever stands in it."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import TeacherConfig
from tutelage.teacher.batch.client import read_result, split_lines
from tutelage.teacher.online.client import Endpoint
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.failures import Refused, RequestFailed

KEY = "sk-test-0123456789"
ENDPOINT = Endpoint(TeacherConfig(kind="openai", model="m"), {"OPENAI_API_KEY": KEY})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "code", "message", "choices"]), inner),
    max_leaves=8,
)


def read(**line):
    found = read_result(json.dumps(line).encode(), ENDPOINT)
    assert found is not None
    return found


@given(st.text(), st.text())
def test_a_reply(name, text):
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    found, reply = read(custom_id=name, response={"status_code": 200, "body": body}, error=None)
    assert found == name
    assert isinstance(reply, Reply)
    assert (reply.text, reply.prompt_tokens) == (text.replace("\x00", ""), 3)


COMPLETION = {"choices": [{"message": {"content": "3 × 4 = 12"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("start", "response"),
    [
        (b"\xef\xbb\xbf", {"status_code": 200, "body": COMPLETION}),
        (b"", {"status_code": 200, "body": COMPLETION | {"note": "half a pair: \ud83d"}}),
        (b"", {"body": COMPLETION}),
    ],
    ids=["byte order mark", "half a pair", "no status"],
)
def test_a_paid_reply_is_read_in_any_form(start, response):
    found = read_result(start + json.dumps({"custom_id": "a", "response": response}).encode(), ENDPOINT)
    assert found is not None
    assert isinstance(found[1], Reply)
    assert found[1].text == "3 × 4 = 12"


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_read_or_left_out(text):
    assert read_result(text, ENDPOINT) is None


@given(st.integers(100, 599), JSON, JSON)
def test_any_result_has_an_outcome(status, body, error):
    for line in ({"response": {"status_code": status, "body": body}, "error": error}, {"error": error}):
        name, outcome = read(custom_id="a", **line)
        assert name == "a"
        assert isinstance(outcome, Reply | RequestFailed | Refused)


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ({"error": {"code": "batch_expired", "message": "too late"}}, "time-out", "too late"),
        ({"error": {"code": "batch_cancelled"}}, "server error", "batch_cancelled"),
        ({"error": "gone"}, "server error", "gone"),
        ({}, "server error", "no reason given"),
        ({"response": {"status_code": 500, "body": {"error": "down"}}}, "server error", "down"),
        ({"response": {"status_code": 503, "body": "<p>busy</p>"}}, "server error", "busy"),
        ({"response": {"status_code": 401, "body": {"error": {"message": f"no {KEY}"}}}}, "authentication", "refused"),
        ({"response": {"status_code": 200, "body": f"{KEY} half of"}}, "broken reply", "[key] half of"),
        ({"response": {"status_code": 200}}, "broken reply", "no chat completion"),
    ],
)
def test_what_went_wrong(line, kind, words):
    _, outcome = read(custom_id="a", **line)
    assert outcome.reason == kind
    assert words in str(outcome)
    assert KEY not in str(outcome)


@given(st.binary(max_size=40), st.lists(st.integers(0, 40)))
def test_lines_are_the_same_however_they_come(data, cuts):
    async def chunks():
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
            yield data[start:end]

    async def split():
        return [line async for line in split_lines(chunks())]

    assert asyncio.run(split()) == data.split(b"\n")
