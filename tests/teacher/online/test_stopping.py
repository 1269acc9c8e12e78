"""A session that is killed or interrupted, in a process of its own, and then continued; and two sessions at once."""

import json
import os
import signal
import time
from collections import Counter

import pytest

from tests.processes import forked, import_before_forking
from tests.teacher.online.sessions import PROBLEMS, lost, make_teacher, requests, seen_by, spent
from tutelage.config import BudgetConfig
from tutelage.errors import BudgetSpent
from tutelage.testing import Fault, answer_key_endpoint

pytestmark = pytest.mark.slow

COUNT, CONCURRENCY = 40, 4
BUDGET_SPENT, INTERRUPTED = 33, 130

import_before_forking(__name__)


def hold(base_url, folder, budget, run_id):
    teacher = make_teacher(folder, base_url, run_id=run_id, concurrency=CONCURRENCY, budget=budget, max_tokens=64)
    with (folder / f"delivered-{run_id}").open("a") as delivered:

        def deliver(feedback):
            print(feedback.problem_id, feedback.verdict.correct, feedback.usage.requests, file=delivered, flush=True)

        try:
            teacher.teach(requests(COUNT), deliver)
        except BudgetSpent:
            raise SystemExit(BUDGET_SPENT) from None
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None


def start(endpoint, folder, run_id="run-a", **caps):
    return forked(hold, endpoint.base_url, folder, BudgetConfig(**caps), run_id)


def wait_for(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def finish(process):
    process.join(300)
    return process.exitcode


def delivered(folder, run_id="run-a"):
    return sorted((folder / f"delivered-{run_id}").read_text().split("\n")[:-1])


ALL = sorted(f"{problem.id} True 1" for problem in PROBLEMS[:COUNT])


def test_killed_at_several_moments_it_pays_for_nothing_twice(tmp_path):
    moments = 1, 17, 33
    with answer_key_endpoint(PROBLEMS, latency=0.02) as endpoint:
        for moment in moments:
            process = start(endpoint, tmp_path)
            wait_for(lambda moment=moment: len(endpoint.requests) >= moment)
            process.kill()
            assert finish(process) == -signal.SIGKILL
        (tmp_path / "delivered-run-a").unlink()
        assert finish(start(endpoint, tmp_path)) == 0
        times = Counter(json.dumps(body) for body in endpoint.requests)
    assert len(times) == COUNT
    again = sum(times.values()) - COUNT
    assert again <= lost(tmp_path).requests <= len(moments) * CONCURRENCY  # those in flight at a kill, at most
    # The last process delivers all, and each as bought by this run, whichever process paid.
    assert delivered(tmp_path) == ALL


def test_interrupted_it_ends_at_once_and_what_was_in_flight_counts_as_lost(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: Fault.slow(0.01 if number < 10 else 3600)) as endpoint:
        process = start(endpoint, tmp_path)
        wait_for(lambda: len(endpoint.requests) == 10 + CONCURRENCY)
        os.kill(process.pid, signal.SIGINT)
        assert finish(process) == INTERRUPTED
        assert spent(tmp_path).requests == seen_by(endpoint).requests == 10 + CONCURRENCY
    assert lost(tmp_path).requests == CONCURRENCY
    assert len(delivered(tmp_path)) == 10


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
@pytest.mark.parametrize("caps", [{"requests": 20}, {"tokens": 9_000}], ids=["requests", "tokens"])
def test_the_budget_holds_over_a_stop(tmp_path, sign, caps):
    hang = Fault.slow(60)
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: hang if 6 <= number < 10 else None) as endpoint:
        process = start(endpoint, tmp_path, **caps)
        wait_for(lambda: len(endpoint.requests) == 6 + CONCURRENCY)
        os.kill(process.pid, sign)
        assert finish(process) in (-signal.SIGKILL, INTERRUPTED)
        assert (lost(tmp_path).requests, spent(tmp_path).requests) == (CONCURRENCY, 6 + CONCURRENCY)
        assert finish(start(endpoint, tmp_path, **caps)) == BUDGET_SPENT
    for used in (seen_by(endpoint), spent(tmp_path)):
        assert used.requests <= caps.get("requests", COUNT)
        assert used.prompt_tokens + used.completion_tokens <= caps.get("tokens", 10**9)
    assert len(endpoint.requests) == spent(tmp_path).requests


def test_two_processes_with_one_ledger_at_once(tmp_path):
    with answer_key_endpoint(PROBLEMS, latency=0.02) as endpoint:
        pair = [start(endpoint, tmp_path, run_id) for run_id in ("run-a", "run-b")]
        assert [finish(process) for process in pair] == [0, 0]
        bought = spent(tmp_path, "run-a").requests + spent(tmp_path, "run-b").requests
        assert COUNT <= len(endpoint.requests) == bought <= 2 * COUNT
        assert finish(start(endpoint, tmp_path, "run-c")) == 0
        assert len(endpoint.requests) == bought
    answered = [line.split()[0] for line in ALL]
    for run_id in ("run-a", "run-b", "run-c"):
        assert [line.split()[0] for line in delivered(tmp_path, run_id)] == answered
    assert lost(tmp_path).requests == lost(tmp_path, "run-b").requests == 0
