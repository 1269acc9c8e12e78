"""The tasks of a session that wait: those with nothing in flight, which may be cancelled, and permits to send.

16 workers, 8 permits: 8 requests in flight, 8 waiting; the session stops, and the 8 that wait are cancelled
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

from tutelage.activity import Activity


class WaitingTasks:
    """For one event loop; at most `most` requests are in flight at once."""

    def __init__(self, most: int, activity: Activity) -> None:
        self._permits, self._activity = asyncio.Semaphore(most), activity
        self._idle: set[asyncio.Task[Any]] = set()
        self.stopping = False
        """Whether the session must end: what is in flight is paid for and waited for, nothing else is sent."""

    def stop(self) -> None:
        """End the session: cancel every task that is idle."""
        self.stopping = True
        for task in self._idle:
            task.cancel()

    @contextmanager
    def idly(self) -> Generator[None]:
        """Marks this task as idle: it has nothing in flight, so a session that must end may cancel it."""
        if self.stopping:
            raise asyncio.CancelledError
        task = cast(asyncio.Task[Any], asyncio.current_task())
        self._idle.add(task)
        try:
            with self._activity.wait():
                yield
        finally:
            self._idle.discard(task)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """A permit for one request in flight; a worker that asks several samples at once takes one for each."""
        with self.idly():
            await self._permits.acquire()
        try:
            yield
        finally:
            self._permits.release()
