"""Retry-after: which requests wait, how long, and when the wait is too long."""

import asyncio
import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.teacher.online.sessions import PROBLEMS, boxes, failures, requests, spent, teach
from tutelage.records import Usage
from tutelage.teacher.online import retry
from tutelage.teacher.online.limits import Limits
from tutelage.teacher.online.status import LONGEST_WAIT
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply

pytestmark = pytest.mark.slow

YEAR = 365 * 86400.0


def arrivals_after(endpoint, count):
    """Seconds from the first arrival to the others, but for the first `count`."""
    first, *rest = [seen.arrival for seen in endpoint.log]
    return [arrival - first for arrival in rest[count - 1 :]]


@pytest.mark.parametrize(
    ("fault", "offset"),
    [
        (Fault.rate_limited(1), 0.0),
        (Fault.rate_limited(1, "ms"), 0.0),
        (Fault.rate_limited(1, "reset"), 0.0),
        (Fault.http(503, retry_after="1"), 0.0),
        (Fault.rate_limited(2, "date"), YEAR),  # a date is in whole seconds: it may come to one only
        (Fault.rate_limited(2, "date"), -YEAR),
    ],
    ids=["seconds", "ms", "reset", "503", "date, a year fast", "date, a year slow"],
)
def test_all_workers_wait_as_long_as_one_is_told_to(tmp_path, monkeypatch, fault, offset):
    """The first of four is told to wait; the others are answered when it has heard that."""
    known, hold, heard = answer_key_reply(PROBLEMS), Limits.hold, threading.Event()

    def reply(body):
        heard.wait()
        return known(body)

    monkeypatch.setattr(Limits, "hold", lambda limits, seconds: (hold(limits, seconds), heard.set()))
    with TeacherEndpoint(reply, faults=[fault], clock_offset=offset) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(8), concurrency=4, retries=1)
    assert (error, len(delivered), len(endpoint.log)) == (None, 8, 9)
    assert all(feedback.verdict.correct for feedback in delivered)
    assert min(arrivals_after(endpoint, 4)) >= 1.0
    assert spent(tmp_path).requests == 8


def test_without_being_told_only_the_one_backs_off(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (600.0, 600.0))
    sleep = asyncio.sleep

    async def backed_off(seconds):
        if seconds < 300:
            return await sleep(seconds)
        while len(endpoint.requests) < 5:
            await sleep(0.002)
        return None

    monkeypatch.setattr(asyncio, "sleep", backed_off)
    with answer_key_endpoint(PROBLEMS, faults=[Fault.rate_limited()]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(5), concurrency=2, retries=1)
    assert (error, len(delivered)) == (None, 5)
    assert boxes(endpoint.requests[-1]) == boxes(endpoint.requests[0])  # all others came before it tried again


def test_the_back_off_doubles(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.1, 30.0))
    with answer_key_endpoint(PROBLEMS, faults=[Fault.http(500)] * 4) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1), retries=4)
    assert (error, feedback.verdict.correct) == (None, True)
    pauses = [later.arrival - earlier.arrival for earlier, later in pairwise(endpoint.log)]
    assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses))


def test_told_to_wait_while_others_are_answered_it_is_not_given_up(tmp_path):
    """One request is refused three times, with a single retry allowed; meanwhile others get through."""
    refused = []

    def fault(_, body):
        if boxes(body) == 2 and len(refused) < 3:
            refused.append(boxes(body))
            return replace(Fault.rate_limited(0.1, "ms"), seconds=0.4)
        return Fault.slow(0.1)

    with answer_key_endpoint(PROBLEMS, faults=fault) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(45), concurrency=3, retries=1)
    assert (error, len(delivered), len(refused)) == (None, 45, 3)
    assert all(feedback.verdict.correct for feedback in delivered)


def test_told_to_wait_while_nobody_is_answered_it_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.05))
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.rate_limited(0.01, "ms")) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1), retries=3)
        assert len(endpoint.log) == 4
    assert (feedback.failure, error) == ("rate limit", None)
    pauses = [later.arrival - earlier.arrival for earlier, later in pairwise(endpoint.log)]
    assert min(pauses[1:]) >= 0.05  # the wait that it was told has turned out to be too short


@pytest.mark.parametrize("form", ["seconds", "date", "ms", "reset"])
def test_a_wait_that_is_too_long_ends_the_session(tmp_path, form):
    fault = Fault.rate_limited(LONGEST_WAIT + 60, form)
    with answer_key_endpoint(PROBLEMS, faults=[None, fault]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1, retries=5)
        assert len(endpoint.log) == 2
    assert len(delivered) == 1
    assert "wants to be left alone for 16 min (429): Rate limit reached; run the same command again then" in str(error)
    assert failures(tmp_path) == {"rate limit": 1}


def test_a_session_that_must_end_waits_for_nobody_who_waits(tmp_path):
    """Seven are told to wait for ten minutes; the one that is in flight ends the session."""
    faults = [replace(Fault.http(401), seconds=1.0), *[Fault.rate_limited(600)] * 7]
    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        _, error = teach(tmp_path, endpoint, requests(), concurrency=8, retries=5)
        seconds = time.monotonic() - endpoint.log[0].arrival
        assert len(endpoint.log) == 8
    assert "refused the key (401)" in str(error)
    assert spent(tmp_path) == Usage()
    assert seconds < 300
