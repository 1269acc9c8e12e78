"""Rate limits in simulated time: a minute passes at once, and every admission is checked against every window."""

import asyncio
import heapq
import random
import time
from itertools import accumulate

import pytest

from tutelage.teacher.online.limits import Limits, MinuteLimit, Pace


def simulate(limit, take, *, seconds=300.0, latency=1.0, concurrency=10**6, bound=None):
    """Requests as fast as the limit lets them through; `take` draws what one takes, `bound` is known before.

    Returns (time, amount) of all that were sent.
    """
    now, sent, in_flight = 0.0, [], []
    while now < seconds:
        while in_flight and in_flight[0][0] <= now:
            _, _, admission, amount = heapq.heappop(in_flight)
            limit.correct(admission, amount)
        wait = limit.wait(now, bound or 1.0)
        if wait or len(in_flight) >= concurrency:
            now = min([now + max(wait, 0.01), *(entry[0] for entry in in_flight[:1])]) if wait else in_flight[0][0]
            continue
        amount = take()
        admission = limit.admit(now, bound or 1.0)
        sent.append((now, amount))
        if bound:
            heapq.heappush(
                in_flight, (now + latency * random.Random(len(sent)).uniform(0.5, 1.5), len(sent), admission, amount)
            )
    return sent


def most_in_a_minute(sent):
    """The slow, obvious way: every window that begins with a request."""
    times, amounts = zip(*sent, strict=True)
    sums = [0.0, *accumulate(amounts)]
    most, end = 0.0, 0
    for start in range(len(sent)):
        while end < len(sent) and times[end] < times[start] + 60.0:
            end += 1
        most = max(most, sums[end] - sums[start])
    return most


@pytest.mark.parametrize("limit", [1, 3, 10, 60, 600, 10_000])
def test_requests_keep_to_the_limit_and_use_it(limit):
    sent = simulate(MinuteLimit(limit), lambda: 1.0, seconds=600.0)
    assert most_in_a_minute(sent) <= limit
    assert len(sent) >= 0.95 * limit * 10


@pytest.mark.parametrize("limit", [60, 600])
def test_requests_are_spaced_evenly(limit):
    times = [time for time, _ in simulate(MinuteLimit(limit), lambda: 1.0)]
    assert max(sum(start <= time < start + 1.0 for time in times) for start in times) <= limit / 60 * 1.5 + 1


@pytest.mark.parametrize(
    ("limit", "latency", "share"),
    # A few slow replies in flight are worth less than the three deviations kept free for them: safe costs a little.
    [(20_000, 0.2, 0.95), (20_000, 1.0, 0.95), (20_000, 8.0, 0.92), (20_000, 25.0, 0.88)]
    + [(200_000, latency, 0.95) for latency in (0.2, 1.0, 8.0, 25.0)],
)
def test_tokens_keep_to_the_limit_and_use_it(limit, latency, share):
    rng = random.Random(f"{limit} {latency}")
    sent = simulate(
        MinuteLimit(limit, estimated=True), lambda: rng.randint(150, 450), bound=1500, latency=latency, seconds=900
    )
    assert most_in_a_minute(sent) <= limit
    steady = [amount for time, amount in sent if time >= 300]
    assert sum(steady) >= share * limit * 10


def test_before_anything_is_learnt_a_request_counts_at_its_bound():
    limit = MinuteLimit(1000, estimated=True)
    admitted = [limit.admit(0.0, 400.0) for _ in range(2) if limit.wait(100.0 * _, 400.0) == 0]
    assert len(admitted) == 2
    limit = MinuteLimit(1000, estimated=True)
    first = limit.admit(0.0, 400.0)
    limit.admit(0.0, 400.0)
    assert limit.wait(59.0, 400.0) > 0
    limit.correct(first, 10.0)
    assert limit.wait(59.0, 400.0) == 0


def test_a_request_larger_than_the_limit_passes_alone():
    limit = MinuteLimit(100, estimated=True)
    assert limit.wait(0.0, 500.0) == 0
    limit.admit(0.0, 500.0)
    assert limit.wait(30.0, 500.0) > 0
    assert limit.wait(310.0, 500.0) == 0


def test_a_late_correction_changes_nothing_that_has_left_the_window():
    limit = MinuteLimit(1000, estimated=True)
    late = limit.admit(0.0, 900.0)
    assert limit.wait(100.0, 900.0) == 0
    limit.admit(100.0, 900.0)
    limit.correct(late, 100.0)
    assert limit.wait(140.0, 200.0) > 0


def test_all_wait_while_the_endpoint_wants_to_be_left_alone():
    async def scene():
        limits, passed = Limits(None, None), []

        async def worker():
            await limits.admit(10)
            passed.append(time.monotonic())

        limits.hold(0.2)
        limits.hold(0.1)  # the longer holds
        begun = time.monotonic()
        await asyncio.gather(*(worker() for _ in range(5)))
        return [moment - begun for moment in passed]

    assert min(asyncio.run(scene())) >= 0.19


def test_one_after_the_other_in_the_order_in_which_they_came():
    async def scene():
        limits, order = Limits(1200, 10**6), []

        async def worker(number):
            admission = await limits.admit(100)
            limits.correct(admission, 50)
            order.append(number)

        await asyncio.gather(*(worker(number) for number in range(20)))
        return order

    assert asyncio.run(scene()) == list(range(20))


def test_what_was_sent_lately_counts_in_the_next_event_loop():
    limits = Limits(2, None)
    assert asyncio.run(_admitted(limits.again(), 0.1)) == 1  # evenly spaced
    assert asyncio.run(_admitted(limits.again(), 0.1)) == 0


@pytest.mark.parametrize(
    ("limits", "waits_for"),
    [
        (Limits(1, None), "teacher.requests_per_minute"),
        (Limits(None, 10), "teacher.tokens_per_minute"),
        (Limits(None, None), ""),
    ],
)
def test_what_is_waited_for_is_said(limits, waits_for):
    assert limits.waits_for == ""
    asyncio.run(_admitted(limits, 0.1))
    assert limits.waits_for == waits_for


def test_a_retry_after_is_said_elsewhere():
    async def scene():
        limits = Limits(None, None)
        limits.hold(60.0)
        await _admitted(limits, 0.05)
        return limits.waits_for

    assert asyncio.run(scene()) == ""


async def _admitted(limits, seconds):
    """How many of three are let through in so long."""
    tasks = [asyncio.create_task(limits.admit(10)) for _ in range(3)]
    done, waiting = await asyncio.wait(tasks, timeout=seconds)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return len(done)


def test_a_pace_is_halved_once_for_all_that_was_in_flight_and_creeps_up():
    pace = Pace()
    for number in range(10):
        assert pace.wait(number * 0.1) == 0
        pace.admit(number * 0.1)
    for sent in (0.5, 0.7, 0.9):
        pace.slow_down(1.0, sent)
    assert pace.wait(1.0) == pytest.approx(0.2)  # ten in a second have been sent: five may be
    pace.admit(1.2)
    assert pace.wait(1.2) == pytest.approx(0.2)
    for _ in range(10):
        pace.speed_up()
    pace.admit(1.4)
    assert pace.wait(1.4) == pytest.approx(0.2 * 0.9**10)
    for _ in range(100):
        pace.speed_up()
    pace.admit(5.0)
    assert pace.wait(5.0) == 0


def test_a_pace_is_never_slower_than_its_bound():
    pace = Pace()
    for hour in range(20):
        pace.admit(3600.0 * hour)
        pace.slow_down(3600.0 * hour + 50, 3600.0 * hour)
    assert pace.wait(3600.0 * 19 + 50) == 30.0
