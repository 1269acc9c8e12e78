import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime

import pytest

from tests.testing.asking import ask, connect, post, raw, refused, text_of
from tutelage.testing import Fault, TeacherEndpoint, request_key


def test_answers_with_realistic_figures():
    with TeacherEndpoint(lambda body: body["messages"][0]["content"].upper()) as endpoint:
        completion = post(endpoint, ask("three little words"))
        assert endpoint.requests == [ask("three little words")]
    assert text_of(completion) == "THREE LITTLE WORDS"
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def test_answers_from_a_mapping():
    with TeacherEndpoint({"How many": "Some.", "How many pens?": "Twelve."}) as endpoint:
        texts = [text_of(post(endpoint, ask(f"Question: {q}"))) for q in ("How many pens?", "Who?")]
    assert texts == ["Twelve.", "This question is not known here."]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"body": ask("q"), "key": "wrong"}, 401),
        ({"body": ask("q"), "key": "right", "path": "/models"}, 404),
        ({"body": b"{", "key": "right"}, 400),
        ({"body": b"[1]", "key": "right"}, 400),
        ({"body": {"messages": []}, "key": "right"}, 400),
        ({"body": {"messages": [{"content": ["a part"]}]}, "key": "right"}, 400),
    ],
)
def test_refusals(arguments, status):
    with TeacherEndpoint(lambda _: "", key="right") as endpoint:
        assert refused(endpoint, **arguments)[0] == status
        assert refused(endpoint, None, path="")[0] == 401
        assert (endpoint.requests, endpoint.log) == ([], [])


def test_a_body_without_its_length_is_refused_and_the_connection_closed():
    with TeacherEndpoint(lambda _: "") as endpoint, connect(endpoint) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 411 ")
        assert client.recv(1000) == b""


def test_every_completion_takes_the_latency():
    with TeacherEndpoint(lambda _: "four", latency=0.2) as endpoint:
        post(endpoint, ask("q"))
    (seen,) = endpoint.log
    assert seen.finished is not None
    assert seen.finished - seen.arrival >= 0.2


def test_faults_come_at_once_and_many_are_in_flight():
    with (
        ThreadPoolExecutor(64) as pool,
        TeacherEndpoint(lambda _: "four", latency=3600.0, faults=[Fault.http(500)]) as endpoint,
    ):
        assert refused(endpoint, ask("q"))[0] == 500
        clients = [connect(endpoint) for _ in range(64)]
        list(pool.map(lambda client: client.sendall(raw(ask("q"))), clients))
        while endpoint.most_at_once < 64:
            time.sleep(0.002)
    for client in clients:
        client.close()


def test_the_log_says_what_came_and_what_it_cost():
    faults = [None, Fault.http(429), Fault.reset(), Fault.half_body(), Fault.missing_usage()]
    start = time.monotonic()
    with TeacherEndpoint(lambda _: "two words", faults=faults, keep=False) as endpoint:
        for number in range(5):
            with connect(endpoint) as client, suppress(ConnectionResetError):
                client.sendall(raw(ask(f"question {number}")))
                client.recv(1000)
    log = endpoint.log
    assert endpoint.requests == []
    assert [seen.status for seen in log] == [200, 429, 0, 200, 200]
    assert [(seen.prompt_tokens, seen.completion_tokens) for seen in log] == [(6, 2), (0, 0), (0, 0), (6, 2), (6, 2)]
    assert [seen.key for seen in log] == [request_key(ask(f"question {number}")) for number in range(5)]
    assert [seen.finished is None for seen in log] == [False, False, True, True, False]
    moments = [start, *(seen.arrival for seen in log), time.monotonic()]
    assert moments == sorted(moments)


def test_a_clock_that_is_off():
    start = int(time.time())
    with TeacherEndpoint(lambda _: "", clock_offset=-7200.0, faults=[Fault.rate_limited(30, "date"), None]) as endpoint:
        _, headers, _ = refused(endpoint, ask("q"))
        date, retry = (parsedate_to_datetime(headers[name]).timestamp() for name in ("date", "retry-after"))
        created = post(endpoint, ask("q"))["created"]
    assert abs(retry - date - 30) <= 1
    assert start <= date + 7200 <= created + 7200 <= time.time() + 1


def test_several_requests_on_one_connection():
    with TeacherEndpoint(lambda body: body["messages"][0]["content"]) as endpoint, connect(endpoint) as client:
        for word in ("first", "second"):
            client.sendall(raw(ask(word)))
            assert word.encode() in client.recv(10_000)


def test_what_is_on_its_way_is_given_up_at_the_end():
    with TeacherEndpoint(lambda _: "", latency=3600.0) as endpoint:
        client = connect(endpoint)
        client.sendall(raw(ask("q")))
        while not endpoint.log:
            time.sleep(0.001)
    with client:
        assert client.recv(1000) == b""
    assert [(seen.status, seen.finished) for seen in endpoint.log] == [(200, None)]


def test_a_reply_that_fails_shows_itself(capfd):
    def reply(_):
        raise LookupError("a bug of the test's own")

    with TeacherEndpoint(reply) as endpoint, pytest.raises(ConnectionError):
        post(endpoint, ask("q"))
    assert "a bug of the test's own" in capfd.readouterr().err


def test_a_port_that_is_taken_is_an_error():
    with TeacherEndpoint(lambda _: "") as endpoint:
        port = int(endpoint.base_url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            TeacherEndpoint(lambda _: "", port=port)
