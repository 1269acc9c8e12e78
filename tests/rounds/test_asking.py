"""A round's asking against a real endpoint: the way that works is found, the same after a kill, in any order."""

import json
import shutil
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.teacher.grading import grade
from tutelage.activity import Activity
from tutelage.config import StudentConfig
from tutelage.config.file import parse_config
from tutelage.records import Feedback, FeedbackRequest
from tutelage.report.progress import Show
from tutelage.rounds.asking import ORDERS, ask_teacher
from tutelage.rounds.context import RunContext
from tutelage.rounds.ways import Order
from tutelage.runs.directory import Run
from tutelage.runs.files import read_rows
from tutelage.student.student import Student
from tutelage.tasks.catalog import open_task
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.testing import TeacherEndpoint, answer_key_reply

TASK = {"name": "leg_counting", "train": 64, "validation": 1, "test": 1}
PROBLEMS = open_task(parse_config({"task": TASK}).task).problems("train")
ANSWER = answer_key_reply(PROBLEMS)


def drawn_to_mistakes(body):
    """A teacher that copies a mistake which it sees, and is right on the question alone."""
    return "3 + 4 = 7 legs.\nThe answer is -7." if "<attempt>" in str(body["messages"]) else ANSWER(body)


class Stopped(Exception):
    pass


@dataclass
class Asking:
    """Asks about a mistake on every problem, in a run directory of its own."""

    root: Path
    endpoint: TeacherEndpoint
    settings: dict[str, object] = field(default_factory=dict[str, object])
    said: list[str] = field(default_factory=list[str])
    activity: Activity | None = field(default_factory=Activity)

    def hold(self, stop_after=None, round=1, before=()):
        teacher = {"kind": "openai", "model": "m", "base_url": self.endpoint.base_url, "retries": 0, **self.settings}
        config = parse_config({"task": TASK, "teacher": teacher})
        run = Run.open(self.root, config, "data")
        ledger = config.teacher.ledger or run.ledger
        online = OpenAITeacher(config.teacher, kind="number", grade=grade, ledger=ledger, run_id=run.id, environ={})
        show = Show(quiet=True)
        show.say = self.said.append
        student = Student(StudentConfig(), ())
        task = open_task(config.task)
        ctx = RunContext(config, run, task, _Stopping(online, stop_after), student, show, activity=self.activity)
        mistakes = [
            FeedbackRequest(problem, f"There are {n} legs.\nThe answer is {n}.", 1)
            for n, problem in enumerate(PROBLEMS)
        ]
        return ask_teacher(ctx, round, "feedback", student, mistakes, before).feedback

    @property
    def orders(self):
        return read_rows(self.root / "round-01" / ORDERS, Order)


@dataclass
class _Stopping:
    """Hands replies on until so many have come, then raises as a kill would end it."""

    teacher: OpenAITeacher
    left: int | None

    def teach(self, requests, deliver):
        def counted(reply: Feedback):
            if self.left == 0:
                raise Stopped
            self.left = None if self.left is None else self.left - 1
            deliver(reply)

        self.teacher.teach(requests, counted)


def first_ways(replies):
    by_problem = {reply.problem_id: reply.asked[0].way for reply in replies}
    return [by_problem[problem.id] for problem in PROBLEMS]


def asked_of(endpoint):
    return Counter(json.dumps(body["messages"]) for body in endpoint.requests)


def test_the_way_that_works_is_asked_first(tmp_path):
    with TeacherEndpoint(drawn_to_mistakes) as endpoint:
        asking = Asking(tmp_path / "run", endpoint)
        replies = asking.hold()
    assert all(reply.verdict.correct for reply in replies)
    ways = first_ways(replies)
    assert Counter(ways[:32]) == {"mistake": 24, "question": 8}
    assert Counter(ways[32:]) == {"question": 30, "mistake": 2}
    assert [order.ways[0] for order in asking.orders] == ["mistake", "question"]
    shown = ways.count("mistake")
    told = (
        f"this teacher: {64 - shown} of {64 - shown} sound on the question alone, 0 of {shown} sound with the mistake"
    )
    assert [text for text in asking.said if told in text]
    assert sum(asked_of(endpoint).values()) == 64 + shown
    assert all(len(reply.asked) == 1 + (reply.asked[0].way == "mistake") for reply in replies)


def test_the_same_is_asked_whatever_arrives_when(tmp_path):
    lock, numbers = threading.Lock(), iter(range(10**6))

    def now_and_then_late(body):
        with lock:
            late = next(numbers) % 3
        threading.Event().wait(0.01 * late)
        return drawn_to_mistakes(body)

    with TeacherEndpoint(drawn_to_mistakes) as one, TeacherEndpoint(now_and_then_late) as other:
        first = Asking(tmp_path / "one", one, {"concurrency": 1}).hold()
        second = Asking(tmp_path / "other", other, {"concurrency": 24}).hold()
    assert asked_of(one) == asked_of(other)
    assert first_ways(first) == first_ways(second)


@pytest.mark.parametrize("stop_after", [5, 40])
def test_after_a_kill_the_same_is_asked_and_nothing_twice(tmp_path, stop_after):
    with TeacherEndpoint(drawn_to_mistakes) as whole, TeacherEndpoint(drawn_to_mistakes) as stopped:
        expected = Asking(tmp_path / "whole", whole).hold()
        asking = Asking(tmp_path / "run", stopped)
        with pytest.raises(Stopped):
            asking.hold(stop_after)
        replies = asking.hold()
        assert asked_of(stopped) == asked_of(whole)
        assert max(asked_of(stopped).values()) == 1
        assert sorted((r.problem_id, r.asked) for r in replies) == sorted((r.problem_id, r.asked) for r in expected)
        assert asking.hold() == replies  # done: only read
        assert asked_of(stopped) == asked_of(whole)


