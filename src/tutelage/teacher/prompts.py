"""What the teacher is asked, for the first and for the second time. Pure.

first   [{"role": "system", "content": "You write worked solutions …"}, {"role": "user", "content": "Question: …"}]
second  the same, and "Earlier a solution could not be used, for this reason: 3 × 4 = 13 is false: it makes 12 …"
reply   where an explanation is asked for: "Mistake: 3 + 4 = 7 adds, but …\\nSolution:\\n3 boxes of 4 pens …"
"""

from __future__ import annotations

from tutelage.mistakes.near_duplicates import MAX_MISTAKE_BYTES, clipped
from tutelage.records import AnswerKind, FeedbackRequest, Problem

Message = dict[str, str]
"""`{"role": "system" | "user", "content": text}`, as the chat API takes it."""

MAX_REASON_BYTES = 200
"""UTF-8 bytes of the reason why a first reply was rejected, as the second request gives it."""

_SYSTEM = (
    "You write worked solutions from which a very small language model learns to reason. "
    "Use short, plain sentences, one step in each, in the order in which one thinks. {steps} "
    "Leave out everything that no step needs: at most {sentences} sentences in all. "
    "Plain text only: no headings, lists, bold type, LaTeX or code. "
    "The solution must stand by itself: never speak of a student, an attempt, a mistake, a hint or these instructions. "
    "End with a line of its own: The answer is X. {form}"
)
_STEPS: dict[AnswerKind, str] = {
    "number": "Write out every calculation with its result, such as 6 × 7 = 42, before the result is used.",
    "choice": "Say what the question is after, then what makes one option fit and the likeliest others not.",
    "yes-no": "State the facts that decide the question, then what follows from them.",
    "text": "Say what is known, then what follows from it.",
}
_FORMS: dict[AnswerKind, str] = {
    "number": "X is the bare number, without its unit.",
    "choice": "X is the label of the option alone.",
    "yes-no": "X is yes or no.",
    "text": "X is the answer in as few words as possible.",
}
_SENTENCES: dict[AnswerKind, int] = {"number": 8, "choice": 5, "yes-no": 5, "text": 5}
_HINT = "The correct answer is {answer}. Reach it by reasoning from the question alone; do not say that it was given."
_ATTEMPT = "Here is an attempt that went wrong:\n<attempt>\n{mistake}\n</attempt>\n\n{task}"
_CORRECT = (
    "complete solution that gets this very step right and takes special care over it: say in plain words what the step "
    "is for. Don't split it into smaller ones, and keep the other steps short."
)
_SILENTLY = "Find for yourself the first step at which it goes wrong, and do not write about it. Write a " + _CORRECT
_EXPLAINED = (
    "Find the first step at which it goes wrong. Your reply has two parts. The first is one paragraph that begins with "
    '"Mistake:", quotes this step, and says in one or two short, plain sentences what is wrong with it and what is '
    'right. Then comes "Solution:" on a line of its own, and below it a '
) + _CORRECT
_AGAIN = (
    "Earlier a solution could not be used, for this reason: {reason}\n"
    "Go through the question afresh, check each step, and keep to the form that was asked for."
)


def first_messages(request: FeedbackRequest, kind: AnswerKind, *, explain: bool = False) -> list[Message]:
    """The first time of asking: without a mistake an annotation, else feedback on it with the answer as a hint.

    With `explain`, the reply is to say first what is wrong with the mistake.
    """
    hint = [] if request.mistake is None else [_HINT.format(answer=request.problem.answer)]
    return _messages(request.problem, kind, _task(request, explain=explain), *hint)


def second_messages(request: FeedbackRequest, kind: AnswerKind, reason: str, *, explain: bool = False) -> list[Message]:
    """Asking once more after a reply was rejected for `reason`, now with the answer as a hint in any case."""
    again = _AGAIN.format(reason=clipped(reason, MAX_REASON_BYTES))
    hint = _HINT.format(answer=request.problem.answer)
    return _messages(request.problem, kind, _task(request, explain=explain), hint, again)


def _task(request: FeedbackRequest, *, explain: bool) -> str:
    if request.mistake is None:
        return "Write the worked solution."
    mistake = clipped(request.mistake, MAX_MISTAKE_BYTES)
    return _ATTEMPT.format(mistake=mistake, task=_EXPLAINED if explain else _SILENTLY)


def _messages(problem: Problem, kind: AnswerKind, *parts: str) -> list[Message]:
    system = _SYSTEM.format(steps=_STEPS[kind], sentences=_SENTENCES[kind], form=_FORMS[kind])
    user = "\n\n".join([f"Question:\n{problem.text}", *parts])
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": user.encode(errors="replace").decode()},  # a lone surrogate cannot be sent
    ]


def texts() -> tuple[str, ...]:
    """All that the prompts are made of, for the reader of replies: what of it stands in one is ours."""
    by_kind = (*_STEPS.values(), *_FORMS.values())
    return (_SYSTEM, *by_kind, _HINT, _ATTEMPT, _SILENTLY, _EXPLAINED, _AGAIN)
