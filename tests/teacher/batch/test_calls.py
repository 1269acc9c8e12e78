"""What goes wrong with a whole batch, and with the calls that make it, look at it and fetch its results."""

import re

import openai
import pytest

from tests.teacher.batch.sessions import KEY, PROBLEMS, Sessions, batches_made, requests
from tests.work import given_time
from tutelage.records import Usage
from tutelage.teacher.batch import batches, waiting
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.online import retry
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply

MAKE, UPLOAD, LIST = "POST /v1/batches", "POST /v1/files", "GET /v1/batches"
LOOK, FETCH = "GET /v1/batches/*", "GET /v1/files/*/content"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.02))


@pytest.fixture
def sessions(tmp_path, quick):
    return Sessions(tmp_path)


def serve(**settings):
    return TeacherEndpoint(answer_key_reply(PROBLEMS), **settings)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.http(401, "wrong"), r"refused the key \(401\)"),
        (Fault.http(403, "wrong key: Invalid API key"), r"refused the key \(403\)"),
        (Fault.http(429, "quota", code="insufficient_quota"), "has no quota left"),
    ],
)
@pytest.mark.parametrize("call", [None, UPLOAD, MAKE, LOOK, FETCH])
def test_what_is_refused_ends_the_session_and_is_mended(sessions, fault, message, call):
    settings = {"faults": [None, fault]} if call is None else {"batch_faults": {call: [fault]}}
    with serve(**settings) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=3)
        assert re.search(message, str(error))
        assert "\n" not in str(error)
        assert len(delivered) == (3 if call is None else 0)
        delivered, error = sessions.hold(endpoint, requests(4))
        assert (error, len(delivered)) == (None, 4)
        assert len(endpoint.requests) == (5 if call is None else 4)
    with LedgerReader(sessions.path) as reader:
        assert len(reader.failures()) == (call is None)
        assert reader.lost() == Usage()


@pytest.mark.parametrize("call", [UPLOAD, MAKE, LOOK, FETCH])
def test_a_model_that_is_unknown_ends_the_session_and_is_mended(sessions, call):
    with serve(batch_faults={call: [Fault.http(404, "no such model")]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=3)
        assert "no such model; check teacher.model" in str(error)
        assert delivered == []
        delivered, error = sessions.hold(endpoint, requests(4))
        assert (error, len(delivered), len(endpoint.requests)) == (None, 4, 4)


@pytest.mark.parametrize("call", [UPLOAD, LOOK, FETCH])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.http(500),
        Fault.rate_limited(0.02, "ms"),
        Fault.reset(),
        Fault.half_body(),
        Fault.html(),
        Fault.wrong_json(),
        Fault.empty(),
    ],
)
def test_a_call_that_fails_by_chance_is_tried_again(sessions, call, fault):
    with serve(batch_faults={call: [fault, fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=2)
        assert (error, len(delivered), batches_made(endpoint), len(endpoint.requests)) == (None, 6, 1, 6)


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("lost", [Fault.reset(), Fault.half_body(), None], ids=["reset", "half a body", "late"])
def test_a_batch_whose_answer_was_lost_is_made_once(quick, tmp_path_factory, lost, retries):
    def passes(seconds):
        sessions, fault = Sessions(tmp_path_factory.mktemp("sessions")), lost or Fault.slow(4 * seconds)
        with serve(batch_faults={MAKE: [fault], LIST: [Fault.reset()] if retries else []}) as endpoint:
            delivered, error = sessions.hold(endpoint, requests(6), retries=retries, timeout=seconds)
            assert (error, len(delivered)) == (None, 6)
            assert (batches_made(endpoint), len(endpoint.requests)) == (1, 6)

    given_time(passes, 60.0 if lost else 0.5)


@pytest.mark.parametrize("fault", [Fault.http(500), Fault.http(429)])
def test_a_batch_that_was_not_made_is_looked_for_and_made_again(sessions, fault):
    with serve(batch_faults={MAKE: [fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=1)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 6, 6)
        assert [call for call in endpoint.batch_calls if call in (MAKE, LIST)] == [MAKE, LIST, LIST, LIST, MAKE]


def test_a_list_that_lags_behind(sessions, monkeypatch):
    with serve(batch_faults={MAKE: [Fault.reset()]}) as endpoint:
        find, looks = batches.BatchClient.find, []

        async def lag(client, token):
            looks.append(token)
            return await find(client, token) if len(looks) > 2 else None

        monkeypatch.setattr(batches.BatchClient, "find", lag)
        assert sessions.hold(endpoint, requests(6))[1] is None
        assert (len(looks), batches_made(endpoint), len(endpoint.requests)) == (3, 1, 6)


@pytest.mark.parametrize("call", [UPLOAD, MAKE, FETCH])
def test_a_call_that_keeps_failing_ends_the_session(sessions, call):
    with serve(batch_faults={call: [Fault.http(503, "down")] * 3}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=2)
        assert re.search(r"the Batch API of http.* keeps failing: .*503.*: down; run the same command", str(error))
        assert delivered == []
        delivered, error = sessions.hold(endpoint, requests(6), retries=2)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 6, 6)
    with sessions.ledger() as ledger:
        assert ledger.lost("run") == Usage()


def test_no_word_of_a_batch_for_long_ends_the_session(sessions, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    with serve(batch_faults={LOOK: [None] + [Fault.http(500)] * 1000}, batch_seconds=30) as endpoint:
        _, error = sessions.hold(endpoint, requests(6))
    assert "keeps failing: the endpoint failed (500)" in str(error)


def test_a_batch_that_fails_as_a_whole_ends_in_the_endpoints_words(sessions, monkeypatch):
    line = batches.BatchClient.line
    with answer_key_endpoint(PROBLEMS) as endpoint:
        with monkeypatch.context() as patch:
            patch.setattr(batches.BatchClient, "line", lambda *asked: line(*asked).replace(b"POST", KEY.encode()))
            delivered, error = sessions.hold(endpoint, requests(6))
        assert delivered == []
        assert "refused the batch batch_1 (method must be POST" in str(error)
        assert "; and 3 more)" in str(error)
        with sessions.ledger() as ledger:
            assert ledger.spent("run") == Usage()
        delivered, error = sessions.hold(endpoint, requests(6))
        assert (error, len(delivered)) == (None, 6)


def test_a_batch_that_was_cancelled_ends_the_session(sessions):
    with serve(batch_seconds=5.0) as endpoint:

        def cancel(said):
            if re.search(": [1-9][0-9]* of 20 done", said) and not sessions.said:
                sessions.said.append(said)
                with openai.OpenAI(base_url=endpoint.base_url, api_key="k") as client:
                    client.batches.cancel("batch_1")

        delivered, error = sessions.hold(endpoint, requests(), say=cancel)
        assert "the batch batch_1 was cancelled" in str(error)
        assert 0 < len(delivered) == len(endpoint.requests) < 20
        endpoint._batches._seconds = 0.0
        again, error = sessions.hold(endpoint, requests())
        assert (error, len(again), len(endpoint.requests)) == (None, 20, 20)
