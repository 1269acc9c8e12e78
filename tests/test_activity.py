"""What a teacher's stage is doing, in words."""

import threading

import pytest

from tests.teacher.batch.sessions import Sessions
from tests.teacher.online.sessions import PROBLEMS, make_teacher, requests
from tutelage.activity import Activity
from tutelage.records import Usage
from tutelage.teacher.online import retry
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_nothing_is_nothing():
    activity = Activity(Clock())
    assert (str(activity), activity.spent) == ("", "")


def test_what_is_going_on():
    activity = Activity(Clock())
    with activity.flight("a"), activity.flight("b"), activity.wait():
        activity.failed("time-out", "no reply within 9 s")
        activity.failed("time-out", "no reply within 9 s")
        activity.failed("rate limit", "slow down", 40.0)
        assert str(activity) == "2 in flight, 1 waiting; 3 tried again (2 time-out, 1 rate limit)"
    assert str(activity) == "3 tried again (2 time-out, 1 rate limit)"
    activity.begin()
    assert str(activity) == ""


def test_why_nothing_arrives():
    clock = Clock()
    activity = Activity(clock)
    with activity.flight("a"):
        clock.now = 20.0
        activity.failed("time-out", "no reply\nwithin 9 s", 40.0)
        with activity.flight("b"), activity.wait():
            clock.now = 30.0
            assert activity.why() == (
                "nothing has arrived for 30 s; 2 in flight, 1 waiting, the oldest for 30 s; the endpoint wants to be "
                "left alone for 30 s more; 1 tried again (1 time-out; the last: no reply within 9 s)"
            )
    activity.arrived(Usage(1, 10, 2, 0.0))
    clock.now = 70.0
    assert activity.why().startswith("nothing has arrived for 40 s; nothing is in flight; 1 tried again")
    activity.note("batch b_1: 4 of 9 done")
    assert "batch b_1: 4 of 9 done" in activity.why()


def test_a_limit_of_one_s_own_is_a_reason(tmp_path):
    """One request a minute: nothing arrives, and nothing is wrong."""
    why = []

    def deliver(_):
        why.append(teacher._activity.why())
        raise InterruptedError

    with answer_key_endpoint(PROBLEMS, latency=0.5) as endpoint:
        teacher = make_teacher(tmp_path, endpoint, requests_per_minute=1, concurrency=2)
        with pytest.raises(InterruptedError):
            teacher.teach(requests(3), deliver)
    assert "the next request waits for teacher.requests_per_minute" in why[0]


@pytest.mark.parametrize(("usd", "spent"), [(0.25, "0.5000 USD"), (0.0, "24 tokens")])
def test_what_was_spent(usd, spent):
    activity = Activity()
    for _ in range(2):
        activity.arrived(Usage(1, 10, 2, usd))
    assert activity.spent == spent


def watch(teacher, asked):
    """Teach, and return what the activity said while replies came."""
    said = []
    teacher.teach(asked, lambda _: said.append(str(teacher._activity)))
    return said


def test_a_session_says_what_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "_BACK_OFF", (0.01, 0.02))
    together, known = threading.Barrier(4), answer_key_reply(PROBLEMS)
    seen = []

    def reply(body):
        together.wait()
        seen.append(str(teacher._activity))
        return known(body)

    with TeacherEndpoint(reply, faults=[Fault.http(500, "oh"), Fault.reset()]) as endpoint:
        teacher = make_teacher(tmp_path, endpoint, concurrency=4, retries=3)
        watch(teacher, requests(8))
    assert any("4 in flight" in text for text in seen)
    assert any("tried again (" in text and "1 server error" in text for text in seen)
    assert teacher._activity.spent.endswith(" tokens")
    assert str(teacher._activity).startswith("2 tried again (1 ")


def test_a_batch_says_where_it_stands(tmp_path, monkeypatch):
    notes = []
    monkeypatch.setattr(Activity, "note", lambda self, text: notes.append(text))
    with answer_key_endpoint(PROBLEMS) as endpoint:
        endpoint._batches._seconds = 0.2
        teacher = make_teacher(tmp_path, endpoint, batch=True, batch_poll=0.02)
        watch(teacher, requests(8))
    assert isinstance(teacher, OpenAITeacher)
    assert "batch batch_1: 8 of 8 done" in notes
    assert Sessions(tmp_path).path.exists()
