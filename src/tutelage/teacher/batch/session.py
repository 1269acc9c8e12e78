"""One session through the Batch API: the same questions, ledger and budget as online, asked in files.

questions not in the ledger, as many as the budget allows -> batches … a day at most … -> ledger
   ^--- next questions after rejected replies, retries of failures, questions that the budget deferred ---'

Until a reply has been of use, a batch has at most `TRIAL` lines: what does not work is seen before all is paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tutelage.errors import TeacherError
from tutelage.records import TRANSIENT, Feedback, FeedbackRequest
from tutelage.teacher.batch.batches import Batches
from tutelage.teacher.ledger.ledger import Ledger
from tutelage.teacher.online.budget import Budget
from tutelage.teacher.online.conversation import Question, Settings, begin
from tutelage.teacher.online.failures import OF_THE_ANSWER, FailureWindow, RequestFailed
from tutelage.teacher.teacher import Deliver

TRIAL = 20
"""The most lines of a batch before a reply has been of use."""


class BatchSession:
    """One call of `teach` through the Batch API. A transient failure is retried in up to `retries` further batches."""

    def __init__(self, batches: Batches, ledger: Ledger, settings: Settings, retries: int) -> None:
        self._batches, self._ledger, self._settings = batches, ledger, settings
        self._retries = retries
        self._failures = FailureWindow()
        self._works = settings.answered_before(ledger) is not None

    async def hold(self, requests: Iterable[FeedbackRequest], deliver: Deliver, budget: Callable[[], Budget]) -> None:
        """Answer all requests; `budget` returns what is left at that moment.

        Raises:
            BudgetSpent, TeacherError: after every paid reply is delivered.
        """
        owed = list(requests)
        while True:
            stop = await self._collect()
            owed, wanted = self._go_on(owed, deliver)
            if stop is not None:
                raise stop
            if self._failures.hopeless or (self._failures.in_vain and not wanted):
                raise self._failures.keeps_failing(self._settings.endpoint)
            if not wanted:
                return
            left = budget()
            wanted = wanted if self._works else wanted[:TRIAL]
            affordable = _reserve(wanted, left, self._settings.teacher.max_tokens)
            if not affordable:
                self._go_on(owed, deliver, closed=True)
                raise left.exhausted(left.bound(wanted[0].messages, self._settings.teacher.max_tokens))
            await self._batches.hand_in(affordable, left)

    async def _collect(self) -> TeacherError | None:
        """Wait for the open batches, also of an earlier process; returns the error that ends the session, if any."""
        seen = len(self._batches.only_thought)
        try:
            await self._batches.collect()
        except TeacherError as error:
            self._batches.failures.clear()  # a session that ends gives nothing up: the requests are still owed
            return error
        for only_thought in self._batches.only_thought[seen:]:
            self._failures.note_reply(only_thought=only_thought)
        if self._failures.only_thinks:
            return self._failures.only_thinking(self._settings.endpoint, self._settings.teacher.max_tokens)
        return None

    def _go_on(
        self, owed: Sequence[FeedbackRequest], deliver: Deliver, *, closed: bool = False
    ) -> tuple[list[FeedbackRequest], list[Question]]:
        """Advance every conversation with the replies in the ledger; returns the unfinished ones and their questions.

        If `closed`, nothing more can be asked, and every conversation ends with the replies that it has.
        """
        waiting: list[FeedbackRequest] = []
        wanted: dict[str, Question] = {}
        for request in owed:
            outcome = self._follow(request, closed)
            if isinstance(outcome, Feedback):
                deliver(outcome)
            else:
                waiting.append(request)
                wanted |= {question.key: question for question in outcome}
        return waiting, list(wanted.values())

    def _follow(self, request: FeedbackRequest, closed: bool) -> Feedback | list[Question]:
        """The feedback, or the questions that it still needs; an empty list if it needs some and all is closed."""
        conversation = begin(request, self._settings)
        questions, asked = next(conversation), False
        try:
            while True:
                asked = asked or any(self._batches.has_asked(question.key) for question in questions)
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
            self._note(feedback, questions[0].key)
        return feedback or []

    def _given_up(self, questions: Sequence[Question]) -> RequestFailed | None:
        """The failure of the first question that must not be asked again, if there is one."""
        for question in questions:
            failures = self._batches.failures.get(question.key)
            if failures and (failures[-1].reason not in TRANSIENT or len(failures) > self._retries):
                return failures[-1]
        return None

    def _note(self, feedback: Feedback, key: str) -> None:
        """Record how a request ended, in the failure window and in the ledger."""
        self._works = self._works or feedback.failure is None or feedback.failure in OF_THE_ANSWER
        self._failures.note(feedback.failure, feedback.verdict.reason.removeprefix("no reply: "))
        if feedback.failure is not None:
            self._ledger.write(self._settings.failed(key, feedback.failure, feedback.verdict.reason))


def _reserve(questions: Sequence[Question], budget: Budget, max_tokens: int) -> list[Question]:
    """The first questions that fit into the budget together."""
    chosen: list[Question] = []
    for question in questions:
        bound = budget.bound(question.messages, max_tokens)
        if not budget.has_room(bound):
            break
        budget.reserve(bound)
        chosen.append(question)
    return chosen
