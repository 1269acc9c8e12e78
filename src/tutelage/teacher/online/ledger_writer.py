"""Writes to the ledger from a thread of its own, so that the event loop never waits for the disk.

Entries that arrive during a transaction share the next one (group commit): a slow disk costs latency, not throughput.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tutelage.teacher.ledger.ledger import Entry, Ledger


class LedgerWriter:
    """An asynchronous context manager for one event loop; leaving it waits until all entries are written.

    Raises:
        RunError: from every `write` that shared a transaction, if the ledger cannot be written.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._waiting: list[tuple[tuple[Entry, ...], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, *entries: Entry) -> None:
        """Write the entries; on return they are on disk. They are written even if the caller is cancelled."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await written

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            entries = [entry for entries, _ in batch for entry in entries]
            error: BaseException | None = None
            try:
                await loop.run_in_executor(self._thread, lambda entries=entries: self._ledger.write(*entries))
            except Exception as caught:
                error = caught
            for _, written in batch:
                if not written.done():
                    written.set_result(None) if error is None else written.set_exception(error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()
