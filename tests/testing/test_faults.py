import json
import time
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead

import pytest

from tests.testing.asking import ask, connect, post, raw, refused, send, text_of
from tutelage.testing import Fault, TeacherEndpoint


@pytest.mark.parametrize(
    ("fault", "finish_reason", "text"),
    [
        (Fault.length(), "length", "12"),
        (Fault.content_filter(), "content_filter", ""),
        (Fault.slow(0.01), "stop", "1234"),
        (Fault.slow_body(0.01), "stop", "1234"),
        (Fault.twice(), "stop", "1234"),
        (Fault.repeat(), "stop", "1234"),
        (Fault(), "stop", "1234"),
    ],
)
def test_of_a_completion(fault, finish_reason, text):
    with TeacherEndpoint(lambda _: "1234", faults=[fault]) as endpoint:
        choice = post(endpoint, ask("q"))["choices"][0]
        assert post(endpoint, ask("q"))["choices"][0]["finish_reason"] == "stop"
    assert (choice["finish_reason"], choice["message"]["content"]) == (finish_reason, text)


def test_of_its_parts():
    faults = [Fault.empty_choices(), Fault.missing_choices(), Fault.missing_usage(), Fault.wrong_json()]
    with TeacherEndpoint(lambda _: "1234", faults=faults) as endpoint:
        empty, without, free, wrong = (post(endpoint, ask("q")) for _ in faults)
    assert empty["choices"] == []
    assert "choices" not in without
    assert without["usage"]["total_tokens"] == 6
    assert "usage" not in free
    assert text_of(free) == "1234"
    assert wrong.keys().isdisjoint(free)


def test_of_http():
    faults = [
        Fault.http(429, "later", code="rate_limit", retry_after="3"),
        Fault.http(500),
        Fault.http(503),
        Fault.html(),
    ]
    with TeacherEndpoint(lambda _: "", faults=[*faults, Fault.empty(), Fault.garbage()]) as endpoint:
        status, headers, error = refused(endpoint, ask("q"))
        assert (status, headers["retry-after"], error["code"]) == (429, "3", "rate_limit")
        assert [refused(endpoint, ask("q"))[0] for _ in range(2)] == [500, 503]
        with send(endpoint, ask("q")) as response:
            assert response.headers["content-type"] == "text/html"
            assert response.read().startswith(b"<!doctype html>")
        for _ in range(2):
            with pytest.raises(json.JSONDecodeError):
                post(endpoint, ask("q"))


def test_of_a_rate():
    bare = Fault.rate_limited()
    faults = [bare, *(Fault.rate_limited(1.25, form) for form in ("seconds", "ms", "reset", "date"))]
    start = time.time()
    with TeacherEndpoint(lambda _: "", faults=faults) as endpoint:
        found = []
        for _ in faults:
            status, headers, error = refused(endpoint, ask("q"))
            assert (status, error["code"]) == (429, "rate_limit_exceeded")
            found.append({name: value for name, value in headers.items() if name.startswith(("retry", "x-rate"))})
    assert found[:3] == [{}, {"retry-after": "2"}, {"retry-after-ms": "1250"}]
    assert found[3] == {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.25s"}
    assert start <= parsedate_to_datetime(found[4]["retry-after"]).timestamp() <= time.time() + 3


def test_the_previous_completion_again():
    with TeacherEndpoint(lambda body: body["messages"][0]["content"], faults=[None, Fault.repeat()]) as endpoint:
        first, again, other = (post(endpoint, ask(word)) for word in "abc")
    assert again == first
    assert (text_of(first), text_of(other)) == ("a", "c")
    assert first["id"] != other["id"]


def test_a_reset_connection():
    with TeacherEndpoint(lambda _: "", faults=[Fault.reset()]) as endpoint, connect(endpoint) as client:
        client.sendall(raw(ask("q")))
        with pytest.raises(ConnectionResetError):
            client.recv(1000)


def test_half_a_body():
    with TeacherEndpoint(lambda _: "1234", faults=[Fault.half_body()]) as endpoint:
        with send(endpoint, ask("q")) as response, pytest.raises(IncompleteRead) as broken:
            response.read()
        whole = json.dumps(post(endpoint, ask("q")))
    assert whole.startswith(broken.value.partial.decode()[:5])
    assert abs(len(broken.value.partial) - broken.value.expected) <= 1


def test_a_body_in_drops():
    with TeacherEndpoint(lambda _: "1234", faults=[Fault.slow_body(0.2)]) as endpoint:
        response = send(endpoint, ask("q"))
        headers, drops = time.monotonic(), []
        with response:
            while drop := response.read1(10_000):
                drops.append(drop)
        took = time.monotonic() - headers
    assert text_of(json.loads(b"".join(drops))) == "1234"
    assert len(drops) > 3
    assert took > 0.1


def test_a_response_sent_twice():
    with TeacherEndpoint(lambda _: "1234", faults=[Fault.twice()]) as endpoint, connect(endpoint) as client:
        client.sendall(raw(ask("q")))
        sent = b""
        while sent.count(b'"total_tokens"') < 2:
            sent += client.recv(10_000)
    half = len(sent) // 2
    assert sent[:half] == sent[half:]
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
