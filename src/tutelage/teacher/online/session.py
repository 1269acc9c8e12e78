"""One session with an asynchronous teacher: requests in, feedback out, through ledger, budget and rate limits.

    question -> in the ledger? -> its reply
                  no -> budget -> rate limits -> noted as sent -> asked -> recorded -^
                           ^--------- retried after a time-out, 429, 5xx … -----'

A request that is refused before any is answered is set aside and asked again after the first answer: a second refusal
is its own fault. If the first few are all refused, and so is one that was answered before, the session ends. A refusal
that is seldom a request's own (404) ends it at the first, or after retries, unless others are answered.

No HTTP here: `Ask` sends a question and returns its reply.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from tutelage.activity import Activity
from tutelage.errors import BudgetSpent
from tutelage.records import TRANSIENT, Feedback, FeedbackRequest, Usage
from tutelage.teacher.ledger.ledger import Answered, Charged, Ledger, LedgerRow, Sent, Unpaid
from tutelage.teacher.online.budget import Budget
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.conversation import Question, Settings, begin
from tutelage.teacher.online.failures import AT_FIRST, FailureWindow, Refused, RequestFailed, SetAside
from tutelage.teacher.online.ledger_writer import LedgerWriter
from tutelage.teacher.online.limits import Limits
from tutelage.teacher.online.parameters import AskAgain
from tutelage.teacher.online.retry import back_off, wait_of
from tutelage.teacher.online.waiting_tasks import WaitingTasks
from tutelage.teacher.teacher import Deliver

_GRACE_SECONDS = 10.0
"""How long a session that must end waits for the replies in flight."""

Ask = Callable[[Question], Awaitable[Reply]]
"""Raises RequestFailed, or Refused if every other question would be refused, too."""


class RequestSession:
    """One call of `teach`. A request that fails for a transient cause is retried up to `retries` times."""

    def __init__(
        self,
        ask: Ask,
        ledger: Ledger,
        writer: LedgerWriter,
        budget: Budget,
        limits: Limits,
        settings: Settings,
        retries: int,
        activity: Activity | None = None,
    ) -> None:
        self._activity = activity or Activity()
        self._ask, self._ledger, self._writer, self._settings = ask, ledger, writer, settings
        self._budget, self._limits, self._retries = budget, limits, retries
        self._room = asyncio.Condition()
        self._buying: dict[str, asyncio.Task[LedgerRow | None]] = {}
        self._spent: BudgetSpent | None = None
        self._failures = FailureWindow()
        self._aside: list[tuple[FeedbackRequest, SetAside]] = []
        self._replies, self._refused, self._answers = 0, 0, False

    async def hold(self, requests: Iterable[FeedbackRequest], deliver: Deliver, concurrency: int) -> None:
        """Answer all requests, `concurrency` at a time; the iterable is read lazily.

        Raises:
            BudgetSpent, TeacherError: after the replies in flight are delivered.
        """
        source = iter(requests)
        self._tasks = WaitingTasks(concurrency, self._activity)
        self._activity.limit(lambda: self._limits.waits_for)
        workers = [asyncio.create_task(self._work(source, deliver)) for _ in range(concurrency)]
        try:
            done, pending = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            self._tasks.stop()  # the others have a paid request in flight
            if pending:
                await asyncio.wait(pending, timeout=_GRACE_SECONDS)
            for worker in done:
                worker.result()  # raises what ended the session
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._spent is not None:
            raise self._spent

    async def _work(self, source: Iterator[FeedbackRequest], deliver: Deliver) -> None:
        for request in source:
            if self._tasks.stopping:
                return
            await self._take(request, deliver)
            await asyncio.sleep(0)  # replies from the ledger never wait: give Ctrl-C a chance
        while self._aside and not self._tasks.stopping:
            request, aside = self._aside.pop()
            await self._see_an_answer(aside)
            await self._take(request, deliver)

    async def _take(self, request: FeedbackRequest, deliver: Deliver) -> None:
        try:
            feedback = await self._answer(request)
        except SetAside as aside:
            self._aside.append((request, aside))
            self._refused += 1
            if len(self._aside) >= AT_FIRST or aside.refusal.of_all:
                await self._see_an_answer(aside)
            return
        if feedback is not None:
            deliver(feedback)
        if self._failures.in_vain and self._failures.hopeless and await self._answers_still():
            self._failures.note_answer()  # the first requests of a session may be those that always fail
        if self._failures.hopeless:
            raise self._failures.keeps_failing(self._settings.endpoint)

    async def _see_an_answer(self, aside: SetAside) -> None:
        """Wait until anything is answered; raise the refusal if all requests in flight end without an answer."""
        async with self._room:
            with self._tasks.idly():
                await self._room.wait_for(lambda: self._answers or self._budget.idle)
        if not self._answers and not await self._answers_as_before():
            await self._writer.write(self._settings.failed(aside.key, aside.refusal.reason, str(aside.refusal)))
            raise aside.refusal

    async def _answers_as_before(self) -> bool:
        """Whether what an earlier start asked with these settings would be answered; asked if more than a few fail."""
        if (known := self._settings.answered_before(self._ledger)) is None:
            return False
        if self._refused >= AT_FIRST:
            try:
                await self._buy_once(known)
            except (SetAside, RequestFailed):
                return False
        self._answers = True
        return True

    async def _answer(self, request: FeedbackRequest) -> Feedback | None:
        """The feedback; None if the budget does not allow it."""
        conversation = begin(request, self._settings)
        questions, asked = next(conversation), False
        try:
            while True:
                known = [self._ledger.find(question.key, self._settings.run_id) for question in questions]
                asked = asked or None in known
                try:
                    replies = await self._replies_to(questions, known)
                except RequestFailed as failure:
                    questions = conversation.throw(failure)
                except Refused as refusal:
                    await self._writer.write(self._settings.failed(questions[0].key, refusal.reason, str(refusal)))
                    raise
                else:
                    questions = conversation.send(replies)
        except StopIteration as end:
            feedback: Feedback | None = end.value
        if feedback is not None and asked:
            await self._note(feedback, questions[0].key)
        return feedback

    async def _replies_to(
        self, questions: Sequence[Question], known: Sequence[LedgerRow | None]
    ) -> list[LedgerRow] | None:
        """The rows in order, those not `known` bought concurrently; None if the budget does not allow all of them."""
        buying = [self._buy_once(question) for question, row in zip(questions, known, strict=True) if row is None]
        bought = await asyncio.gather(*buying, return_exceptions=True)
        for outcome in bought:
            if isinstance(outcome, BaseException):
                raise outcome
        new = iter(bought)
        rows = [row or next(new) for row in known]
        return None if None in rows else cast(list[LedgerRow], rows)

    async def _answers_still(self) -> bool:
        """Whether a question that was answered with these settings is answered again."""
        known = self._settings.answered_before(self._ledger)
        try:
            return known is not None and await self._buy_once(known, once=True) is not None
        except (Refused, SetAside, RequestFailed):
            return False

    async def _buy_once(self, question: Question, *, once: bool = False) -> LedgerRow | None:
        """Buy a reply; concurrent callers with the same key share one purchase. If `once`, it is asked once at most."""
        task = self._buying.get(question.key)
        if task is None:
            task = self._buying[question.key] = asyncio.create_task(self._buy(question, once=once))
            task.add_done_callback(lambda _: self._buying.pop(question.key))
        return await task

    async def _buy(self, question: Question, *, once: bool) -> LedgerRow | None:
        tries, retries = 0, 0 if once else self._retries
        while bound := await self._reserve(question):
            replies = self._replies
            try:
                async with self._tasks.place():
                    return await self._send(question, bound)
            except AskAgain:
                continue
            except Refused as refusal:
                if refusal.alone is None:
                    raise
                if not self._answers:
                    raise SetAside(refusal, question.key) from None
                tries += 1
                if not refusal.of_all:
                    raise refusal.alone from None
                if self._tasks.stopping:
                    raise
                if tries > retries:
                    if replies == self._replies and (once or not await self._answers_still()):
                        raise
                    raise refusal.alone from None
                await self._pause(refusal.alone, tries, str(refusal))
            except RequestFailed as failure:
                # Overload while others are answered costs no try: the endpoint works, and this request's turn comes.
                tries += not (failure.wait or failure.crowded) or replies == self._replies
                if failure.reason not in TRANSIENT or tries > retries or self._tasks.stopping:
                    raise
                await self._pause(failure, tries)
        return None

    async def _pause(self, failure: RequestFailed, tries: int, said: str = "") -> None:
        """Wait after the failed try number `tries`; `said` is shown in place of the failure's own message."""
        wait = wait_of(failure, tries)
        self._activity.failed(failure.reason, said or str(failure), wait)
        if wait:
            self._limits.hold(wait)
            return
        with self._tasks.idly():
            seconds = back_off(max(1, tries), crowded=failure.crowded)
            await asyncio.sleep(seconds * random.uniform(0.5, 1.0))

    async def _send(self, question: Question, bound: Usage) -> LedgerRow:
        with self._tasks.idly():
            admission = await self._limits.admit(bound.prompt_tokens + bound.completion_tokens)
        token, started, limit = uuid.uuid4().hex, asyncio.get_running_loop().time(), self._settings.teacher.max_tokens
        paid: Usage | None = None
        try:
            await self._writer.write(Sent(token, question.key, self._settings.run_id, time.time(), bound))
            paid = bound  # from here on it may have been charged
            with self._activity.flight(token):
                reply = await self._ask(question)
            row = self._settings.row(question.key, question.payload, reply, bound)
            row = replace(row, seconds=round(asyncio.get_running_loop().time() - started, 3))
            paid = row.usage
            self._budget.learn(question.messages, limit, paid, bound)
            self._activity.arrived(paid)
            self._limits.correct(admission, paid.prompt_tokens + paid.completion_tokens)
            self._limits.speed_up()
            await self._writer.write(Answered(token, row))
            self._replies, self._answers = self._replies + 1, True
            self._failures.note_reply(only_thought=reply.only_thought)
            return row
        except (RequestFailed, Refused) as failure:
            if isinstance(failure, RequestFailed) and failure.crowded:
                self._limits.slow_down(started)
            paid = self._settings.owed(failure, bound)
            if failure.taken:
                self._budget.raise_by(question.messages, limit, self._settings.paid(failure.taken, bound), bound)
            if paid != bound:
                await self._writer.write(Unpaid(token) if paid is None else Charged(token, paid))
            raise
        finally:
            self._budget.settle(bound, paid)
            async with self._room:
                self._room.notify_all()

    async def _reserve(self, question: Question) -> Usage | None:
        """Reserve the most that the request can cost, once it fits beside those in flight.

        Returns that bound; None if the budget is spent: nothing is in flight, and the request does not fit.
        """
        budget, limit = self._budget, self._settings.teacher.max_tokens
        if self._failures.only_thinks:
            raise self._failures.only_thinking(self._settings.endpoint, limit)

        def fits() -> bool:
            return budget.idle or (not budget.wary and budget.has_room(budget.bound(question.messages, limit)))

        async with self._room:
            with self._tasks.idly():
                await self._room.wait_for(lambda: self._spent or fits())
            bound = budget.bound(question.messages, limit)
            if self._spent is None and not self._budget.has_room(bound):
                self._spent = self._budget.exhausted(bound)
            if self._spent is not None:
                self._room.notify_all()
                return None
            self._budget.reserve(bound)
            return bound

    async def _note(self, feedback: Feedback, key: str) -> None:
        """Record how a request ended, in the failure window and in the ledger."""
        self._failures.note(feedback.failure, feedback.verdict.reason.removeprefix("no reply: "))
        if feedback.failure is not None:
            await self._writer.write(self._settings.failed(key, feedback.failure, feedback.verdict.reason))
