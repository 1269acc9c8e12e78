import json
import sqlite3
import subprocess
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.processes import forked, import_before_forking
from tests.teacher.ledger.rows import reply
from tutelage.errors import RunError
from tutelage.money import sum_usd
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Answered, Batch, Charged, Failed, Ledger, Sent, Unpaid, faults_of_row
from tutelage.teacher.ledger.reader import LedgerReader

import_before_forking(__name__)

ROW = reply()
BOUND = Usage(1, 40, 64, 1.0)


def sent(token, run_id="run-a", batch=""):
    return Sent(token, "k1", run_id, 1.0, BOUND, batch)


def test_keeps_rows_across_openings(tmp_path):
    path = tmp_path / "new" / "folder" / "ledger.sqlite"
    with Ledger(path) as ledger:
        assert ledger.find(ROW.key, "run-a") is None
        ledger.write(Answered("t1", ROW))
    with Ledger(path) as ledger:
        assert ledger.find(ROW.key, "run-b") == ROW
        assert ledger.find("k2", "run-a") is None


def test_the_runs_own_row_comes_first(tmp_path):
    other = replace(ROW, run_id="run-b", text="other")
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(Answered("t1", ROW), Answered("t2", other))
        assert [ledger.find(ROW.key, run) for run in ("run-a", "run-b", "run-c")] == [ROW, other, ROW]


