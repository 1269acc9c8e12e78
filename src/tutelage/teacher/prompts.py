"""What the teacher is asked, and how its reply is read. Pure.

asked   [{"role": "system", "content": "You write worked solutions …"}, {"role": "user", "content": "Question: …"}]
reply   "**Solution:** Each box holds 4 pens, so 3 × 4 = 12 pens.\\n\\n\\\\boxed{12}"
read    "Each box holds 4 pens, so 3 × 4 = 12 pens.\\nThe answer is 12."
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutelage.records import AnswerKind, FeedbackRequest, Grade, Problem, Verdict, state_answer
from tutelage.teacher.statements import without_statement

Message = dict[str, str]
"""`{"role": "system" | "user", "content": text}`, as the chat API takes it."""

MAX_MISTAKE_BYTES = 2_000
"""UTF-8 bytes of a mistake that the teacher is shown; a student that rambles must not cost more."""
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
_ATTEMPT = (
    "Here is an attempt that went wrong:\n<attempt>\n{mistake}\n</attempt>\n\n"
    "Find for yourself the first step at which it goes wrong, and do not write about it. Write a complete solution "
    "that gets this very step right and takes special care over it: work it out in smaller parts, or say what the step "
    "is for. Keep the other steps short."
)
_AGAIN = (
    "Earlier a solution could not be used, for this reason: {reason}\n"
    "Go through the question afresh, check each step, and keep to the form that was asked for."
)


def first_messages(request: FeedbackRequest, kind: AnswerKind) -> list[Message]:
    """The first time of asking: without a mistake an annotation, else feedback on it with the answer as a hint."""
    if request.mistake is None:
        return _messages(request.problem, kind, "Write the worked solution.")
    attempt = _ATTEMPT.format(mistake=_clip(request.mistake, MAX_MISTAKE_BYTES))
    return _messages(request.problem, kind, attempt, _HINT.format(answer=request.problem.answer))


def second_messages(request: FeedbackRequest, kind: AnswerKind, reason: str) -> list[Message]:
    """Asking once more after a reply was rejected for `reason`, now with the answer as a hint in any case."""
    again = _AGAIN.format(reason=_clip(reason, MAX_REASON_BYTES))
    hint = _HINT.format(answer=request.problem.answer)
    if request.mistake is None:
        return _messages(request.problem, kind, "Write the worked solution.", hint, again)
    attempt = _ATTEMPT.format(mistake=_clip(request.mistake, MAX_MISTAKE_BYTES))
    return _messages(request.problem, kind, attempt, hint, again)


def _messages(problem: Problem, kind: AnswerKind, *parts: str) -> list[Message]:
    system = _SYSTEM.format(steps=_STEPS[kind], sentences=_SENTENCES[kind], form=_FORMS[kind])
    user = "\n\n".join([f"Question:\n{problem.text}", *parts])
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": user.encode(errors="replace").decode()},  # a lone surrogate cannot be sent
    ]


def _clip(text: str, limit: int) -> str:
    """At most `limit` UTF-8 bytes of the text."""
    data = text.strip().encode(errors="replace")
    return data.decode() if len(data) <= limit else f"{data[: limit - 3].decode(errors='ignore')}…"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply as kept: if `verdict` is right the rationale, ending in our statement of the answer; else as it came."""

    text: str
    verdict: Verdict


def read_reply(text: str, finish_reason: str, problem: Problem, grade: Grade, *, max_tokens: int) -> Reading:
    """Clean, grade and judge a reply. A rejected one keeps its text and has the reason in its verdict."""
    cleaned = clean(text)
    verdict = _judge(cleaned, finish_reason, problem, grade, max_tokens)
    if not verdict.correct:
        return Reading(text.strip(), verdict)
    steps = re.sub(r"\\boxed\{([^{}]*)\}", r"\1", without_statement(cleaned))
    concluded = state_answer(steps, problem.answer)
    return Reading(concluded, grade(problem, concluded))


