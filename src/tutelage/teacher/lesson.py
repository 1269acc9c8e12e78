"""One lesson with an asynchronous teacher: requests in, feedback out, through the ledger and within the budget.

    request -> in the ledger? ------------------------------------> read, grade -> right -> deliver
                 no -> wait for room in the budget -> ask -> record ---^   |
                                                                           wrong -> ask once more with the hint

No HTTP here: `Ask` is whoever answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from tutelage.errors import BudgetSpent, TeacherError
from tutelage.records import AnswerKind, Feedback, FeedbackRequest, Grade, Usage, Verdict
from tutelage.teacher.budget import Budget
from tutelage.teacher.ledger import Ledger, LedgerRow
from tutelage.teacher.prompts import Message, Reading, first_messages, read_reply, second_messages
from tutelage.teacher.teacher import Deliver

FAILURES_IN_A_ROW = 10
"""So many failed requests in a row end the lesson; see also `FAILURES_AT_FIRST`."""
FAILURES_AT_FIRST = 3
"""So many do, where the endpoint has not answered once."""
_GRACE_SECONDS = 10.0
"""How long replies in flight are waited for when the lesson must end."""


class RequestFailed(Exception):
    """A request got no usable reply, for a cause that may lie in the request or pass by itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered; token counts are None where it did not say."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


Ask = Callable[[list[Message]], Awaitable[Reply]]
"""Raises RequestFailed, or TeacherError when asking anything else would be in vain."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What shapes a reply beside the messages, and what it is judged by."""

    endpoint: str
    model: str
    temperature: float
    max_tokens: int
    concurrency: int
    kind: AnswerKind
    grade: Grade
    run_id: str

    def shape(self, messages: list[Message], sample: int) -> str:
        """All that the reply depends on, as JSON. Its hash is the ledger's key."""
        shape = {
            "endpoint": self.endpoint,
            "model": self.model,
            "messages": messages,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "sample": sample,
        }
        return json.dumps(shape, sort_keys=True)


class Lesson:
    """One call of `teach`."""

    def __init__(self, ask: Ask, ledger: Ledger, budget: Budget, settings: Settings, deliver: Deliver) -> None:
        self._ask, self._ledger, self._budget, self._settings = ask, ledger, budget, settings
        self._deliver = deliver
        self._room = asyncio.Condition()
        self._spent: BudgetSpent | None = None
        self._stopping = False
        self._answered = False
        # Failures are delivered once the endpoint answers again. If it does not, they are owed when the run goes on.
        self._failed: list[Feedback] = []

    async def hold(self, requests: Iterable[FeedbackRequest]) -> None:
        """Answer all requests, `concurrency` at a time; the iterable is read as needed.

        Raises:
            BudgetSpent, TeacherError: after what was in flight is delivered.
        """
        source = iter(requests)
        workers = [asyncio.create_task(self._work(source)) for _ in range(self._settings.concurrency)]
        try:
            done, pending = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            self._stopping = True
            if pending:
                await asyncio.wait(pending, timeout=_GRACE_SECONDS)
            for worker in done:
                worker.result()  # raises what ended the lesson
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        self._end()

    def _end(self) -> None:
        if self._failed and not self._answered:
            raise self._keeps_failing()
        self._deliver_failed()
        if self._spent is not None:
            raise self._spent

    async def _work(self, source: Iterator[FeedbackRequest]) -> None:
        for request in source:
            if self._stopping:
                return
            feedback = await self._answer(request)
            if feedback is not None:
                self._deliver(feedback)
            await asyncio.sleep(0)  # replies from the ledger never wait; let Ctrl-C through

    async def _answer(self, request: FeedbackRequest) -> Feedback | None:
        """The feedback; None if it could not be bought or has to wait for the endpoint to recover."""
        rows: list[LedgerRow] = []
        try:
            reading = await self._ask_once(first_messages(request, self._settings.kind), request, rows)
            if reading is not None and not reading.verdict.correct:
                again = second_messages(request, self._settings.kind, reading.verdict.reason)
                reading = await self._ask_once(again, request, rows) or reading
        except RequestFailed as failure:
            verdict = Verdict(False, None, f"no reply: {failure}")
            self._note_failure(self._feedback(request, Reading("", verdict), rows))
            return None
        return None if reading is None else self._feedback(request, reading, rows)

    def _feedback(self, request: FeedbackRequest, reading: Reading, rows: list[LedgerRow]) -> Feedback:
        own = [row.usage for row in rows if row.run_id == self._settings.run_id]
        identity = request.problem.id, request.sample, request.mistake
        keys = tuple(row.key for row in rows)
        return Feedback(*identity, reading.text, reading.verdict, sum(own, Usage()), keys)

    async def _ask_once(
        self, messages: list[Message], request: FeedbackRequest, rows: list[LedgerRow]
    ) -> Reading | None:
        """A reply from the ledger or the endpoint, added to `rows` and read; None if the budget does not allow it."""
        shape = self._settings.shape(messages, request.sample)
        key = hashlib.sha256(shape.encode()).hexdigest()[:32]
        row = self._ledger.find(key, self._settings.run_id) or await self._buy(key, shape, messages)
        if row is None:
            return None
        rows.append(row)
        settings = self._settings
        return read_reply(row.text, row.finish_reason, request.problem, settings.grade, max_tokens=settings.max_tokens)

    async def _buy(self, key: str, shape: str, messages: list[Message]) -> LedgerRow | None:
        bound = self._budget.bound(messages, self._settings.max_tokens)
        if not await self._reserve(bound):
            return None
        paid: Usage | None = None
        try:
            reply = await self._ask(messages)
            # An endpoint that does not say what a reply took is charged at the bound.
            prompt = bound.prompt_tokens if reply.prompt_tokens is None else reply.prompt_tokens
            completion = bound.completion_tokens if reply.completion_tokens is None else reply.completion_tokens
            paid = self._budget.charge(prompt, completion)
            row = LedgerRow(
                key=key,
                run_id=self._settings.run_id,
                created=time.time(),
                endpoint=self._settings.endpoint,
                model=self._settings.model,
                request=shape,
                text=reply.text,
                finish_reason=reply.finish_reason,
                prompt_tokens=prompt,
                completion_tokens=completion,
                cost_usd=paid.cost_usd,
            )
            self._ledger.record(row)
        finally:
            self._budget.settle(bound, paid)
            async with self._room:
                self._room.notify_all()
        self._answered = True
        self._deliver_failed()
        return row

    async def _reserve(self, bound: Usage) -> bool:
        """Wait until the request fits beside those in flight; if none is, it never will: the budget is spent."""
        async with self._room:
            await self._room.wait_for(lambda: self._spent or self._budget.fits(bound) or self._budget.idle)
            if self._spent is None and not self._budget.fits(bound):
                self._spent = self._budget.exhausted(bound)
            if self._spent is not None:
                self._room.notify_all()
                return False
            self._budget.reserve(bound)
            return True

    def _note_failure(self, feedback: Feedback) -> None:
        self._failed.append(feedback)
        if len(self._failed) >= (FAILURES_IN_A_ROW if self._answered else FAILURES_AT_FIRST):
            raise self._keeps_failing()

    def _deliver_failed(self) -> None:
        for feedback in self._failed:
            self._deliver(feedback)
        self._failed.clear()

    def _keeps_failing(self) -> TeacherError:
        reason = self._failed[-1].verdict.reason.removeprefix("no reply: ")
        return TeacherError(
            f"the endpoint {self._settings.endpoint} keeps failing: {reason}; "
            "check that it is up and teacher.base_url is right, then run the same command again"
        )
