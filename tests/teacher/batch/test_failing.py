"""What goes wrong with single lines of a batch."""

import pytest

from tests.teacher.batch.sessions import KEY, PROBLEMS, Sessions, batches_made, requests
from tutelage.config import BudgetConfig
from tutelage.errors import BudgetSpent
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply

TRANSIENT_LINES = [
    (Fault.http(429, "slow down"), "rate limit", 0),
    (Fault.http(500, "oh"), "server error", 0),
    (Fault.reset(), "server error", 0),
    (Fault.html(), "broken reply", 1),
    (Fault.empty(), "broken reply", 1),
    (Fault.garbage(), "broken reply", 1),
    (Fault.half_body(), "broken reply", 1),
    (Fault.wrong_json(), "broken reply", 1),
    (Fault.missing_choices(), "broken reply", 1),
]


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def serve(**settings):
    return TeacherEndpoint(answer_key_reply(PROBLEMS), **settings)


@pytest.mark.parametrize(("fault", "reason", "lost"), TRANSIENT_LINES)
def test_a_line_that_fails_by_chance_is_in_the_next_batch(sessions, fault, reason, lost):
    with answer_key_endpoint(PROBLEMS, faults=[None, fault]) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=1)
        assert (error, batches_made(endpoint), len(endpoint.requests)) == (None, 2, 5)
    assert all(feedback.verdict.correct and feedback.usage.requests == 1 for feedback in delivered)
    with sessions.ledger() as ledger:
        assert (ledger.lost("run").requests, ledger.spent("run").requests) == (lost, 4 + lost)


@pytest.mark.parametrize(("fault", "reason", "lost"), TRANSIENT_LINES)
def test_at_the_end_of_its_tries_it_is_one_failure(sessions, fault, reason, lost):
    def faults(number, body):
        return fault if PROBLEMS[1].question in body["messages"][-1]["content"] else None

    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=2)
        assert (error, batches_made(endpoint), len(endpoint.requests)) == (None, 3, 6)
    [failed] = [feedback for feedback in delivered if feedback.failure]
    assert (failed.failure, failed.usage, failed.problem_id) == (reason, Usage(), PROBLEMS[1].id)
    assert failed.verdict.reason.startswith("no reply: ")
    assert len(delivered) == 4
    with LedgerReader(sessions.path) as reader:
        assert [(count.reason, count.requests) for count in reader.failures()] == [(reason, 1)]
        assert reader.lost().requests == 3 * lost


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.http(400, "no", code="content_filter"), "refused by policy"),
        (Fault.http(400, "too long", code="context_length_exceeded"), "rejected request"),
    ],
)
def test_a_line_that_would_fail_again_is_not_asked_again(sessions, fault, reason):
    with answer_key_endpoint(PROBLEMS, faults=[None, fault]) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=3)
        assert (error, batches_made(endpoint)) == (None, 1)
    assert [feedback.failure for feedback in delivered] == [None, reason, None, None]
    with sessions.ledger() as ledger:
        assert ledger.lost("run") == Usage()


def test_a_withheld_or_doubled_line(sessions):
    with answer_key_endpoint(
        PROBLEMS, faults=[Fault.content_filter(), Fault.twice(), Fault.missing_usage()]
    ) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(3))
        assert (error, len(endpoint.requests)) == (None, 4)
    assert [feedback.usage.requests for feedback in delivered] == [1, 1, 2]  # the one asked again comes last
    assert delivered[1].usage.completion_tokens == 512  # not told, so its bound


def test_lines_that_expired_are_in_the_next_batch(sessions):
    with serve(batch_expires_after=3) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(8), retries=2)
        assert (error, batches_made(endpoint), len(endpoint.requests)) == (None, 3, 8)
        assert all(feedback.verdict.correct for feedback in delivered)
        delivered, error = sessions.hold(endpoint, requests(20)[8:], retries=1)
    assert [feedback.failure for feedback in delivered] == [None] * 6 + ["time-out"] * 6
    with sessions.ledger() as ledger:
        assert ledger.lost("run") == Usage()


class Spoilt(TeacherEndpoint):
    """An endpoint whose files of results lack a line, or hold one that is none."""

    def __init__(self, spoil):
        super().__init__(answer_key_reply(PROBLEMS))
        self._server.handle = lambda request, send: self._handle(
            request, lambda response: send(spoil(request, response))
        )