CAPPED = {"concurrency": 1, "budget": {"requests": 4}}
"""Two requests are asked in both ways, and no third one."""


def test_with_a_larger_budget_the_same_is_asked_as_without_a_cap(tmp_path):
    with TeacherEndpoint(drawn_to_mistakes) as endless, TeacherEndpoint(drawn_to_mistakes) as capped:
        whole, asking = Asking(tmp_path / "whole", endless), Asking(tmp_path / "run", capped, {**CAPPED})
        whole.hold()
        assert len(asking.hold()) == 2
        del asking.settings["budget"]
        assert len(asking.hold()) == 64
    assert asked_of(capped) == asked_of(endless)
    assert asking.orders == whole.orders


def test_what_a_spent_budget_finds_in_the_ledger_does_not_change_what_is_asked(tmp_path):
    """Another run has paid for the second block, in the order of a teacher that no mistake misleads."""
    answers = [ANSWER]

    def reply(body):
        return answers[-1](body)

    with TeacherEndpoint(reply) as endpoint:
        payer = Asking(tmp_path / "payer", endpoint)
        first_block = {problem.id for problem in PROBLEMS[:32]}
        keys = [(key,) for each in payer.hold() if each.problem_id in first_block for key in each.keys]
        with closing(sqlite3.connect(payer.root / "ledger.sqlite")) as ledger, ledger:
            ledger.executemany("DELETE FROM replies WHERE key = ?", keys)
        ledgers = [shutil.copy(payer.root / "ledger.sqlite", tmp_path / name) for name in ("whole.db", "run.db")]
        answers.append(drawn_to_mistakes)
        begun = len(endpoint.requests)
        whole = Asking(tmp_path / "whole", endpoint, {"ledger": str(ledgers[0])})
        expected, ended = whole.hold(), len(endpoint.requests)
        asking = Asking(tmp_path / "run", endpoint, {**CAPPED, "ledger": str(ledgers[1])})
        assert len(asking.hold()) == 2 + 32  # the second block costs nothing
        assert [order.guessed for order in asking.orders] == [False, True]
        del asking.settings["budget"]
        assert first_ways(asking.hold()) == first_ways(expected)
        asked = [str(body["messages"]) for body in endpoint.requests]
    assert Counter(asked[begun:ended]) == Counter(asked[ended:])
    assert asking.orders == whole.orders


def test_what_an_earlier_round_found_holds_from_the_first_request(tmp_path):
    with TeacherEndpoint(drawn_to_mistakes) as endpoint:
        before = Asking(tmp_path / "before", endpoint).hold()
        before = [Feedback(r.problem_id, 0, "another mistake", r.text, r.verdict, asked=r.asked) for r in before]
        replies = Asking(tmp_path / "run", endpoint).hold(before=before)
    assert Counter(first_ways(replies)) == {"question": 60, "mistake": 4}


def test_a_batch_is_one_block(tmp_path):
    with TeacherEndpoint(drawn_to_mistakes) as endpoint:
        asking = Asking(tmp_path / "run", endpoint, {"batch": True, "batch_poll": 0.01})
        replies = asking.hold()
    assert [order.start for order in asking.orders] == [0]
    assert Counter(first_ways(replies)) == {"mistake": 48, "question": 16}
    assert all(reply.verdict.correct for reply in replies)


def test_each_of_several_samples_counts_its_tokens(tmp_path):
    with TeacherEndpoint(drawn_to_mistakes) as endpoint:
        replies = Asking(tmp_path / "run", endpoint, {"self_consistency": 3, "ask": "question"}).hold()
        charged = sum(seen.prompt_tokens + seen.completion_tokens for seen in endpoint.log)
    asked = [each for reply in replies for each in reply.asked]
    assert sum(each.prompt_tokens + each.completion_tokens for each in asked) == charged
    assert len(endpoint.log) == 3 * len(asked) == 192


@pytest.mark.parametrize("in_ledger", [True, False])
def test_a_reply_that_no_ledger_holds_is_synced_at_once_the_others_together(tmp_path, syncs, in_ledger):
    with TeacherEndpoint(ANSWER) as endpoint:
        asking = Asking(tmp_path / "run", endpoint, activity=Activity() if in_ledger else None)
        assert len(asking.hold()) == 64
    assert syncs["feedback.jsonl"] == 1 + 64 * (not in_ledger)


@pytest.mark.parametrize(("hint", "askings"), [("first", 2), ("never", 2), ("last", 3)])
def test_the_hint_comes_when_it_may(tmp_path, hint, askings):
    with TeacherEndpoint(lambda _: "3 + 4 = 7 legs.\nThe answer is -7.") as endpoint:
        replies = Asking(tmp_path / "run", endpoint, {"hint": hint}).hold()
        bodies = [str(body["messages"][1]["content"]) for body in endpoint.requests]
    assert {len(reply.asked) for reply in replies} == {askings}
    hinted = sum("The correct answer is" in body for body in bodies)
    assert hinted == {"first": 128, "never": 0, "last": 64}[hint]
