"""Retries of a call that failed for a transient cause, with exponential back-off.

500                    tried again after 0.5 s, 1 s, 2 s … at most 30 s
429, retry-after: 7    tried again after 7 s
429                    tried again after 4 s, 8 s … : limits are for a minute
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tutelage.errors import TeacherError
from tutelage.teacher.online.failures import RequestFailed

_BACK_OFF = (0.5, 30.0)
"""Seconds before the first retry, doubled each time, and the maximum."""
_CROWDED = 8
_Answer = TypeVar("_Answer")


def back_off(tries: int, *, crowded: bool = False) -> float:
    """Seconds to wait after the try number `tries`; eight times as long, up to the maximum, if `crowded`.

    Five retries of a crowded endpoint take more than a minute, the period of most rate limits.
    """
    first, most = _BACK_OFF
    return min(most, first * 2 ** (tries - 1) * (_CROWDED if crowded else 1))


def wait_of(failure: RequestFailed, tries: int) -> float | None:
    """The wait that a failure asks for. From the second try in vain on it was too short: that of a crowded endpoint."""
    return max(failure.wait, back_off(tries, crowded=True)) if failure.wait and tries > 1 else failure.wait


class Retry:
    """Makes calls again, up to `retries` times each; `service` names the endpoint in the error."""

    def __init__(self, service: str, retries: int) -> None:
        self._service, self._retries = service, retries

    async def persist(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Make a call until it does not raise RequestFailed. Raises TeacherError after the last retry."""
        for tries in itertools.count(1):
            try:
                return await call()
            except RequestFailed as failure:
                await self.pause(failure, tries)
        raise AssertionError("the loop returns or raises")

    async def pause(self, failure: RequestFailed, tries: int) -> None:
        """Wait after the failed try number `tries`. Raises TeacherError if it was the last."""
        if tries > self._retries:
            raise self.keeps_failing(failure) from None
        await asyncio.sleep(failure.wait or back_off(tries, crowded=failure.crowded))

    def keeps_failing(self, failure: RequestFailed) -> TeacherError:
        """The error that ends the session after the last try."""
        return TeacherError(f"{self._service} keeps failing: {failure}; run the same command again later")