@pytest.mark.parametrize(
    "line", [b"", b"{\n", b'{"custom_id": 3}\n', b"\xff\n", b'{"custom_id": "x", "response": null}\n']
)
@pytest.mark.parametrize("retries", [0, 1])
def test_a_line_that_is_missing_or_broken(sessions, line, retries):
    spoilt = []

    def spoil(request, response):
        if request.path.endswith("/content") and not spoilt:
            first, _, *rest = response.body.splitlines(keepends=True)
            spoilt.append(True)
            return type(response)(200, b"".join([first, line, *rest]), response.headers)
        return response

    with Spoilt(spoil) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(4), retries=retries)
        assert (error, len(endpoint.requests)) == (None, 4 + retries)
    assert [feedback.failure for feedback in delivered] == [None, None if retries else "broken reply", None, None]
    with sessions.ledger() as ledger:
        assert ledger.lost("run").requests == 1  # it may have been charged


def test_an_endpoint_that_only_fails(sessions):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.http(500, "down")) as endpoint:
        delivered, error = sessions.hold(endpoint, requests())
    assert {feedback.failure for feedback in delivered} == {"server error"}
    assert "keeps failing: 20 of the last 20 requests failed: 20 server error" in str(error)


def test_lost_lines_count_against_the_cap(sessions):
    with answer_key_endpoint(PROBLEMS, faults=[Fault.garbage()] * 2) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(), retries=3, budget=BudgetConfig(requests=6))
        assert len(endpoint.requests) == 6
    assert isinstance(error, BudgetSpent)
    assert len(delivered) == 4


def test_the_key_is_kept_nowhere(sessions):
    echo = Fault.http(500, f"wrong key {KEY}")
    with TeacherEndpoint(lambda _: f"{KEY} is your key.\nThe answer is 8.", faults=[echo], key=KEY) as endpoint:
        delivered, error = sessions.hold(endpoint, requests(2))
    assert KEY not in f"{delivered} {error} {sessions.said}"
    for path in sessions.folder.iterdir():
        assert KEY.encode() not in path.read_bytes()


MANY = [
    Problem.of(f"Tom has {n} boxes of 4 pens. How many pens?", str(4 * n), equation=f"{n} * 4") for n in range(2, 82)
]


def many():
    return [FeedbackRequest(problem) for problem in MANY]


def test_a_file_of_all_goes_out_once_a_reply_was_of_use(sessions):
    with answer_key_endpoint(MANY) as endpoint:
        delivered, error = sessions.hold(endpoint, many())
        assert (error, len(delivered), batches_made(endpoint)) == (None, 80, 2)  # of 20 and of 60
        sessions.hold(endpoint, [FeedbackRequest(problem, sample=1) for problem in MANY])
        assert batches_made(endpoint) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.only_thoughts(), "only thought: 20 of its last 20 replies"),
        (Fault.http(400, "Unsupported parameter: 'temperature'"), "set teacher.temperature to null"),
        (Fault.http(422, "computer says no"), "computer says no"),
        (Fault.http(403, "Your region is not supported"), "Your region is not supported"),
    ],
)
def test_what_never_works_is_not_asked_more_than_a_trial(sessions, fault, said):
    with answer_key_endpoint(MANY, faults=lambda *_: fault) as endpoint:
        delivered, error = sessions.hold(endpoint, many())
        assert (delivered, len(endpoint.requests), batches_made(endpoint)) == ([], 20, 1)
    assert said in str(error)


def test_a_model_that_says_nothing_of_use_is_stopped_after_a_few(sessions):
    with TeacherEndpoint(lambda _: "I cannot say.") as endpoint:
        _, error = sessions.hold(endpoint, many())
        assert len(endpoint.requests) <= 4 * 20
    assert "keeps failing" in str(error)
    assert "tutelage refused RUN" in str(error)


def test_a_parameter_that_is_refused_is_no_line_s_own_fault(sessions):
    """Though others were answered."""
    fault = Fault.http(400, "Unsupported parameter: 'temperature' is not supported with this model.")
    with answer_key_endpoint(PROBLEMS, faults=[None, None, fault]) as endpoint:
        _, error = sessions.hold(endpoint, requests(4))
    assert "set teacher.temperature to null" in str(error)


def test_one_line_in_words_that_nobody_knows_ends_no_start(sessions):
    def faults(_, body):
        return Fault.http(400, "computer says no") if PROBLEMS[1].question in body["messages"][-1]["content"] else None

    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        for _ in range(2):
            delivered, error = sessions.hold(endpoint, requests(4))
            assert error is None
            assert [feedback.failure for feedback in delivered].count("rejected request") == 1
