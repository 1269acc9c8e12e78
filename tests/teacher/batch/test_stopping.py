"""A session by batches that is killed or interrupted, in a process of its own, and then continued."""

import os
import signal
import threading
import time

import openai
import pytest

from tests.processes import forked, import_before_forking
from tests.teacher.batch.sessions import PROBLEMS, Sessions, batches_made, requests
from tutelage.errors import TeacherError
from tutelage.records import Usage
from tutelage.teacher.batch import batches
from tutelage.testing import Fault, TeacherEndpoint, answer_key_reply
from tutelage.testing.batch_job import Job

pytestmark = pytest.mark.slow

COUNT = len(PROBLEMS)
INTERRUPTED = 130
MAKE, UPLOAD, FETCH = "POST /v1/batches", "POST /v1/files", "GET /v1/files/*/content"
LOOK = "GET /v1/batches/batch_1"
LATE = Fault.slow(3600)  # the call has its effect, and its answer never comes

import_before_forking(__name__)


def serve(**settings):
    return TeacherEndpoint(answer_key_reply(PROBLEMS), **settings)


def hold(endpoint, folder, run_id, before_upload):
    """One session; if `before_upload`, the process kills itself there."""
    batches.AT_ONCE = 2

    async def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    if before_upload:
        batches.BatchClient.upload = die
    try:
        _, error = Sessions(folder).hold(endpoint, requests(), run_id=run_id, retries=1)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    raise SystemExit(error.exit_code if error else 0)


class Address:
    """What another process needs to know of an endpoint."""

    def __init__(self, endpoint):
        self.base_url = endpoint.base_url


def start(endpoint, folder, run_id="run", *, before_upload=False):
    return forked(hold, Address(endpoint), folder, run_id, before_upload, daemon=True)


def finish(process):
    process.join(300)
    return process.exitcode


def wait_for(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def kill(process):
    process.kill()
    assert finish(process) == -signal.SIGKILL


def goes_on(endpoint, sessions):
    """The next process asks nothing twice and delivers everything."""
    delivered, error = sessions.hold(endpoint, requests(), retries=1)
    assert error is None
    assert [feedback.problem_id for feedback in delivered] == [problem.id for problem in PROBLEMS]
    assert all(feedback.verdict.correct and feedback.usage.requests == 1 for feedback in delivered)
    assert len(endpoint.requests) == COUNT
    with sessions.ledger() as ledger:
        assert ledger.spent("run").requests == COUNT
        assert (ledger.lost("run"), ledger.open_batches("run")) == (Usage(), [])


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def test_killed_before_the_upload(sessions):
    with serve() as endpoint:
        assert finish(start(endpoint, sessions.folder, before_upload=True)) == -signal.SIGKILL
        with sessions.ledger() as ledger:
            assert ledger.lost("run").requests == COUNT
        assert list(endpoint.batch_calls) == []
        goes_on(endpoint, sessions)
        assert batches_made(endpoint) == 1


@pytest.mark.parametrize(("call", "made"), [(UPLOAD, 1), (MAKE, 1)])
def test_killed_when_the_file_was_there_or_the_batch_made_and_not_known(sessions, call, made):
    with serve(batch_faults={call: [LATE]}) as endpoint:
        process = start(endpoint, sessions.folder)
        wait_for(lambda: call in endpoint.batch_calls)
        time.sleep(0.05)
        kill(process)
        goes_on(endpoint, sessions)
        assert batches_made(endpoint) == made


def test_killed_while_it_waits(sessions):
    with serve(batch_seconds=1.0) as endpoint:
        for moment in (1, 8, 15):
            process = start(endpoint, sessions.folder)
            wait_for(lambda moment=moment: len(endpoint.requests) >= moment)
            kill(process)
        goes_on(endpoint, sessions)
        assert batches_made(endpoint) == 1


def test_killed_while_it_keeps_the_results(sessions):
    with serve(batch_faults={FETCH: [Fault.slow_body(5), Fault.slow_body(5)]}) as endpoint:
        for moment in (1, 5):
            process = start(endpoint, sessions.folder)
            with sessions.ledger() as ledger:
                wait_for(lambda moment=moment: COUNT - ledger.lost("run").requests >= moment and endpoint.requests)
                kill(process)
                assert 0 < ledger.lost("run").requests < COUNT
        goes_on(endpoint, sessions)
        assert batches_made(endpoint) == 1


def test_interrupted_it_leaves_the_batch_to_be_collected(sessions, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(Job, "_wait", lambda job, share: let_go.wait())
    with serve() as endpoint:
        process = start(endpoint, sessions.folder)
        wait_for(lambda: LOOK in endpoint.batch_calls)
        os.kill(process.pid, signal.SIGINT)
        assert finish(process) == INTERRUPTED
        assert endpoint.requests == []
        let_go.set()
        goes_on(endpoint, sessions)
        assert batches_made(endpoint) == 1


def test_batches_of_another_run_are_its_own(sessions):
    with serve(batch_seconds=0.5) as endpoint:
        process = start(endpoint, sessions.folder, "other")
        wait_for(lambda: endpoint.requests)
        kill(process)
        delivered, error = sessions.hold(endpoint, requests())
        assert (error, len(delivered), batches_made(endpoint)) == (None, COUNT, 2)
        with sessions.ledger() as ledger:
            assert len(ledger.open_batches("other")) == 1
            assert ledger.lost("other").requests == COUNT
            assert ledger.spent("run").requests == COUNT


def test_batches_at_another_endpoint_are_left_alone(sessions):
    with serve(batch_seconds=60) as endpoint, serve() as another:
        process = start(endpoint, sessions.folder)
        wait_for(lambda: MAKE in endpoint.batch_calls)
        kill(process)
        delivered, error = sessions.hold(another, requests())
        assert (error, len(delivered), len(another.requests)) == (None, COUNT, COUNT)
        with sessions.ledger() as ledger:
            assert ledger.spent("run").requests == 2 * COUNT  # the first batch may well be charged


def test_online_nothing_is_asked_while_a_batch_is_on_its_way(sessions):
    with serve(batch_seconds=1.5) as endpoint:
        process = start(endpoint, sessions.folder)
        wait_for(lambda: endpoint.requests)
        kill(process)
        delivered, error = sessions.hold(endpoint, requests(), batch=False)
        assert (delivered, type(error)) == ([], TeacherError)
        assert "the batch batch_1 of this run is still on its way" in str(error)
        assert "set teacher.batch to true" in str(error)
        delivered, error = sessions.hold(endpoint, requests(5), batch=False, run_id="unconcerned")
        assert (error, len(delivered)) == (None, 5)
        with openai.OpenAI(base_url=endpoint.base_url, api_key="k") as client:
            wait_for(lambda: client.batches.retrieve("batch_1").status == "completed")
        price = {"prompt": 1000.0, "completion": 1000.0}
        delivered, error = sessions.hold(endpoint, requests(), batch=False, price=price)
        assert (error, len(delivered), len(endpoint.requests)) == (None, COUNT, COUNT + 5)
    for feedback in delivered:  # bought by the batch, at half the price
        tokens = feedback.usage.prompt_tokens + feedback.usage.completion_tokens
        assert feedback.usage.cost_usd == pytest.approx(tokens * 500e-6)
