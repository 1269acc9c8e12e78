"""Batch APIs that differ from OpenAI's, and those that refuse or forget what was handed in."""

import json

import pytest

from tests.teacher.batch.sessions import PROBLEMS, Sessions, batches_made, requests
from tutelage.records import Usage
from tutelage.teacher.batch import batches, waiting
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply

MAKE, UPLOAD, LIST, LOOK, FETCH = (
    "POST /v1/batches", "POST /v1/files", "GET /v1/batches", "GET /v1/batches/*", "GET /v1/files/*/content",
)  # fmt: skip


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def serve(**settings):
    return TeacherEndpoint(answer_key_reply(PROBLEMS), **settings)


def lost(sessions):
    with sessions.ledger() as ledger:
        return ledger.lost("run")


@pytest.mark.parametrize("share", [0.9, 0.4, 0.1])
def test_more_than_may_be_on_its_way_goes_in_smaller_files(sessions, tmp_path_factory, share):
    with serve() as endpoint:
        Sessions(tmp_path_factory.mktemp("first")).hold(endpoint, requests())
        words = sum(len(m["content"].split()) for body in endpoint.requests for m in body["messages"])
    with serve(batch_tokens=int(share * words)) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(), retries=1)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 20, 20)
        assert batches_made(endpoint) > 1 / share
    assert all(feedback.verdict.correct for feedback in delivered)


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (UPLOAD, Fault.http(413, "Request Entity Too Large")),
        (UPLOAD, Fault.http(400, "The file is too large: 120 MB")),
        (MAKE, Fault.http(400, "Enqueued token limit reached for m. Limit: 90,000 enqueued tokens.")),
        (MAKE, Fault.http(429, "Batch rate limit exceeded: 20 requests but only 12 left")),
    ],
)
def test_what_is_refused_as_too_much_goes_in_smaller_files(sessions, call, fault):
    with serve(batch_faults={call: [fault, fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests())
        assert (error, len(delivered), len(endpoint.requests)) == (None, 20, 20)
    assert [line for line in sessions.said if "is too much" in line][1].endswith("5 at a time from now on")
    assert lost(sessions) == Usage()


def test_a_queue_that_takes_not_one_more_ends_the_session_and_goes_on_later(sessions):
    with serve(batch_tokens=1) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6))
        assert delivered == []
        assert "takes not one request more in a batch (Enqueued token limit reached" in str(error)
        endpoint._batches._enqueued_tokens = None
        delivered, error = sessions.hold(endpoint, requests(6))
        assert (error, len(delivered), len(endpoint.requests)) == (None, 6, 6)
    assert lost(sessions) == Usage()


def test_together_s_words_and_shapes(sessions):
    with serve(batch_like="together", batch_seconds=0.2) as endpoint:
        delivered, error = sessions.hold(endpoint, requests())
        assert (error, len(delivered), batches_made(endpoint)) == (None, 20, 1)
    assert all(feedback.verdict.correct for feedback in delivered)


@pytest.mark.parametrize("like", ["openai", "together"])
def test_a_batch_whose_answer_was_lost_is_found_by_its_file(sessions, like):
    with serve(batch_like=like, batch_faults={MAKE: [Fault.reset()]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6))
        assert (error, len(delivered), batches_made(endpoint), len(endpoint.requests)) == (None, 6, 1, 6)


@pytest.mark.parametrize("retries", [1, 3])
def test_a_batch_that_the_endpoint_has_forgotten(sessions, retries):
    with serve(batch_seconds=30.0) as endpoint:

        def forget(said):
            sessions.said.append(said)
            if "handed in" in said and len(sessions.said) == 1:
                endpoint._batches._seconds = 0.0
                endpoint.forget_batches()

        delivered, error = sessions.hold(endpoint, requests(6), retries=retries, say=forget)
        assert (error, len(delivered), batches_made(endpoint)) == (None, 6, 2)
    assert all(feedback.verdict.correct for feedback in delivered)
    [line] = [line for line in sessions.said if "no longer knows" in line]
    assert "its 6 requests count as perhaps charged, and are asked again" in line
    assert lost(sessions).requests == 6


