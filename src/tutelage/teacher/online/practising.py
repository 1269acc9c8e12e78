"""The dialogue for one practice problem: it is made up, then solved by independent replies. Pure.

request ─ a new problem with its solution ─ sound ─ its question alone, asked `self_consistency` times ─→ kept, if
                    └─ dropped                          more than half of the replies reach its answer
"""

from __future__ import annotations

from dataclasses import replace

from tutelage.practice_records import Practice
from tutelage.records import FeedbackRequest, Usage, Verdict
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.teacher.online.conversation import Conversation, Settings, questions_of
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.practice_reply import Draft, read_practice
from tutelage.teacher.reading.reasoning import reasoning
from tutelage.teacher.ways import Asking


def for_practice(settings: Settings) -> Settings:
    """The settings of a teacher, with this dialogue in place of that for rationales."""
    return replace(settings, dialogue=practise)


def practise(request: FeedbackRequest, settings: Settings) -> Conversation:
    """Ask for a new problem near that of the request, then for solutions of it; None if the budget is spent."""
    rows: list[LedgerRow] = []
    draft = Draft(None, "")
    try:
        made = yield questions_of(settings.prompts.practice(request), request, settings, 1)
        if made is None:
            return None
        rows += made
        draft = _read(made[0], request, settings)
        if draft.problem is not None and draft.flaw is None:
            alone = FeedbackRequest(draft.problem)
            messages = settings.prompts.messages(alone, Asking("question"))
            solved = yield questions_of(messages, alone, settings, settings.teacher.self_consistency)
            if solved is None:
                return None
            rows += solved
            right = sum(settings.grade(draft.problem, reasoning(row.text)).correct for row in solved)
            if 2 * right <= len(solved):
                reason = f"{right} of {len(solved)} independent replies reach {draft.problem.answer}"
                draft = replace(draft, flaw=("samples disagree", reason))
    except RequestFailed as failure:
        draft = replace(draft, flaw=(failure.reason, f"no reply: {failure}"))
    own = [row.usage for row in rows if row.run_id == settings.run_id]
    failure, reason = draft.flaw or (None, "right")
    return Practice(
        *request.identity,
        draft.text,
        Verdict(failure is None, draft.problem and draft.problem.answer, reason),
        sum(own, Usage()),
        tuple(row.key for row in rows),
        failure,
        problem=draft.problem,
    )


def _read(row: LedgerRow, request: FeedbackRequest, settings: Settings) -> Draft:
    return read_practice(
        row.text,
        row.finish_reason,
        request.problem,
        settings.kind,
        settings.grade,
        max_tokens=settings.teacher.max_tokens,
        check_arithmetic=settings.teacher.check_arithmetic,
        ours=settings.ours,
    )
