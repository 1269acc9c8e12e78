"""Where no bar can be drawn a line now and then says how far a stage is, what failed and what it cost."""

import threading
from io import StringIO

from rich.console import Console

from tutelage.activity import Activity
from tutelage.records import Feedback, Usage, Verdict
from tutelage.report import progress
from tutelage.report.progress import EVERY, QUIET, Show, _Lines


class Shown:
    """A show without a terminal, on a clock that is moved by hand."""

    def __init__(self, **options):
        self.now, self.file = 0.0, StringIO()
        self.show = Show(Console(file=self.file, width=40), clock=lambda: self.now, **options)

    @property
    def lines(self):
        return self.file.getvalue().splitlines()


def reply(failure=None, usd=0.0):
    return Feedback("p", 0, None, "", Verdict(failure is None, None, ""), Usage(1, 10, 10, usd), failure=failure)


def test_a_long_stage_says_how_far_it_is_now_and_then():
    shown = Shown()
    with shown.show.bar("round 1: exam", 2000, 100) as advance:
        for _ in range(1900):
            shown.now += EVERY / 512
            advance(1)
    assert shown.lines == [
        "round 1: exam: 612 of 2,000 in 1 min 00 s",
        "round 1: exam: 1,124 of 2,000 in 2 min 00 s",
        "round 1: exam: 1,636 of 2,000 in 3 min 00 s",
        "round 1: exam: 2,000 of 2,000 in 3 min 43 s",
    ]


def test_a_short_stage_says_nothing():
    shown = Shown()
    with shown.show.bar("round 1: exam", 3) as advance:
        for _ in range(3):
            advance(1)
    assert shown.lines == []


def test_a_teacher_s_stage_says_what_failed_and_what_it_cost():
    shown = Shown()
    with shown.show.bar("feedback", 9) as advance:
        for failure in ("time-out", None, "wrong answer", "time-out"):
            advance.heard(reply(failure, 0.1))
        shown.now += EVERY
        advance.heard(reply(usd=0.2))
    assert shown.lines == ["feedback: 5 of 9 in 1 min 00 s; 2 time-out, 1 wrong answer; 0.6000 USD"]


def test_without_bars_there_is_none():
    shown = Shown(bars=False)
    with shown.show.bar("feedback", 2) as advance:
        shown.now += EVERY
        advance.heard(reply())
    assert shown.lines == []


def test_on_a_terminal_it_is_a_bar():
    file = StringIO()
    with Show(Console(file=file, force_terminal=True, width=100)).bar("[b]\x1b[2Jexam", 3) as advance:
        advance(3)
    assert "[b]\\x1b[2Jexam" in file.getvalue()
    assert "3/3" in file.getvalue()


def test_what_is_said_is_printable():
    shown = Shown()
    shown.show.say("a [bold]batch\x1b[2J\u202e failed\nat once\r")
    assert shown.file.getvalue() == "a [bold]batch\\x1b[2J\\u202e failed\nat once\\r\n"


def lines_of(shown, activity):
    return _Lines("feedback", 9, 0, activity, shown.show.say, lambda: shown.now)


def test_a_teacher_s_stage_says_what_is_in_flight_waiting_and_tried_again():
    shown = Shown()
    activity = Activity(lambda: shown.now)
    lines = lines_of(shown, activity)
    with activity.flight("a"), activity.flight("b"), activity.wait():
        activity.failed("time-out", "no reply")
        lines.advance.heard(reply("wrong answer"))
        shown.now += EVERY
        activity.arrived(Usage(1, 10, 10, 0.25))
        lines.look()
        lines.look()
    assert shown.lines == [
        "feedback: 1 of 9 in 1 min 00 s; 2 in flight, 1 waiting; 1 tried again (1 time-out); 1 wrong answer; 0.2500 USD"
    ]


def test_a_silence_is_explained_within_half_a_minute_and_then_every_minute():
    shown = Shown()
    activity = Activity(lambda: shown.now)
    lines = lines_of(shown, activity)
    with activity.flight("a"):
        for second in range(150):
            shown.now = float(second)
            if second == 10:
                activity.failed("unreachable", "cannot reach http://h/v1")
            lines.look()
    assert [line.partition(";")[0] for line in shown.lines] == [
        "feedback: 0 of 9 in 25 s",
        "feedback: 0 of 9 in 1 min 25 s",
        "feedback: 0 of 9 in 2 min 25 s",
    ]
    assert shown.lines[0].endswith(
        "; nothing has arrived for 25 s; 1 in flight, the oldest for 25 s; 1 tried again (1 unreachable; the last: "
        "cannot reach http://h/v1)"
    )
    assert QUIET < 30


def test_no_silence_is_told_of_when_all_is_done():
    """The last request may end without a reply, long after the last one that arrived."""
    shown = Shown()
    activity = Activity(lambda: shown.now)
    lines = lines_of(shown, activity)
    for _ in range(8):
        lines.advance.heard(reply(None))
    shown.now = QUIET
    lines.look()
    shown.now = QUIET + 2
    lines.advance.heard(reply("server error"))
    lines.look()
    assert shown.lines == [
        "feedback: 8 of 9 in 25 s; nothing has arrived for 25 s; nothing is in flight",
        "feedback: 9 of 9 in 27 s; 1 server error",
    ]


def test_it_is_explained_while_nothing_else_happens(monkeypatch):
    monkeypatch.setattr(progress, "QUIET", 0.0)
    monkeypatch.setattr(progress, "TICK", 0.01)
    said = threading.Event()
    file = StringIO()
    show = Show(Console(file=file, width=200))
    monkeypatch.setattr(show, "say", lambda text: said.set() if "nothing has arrived" in text else None)
    with show.bar("feedback", 3, 0, Activity()):
        assert said.wait(60)
    assert [thread.name for thread in threading.enumerate() if thread.name == "progress"] == []


def test_on_a_terminal_it_stands_below_the_bar():
    file, activity = StringIO(), Activity()
    show = Show(Console(file=file, force_terminal=True, width=100))
    with show.bar("feedback", 3, 0, activity) as advance:
        activity.failed("time-out", "no [b]reply[/b]")
        advance.heard(reply())
    assert "1/3" in file.getvalue()
    assert "1 tried again (1 time-out)" in file.getvalue()
