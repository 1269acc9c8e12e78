"""How a teacher's reply is read and judged. Pure.

reply   "**Solution:** Each box holds 4 pens, so 3 × 4 = 12 pens.\\n\\n\\\\boxed{12}"
read    "Each box holds 4 pens, so 3 × 4 = 12 pens.\\nThe answer is 12."
reply   "3 × 4 = 13 pens in the boxes, and one falls out. The answer is 12."
judged  false calculation, because "3 × 4 = 13 is false: it makes 12"
reply   "Mistake: 3 + 4 = 7 adds, but every box holds 4 pens.\\nSolution:\\n3 × 4 = 12 pens are in the boxes. …"
read    the explanation "3 + 4 = 7 adds, but every box holds 4 pens." apart from the rationale
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tutelage.records import FailureReason, Grade, Problem, Verdict, state_answer
from tutelage.teacher.echoes import Echoes
from tutelage.teacher.prompts import texts
from tutelage.teacher.reasoning import reasoning, steps_of
from tutelage.teacher.soundness import Judge, quote
from tutelage.text.run_on import cut
from tutelage.text.statements import statements, without_statement
from tutelage.text.thoughts import without_thoughts

OURS = Echoes.of(texts())
"""What the prompts of this package say."""
_PLACEHOLDER = re.compile(r"\banswer is:? {0,2}[\[(<{]?(?:N|X|YOUR ANSWER|number|label)[\])>}]?(?:\.|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply as kept: if `verdict` is right the rationale, ending in our statement of the answer; else as it came.

    `failure` is the kind of cause why it cannot be used, None if it can; `verdict.reason` says it in words.
    `explanation` is what a right reply says of the mistake.
    """

    text: str
    verdict: Verdict
    failure: FailureReason | None
    explanation: str | None = None


def read_reply(
    text: str,
    finish_reason: str,
    problem: Problem,
    grade: Grade,
    *,
    max_tokens: int,
    check_arithmetic: bool,
    explained: bool = False,
    ours: Echoes = OURS,
) -> Reading:
    """Clean, grade and judge a reply. A rejected one keeps its text and has the reason in its verdict.

    With `check_arithmetic`, a rationale with a calculation that is surely false is rejected even if its answer is
    right. `max_tokens` is what the reply was limited to. With `explained`, an explanation of a mistake was asked for,
    too; a reply without one is still a reply.
    """
    explanation, solution = separate(text) if explained or _UNASKED.search(text) else (None, text)
    cleaned = reasoning(solution)
    if broken := _broken(cleaned, finish_reason, max_tokens):
        return _rejected(text, None, *broken)
    verdict = grade(problem, cleaned)
    if not verdict.correct:
        return _rejected(text, verdict.answer, *_wrong(cleaned, verdict))
    if _placeholder(cleaned, problem):
        return _rejected(text, verdict.answer, "repeats the prompt", "the reply takes the form of the answer literally")
    judge = Judge(problem, grade, ours, check_arithmetic)
    steps, flaw = judge.sound_part(steps_of(cleaned, problem, grade))
    if flaw is not None:
        return _rejected(text, verdict.answer, *flaw)
    concluded = _concluded(steps, cleaned, problem, verdict, grade)
    verdict = grade(problem, concluded)
    if not verdict.correct:
        return Reading(concluded, verdict, "unparsable")
    return Reading(concluded, verdict, None, explanation if explained else None)


def _concluded(steps: str, cleaned: str, problem: Problem, verdict: Verdict, grade: Grade) -> str:
    """The steps with the answer stated; the reply's own where the problem's is none to be stated, such as a pattern."""
    if grade(problem, state_answer("", problem.answer)).correct:
        return state_answer(steps, problem.answer)
    restated = state_answer(steps, verdict.answer or "")
    return restated if verdict.answer and grade(problem, restated).correct else cleaned


def _rejected(text: str, answer: str | None, failure: FailureReason, reason: str) -> Reading:
    return Reading(text.strip(), Verdict(False, answer, reason), failure)


def _broken(cleaned: str, finish_reason: str, max_tokens: int) -> tuple[FailureReason, str] | None:
    """Why there is nothing to grade, if so."""
    if finish_reason == "content_filter":
        return "refused by policy", "refused by the endpoint's content policy"
    if finish_reason == "length":
        return "cut at the length limit", f"cut at the limit of {max_tokens} tokens"
    return None if cleaned else ("empty", "the reply is empty")


def _placeholder(cleaned: str, problem: Problem) -> bool:
    """Whether a reply states `N` or `X` as the prompt does, and no choice or answer is called so."""
    names = {problem.answer, *(choice.label for choice in problem.choices)}
    return not names & {"N", "X"} and _PLACEHOLDER.search(cleaned) is not None


def _wrong(cleaned: str, verdict: Verdict) -> tuple[FailureReason, str]:
    """Why the grade is wrong: a refusal that states no answer, no answer at all, or a wrong one."""
    if _DECLINED.match(cleaned) and not statements(cleaned):
        return "refused by policy", f"the teacher declined: {quote(cleaned)!r}"
    if verdict.answer is None:
        return "unparsable", f"the reply cannot be parsed: {verdict.reason}"
    return "wrong answer", f"wrong answer: {verdict.reason}"


_DECLINED = re.compile(
    r"""(?:unfortunately,?\s|as\ an\ ai\b[^.\n]{0,40},\s|(?:i['’]?m|i\ am)\ )?
    (?:(?:very\ |so\ )?(?:sorry|afraid)\b
      |(?:but\ )?i\ (?:can\s?not|can['’]t|won['’]t|will\ not|must\ decline|am\ (?:unable|not\ able))\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_MARK = re.compile(
    r"""^[ \t>#*_-]*(?:\d[.)][ \t]*[*_]*)?(?:the[ ])?(?:first[ ])?
    (?:(?P<mistake>mistake|error|explanation|what[ ](?:is|was|went|goes)[ ]wrong)
      |(?:worked[ ]|complete[ ]|correct(?:ed)?[ ]|right[ ])?solution)
    [*_ \t]*(?::[*_ \t]*|$)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_UNASKED = re.compile(r"^[^\w\n]{0,12}(?:the[ ])?(?:first[ ])?mistake[*_ \t]{0,6}:", re.IGNORECASE | re.MULTILINE)
"""An explanation that nobody asked for."""


def separate(text: str) -> tuple[str | None, str]:
    """The explanation of a mistake, on one line, and the solution; None where the reply marks no explanation.

    Where the solution has no mark, the explanation ends with its paragraph, and all the rest is the solution.
    """
    text = cut(without_thoughts(text))
    marks = list(_MARK.finditer(text))
    if not marks:
        return None, text
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    parts = [(mark, text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]
    said = [part for mark, part in parts if mark["mistake"]]
    solutions = [part for mark, part in parts if not mark["mistake"]]
    if not said:
        return None, "\n".join(solutions)
    explanation = said[0]
    if not solutions:
        explanation, _, rest = explanation.partition("\n\n" if "\n\n" in explanation else "\n")
        solutions = [text[: marks[0].start()], rest]
    explanation = " ".join(without_statement(reasoning(explanation)).split())
    return explanation or None, "\n".join(solutions)
