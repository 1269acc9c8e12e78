"""Polls a batch until it has ended, reports its progress, and gives up after a time limit.

validating … 4 of 9 done … finalizing … completed
404 three times                             None: the endpoint has forgotten it
50 h, and it has not ended                  TeacherError
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tutelage.activity import Activity
from tutelage.errors import TeacherError
from tutelage.teacher.batch.client import BatchClient, Gone
from tutelage.teacher.batch.shapes import BatchState
from tutelage.teacher.ledger.ledger import Batch
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.online.retry import Retry

LOOKS = 3
"""Times that a batch is looked for before it counts as missing: the endpoint's list may lag behind."""
PATIENCE = 3600.0
"""Seconds without a successful poll, as when the network is down, after which waiting ends."""
SILENCE = 1800.0
"""Seconds after which the progress is reported even if little has changed."""
LONGEST = 50 * 3600.0
"""Seconds in which every batch ends or expires: OpenAI's in 24 h, Novita's in 48 h."""
_NEWS = 10
"""Progress is reported in about this many steps."""


class Waiting:
    """Polls batches every `poll` seconds and reports to `say`; `tries` retries failed calls."""

    def __init__(
        self, client: BatchClient, tries: Retry, poll: float, say: Callable[[str], None], activity: Activity
    ) -> None:
        self._client, self._tries, self._poll, self._say = client, tries, poll, say
        self._activity = activity

    async def until_ended(self, batch: Batch) -> BatchState | None:
        """The final state of a batch; None if the endpoint no longer knows it. Raises TeacherError."""
        heard = said = time.monotonic()
        told, strange, missed, bare = -1, "", 0, 0
        while True:
            pause = self._poll
            try:
                state = await self._client.state(batch.batch_id)
            except Gone:
                missed += 1
                if missed == LOOKS:
                    return None
            except RequestFailed as failure:
                if time.monotonic() - heard > PATIENCE:
                    raise self._tries.keeps_failing(failure) from None
                self._activity.failed(failure.reason, str(failure), failure.wait)
                pause = max(pause, failure.wait or 0.0)
            else:
                heard, missed = time.monotonic(), 0
                self._activity.note(f"batch {batch.batch_id}: {state.progress}")
                if _is_news(state, told) or (heard - said > SILENCE and not state.ended):
                    self._say(f"batch {batch.batch_id}: {state.progress}")
                    said, told = heard, state.done
                if not state.known and state.status != strange:
                    strange = state.status
                    self._say(f"batch {batch.batch_id}: the endpoint calls it {strange!r}, which is waited out")
                bare += state.owes_files
                if state.ended and (not state.owes_files or bare == LOOKS):
                    return state
                _check_age(batch, state)
            await asyncio.sleep(pause)

    async def at_once(self, batch: Batch) -> BatchState | None:
        """The final state of a batch; None if the endpoint no longer knows it. Raises TeacherError if it is pending."""
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(self._poll)
            try:
                state = await self._tries.persist(lambda: self._client.state(batch.batch_id))
            except Gone:
                continue
            if not state.ended:
                raise TeacherError(
                    f"the batch {batch.batch_id} of this run is still on its way ({state.progress}), "
                    "and to ask online now would pay twice; set teacher.batch to true to wait for it, or cancel it at "
                    "the endpoint and run again"
                )
            if not state.owes_files or look == LOOKS - 1:
                return state
        return None


def _check_age(batch: Batch, state: BatchState) -> None:
    age = time.time() - batch.created
    if age > LONGEST:
        raise TeacherError(
            f"the batch {batch.batch_id} at {batch.endpoint} has not ended in {age / 3600:.0f} h ({state.status}, "
            f"{state.progress}); cancel it there, then the same command goes on without it"
        )


def _is_news(state: BatchState, told: int) -> bool:
    """Whether enough is done since the last report of `told` requests (below 0: none yet) to report again."""
    step = 1 if told < 0 or state.ended else state.total / _NEWS
    return state.total > 0 and state.done - told >= step