def test_what_is_on_its_way_counts_at_its_bound_until_it_is_answered_or_refused(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.spent("run-a") == ledger.lost("run-a") == Usage()
        ledger.write(sent("t1"), sent("t2"), sent("t3"), sent("t4", run_id="run-b"))
        assert ledger.spent("run-a") == ledger.lost("run-a") == Usage(3, 120, 192, 3.0)
        ledger.write(Answered("t1", ROW))
        assert ledger.spent("run-a") == Usage(3, 90, 133, 2.25)
        assert ledger.lost("run-a") == Usage(2, 80, 128, 2.0)
        ledger.write(Unpaid("t2"))
        assert ledger.lost("run-a") == BOUND
        assert ledger.spent("run-b") == ledger.lost("run-b") == BOUND
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.spent("run-a") == Usage(2, 50, 69, 1.25)


def test_the_same_request_sent_twice_is_paid_twice(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(sent("t1"), sent("t2"), Answered("t1", ROW), Answered("t2", ROW))
        assert ledger.spent("run-a") == ROW.usage + ROW.usage


def test_a_batch_is_followed_from_its_first_line_to_its_last(tmp_path):
    batch = Batch("b1", "run-a", 2.0, "http://e/v1", "m")
    older = replace(batch, token="b2", created=1.0)
    lines = [sent(f"b1-{number}", batch="b1") for number in (10, 9, 8)]
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(batch, *lines, sent("single"), older, replace(batch, token="b3", run_id="run-b"))
        assert ledger.open_batches("run-a") == [older, batch]
        assert ledger.sent("b1") == lines
        assert ledger.sent("") == [sent("single")]
        known = replace(batch, batch_id="batch_7")
        ledger.write(known)
        assert ledger.open_batches("run-a") == [older, known]
        ledger.write(Answered("b1-9", ROW), Unpaid("b1-8"))
        assert ledger.sent("b1") == lines[:1]
        ledger.write(Unpaid("b1-10"), replace(known, done=True))
        assert ledger.open_batches("run-a") == [older]
        assert ledger.sent("b1") == []


def test_entries_are_written_all_or_none(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(sent("t1"))
        with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: sent\.token"):
            ledger.write(Answered("t1", ROW), sent("t2"), sent("t2"))
        assert ledger.lost("run-a") == BOUND
        assert ledger.find(ROW.key, "run-a") is None
        ledger.write()  # nothing is nothing
        ledger.write(Unpaid("t1"))
        assert ledger.spent("run-a") == Usage()


def test_what_a_failed_request_was_charged_takes_the_place_of_its_bound(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(sent("t1"), sent("t2"))
        ledger.write(Charged("t1", Usage(1, 7, 5, 0.25)))
        assert ledger.lost("run-a") == ledger.spent("run-a") == BOUND + Usage(1, 7, 5, 0.25)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Ledger(tmp_path_factory.mktemp("shared") / "l") as ledger:
        yield ledger


@given(st.text(st.characters(), max_size=20))
@example("half a pair: \ud83d")
@example("\x00 3 × 4\x1b[2J")
def test_any_text_comes_back(shared, text):
    """But for half a surrogate pair, which UTF-8 does not have: it becomes a question mark."""
    row = replace(ROW, key=ascii(text), text=text)
    shared.write(Answered("t1", row), Failed("k", "r", 1.0, "e", "m", "empty", text))
    assert shared.find(row.key, "run-a") == replace(row, text=text.encode(errors="replace").decode())


def _write(path, start):
    with Ledger(path) as ledger:
        for number in range(start, start + 40):
            ledger.write(sent(f"t{number}"))
            ledger.write(Answered(f"t{number}", replace(ROW, key=str(number))))


def test_several_processes_write_at_once(tmp_path):
    path = tmp_path / "shared.sqlite"
    processes = [forked(_write, path, 100 * number) for number in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Ledger(path) as ledger:
        assert ledger.spent("run-a").requests == 120
        assert ledger.lost("run-a") == Usage()


def test_one_thread_writes_while_another_connection_reads(tmp_path):
    path = tmp_path / "l"
    with Ledger(path) as writer, Ledger(path) as reader:
        thread = threading.Thread(
            target=lambda: [writer.write(Answered("t", replace(ROW, key=f"k{number}"))) for number in range(200)]
        )
        thread.start()
        seen = [reader.spent("run-a").requests]
        while thread.is_alive():
            seen.append(reader.spent("run-a").requests)
        thread.join()
        assert reader.spent("run-a").requests == 200
        assert seen == sorted(seen)
        assert reader.find("k199", "run-a") is not None


def test_a_full_disk_is_named_and_loses_nothing(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(sent("t1"), Answered("t0", ROW))
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to have no room left
        with pytest.raises(RunError, match=r"the disk is full: cannot write the ledger .*free some space"):
            ledger.write(Answered("t1", replace(ROW, key="k2", text="x" * 100_000)))
        assert ledger.find(ROW.key, "run-a") == ROW
        assert ledger.find("k2", "run-a") is None
        assert ledger.lost("run-a") == BOUND
        ledger.write(Unpaid("t1"))


@pytest.mark.parametrize("kilobytes", [12, 32, 48])
def test_a_disk_that_is_full_from_the_start_is_named(tmp_path, kilobytes):
    """SQLite calls it an I/O error while it makes the files beside a ledger."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("a small disk can be made by root on Linux alone")
    try:
        with pytest.raises(RunError, match="the disk is full: cannot write the ledger"), Ledger(tmp_path / "l"):
            pass
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_failures_are_kept(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(Failed("k1", "run-a", 1.0, "http://e/v1", "m", "wrong answer", "it states 13, not 12"))
    with LedgerReader(tmp_path / "l") as reader:
        assert [(row.model, row.reason, row.requests) for row in reader.failures()] == [("m", "wrong answer", 1)]


COSTS = st.lists(st.floats(0, 100) | st.integers(0, 10**9).map(lambda pico: pico / 1e12), max_size=30)


@given(COSTS, st.randoms())
def test_money_is_summed_exactly_in_any_order(costs, random):
    exact = sum(round(Decimal(repr(cost)), 12) for cost in costs)
    others = random.sample(costs, len(costs))
    cut = random.randint(0, len(costs))
    parts = [sum((Usage(cost_usd=cost) for cost in part), Usage()) for part in (others[:cut], others[cut:])]
    assert sum_usd(costs) == pytest.approx(float(exact), abs=len(costs) * 1e-12 + 1e-15)
    assert sum_usd(costs) == sum_usd(others) == sum(parts, Usage()).cost_usd
    assert sum_usd([0.1, 0.2]) == 0.3


def test_the_ledger_sums_as_exactly(tmp_path):
    costs = [0.1, 0.2, 1e-7, 3.3e-12, 1234.567890123456, 0.7] * 5
    sums = set()
    for turn in range(3):
        with Ledger(tmp_path / f"l{turn}") as ledger:
            for number, cost in enumerate(costs[turn * 7 :] + costs[: turn * 7]):
                ledger.write(Answered("t", reply(number, cost_usd=cost)))
            sums.add(ledger.spent("run-a").cost_usd)
    assert sums == {sum_usd(costs)}


def test_more_of_a_reply_is_kept_and_checked(tmp_path):
    row = reply(reasoning="Let me see.", served_model="m-2026-11", provider="BaseTen", cached_tokens=4, seconds=1.25)
    with Ledger(tmp_path / "l") as ledger:
        ledger.write(Answered("t", row))
        assert ledger.find(row.key, "run-a") == row
    assert list(faults_of_row(replace(row, cached_tokens=-1))) == ["its cached_tokens are -1"]
    assert list(faults_of_row(replace(row, seconds=-1.0))) == ["its seconds is -1.0"]
    assert list(faults_of_row(replace(row, reasoning=7))) == ["its reasoning is no text"]


def test_what_was_answered_with_the_same_settings(tmp_path):
    def asked(messages, sample, **settings):
        whole = {"messages": messages, "sample": sample, "temperature": 0.7, "max_tokens": 64, **settings}
        return json.dumps(whole, sort_keys=True)

    now = asked([], 0)
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.asked_alike("http://e/v1", "m", now) is None
        ledger.write(Answered("t", reply(0, request="no JSON")))
        ledger.write(Answered("t", reply(1, request=asked(["other"], "0.1", top_p=0.5))))
        assert ledger.asked_alike("http://e/v1", "m", now) is None
        ledger.write(Answered("t", reply(2, request=asked(["q"], "0.1"))))
        assert ledger.asked_alike("http://e/v1", "m", now) == asked(["q"], "0.1")
        assert ledger.asked_alike("http://e/v1", "other", now) is None


def test_by_how_much_replies_passed_their_limit(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        assert ledger.overrun("run-a") is None
        ledger.write(Answered("t", reply(0, completion_tokens=30)))  # of 64
        assert ledger.overrun("run-a") == -34
        ledger.write(Answered("t", reply(1, completion_tokens=164)), Answered("t", reply(2, request="no JSON")))
        assert ledger.overrun("run-a") == 100
        assert ledger.overrun("run-b") is None
