"""What would go wrong with every other request too ends the session at once; and the key is nowhere to be found."""

import io
import logging
import traceback

import pytest

from tests.teacher.online.sessions import KEY, PROBLEMS, failures, make_teacher, requests, spent, teach
from tutelage.errors import TeacherError
from tutelage.records import Usage
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

ESCAPED = f'{{"choices": [{{"message": {{"content": "\\u0073{KEY[1:]}"}}, "finish_reason": "stop"}}]}}'.encode()
ECHO = f"Incorrect API key provided: {KEY}."
EARLIER = "x" * 254  # what is quoted of a message would end within the key


@pytest.mark.parametrize(
    ("fault", "reason", "message"),
    [
        (Fault.http(401), "authentication", "{url} refused the key (401); check $OPENAI_API_KEY"),
        (
            Fault.http(403, "Invalid API key"),
            "authentication",
            "{url} refused the key (403); check $OPENAI_API_KEY (it says: Invalid API key)",
        ),
        (
            Fault.http(402, "no money"),
            "quota",
            "{url} has no quota left (402): no money; add credit, then go on",
        ),
        (
            Fault.http(429, "You exceeded", code="insufficient_quota", retry_after="1"),
            "quota",
            "{url} has no quota left (429): You exceeded; add credit, then go on",
        ),
    ],
)
def test_it_ends_at_once_with_one_line_and_a_row_in_the_ledger(tmp_path, fault, reason, message):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: fault if number >= 2 else None) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1, retries=5)
        assert len(endpoint.requests) == 3
    assert len(delivered) == 2
    assert isinstance(error, TeacherError)
    assert message.format(url=endpoint.base_url) in str(error)
    assert "\n" not in str(error)
    assert failures(tmp_path) == {reason: 1}
    assert spent(tmp_path) == sum((feedback.usage for feedback in delivered), Usage())


@pytest.mark.parametrize(
    ("fault", "reason", "message"),
    [
        (Fault.http(403), "authentication", "{url} refused access (403): scripted fault; check what the account of $"),
        (
            Fault.http(400, "bad\ntemperature"),
            "rejected request",
            "{url} rejected the request (400): bad temperature; check the settings of teacher",
        ),
    ],
)
def test_what_may_be_one_request_s_own_fault_ends_it_where_none_is_answered(tmp_path, fault, reason, message):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: fault) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=1, retries=5)
        assert len(endpoint.requests) == 3
    assert delivered == []
    assert message.format(url=endpoint.base_url) in str(error)
    assert "\n" not in str(error)
    assert failures(tmp_path) == {reason: 1}
    assert spent(tmp_path) == Usage()


def test_no_worker_asks_again(tmp_path):
    with TeacherEndpoint({}, faults=lambda *_: Fault.http(401)) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(), concurrency=4, retries=5)
        assert len(endpoint.requests) <= 4
    assert (delivered, error.exit_code) == ([], 3)


def test_replies_in_flight_are_kept(tmp_path):
    faults = [Fault.slow(0.5), Fault.slow(0.5), Fault.http(401)]
    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(3), concurrency=3)
    assert isinstance(error, TeacherError)
    assert len(delivered) == 2
    assert spent(tmp_path).requests == 2


def test_it_goes_on_when_the_cause_is_gone(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.http(402)]) as endpoint:
        first, error = teach(tmp_path, endpoint, requests(5), concurrency=1)
        assert (len(first), isinstance(error, TeacherError)) == (1, True)
        second, error = teach(tmp_path, endpoint, requests(5), concurrency=1)
    assert (len(second), error) == (5, None)
    assert len(endpoint.requests) == 6


@pytest.mark.parametrize(
    "fault",
    [
        Fault.http(401, ECHO),
        Fault.http(400, ECHO),
        Fault.http(400, EARLIER + ECHO),
        Fault.http(400, ECHO, code="content_filter"),
        Fault.http(500, ECHO),
        Fault.http(429, ECHO, retry_after="3600"),
        Fault(500, {"content-type": "text/html"}, f"<h1>{ECHO}</h1>".encode()),
        Fault(200, {"content-type": "text/html"}, f"<h1>{ECHO}</h1>".encode()),
        Fault(200, {}, ("y" * 62 + KEY).encode()),
        Fault(200, {}, f'{{"key": "{KEY}"}}'.encode()),
        Fault(parts={"choices": [{"message": {"content": f"{ECHO} The answer is 8."}}]}),
        Fault(parts={"choices": [{"message": {"content": "", "refusal": ECHO}, "finish_reason": KEY}]}),
        Fault(parts={"id": KEY, "model": KEY, "usage": {"prompt_tokens": KEY}}),
        Fault(finish_reason=KEY),
        Fault(200, {}, ESCAPED),
    ],
)
def test_an_endpoint_that_echoes_the_key(tmp_path, caplog, fault):
    caplog.set_level(logging.DEBUG)
    with answer_key_endpoint(PROBLEMS, faults=[None, *[fault] * 4], key=KEY) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(4), concurrency=1)
        assert len(endpoint.log) >= 2  # the key was right
    trace = "".join(traceback.format_exception(error)) if error else ""
    assert_nowhere(tmp_path, repr(delivered), trace, caplog.text)


def test_the_key_is_sent_and_kept_nowhere(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    environ = {"MY_KEY": KEY}
    with answer_key_endpoint(PROBLEMS, key=KEY) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(3), environ=environ, key_env="MY_KEY")
        assert (error, len(delivered)) == (None, 3)
        _, error = teach(tmp_path, endpoint, requests(5), environ={"MY_KEY": f"{KEY}?"}, key_env="MY_KEY")
        assert "check $MY_KEY" in str(error)
        teacher = make_teacher(tmp_path, endpoint, environ=environ, key_env="MY_KEY")
    assert_nowhere(tmp_path, repr(delivered), str(error), repr(teacher), caplog.text, *capfd.readouterr())


def test_a_word_for_a_key_stays_in_replies(tmp_path):
    with TeacherEndpoint(lambda _: "EMPTY boxes: 2 × 4 = 8 pens.\nThe answer is 8.") as endpoint:
        [feedback], _ = teach(tmp_path, endpoint, requests(1), environ={"OPENAI_API_KEY": "EMPTY"})
    assert feedback.text.startswith("EMPTY boxes")


def test_credentials_in_the_url_stay_where_they_are(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.http(500)]) as endpoint:
        url = endpoint.base_url.replace("://", "://user:secret@") + "?token=secret"
        delivered, error = teach(tmp_path, url, requests(1))
    assert_nowhere(tmp_path, repr(delivered), str(error), secret="secret")
    with LedgerReader(tmp_path) as reader:
        assert all(row.endpoint == endpoint.base_url for row in reader.rows())


def assert_nowhere(folder, *texts, secret=KEY):
    """No part of the secret that would be of use is in a text or in a file."""
    part = secret[: max(6, len(secret) - 8)]
    assert not [text for text in texts if part in text]
    for path in filter(lambda path: path.is_file(), folder.rglob("*")):
        assert part.encode() not in path.read_bytes()
    dump = io.StringIO()
    with LedgerReader(folder) as reader:
        print(*reader.rows(), file=dump)
    assert part not in dump.getvalue()
