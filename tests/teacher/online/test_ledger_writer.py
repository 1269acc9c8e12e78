import asyncio
import threading
from contextlib import suppress

import pytest

from tests.teacher.ledger.rows import reply
from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Answered, Ledger, Sent
from tutelage.teacher.online.ledger_writer import LedgerWriter


class Watched(Ledger):
    """Notes how many entries each transaction had and in which thread it ran; waits for `open` before it begins."""

    def __init__(self, path):
        super().__init__(path)
        self.sizes, self.threads, self.open = [], set(), threading.Event()
        self.open.set()
        self.began = threading.Event()
        self.error = None

    def write(self, *entries):
        self.began.set()
        assert self.open.wait(30)
        self.sizes.append(len(entries))
        self.threads.add(threading.current_thread().name)
        if self.error is not None:
            raise self.error
        super().write(*entries)


@pytest.fixture
def ledger(tmp_path):
    with Watched(tmp_path / "ledger.sqlite") as opened:
        yield opened


def sent(number):
    return Sent(f"token-{number}", f"key-{number}", "run-a", 0.0, Usage(1, 10, 5))


async def until(event):
    await asyncio.get_running_loop().run_in_executor(None, event.wait, 30)


async def behind_a_slow_one(ledger, writer, count):
    """One write is under way, and so many others wait for it."""
    ledger.began.clear()
    ledger.open.clear()
    writes = [asyncio.create_task(writer.write(sent("slow")))]
    await until(ledger.began)
    writes += [asyncio.create_task(writer.write(sent(number))) for number in range(count)]
    await asyncio.sleep(0)
    return writes


def test_on_return_it_is_on_disk(ledger, tmp_path):
    async def write():
        async with LedgerWriter(ledger) as writer:
            await writer.write(sent(1))
            with Ledger(tmp_path / "ledger.sqlite") as other:
                assert other.lost("run-a").requests == 1
            await writer.write(Answered("token-1", reply()))
            with Ledger(tmp_path / "ledger.sqlite") as other:
                assert other.find(reply().key, "run-a") == reply()
                assert other.lost("run-a").requests == 0

    asyncio.run(write())


def test_those_who_wait_share_a_transaction(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            writes = await behind_a_slow_one(ledger, writer, 50)
            assert not any(task.done() for task in writes)
            ledger.open.set()
            await asyncio.gather(*writes)

    asyncio.run(write())
    assert ledger.sizes == [1, 50]
    assert ledger.lost("run-a").requests == 51


def test_many_writers_take_few_transactions(ledger):
    async def write_some(writer, name):
        for number in range(20):
            await writer.write(sent(f"{name}-{number}"))

    async def write():
        async with LedgerWriter(ledger) as writer:
            await asyncio.gather(*(write_some(writer, name) for name in range(40)))

    asyncio.run(write())
    assert sum(ledger.sizes) == ledger.lost("run-a").requests == 800
    assert len(ledger.sizes) <= 80  # two for each of the 20 rounds of 40
    assert ledger.threads == {"ledger_0"}


def test_nobody_else_waits_for_the_disk(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            writes = await behind_a_slow_one(ledger, writer, 1)
            turns = 0
            for _ in range(100):
                await asyncio.sleep(0)
                turns += 1
            assert (turns, ledger.sizes) == (100, [])
            ledger.open.set()
            await asyncio.gather(*writes)

    asyncio.run(write())


def test_an_error_reaches_all_who_wait_and_nobody_else(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            await writer.write(sent("before"))
            writes = await behind_a_slow_one(ledger, writer, 10)
            ledger.error = RunError("the disk is full")
            ledger.open.set()
            outcomes = await asyncio.gather(*writes, return_exceptions=True)
            assert [str(outcome) for outcome in outcomes] == ["the disk is full"] * 11
            ledger.error = None
            await writer.write(sent("after"))

    asyncio.run(write())
    assert ledger.lost("run-a").requests == 2


def test_a_bug_reaches_who_waits(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            await writer.write(sent(1))
            with pytest.raises(Exception, match="UNIQUE"):
                await writer.write(sent(1))

    asyncio.run(write())


def test_who_is_cancelled_is_written_all_the_same(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            writes = await behind_a_slow_one(ledger, writer, 2)
            for task in writes[:2]:  # the one under way, and one that waits
                task.cancel()
            ledger.open.set()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*writes[:2])
            await writes[2]
            assert [task.cancelled() for task in writes] == [True, True, False]

    asyncio.run(write())
    assert ledger.lost("run-a").requests == 3


def test_an_error_after_all_were_cancelled_is_nobodys(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            writes = await behind_a_slow_one(ledger, writer, 1)
            for task in writes:
                task.cancel()
            await asyncio.wait(writes)
            ledger.error = RunError("the disk is full")
            ledger.open.set()

    asyncio.run(write())
    assert ledger.sizes == [1, 1]


def test_leaving_waits_for_what_is_being_written(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            writes = await behind_a_slow_one(ledger, writer, 5)
            for task in writes:
                task.cancel()
            asyncio.get_running_loop().call_later(0.1, ledger.open.set)
        assert ledger.sizes == [1, 5]

    asyncio.run(write())
    assert ledger.lost("run-a").requests == 6
    assert "ledger_0" not in {thread.name for thread in threading.enumerate()}


def test_left_by_an_exception_it_keeps_what_was_handed_in(ledger):
    async def write():
        async with LedgerWriter(ledger) as writer:
            await behind_a_slow_one(ledger, writer, 1)
            asyncio.get_running_loop().call_later(0.1, ledger.open.set)
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        asyncio.run(write())
    assert ledger.lost("run-a").requests == 2
