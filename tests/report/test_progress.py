"""Where no bar can be drawn a line now and then says how far a stage is, what failed and what it cost."""

from io import StringIO

from rich.console import Console

from tutelage.records import Feedback, Usage, Verdict
from tutelage.report.progress import EVERY, Show


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