def test_one_that_was_forgotten_between_two_starts_is_no_dead_end(sessions):
    with serve(batch_seconds=30.0) as endpoint:

        def stop(said):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sessions.hold(endpoint, requests(6), say=stop)
        endpoint.forget_batches()
        endpoint._batches._seconds = 0.0
        for batch in (False, True):
            delivered, error = sessions.hold(endpoint, requests(6), batch=batch)
            assert (error, len(delivered)) == (None, 6)
        assert len(endpoint.requests) == 6
    assert lost(sessions).requests == 6


def test_results_that_are_gone_are_asked_again(sessions):
    fault = Fault.http(404, "No such File object: file-2")
    with serve(batch_faults={FETCH: [fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=1)
        assert (error, len(delivered), batches_made(endpoint)) == (None, 6, 2)
    assert all(feedback.verdict.correct for feedback in delivered)
    assert lost(sessions).requests == 6


def test_one_bad_line_is_left_out_and_the_others_go_again(sessions, monkeypatch):
    line = batches.BatchClient.line
    spoil = lambda client, name, messages, *rest: (  # noqa: E731
        line(client, name, messages, *rest).replace(b"POST", b"PUT")
        if PROBLEMS[2].question in messages[-1]["content"]
        else line(client, name, messages, *rest)
    )
    monkeypatch.setattr(batches.BatchClient, "line", spoil)
    with serve() as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=3)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 6, 5)
    failed = {feedback.problem_id: feedback.failure for feedback in delivered if feedback.failure}
    assert failed == {PROBLEMS[2].id: "rejected request"}
    assert any("for 1 of its lines" in line for line in sessions.said)
    assert lost(sessions) == Usage()


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_line_that_is_refused_for_itself_is_its_own_failure(sessions, status):
    def faults(_, body):
        return (
            Fault.http(status, "no such thing here")
            if PROBLEMS[1].question in body["messages"][-1]["content"]
            else None
        )

    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=2)
        assert (error, len(delivered), batches_made(endpoint)) == (None, 6, 1)
    assert [feedback.failure for feedback in delivered].count("rejected request") == 1


def test_where_every_line_is_refused_the_session_ends(sessions):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.http(400, "no such thing here")) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=2)
        assert (delivered, batches_made(endpoint)) == ([], 1)
    assert "no such thing here" in str(error)


@pytest.mark.parametrize(("call", "status"), [(UPLOAD, 404), (UPLOAD, 405), (UPLOAD, 501), (MAKE, 404)])
def test_an_endpoint_without_a_batch_api_is_said_so(sessions, call, status):
    fault = Fault(status, body=json.dumps({"detail": "Not Found"}).encode())
    with serve(batch_faults={call: [fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=3)
        assert delivered == []
        assert f"has no Batch API ({status}: " in str(error)
        assert "set teacher.batch to false" in str(error)
        delivered, error = sessions.hold(endpoint, requests(6), batch=False)
        assert (error, len(delivered)) == (None, 6)
    assert lost(sessions) == Usage()


def test_an_endpoint_that_answers_all_calls_with_a_good_status(sessions):
    """LM Studio."""
    fault = Fault(body=b'{"error": "Unexpected endpoint or method. (POST /v1/files). Returning 200 anyway"}')
    with serve(batch_faults={UPLOAD: [fault]}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=3)
        assert (delivered, len(endpoint.batch_calls)) == ([], 1)
    assert "has no Batch API (" in str(error)


@pytest.mark.parametrize("batch", [True, False])
def test_files_that_are_named_after_the_end_are_waited_for(sessions, batch):
    """OpenAI's own API has done this: what was paid for would be asked, and paid for, again."""
    done = {"id": "batch_1", "status": "completed", "request_counts": {"total": 6, "completed": 6, "failed": 0}}
    early = Fault(body=json.dumps(done | {"output_file_id": None, "error_file_id": None}).encode())
    with serve(batch_faults={LOOK: [early, early] if batch else [early]}) as endpoint:
        if not batch:

            def stop(said):
                raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                sessions.hold(endpoint, requests(6), say=stop)
        delivered, error = sessions.hold(endpoint, requests(6), batch=batch, retries=1)
        assert (error, len(delivered), batches_made(endpoint), len(endpoint.requests)) == (None, 6, 1, 6)
    assert all(feedback.verdict.correct for feedback in delivered)
    assert lost(sessions) == Usage()


def test_a_line_whose_model_is_unknown_for_once_is_in_the_next_batch(sessions):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.http(404, "no endpoints found")]) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=1)
        assert (error, len(delivered), batches_made(endpoint)) == (None, 6, 2)
    assert all(feedback.verdict.correct for feedback in delivered)


