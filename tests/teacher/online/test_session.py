"""Sessions without HTTP: who answers is a function here, all else is real."""

import asyncio
from contextlib import ExitStack

import pytest

from tests.teacher.grading import grade
from tests.teacher.online.sessions import PROBLEMS, boxes, requests
from tutelage.config import BudgetConfig, PriceConfig
from tutelage.errors import BudgetSpent
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.ledger.ledger import Ledger
from tutelage.teacher.online import budget as budget_module
from tutelage.teacher.online import retry as retry_module
from tutelage.teacher.online import session as session_module
from tutelage.teacher.online.budget import Budget
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.conversation import Settings
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.ledger_writer import LedgerWriter
from tutelage.teacher.online.limits import Limits
from tutelage.teacher.online.session import RequestSession

SETTINGS = Settings("http://e/v1", "m", "number", grade, "run-a", PriceConfig())


def right(messages):
    n = boxes({"messages": messages})
    return Reply(f"{n} × 4 = {4 * n} pens.\nThe answer is {4 * n}.", "stop", 100, 10)


async def answer(messages):
    await asyncio.sleep(0)
    return right(messages)


async def hold(path, ask, asked, *, deliver=None, concurrency=4, caps=None, rpm=None, retries=0):
    """One session, as OpenAITeacher assembles it."""
    delivered = []
    with ExitStack() as stack:
        ledger, written = (stack.enter_context(Ledger(path)) for _ in range(2))
        async with LedgerWriter(written) as writer:
            budget = Budget(caps or BudgetConfig(), SETTINGS.price, ledger.spent("run-a"), ledger.overrun("run-a"))
            asked_of = lambda question: ask(question.messages)  # noqa: E731
            session = RequestSession(asked_of, ledger, writer, budget, Limits(rpm, None), SETTINGS, retries)
            await session.hold(asked, deliver or delivered.append, concurrency)
    return delivered


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    with Ledger(path) as opened:
        yield opened


def test_no_more_requests_are_taken_than_there_are_workers(path):
    """Five hundred requests from a generator: what is taken and not yet delivered stays within the workers' hands."""
    taken, delivered, most = 0, 0, 0

    def source():
        nonlocal taken, most
        for number in range(500):
            taken += 1
            most = max(most, taken - delivered)
            yield FeedbackRequest(Problem.of(f"Tom has {number} boxes of 4 pens.", str(4 * number)))

    def deliver(feedback):
        nonlocal delivered
        assert feedback.verdict.correct
        delivered += 1

    asyncio.run(hold(path, answer, source(), deliver=deliver, concurrency=32))
    assert (taken, delivered) == (500, 500)
    assert 1 < most <= 33


def test_it_is_in_the_ledger_before_it_is_sent_and_before_it_is_used(path, ledger):
    async def ask(messages):
        assert ledger.lost("run-a").requests >= 1
        return right(messages)

    def deliver(feedback):
        assert ledger.find(feedback.keys[0], "run-a").text == feedback.text
        delivered.append(feedback)

    delivered = []
    asyncio.run(hold(path, ask, requests(), deliver=deliver))
    assert len(delivered) == 40
    assert (ledger.spent("run-a").requests, ledger.lost("run-a").requests) == (40, 0)


@pytest.mark.parametrize(("charged", "lost"), [(True, 1), (False, 0)])
def test_what_may_have_been_charged_counts_as_lost(path, ledger, charged, lost):
    async def ask(messages):
        if boxes({"messages": messages}) == 3:
            raise RequestFailed("time-out", "too late", charged=charged)
        return right(messages)

    delivered = asyncio.run(hold(path, ask, requests(5), concurrency=1))
    assert [feedback.failure for feedback in delivered] == [None, "time-out", None, None, None]
    assert ledger.lost("run-a").requests == lost
    assert ledger.spent("run-a").requests == 4 + lost


@pytest.mark.parametrize(("failure", "tries"), [("time-out", 4), ("server error", 4), ("refused by policy", 1)])
def test_what_may_pass_is_tried_again(path, monkeypatch, failure, tries):
    monkeypatch.setattr(retry_module, "_BACK_OFF", (0.001, 0.01))
    asked = []

    async def ask(messages):
        asked.append(boxes({"messages": messages}))
        if asked[-1] == 3:
            raise RequestFailed(failure, "no")
        return right(messages)

    delivered = asyncio.run(hold(path, ask, requests(3), concurrency=1, retries=3))
    assert asked == [2, *[3] * tries, 4]
    assert [feedback.failure for feedback in delivered] == [None, failure, None]


