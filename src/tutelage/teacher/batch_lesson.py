"""A lesson through the Batch API: the same questions, ledger and budget, but asked a file at a time.

    questions not in the ledger -> noted as sent -> file -> batch … a day at most … -> results -> ledger
    rejected replies -> their second asking -> the next batch

A batch is noted in the ledger before it is handed in, and its id as soon as it is known. A process that goes on after a
crash finds the batch by its token and hands nothing in twice.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from tutelage.errors import TeacherError
from tutelage.records import TRANSIENT, Feedback, FeedbackRequest
from tutelage.teacher.budget import Budget
from tutelage.teacher.client import Endpoint
from tutelage.teacher.client_batches import BatchDesk, Outcome
from tutelage.teacher.completion import Reply
from tutelage.teacher.exchange import Question, Settings, exchange
from tutelage.teacher.failures import Record, Refused, RequestFailed
from tutelage.teacher.ledger import Answered, Batch, Entry, Ledger, Sent, Unpaid
from tutelage.teacher.teacher import Deliver

LINES, BYTES = 50_000, 100_000_000
"""The most that a file may hold: OpenAI takes 50,000 requests and 200 MB."""
_AT_ONCE = 500
"""Results written to the ledger in one transaction."""


class BatchLesson:
    """One call of `teach` through the Batch API. A request that fails by chance goes into the next batch too."""

    def __init__(self, endpoint: Endpoint, desk: BatchDesk, ledger: Ledger, settings: Settings, retries: int) -> None:
        self._endpoint, self._desk, self._ledger, self._settings = endpoint, desk, ledger, settings
        self._retries = retries
        self._tries = Counter[str]()
        self._failures: dict[str, RequestFailed] = {}
        self._asked: set[str] = set()
        self._record = Record()

    async def hold(
        self, requests: Iterable[FeedbackRequest], deliver: Deliver, budget: Callable[[], Budget], poll: float
    ) -> None:
        """Answer all requests; `budget` is what is left at the moment, `poll` the seconds between looks at a batch.

        Raises:
            BudgetSpent, TeacherError: after what was bought is delivered.
        """
        owed = list(requests)
        await self._collect(poll)
        while True:
            owed, wanted = self._go_on(owed, deliver)
            if self._record.hopeless or (self._record.in_vain and not wanted):
                raise TeacherError(f"the endpoint {self._settings.endpoint} keeps failing: {self._record.explain()}")
            if not wanted:
                return
            left = budget()
            affordable = _affordable(wanted, left, self._settings)
            if not affordable:
                self._go_on(owed, deliver, closed=True)
                raise left.exhausted(left.bound(wanted[0].messages, self._settings.max_tokens))
            for questions in self._files(affordable):
                await self._submit(questions, left)
            await self._collect(poll)

    def _go_on(
        self, owed: Sequence[FeedbackRequest], deliver: Deliver, *, closed: bool = False
    ) -> tuple[list[FeedbackRequest], list[Question]]:
        """Take every exchange as far as the ledger knows; returns those not at their end, and what they want to ask.

        If `closed`, nothing can be asked any more, and they end with what they have.
        """
        waiting: list[FeedbackRequest] = []
        wanted: dict[str, Question] = {}
        for request in owed:
            outcome = self._follow(request, closed)
            if isinstance(outcome, Feedback):
                deliver(outcome)
            elif outcome is not None:
                waiting.append(request)
                wanted |= {question.key: question for question in outcome}
        return waiting, list(wanted.values())

    def _follow(self, request: FeedbackRequest, closed: bool) -> Feedback | list[Question] | None:
        """The feedback, or the questions it still takes; None if it takes some and nothing can be asked."""
        conversation = exchange(request, self._settings)
        questions, asked = next(conversation), False
        try:
            while True:
                asked = asked or any(question.key in self._asked for question in questions)
                rows = [self._ledger.find(question.key, self._settings.run_id) for question in questions]
                unknown = [question for question, row in zip(questions, rows, strict=True) if row is None]
                if not unknown:
                    questions = conversation.send([row for row in rows if row])
                elif failure := self._given_up(unknown):
                    questions = conversation.throw(failure)
                elif closed:
                    questions = conversation.send(None)
                else:
                    return unknown
        except StopIteration as end:
            feedback: Feedback | None = end.value
        if feedback is not None and asked:
            self._record.note(feedback.failure, feedback.verdict.reason.removeprefix("no reply: "))
            if feedback.failure is not None:
                key, reason = questions[0].key, feedback.failure
                self._ledger.write(self._settings.failed(key, reason, feedback.verdict.reason))
        return feedback

    def _given_up(self, questions: Sequence[Question]) -> RequestFailed | None:
        """The failure of a question that is not to be asked again."""
        for question in questions:
            failure = self._failures.get(question.key)
            if failure and (failure.reason not in TRANSIENT or self._tries[question.key] > self._retries):
                return failure
        return None

    def _files(self, questions: Sequence[Question]) -> Iterator[list[tuple[Question, bytes]]]:
        """Questions with the bytes of their requests, as many together as a file may hold."""
        file: list[tuple[Question, bytes]] = []
        size = 0
        for question in questions:
            body = json.dumps(self._endpoint.body(question.messages)).encode()
            if file and (len(file) == LINES or size + len(body) > BYTES):
                yield file
                file, size = [], 0
            file.append((question, body))
            size += len(body) + 200
        yield file

    async def _submit(self, questions: Sequence[tuple[Question, bytes]], budget: Budget) -> None:
        settings, token, now = self._settings, uuid.uuid4().hex, time.time()
        batch = Batch(token, settings.run_id, now, settings.endpoint, settings.model)
        with tempfile.TemporaryFile() as lines:
            sent: list[Sent] = []
            for number, (question, body) in enumerate(questions):
                name = f"{token}-{number}"
                bound = budget.bound(question.messages, settings.max_tokens)
                sent.append(Sent(name, question.key, settings.run_id, now, bound, token, question.shape))
                head = json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions"})
                lines.write(head[:-1].encode() + b', "body": ' + body + b"}\n")
            self._ledger.write(batch, *sent)
            try:
                batch_id = await self._desk.submit(lines, token)
            except RequestFailed as failure:
                self._fail(sent, failure)  # it may be there all the same: collecting looks for it
                return
            except Refused:
                self._drop(batch)
                raise
        self._ledger.write(replace(batch, batch_id=batch_id))

    async def _collect(self, poll: float) -> None:
        """Wait for the run's open batches, also those of an earlier process, and keep their results."""
        for batch in self._ledger.open_batches(self._settings.run_id):
            batch_id = batch.batch_id or await self._desk.find(batch.token)
            if batch_id is None:
                self._drop(batch)
                continue
            while not (state := await self._desk.state(batch_id)).ended:
                await asyncio.sleep(poll)
            if state.errors and not state.files:
                self._drop(batch)
                raise Refused("rejected request", f"the endpoint rejected the batch {batch_id}: {state.errors}")
            await self._keep(replace(batch, batch_id=batch_id), state.files)

    async def _keep(self, batch: Batch, files: Sequence[str]) -> None:
        sent = {entry.token: entry for entry in self._ledger.sent(batch.token)}
        entries: list[Entry] = []
        refused: Refused | None = None
        for file in files:
            async for token, outcome in self._desk.results(file):
                if (asked := sent.pop(token, None)) is None:
                    continue  # kept by an earlier process
                entries += self._entries(asked, outcome)
                refused = refused or (outcome if isinstance(outcome, Refused) else None)
                if len(entries) >= _AT_ONCE:
                    self._ledger.write(*entries)
                    entries.clear()
        self._fail(sent.values(), RequestFailed("broken reply", "the batch has no result for it", charged=True))
        self._ledger.write(*entries, replace(batch, done=True))
        if refused is not None:
            raise refused

    def _entries(self, sent: Sent, outcome: Outcome) -> list[Entry]:
        self._asked.add(sent.key)
        if isinstance(outcome, Reply):
            return [Answered(sent.token, self._settings.row(sent.key, sent.request, outcome, sent.bound))]
        if isinstance(outcome, RequestFailed):
            self._fail([sent], outcome)
            return [] if outcome.charged else [Unpaid(sent.token)]
        return [Unpaid(sent.token), self._settings.failed(sent.key, outcome.reason, str(outcome))]

    def _fail(self, sent: Iterable[Sent], failure: RequestFailed) -> None:
        for entry in sent:
            self._asked.add(entry.key)
            self._tries[entry.key] += 1
            self._failures[entry.key] = failure

    def _drop(self, batch: Batch) -> None:
        """Take back what never became a batch: nothing was charged."""
        unpaid = [Unpaid(entry.token) for entry in self._ledger.sent(batch.token)]
        self._ledger.write(*unpaid, replace(batch, done=True))


def _affordable(questions: Sequence[Question], budget: Budget, settings: Settings) -> list[Question]:
    """The first questions that fit into the budget together; they are reserved."""
    chosen: list[Question] = []
    for question in questions:
        bound = budget.bound(question.messages, settings.max_tokens)
        if not budget.fits(bound):
            break
        budget.reserve(bound)
        chosen.append(question)
    return chosen
