"""A run's batches: submitted exactly once, awaited, and their results written to the ledger.

    batch and lines in the ledger -> file -> batch -> its id in the ledger … a day at most … -> results kept -> done
    `------------- killed here, the next process looks for a batch with its token -------'

The token makes submission idempotent: a batch is in the ledger before it is submitted, and is never submitted again
before it has been looked for at the endpoint. If a batch is too large, its requests go in smaller files, one after the
other. A line that the endpoint refuses is left out of the next batch.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from tutelage.activity import Activity
from tutelage.errors import TeacherError
from tutelage.teacher.batch.client import BatchClient, Gone, Outcome, TooMuch
from tutelage.teacher.batch.shapes import BatchState
from tutelage.teacher.batch.waiting import LOOKS, Waiting
from tutelage.teacher.ledger.ledger import Answered, Batch, Charged, Entry, Ledger, Sent, Unpaid
from tutelage.teacher.online.budget import Budget
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.conversation import Question, Settings
from tutelage.teacher.online.failures import AT_FIRST, Refused, RequestFailed
from tutelage.teacher.online.parameters import AskAgain
from tutelage.teacher.online.retry import Retry

LINES, BYTES = 50_000, 100_000_000
"""Limits of one file; OpenAI's are 50,000 requests and 200 MB."""
AT_ONCE = 500
"""Results written to the ledger in one transaction."""


