"""How much work something is, on any machine: seconds would say how fast and how busy the machine is."""

import sys
import time
from collections.abc import Callable


def calls(work: Callable[[], object]) -> int:
    """How many functions it calls, Python's own among them: the same number on every machine."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def given_time(attempt: Callable[[float], object], seconds: float) -> None:
    """Holds for a test in which one side gives the other so many seconds.

    A slow machine may need more: what fails is tried again with four times as many. What is wrong fails every time.
    """
    while seconds < 60:
        try:
            attempt(seconds)
            return
        except AssertionError:
            seconds *= 4
    attempt(seconds)


def assert_linear(read: Callable[[str], object], text: str) -> None:
    """A text four times as long takes four times as long, give or take; were it quadratic, it would be sixteen.

    Of processor time, the best of some tries, so that what else the machine does hardly counts. A millisecond is
    always granted: what is over so soon can't be measured.
    """
    ratios = []
    for _ in range(6):
        short, long = _seconds(read, text[: len(text) // 4]), _seconds(read, text)
        ratios.append(long / max(short, 1e-3))
        if ratios[-1] < 8:
            return
    raise AssertionError(f"{text[:20]!r}…: four times the text takes {min(ratios):.1f} times as long")


def _seconds(read: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    read(text)
    return time.process_time() - start