def test_a_told_wait_of_nothing_is_no_reason_to_hurry(path, monkeypatch):
    pauses = []

    async def sleep(seconds, sleep=asyncio.sleep):
        pauses.append(seconds)
        await sleep(0)

    async def ask(_):
        raise RequestFailed("rate limit", "slow down", wait=0.0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(hold(path, ask, requests(1), retries=8))
    backed_off = [pause for pause in pauses if pause]
    assert len(backed_off) == 8
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n for n, pause in enumerate(backed_off[:6]))
    assert max(backed_off) <= 30.0


def test_those_in_flight_at_the_end_are_given_a_while_only(path, ledger, monkeypatch):
    monkeypatch.setattr(session_module, "_GRACE_SECONDS", 2.0)

    async def ask(messages):
        match boxes({"messages": messages}):
            case 2:
                await asyncio.sleep(0.05)
                raise Refused("quota", "no money")
            case 3:
                await asyncio.sleep(0.1)
                return right(messages)
            case _:
                await asyncio.sleep(60)

    delivered = []
    with pytest.raises(Refused, match="no money"):
        asyncio.run(hold(path, ask, requests(), deliver=delivered.append, concurrency=3))
    assert [feedback.problem_id for feedback in delivered] == [PROBLEMS[1].id]
    assert (ledger.spent("run-a").requests, ledger.lost("run-a").requests) == (2, 1)


def test_at_the_end_nothing_more_is_sent(path, ledger):
    """Seven wait for their turn, which the limit gives them one by one, when the first one ends the session."""
    asked = []

    async def ask(messages):
        asked.append(boxes({"messages": messages}))
        raise Refused("authentication", "wrong key")

    with pytest.raises(Refused):
        asyncio.run(hold(path, ask, requests(), concurrency=8, rpm=6))
    assert asked == [2]
    assert ledger.spent("run-a").requests == 0


def test_a_second_asking_does_not_begin_after_the_end(path, ledger):
    first_came = asyncio.Event()

    async def ask(messages):
        if boxes({"messages": messages}) == 2:
            await first_came.wait()
            raise Refused("quota", "no money")
        first_came.set()
        await asyncio.sleep(0.5)
        asked.append(boxes({"messages": messages}))
        return Reply("3 + 4 = 7 pens.\nThe answer is 7.", "stop", 100, 10)

    asked, delivered = [], []
    with pytest.raises(Refused):
        asyncio.run(hold(path, ask, requests(2), deliver=delivered.append))
    assert (asked, delivered) == ([3], [])  # half an exchange is no feedback; its reply is in the ledger
    assert ledger.spent("run-a").requests == 1


def test_interrupted_it_leaves_what_was_in_flight_as_lost(path, ledger):
    async def ask(messages):
        if boxes({"messages": messages}) > 5:
            session.cancel()
            await asyncio.sleep(60)
        return right(messages)

    async def interrupted():
        nonlocal session
        session = asyncio.create_task(hold(path, ask, requests(), deliver=delivered.append, concurrency=2))
        with pytest.raises(asyncio.CancelledError):
            await session

    session, delivered = None, []
    asyncio.run(interrupted())
    assert len(delivered) >= 3
    assert ledger.spent("run-a").requests == len(delivered) + ledger.lost("run-a").requests
    assert 1 <= ledger.lost("run-a").requests <= 2


def test_who_does_not_fit_beside_those_in_flight_waits_for_them(path, monkeypatch):
    """A cap for which every bound is large: one at a time fits, and all fit one after the other."""
    monkeypatch.setattr(budget_module, "FIRST", 1)  # bounds are trusted
    at_once, most = 0, 0

    async def ask(messages):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        return right(messages)

    delivered = asyncio.run(hold(path, ask, requests(), concurrency=8, caps=BudgetConfig(completion_tokens=1000)))
    assert (len(delivered), most) == (40, 1)
    with pytest.raises(BudgetSpent, match="490 of 1,000 completion tokens used"):
        asyncio.run(hold(path, ask, requests(80), concurrency=8, caps=BudgetConfig(completion_tokens=1000)))