class Batches:
    """The batches of one run at one endpoint.

    `poll` is the seconds between two polls; `say` takes lines for the user. A call that fails for a transient cause is
    retried up to `retries` times.
    """

    def __init__(
        self,
        client: BatchClient,
        ledger: Ledger,
        settings: Settings,
        *,
        retries: int,
        poll: float,
        say: Callable[[str], None],
        activity: Activity | None = None,
    ) -> None:
        self._client, self._ledger, self._settings = client, ledger, settings
        self._poll, self._say = poll, say
        self._tries = Retry(f"the Batch API of {settings.endpoint}", retries)
        self._activity = activity or Activity()
        self._waiting = Waiting(client, self._tries, poll, say, self._activity)
        self._most: int | None = None
        self._answered = set[str]()
        self.only_thought: list[bool] = []
        """Of each reply, in order, whether it holds reasoning alone."""
        self.failures = defaultdict[str, list[RequestFailed]](list)
        """The failures of each question so far, by key, the latest last."""

    def has_asked(self, key: str) -> bool:
        """Whether this question came back from a batch, with a reply or a failure."""
        return key in self._answered or key in self.failures

    async def hand_in(self, questions: Sequence[Question], budget: Budget) -> None:
        """Submit batches of these questions, or of the first of them if the endpoint does not take all at once.

        Raises TeacherError; batches submitted before that are collected later.
        """
        for file in self._files(questions):
            await self._submit(file, budget)
            if self._most is not None:
                return

    async def collect(self, *, wait: bool = True) -> None:
        """Keep the results of every open batch, also of an earlier process; if not `wait`, all must have ended.

        Raises:
            Refused: a line of a batch was refused; its other results are kept.
            TeacherError: a batch is pending and `wait` is false, or it failed, was cancelled, or cannot be polled.
        """
        for batch in self._ledger.open_batches(self._settings.run_id):
            if batch.endpoint != self._settings.endpoint:
                continue  # this endpoint does not know it; its lines count as perhaps charged
            batch_id = batch.batch_id or await self._find(batch)
            if batch_id is None:
                self._drop(batch)
                continue
            known = replace(batch, batch_id=batch_id)
            self._ledger.write(known)
            state = await (self._waiting.until_ended(known) if wait else self._waiting.at_once(known))
            if state is None:
                self._forget(known)
                continue
            await self._keep(known, state)
            if wait and state.status == "cancelled":
                raise TeacherError(
                    f"the batch {batch_id} was cancelled at {batch.endpoint}; its answers are kept, and the same "
                    "command asks the rest again"
                )

    def _files(self, questions: Sequence[Question]) -> Iterator[list[Question]]:
        """The questions in groups that each fit into one file."""
        file: list[Question] = []
        size = 0
        for question in questions:
            line = len(self._client.line("-" * 40, question.messages, question.seed))
            if file and (len(file) == (self._most or LINES) or size + line > BYTES):
                yield file
                file, size = [], 0
            file.append(question)
            size += line
        if file:
            yield file

    async def _submit(self, questions: Sequence[Question], budget: Budget) -> None:
        settings, token, now = self._settings, uuid.uuid4().hex, time.time()
        batch = Batch(token, settings.run_id, now, settings.endpoint, settings.model)
        with tempfile.TemporaryFile() as lines:
            sent: list[Sent] = []
            for number, question in enumerate(questions):
                name, bound = f"{token}-{number}", budget.bound(question.messages, settings.teacher.max_tokens)
                sent.append(Sent(name, question.key, settings.run_id, now, bound, token, question.payload))
                lines.write(self._client.line(name, question.messages, question.seed))
            self._ledger.write(batch, *sent)
            try:
                file_id = await self._tries.persist(lambda: self._client.upload(lines))
            except TooMuch as refusal:
                self._drop(batch)
                return self._go_smaller(len(sent), str(refusal))
            except TeacherError:
                self._drop(batch)
                raise
        try:
            batch_id = await self._create(file_id, batch)
        except TooMuch as refusal:
            return self._go_smaller(len(sent), str(refusal))
        self._ledger.write(replace(batch, batch_id=batch_id))
        handed_in = "1 request" if len(sent) == 1 else f"{len(sent):,} requests"
        self._say(
            f"batch {batch_id}: {handed_in} handed in; replies come within a day. Stop with Ctrl-C whenever you like: "
            "the same command picks it up"
        )

    async def _create(self, file_id: str, batch: Batch) -> str:
        """Create the batch. It stays open if every try fails: the endpoint may have created it all the same."""
        for tries in itertools.count(1):
            try:
                return await self._client.create(file_id, batch.token)
            except Refused:
                self._drop(batch)
                raise
            except RequestFailed as failure:
                lost = failure
            if batch_id := await self._find(batch):
                return batch_id
            await self._tries.pause(lost, tries)
        raise AssertionError("the loop returns or raises")

    async def _find(self, batch: Batch) -> str | None:
        """The id of a batch of which only the token is known; None if it was never created."""
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(self._poll)
            if batch_id := await self._tries.persist(lambda: self._client.find(batch.token)):
                return batch_id
        return None

    async def _keep(self, batch: Batch, state: BatchState) -> None:
        sent = {entry.token: entry for entry in self._ledger.sent(batch.token)}
        before = len(self._answered)
        refusals: list[tuple[Sent, Refused]] = []
        for file in state.files:
            try:
                await self._tries.persist(lambda file=file: self._read(file, batch, sent, refusals))
            except Gone as gone:
                self._say(f"the results {file} of the batch {batch.batch_id} are gone: {gone}")
        if state.status == "failed":
            self._drop(batch)
            return self._mend(batch, state, list(sent.values()))
        self._fail(
            sent.values(), RequestFailed("broken reply", "the batch has no readable result for it", charged=True)
        )
        self._ledger.write(replace(batch, done=True))
        few = len(refusals) < AT_FIRST and self._settings.answered_before(self._ledger) is not None
        for line, refusal in refusals:
            answered = len(self._answered) > (before if refusal.of_all else 0)
            if refusal.alone is None or not (answered or few):
                self._ledger.write(self._settings.failed(line.key, refusal.reason, str(refusal)))
                raise refusal
            self._fail([line], refusal.alone)
        return None

    def _mend(self, batch: Batch, state: BatchState, lines: Sequence[Sent]) -> None:
        """Recover from a batch that was refused as a whole and not charged: smaller, in another form, or without lines.

        Raises:
            TeacherError: it would be refused again.
        """
        if state.too_much:
            return self._go_smaller(len(lines), state.errors)
        if self._client.learn(batch.token, state):
            return None
        by_name = {line.token: line for line in lines}
        named = [(by_name.get(f"{batch.token}-{(fault.line or 0) - 1}"), fault) for fault in state.faults]
        bad = {line.token: (line, fault) for line, fault in named if line is not None}
        if bad and len(bad) < len(lines):
            for line, fault in bad.values():
                self._fail([line], RequestFailed("rejected request", f"the batch was refused for this line: {fault}"))
            self._say(
                f"the endpoint refused the batch {batch.batch_id} for {len(bad):,} of its lines ({state.errors}); the "
                "others are handed in again"
            )
            return None
        raise TeacherError(
            f"the endpoint {batch.endpoint} refused the batch {batch.batch_id} ({state.errors or 'no reason given'}); "
            "once that is mended, the same command hands it in again"
        )

    def _go_smaller(self, lines: int, why: str) -> None:
        """Submit half as many lines from now on, one batch at a time. Raises TeacherError if one line is too many."""
        if lines <= 1:
            raise TeacherError(
                f"the endpoint {self._settings.endpoint} takes not one request more in a batch ({why}); when other "
                "batches of the account have ended, the same command goes on"
            )
        self._most = lines // 2
        self._say(f"a batch of {lines:,} requests is too much ({why}); {self._most:,} at a time from now on")

    def _forget(self, batch: Batch) -> None:
        """Give up a batch that the endpoint has forgotten; its lines may have been charged, so they keep counting."""
        lines = self._ledger.sent(batch.token)
        self._say(
            f"the endpoint {batch.endpoint} no longer knows the batch {batch.batch_id}: its {len(lines):,} requests "
            "count as perhaps charged, and are asked again"
        )
        self._fail(lines, RequestFailed("broken reply", "the endpoint has forgotten the batch", charged=True))
        self._ledger.write(replace(batch, done=True))

    async def _read(self, file: str, batch: Batch, sent: dict[str, Sent], refusals: list[tuple[Sent, Refused]]) -> None:
        """Write a file's results to the ledger; each line with a result is removed from `sent`."""
        entries: list[Entry] = []
        try:
            async with aclosing(self._client.results(file)) as results:
                async for name, outcome in results:
                    if (line := sent.pop(name, None)) is None:
                        continue  # a second result, or one that an earlier process kept
                    entries += self._entries(line, outcome, batch)
                    if isinstance(outcome, Refused):
                        refusals.append((line, outcome))
                    if len(entries) >= AT_ONCE:
                        self._ledger.write(*entries)
                        entries.clear()
        finally:
            self._ledger.write(*entries)

    def _entries(self, line: Sent, outcome: Outcome, batch: Batch) -> list[Entry]:
        settings = replace(self._settings, model=batch.model)
        if isinstance(outcome, Reply):
            self._answered.add(line.key)
            self.only_thought.append(outcome.only_thought)
            row = settings.row(line.key, line.request, outcome, line.bound)
            self._activity.arrived(row.usage)
            return [Answered(line.token, row)]
        if isinstance(outcome, RequestFailed) and not isinstance(outcome, AskAgain):
            self._fail([line], outcome)
        paid = settings.owed(outcome, line.bound)
        return [Unpaid(line.token) if paid is None else Charged(line.token, paid)]

    def _fail(self, lines: Iterable[Sent], failure: RequestFailed) -> None:
        for line in lines:
            self.failures[line.key].append(failure)

    def _drop(self, batch: Batch) -> None:
        """Close a batch that was never created: nothing was charged."""
        unpaid = [Unpaid(line.token) for line in self._ledger.sent(batch.token)]
        self._ledger.write(*unpaid, replace(batch, done=True))
