"""A lesson that is killed or interrupted, in a process of its own, and then continued."""

import json
import multiprocessing
import os
import signal
import time
from collections import Counter

import pytest

from tests.teacher.grading import grade
from tutelage.config import BudgetConfig, TeacherConfig
from tutelage.errors import BudgetSpent
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.openai_teacher import OpenAITeacher
from tutelage.teacher.ledger import Ledger
from tutelage.testing import Fault, answer_key_endpoint

pytestmark = pytest.mark.slow

COUNT, CONCURRENCY = 40, 4
PROBLEMS = [
    Problem.of(f"Tom has {n} boxes of 4 pens. How many pens?", str(4 * n), equation=f"{n} * 4") for n in range(COUNT)
]
BUDGET_SPENT, INTERRUPTED = 33, 130

_processes = multiprocessing.get_context("forkserver")  # imports once, then a process starts at once
_processes.set_forkserver_preload(["tutelage.teacher.openai_teacher"])


def hold(base_url, folder, cap):
    budget = BudgetConfig(requests=cap)
    config = TeacherConfig(kind="openai", base_url=base_url, model="m", concurrency=CONCURRENCY, budget=budget)
    teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=folder / "ledger.sqlite", run_id="run")
    with (folder / "delivered").open("a") as delivered:

        def deliver(feedback):
            print(feedback.problem_id, feedback.verdict.correct, feedback.usage.requests, file=delivered, flush=True)

        try:
            teacher.teach(map(FeedbackRequest, PROBLEMS), deliver)
        except BudgetSpent:
            raise SystemExit(BUDGET_SPENT) from None
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None


def start(endpoint, folder, cap=COUNT + 100):
    process = _processes.Process(target=hold, args=(endpoint.base_url, folder, cap))
    process.start()
    return process


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def finish(process):
    process.join(30)
    return process.exitcode


def test_killed_at_several_moments_it_pays_for_nothing_twice(tmp_path):
    moments = 1, 17, 33
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.slow(0.02)) as endpoint:
        for moment in moments:
            process = start(endpoint, tmp_path)
            wait_for(lambda moment=moment: len(endpoint.requests) >= moment)
            process.kill()
            assert finish(process) == -signal.SIGKILL
        (tmp_path / "delivered").unlink()
        assert finish(start(endpoint, tmp_path)) == 0
        times = Counter(json.dumps(body) for body in endpoint.requests)
    assert len(times) == COUNT
    assert sum(times.values()) - COUNT <= len(moments) * CONCURRENCY  # those in flight at a kill, at most
    # The last process delivers all, and each as bought by this run, whichever process paid.
    lines = (tmp_path / "delivered").read_text().split("\n")[:-1]
    assert sorted(lines) == sorted(f"{problem.id} True 1" for problem in PROBLEMS)


def test_interrupted_it_ends_at_once_and_keeps_what_was_paid(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=lambda number, _: Fault.slow(0.01 if number < 10 else 30)) as endpoint:
        process = start(endpoint, tmp_path)
        wait_for(lambda: len(endpoint.requests) == 10 + CONCURRENCY)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert finish(process) == INTERRUPTED
        assert time.monotonic() - began < 5
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.spent("run").requests == 10


def test_the_budget_holds_over_a_kill(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.slow(0.01)) as endpoint:
        process = start(endpoint, tmp_path, cap=20)
        wait_for(lambda: len(endpoint.requests) >= 12)
        process.kill()
        finish(process)
        assert finish(start(endpoint, tmp_path, cap=20)) == BUDGET_SPENT
        assert len(endpoint.requests) <= 20 + CONCURRENCY
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.spent("run").requests == 20
