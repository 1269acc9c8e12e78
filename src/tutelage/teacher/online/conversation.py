"""The dialogue for one request: the questions to ask, and the feedback from their replies. Pure.

    request ─ asked ─ sound ──────────────────────────────────→ feedback
                 └─ rejected ─ asked in the next way ─ … ──────→ feedback

`converse` is a generator: it yields questions and is sent their replies. The replies may come from the ledger, an
endpoint or a batch.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

from tutelage.config import PriceConfig, TeacherConfig
from tutelage.records import AnswerKind, Asked, FailureReason, Feedback, FeedbackRequest, Grade, Usage, Verdict
from tutelage.teacher.ledger.ledger import Failed, Ledger, LedgerRow
from tutelage.teacher.online.budget import cost_of
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.parameters import seed_of
from tutelage.teacher.online.usage import Taken
from tutelage.teacher.prompts import Message, Prompts
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.repair import read_repair
from tutelage.teacher.reply import OURS, Reading, read_reply
from tutelage.teacher.template import Template
from tutelage.teacher.ways import Asking, Plan, askings


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reply depends on besides the messages, and what it is judged by."""

    endpoint: str
    model: str
    kind: AnswerKind
    grade: Grade
    run_id: str
    price: PriceConfig
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    template: Template | None = None
    plan: Plan = askings
    ours: Echoes = OURS
    shaping: Mapping[str, object] = field(default_factory=dict[str, object])
    """Further parameters of the request that enter the ledger's key; those at their default are left out."""
    dialogue: Callable[[FeedbackRequest, Settings], Conversation] | None = None
    """Another dialogue than `converse`."""

    @property
    def prompts(self) -> Prompts:
        """The prompts for these settings."""
        return Prompts(self.kind, self.teacher.style, self.template)

    def row(self, key: str, payload: str, reply: Reply, bound: Usage) -> LedgerRow:
        """A reply as the ledger keeps it."""
        paid = self.paid(reply.taken, bound)
        return LedgerRow(
            key=key,
            run_id=self.run_id,
            created=time.time(),
            endpoint=self.endpoint,
            model=self.model,
            request=payload,
            text=reply.text,
            finish_reason=reply.finish_reason,
            prompt_tokens=paid.prompt_tokens,
            completion_tokens=paid.completion_tokens,
            cost_usd=paid.cost_usd,
            cached_tokens=reply.cached_tokens,
            reasoning=reply.reasoning,
            served_model=reply.served,
            provider=reply.provider,
        )

    def paid(self, taken: Taken, bound: Usage) -> Usage:
        """What a request cost; token counts that the endpoint does not state are those of the bound.

        If it states a total alone, all of that may be completion, which costs more. The cost is what the endpoint
        states, unless that is 0: a router may not know the price.
        """
        prompt = max(bound.prompt_tokens if taken.prompt is None else taken.prompt, taken.written)
        completion = bound.completion_tokens if taken.completion is None else taken.completion
        completion = max(completion, taken.least - (taken.prompt or 0))
        cost = taken.cost_usd or cost_of(prompt, completion, self.price, taken.cached, taken.written)
        return Usage(1, prompt, completion, cost)

    def owed(self, failure: RequestFailed | Refused, bound: Usage) -> Usage | None:
        """What a request that failed counts at; None if nothing was charged.

        What the endpoint says that it took; the bound at least, if the reply may have been lost.
        """
        lost = bound if isinstance(failure, RequestFailed) and failure.charged else None
        if failure.taken is None:
            return lost
        paid = self.paid(failure.taken, bound)
        return paid if lost is None else paid.at_least(lost)

    def answered_before(self, ledger: Ledger) -> Question | None:
        """A question that was answered with these very settings, whatever it was about; None if there is none."""
        request = ledger.asked_alike(self.endpoint, self.model, _shape([], 0, self))
        if request is None:
            return None
        asked = json.loads(request)
        return Question(asked["messages"], request, seed_of(self.teacher.seed, asked["sample"]))

    def failed(self, key: str, reason: FailureReason, detail: str) -> Failed:
        """The ledger's entry for a request without a usable reply."""
        return Failed(key, self.run_id, time.time(), self.endpoint, self.model, reason, detail)


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the endpoint: the messages, a seed, and all that the reply depends on as JSON (`payload`)."""

    messages: list[Message]
    payload: str
    seed: int | None = None

    @property
    def key(self) -> str:
        """The reply's key in the ledger: the first 32 hex digits of the payload's SHA-256."""
        return hashlib.sha256(self.payload.encode()).hexdigest()[:32]


Conversation = Generator[list[Question], Sequence[LedgerRow] | None, Feedback | None]
"""Yields questions; is sent their replies in order, or None if the budget is spent; RequestFailed may be thrown in."""


def begin(request: FeedbackRequest, settings: Settings) -> Conversation:
    """The dialogue for a request."""
    return (settings.dialogue or converse)(request, settings)


def converse(request: FeedbackRequest, settings: Settings) -> Conversation:
    """Ask in one way after another until a reply is sound; returns the feedback, or None if nothing could be asked."""
    rows: list[LedgerRow] = []
    asked: list[Asked] = []
    reading: Reading | None = None
    prompts, hidden = settings.prompts, settings.teacher.hint == "never"
    try:
        for asking in settings.plan(request, settings.teacher):
            reason = "" if reading is None else str(reading.failure) if hidden else reading.verdict.reason
            messages = prompts.messages(request, asking, reason)
            replies = yield questions_of(messages, request, settings, settings.teacher.self_consistency)
            if replies is None:
                break
            rows += replies
            reading = _read(replies, request, asking, settings)
            asked.append(_asked(asking, reading, replies))
            if reading.verdict.correct:
                break
    except RequestFailed as failure:
        reading = Reading("", Verdict(False, None, f"no reply: {failure}"), failure.reason)
    if reading is None:
        return None
    own = [row.usage for row in rows if row.run_id == settings.run_id]
    return Feedback(
        problem_id=request.problem.id,
        sample=request.sample,
        mistake=request.mistake,
        text=reading.text,
        verdict=reading.verdict,
        usage=sum(own, Usage()),
        keys=tuple(row.key for row in rows),
        failure=reading.failure,
        explanation=reading.explanation if settings.teacher.explain else None,
        asked=tuple(asked),
        step=reading.step,
    )


def _asked(asking: Asking, reading: Reading, rows: Sequence[LedgerRow]) -> Asked:
    prompt, completion = sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)
    verdict = reading.verdict
    reason = "" if verdict.correct else verdict.reason
    return Asked(asking.way, asking.hint, verdict.correct, prompt, completion, reading.failure, reason)


def questions_of(messages: list[Message], request: FeedbackRequest, settings: Settings, times: int) -> list[Question]:
    """The same question some times; the first has the key that it would have alone."""
    samples = [request.sample, *(f"{request.sample}.{again}" for again in range(1, times))]
    return [
        Question(messages, _shape(messages, sample, settings), seed_of(settings.teacher.seed, sample))
        for sample in samples
    ]


def _shape(messages: list[Message], sample: int | str, settings: Settings) -> str:
    payload = {
        "endpoint": settings.endpoint,
        "model": settings.model,
        "messages": messages,
        "temperature": settings.teacher.temperature,
        "max_tokens": settings.teacher.max_tokens,
        "sample": sample,
        **settings.shaping,
    }
    return json.dumps(payload, sort_keys=True)


def _read(rows: Sequence[LedgerRow], request: FeedbackRequest, asking: Asking, settings: Settings) -> Reading:
    """The first right rationale if more than half of the replies are right (self-consistency); else the first wrong."""
    readings = [_read_one(row, request, asking, settings) for row in rows]
    right = [reading for reading in readings if reading.verdict.correct]
    if 2 * len(right) > len(readings):
        return right[0]
    wrong = next(reading for reading in readings if not reading.verdict.correct)
    if not right:
        return wrong
    reason = f"{len(right)} of {len(readings)} samples are right, and one is not: {wrong.verdict.reason}"
    return Reading(wrong.text, Verdict(False, wrong.verdict.answer, reason), "samples disagree")


def _read_one(row: LedgerRow, request: FeedbackRequest, asking: Asking, settings: Settings) -> Reading:
    """One reply, as what was asked for."""
    most, checked, ours = settings.teacher.max_tokens, settings.teacher.check_arithmetic, settings.ours
    if asking.way == "mistake-repaired":
        about = request.problem, request.mistake or "", settings.grade
        return read_repair(
            row.text,
            row.finish_reason,
            *about,
            max_tokens=most,
            check_arithmetic=checked,
            ours=ours,
            kind=settings.kind,
        )
    return read_reply(
        row.text,
        row.finish_reason,
        request.problem,
        settings.grade,
        max_tokens=most,
        check_arithmetic=checked,
        explained=asking.way == "mistake-explained",
        ours=ours,
        kind=settings.kind,
    )
