"""What a run is doing, in a file: what it says, how often it is written, and that it never gets in the way."""

import json
import threading
from io import StringIO

from rich.console import Console

from tests.report.test_progress import reply
from tutelage.activity import Activity
from tutelage.records import Usage
from tutelage.report import now as module
from tutelage.report.now import RECENT, NowFile
from tutelage.report.progress import Advance, Show


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


def test_how_far_a_stage_is_at_which_rate(tmp_path):
    clock, advance = Clock(), Advance(lambda _: None, done=100)
    file = NowFile(tmp_path / "now.json", clock)
    assert file.now().title == ""
    with file.stage("round 1: exam", "problems", 400, advance):
        clock.at += 10
        advance(50, 2000)
        now = file.now()
        assert (now.title, now.units, now.done, now.total, now.began) == ("round 1: exam", "problems", 150, 400, 1000)
        assert (now.rate, now.tokens, now.tokens_rate) == (5.0, 2000, 200.0)
    assert file.now().title == ""


def test_the_rate_is_that_of_the_last_minutes_or_of_all_where_nothing_was_done_in_them(tmp_path):
    clock, advance = Clock(), Advance(lambda _: None)
    file = NowFile(tmp_path / "now.json", clock)
    with file.stage("round 1: feedback", "requests", 900, advance):
        advance(600)  # what the ledger holds comes at once
        for _ in range(int(RECENT) + 60):
            clock.at += 1
            advance(1)
            rate = file.now().rate
        assert rate == 1.0
        for _ in range(int(RECENT) + 20):
            clock.at += 1
            rate = file.now().rate
        assert 0 < rate < 4


def test_a_teacher_s_stage_tells_what_is_in_flight_failed_and_spent(tmp_path):
    activity = Activity()
    advance = Advance(lambda _: None, activity)
    file = NowFile(tmp_path / "now.json")
    with file.stage("round 1: feedback", "requests", 9, advance), activity.flight("a"), activity.wait():
        activity.failed("time-out", "no reply")
        activity.arrived(Usage(1, 10, 20, 0.25))
        activity.note("batch 7: 3 of 9")
        advance.heard(reply("wrong answer"))
        file.write()
    told = json.loads((tmp_path / "now.json").read_text())
    assert (told["in_flight"], told["waiting"], told["retried"]) == (1, 1, {"time-out": 1})
    assert (told["failures"], told["usd"], told["tokens"]) == ({"wrong answer": 1}, 0.25, 20)
    assert (told["done"], told["note"]) == (1, "batch 7: 3 of 9")


def test_it_is_written_by_a_thread_under_quiet_and_without_bars_and_then_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.01)
    path = tmp_path / "now.json"
    for show in (Show(quiet=True), Show(quiet=True, bars=False), Show(Console(file=StringIO()))):
        with show.noted(path), show.bar("round 0: training", 4, units="steps") as advance:
            advance(3)
            seen: dict[str, object] = {}
            while seen.get("done") != 3:
                seen = json.loads(path.read_text()) if path.exists() else {}
            assert (seen["title"], seen["units"], seen["total"]) == ("round 0: training", "steps", 4)
        assert list(tmp_path.iterdir()) == []
    assert "now.json" not in [thread.name for thread in threading.enumerate()]


def test_a_disk_that_refuses_it_ends_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.01)
    show, in_the_way = Show(quiet=True), tmp_path / "now.json"
    in_the_way.mkdir()
    with show.noted(in_the_way), show.bar("round 0: training", 1) as advance:
        advance(1)
    with show.noted(tmp_path / "gone" / "now.json"), show.bar("round 0: training", 1) as advance:
        advance(1)
    assert advance.done == 1