def test_a_model_that_is_dropped_between_two_batches_ends_the_session(sessions):
    with answer_key_endpoint(PROBLEMS, faults=lambda n, _: Fault.http(404, "gone") if n >= 4 else None) as endpoint:
        sessions.hold(endpoint, requests(4))
        delivered, error = sessions.hold(endpoint, requests(9), retries=1)
    assert len(delivered) == 4
    assert "gone; check teacher.model" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "Content Exists Risk", "type": "BadRequestError", "code": 400},
        {"error": "Content Exists Risk"},
        {"detail": "Content Exists Risk"},
    ],
)
def test_the_words_of_a_line_s_refusal_are_read_in_any_shape(body):
    from tests.teacher.batch.test_client import ENDPOINT, read_result

    line = {"custom_id": "a", "response": {"status_code": 400, "body": body}}
    _, failure = read_result(json.dumps(line).encode(), ENDPOINT)
    assert failure.reason == "refused by policy"
    assert "Content Exists Risk" in str(failure)


def strange(body=b'{"id": "batch_1", "status": "brewing"}', times=3):
    return {LOOK: [Fault(body=body)] * times}


def test_a_strange_word_is_said_once_and_waited_out(sessions):
    with serve(batch_faults=strange()) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6))
        assert (error, len(delivered)) == (None, 6)
    assert sum("'brewing'" in line for line in sessions.said) == 1


def test_waiting_is_neither_silent_nor_for_ever(sessions, monkeypatch):
    monkeypatch.setattr(waiting, "SILENCE", 0.02)
    with serve(batch_faults=strange(times=1000)) as endpoint:

        def say(said):
            sessions.said.append(said)
            if sum("it is brewing" in line for line in sessions.said) == 3:
                monkeypatch.setattr(waiting, "LONGEST", 0.0)

        delivered, error = sessions.hold(endpoint, requests(6), say=say)
    assert delivered == []
    assert "has not ended in 0 h (brewing, it is brewing); cancel it there" in str(error)


def test_a_list_that_never_ends_is_left(sessions):
    page = Fault(body=b'{"data": [{"id": "batch_9"}], "has_more": true}')
    with serve(batch_faults={MAKE: [Fault.http(500)], LIST: [page] * 100}) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(6), retries=1)
        assert (error, len(delivered), len(endpoint.requests)) == (None, 6, 6)


@pytest.mark.parametrize("wrap", [lambda line: line | {"response": line["response"]["body"]}])
def test_a_completion_without_a_status_around_it_is_read(wrap):
    from tests.teacher.batch.test_client import ENDPOINT, read_result

    body = {"choices": [{"message": {"content": "12"}}], "usage": {"prompt_tokens": 3}}
    line = wrap({"custom_id": "a", "response": {"status_code": 200, "body": body}})
    name, reply = read_result(json.dumps(line).encode(), ENDPOINT)
    assert (name, reply.text, reply.prompt_tokens) == ("a", "12", 3)