def _judge(cleaned: str, finish_reason: str, problem: Problem, grade: Grade, max_tokens: int) -> Verdict:
    broken = {
        "content_filter": "refused by the endpoint's content policy",
        "length": f"cut at the limit of {max_tokens} tokens",
    }.get(finish_reason, "" if cleaned else "the reply is empty")
    if broken:
        return Verdict(False, None, broken)
    verdict = grade(problem, cleaned)
    if verdict.correct:
        flaw = _flaw(without_statement(cleaned), problem)
        return verdict if flaw is None else Verdict(False, verdict.answer, flaw)
    if verdict.answer is not None:
        return Verdict(False, verdict.answer, f"wrong answer: {verdict.reason}")
    declined = "the teacher declined" if _DECLINED.match(cleaned) else "the reply cannot be parsed"
    return Verdict(False, None, f"{declined}: {verdict.reason}")


_DECLINED = re.compile(
    r"(?:i['’]?m |i am )?(?:very )?(?:sorry|afraid)\b|i (?:can(?:no|['’])t|won['’]t|am unable)", re.I
)
_LEAKS = re.compile(
    r"""\bas\ (?:was\ |is\ )?(?:given|stated|provided|hinted)\b[^.\n]{0,20}\banswer\b
    |\b(?:given|told|provided|known|know)\ (?:us\ |that\ )?(?:that\ )?the\ (?:correct|right|final)\ answer\b
    |\bthe\ (?:correct|right|given|provided|expected)\ answer\ (?:was|is|has\ been)\ (?:given|provided|known|stated)\b
    |\b(?:the|this|your)\ hint\b|\banswer\ key\b
    |\bthe\ student(?:'s|’s)?\ (?:made|wrote|said|forgot|attempt|mistake|answer|solution|error|should)\b
    |\byour\ (?:mistake|attempt|error|solution|answer)\b|\byou\ (?:made\ a\ mistake|forgot|went\ wrong|wrote)\b
    |\b(?:the|this|that)\ (?:earlier|previous|wrong|incorrect|flawed)\ (?:attempt|solution|answer|reply)\b
    |\bthe\ attempt\b""",
    re.IGNORECASE | re.VERBOSE,
)


def _flaw(steps: str, problem: Problem) -> str | None:
    """Why a rationale with the right answer must not be trained on, if so."""
    if len(re.findall(r"\w+", steps)) < 3:
        return "the reply states the answer without a step of reasoning"
    for leak in _LEAKS.finditer(steps):
        if leak.group().lower() not in problem.text.lower():
            return f"the reply speaks of what is not in the question: {leak.group()!r}"
    return None


_HEADING = re.compile(
    r"^[#*_\s>]*(?:here (?:is|'s|’s) (?:the|a|my)\b[^\n:]*|(?:worked |short |complete )?solution|rationale|explanation|"
    r"reasoning|step[- ]by[- ]step(?: solution)?)\s*[*_]*\s*:\s*[*_]*[ \t]*\n?|^#+[ \t]+[^\n\d]*\n",
    re.IGNORECASE,
)
_SUBSTITUTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE), ""),  # what reasoning servers leave in
    (re.compile(r"(?m)^[ \t]*```[^\n]*$\n?"), ""),
    (re.compile(r"(?<![\w*])\*\*(?=\S)([^\n]+?)(?<=\S)\*\*(?![\w*])"), r"\1"),
    (re.compile(r"\\(?:times|cdot)\b\s?"), "× "),
    (re.compile(r"\\div\b\s?"), "÷ "),
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|textbf)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[\[\]()]"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\\boxed\{([^{}]*)\}(?=[^\n]*\n[^\n]*\w)"), r"\1"),  # a box amid the steps is no final answer
    (re.compile(r"(?m)^[ \t]*[-*•][ \t]+"), ""),
    (re.compile(r"[ \t]+\n"), "\n"),
    (re.compile(r"\n{2,}"), "\n"),
)


def clean(text: str) -> str:
    """The reply in plain text: no thoughts, code fences, headings, bold type, bullets or simple LaTeX."""
    text = text.replace("\x00", "").encode(errors="replace").decode().strip()
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    for _ in range(2):
        text = _HEADING.sub("", text.strip(), count=1)
    return text.strip()
