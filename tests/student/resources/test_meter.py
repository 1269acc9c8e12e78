import time
from contextlib import suppress

import pytest
import torch

from tutelage.student.resources.meter import ResourceMeter

MB = 10**6


def test_what_a_stage_cost():
    start = time.monotonic()
    with ResourceMeter() as meter:
        meter.count(100, computed=30, padded=10)
        meter.count(20)
        held = torch.ones(60 * MB // 4)
        time.sleep(0.05)
    work = meter.work
    assert 0.05 <= work.seconds <= time.monotonic() - start
    assert work.tokens == 120
    assert work.tokens_per_second == pytest.approx(120 / work.seconds, rel=0.02)
    assert work.padding == 0.25
    assert work.peak_memory > held.nbytes


def test_the_peak_is_that_of_the_stage():
    torch.ones(400 * MB // 4).sum()  # before it
    with ResourceMeter(torch.device("cpu")) as small:
        torch.ones(MB)
    with ResourceMeter(torch.device("cpu")) as large:
        torch.ones(200 * MB // 4).sum()
    assert large.work.peak_memory - small.work.peak_memory > 150 * MB


def test_nothing_done_is_no_fault():
    with ResourceMeter() as meter:
        pass
    assert (meter.work.tokens, meter.work.padding) == (0, 0.0)
    assert meter.work.tokens_per_second == 0.0


def test_a_stage_that_fails_is_measured_too():
    meter = ResourceMeter()
    with suppress(KeyError), meter:
        meter.count(5)
        raise KeyError
    assert meter.work.tokens == 5
