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
from tutelage.teacher.reasoning import reasoning, steps_of
from tutelage.text.ambiguity import is_ambiguous
from tutelage.text.calculations import Fault, find_calculations
from tutelage.text.format import write_number
from tutelage.text.run_on import cut
from tutelage.text.statements import statements, without_statement
from tutelage.text.thoughts import without_thoughts

_LONGEST_QUOTE = 100
"""Characters of the reply that a reason quotes."""


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
) -> Reading:
    """Clean, grade and judge a reply. A rejected one keeps its text and has the reason in its verdict.

    With `check_arithmetic`, a rationale with a calculation that is surely false is rejected even if its answer is
    right. `max_tokens` is what the reply was limited to. With `explained`, an explanation of a mistake was asked for,
    too; a reply without one is still a reply.
    """
    explanation, solution = separate(text) if explained else (None, text)
    cleaned = reasoning(solution)
    if broken := _broken(cleaned, finish_reason, max_tokens):
        return _rejected(text, None, *broken)
    verdict = grade(problem, cleaned)
    if not verdict.correct:
        return _rejected(text, verdict.answer, *_wrong(cleaned, verdict))
    steps = steps_of(cleaned, problem, grade)
    if flaw := _flaw(steps, problem, check_arithmetic=check_arithmetic):
        return _rejected(text, verdict.answer, *flaw)
    concluded = _concluded(steps, cleaned, problem, verdict, grade)
    verdict = grade(problem, concluded)
    if not verdict.correct:
        return Reading(concluded, verdict, "unparsable")
    return Reading(concluded, verdict, None, explanation)


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


def _wrong(cleaned: str, verdict: Verdict) -> tuple[FailureReason, str]:
    """Why the grade is wrong: a refusal that states no answer, no answer at all, or a wrong one."""
    if _DECLINED.match(cleaned) and not statements(cleaned):
        return "refused by policy", f"the teacher declined: {_quote(cleaned)!r}"
    if verdict.answer is None:
        return "unparsable", f"the reply cannot be parsed: {verdict.reason}"
    return "wrong answer", f"wrong answer: {verdict.reason}"


def _flaw(steps: str, problem: Problem, *, check_arithmetic: bool) -> tuple[FailureReason, str] | None:
    """Why a rationale with the right answer must not be trained on, if so."""
    if len(re.findall(r"\w+", steps)) < 3:
        return "answer leaked without reasoning", "the reply states the answer without a step of reasoning"
    for leak in _LEAKS.finditer(steps):
        if leak.group().lower() not in problem.text.lower():
            reason = f"the reply speaks of what is not in the question: {leak.group()!r}"
            return "answer leaked without reasoning", reason
    reason = false_calculation(steps) if check_arithmetic else None
    return None if reason is None else ("false calculation", reason)


def false_calculation(steps: str) -> str | None:
    """The first calculation that is surely false, as in `2 × 4 = 9 is false: it makes 8`; None if there is none."""
    faults = (item.fault for item in find_calculations(steps) if item.fault and not is_ambiguous(steps, item))
    fault = next(faults, None)
    return None if fault is None else _explain(fault)


def _explain(fault: Fault) -> str:
    if fault.makes is None:
        return f"{_quote(fault.text)} is false: it divides by zero"
    exact = write_number(fault.makes)
    makes = f"about {float(round(fault.makes, 2))}" if "/" in exact else exact
    return f"{_quote(fault.text)} is false: it makes {makes}"


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"


_DECLINED = re.compile(
    r"""(?:unfortunately,?\s|as\ an\ ai\b[^.\n]{0,40},\s|(?:i['’]?m|i\ am)\ )?
    (?:(?:very\ |so\ )?(?:sorry|afraid)\b
      |(?:but\ )?i\ (?:can\s?not|can['’]t|won['’]t|will\ not|must\ decline|am\ (?:unable|not\ able))\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_LEAKS = re.compile(
    r"""\bas\ (?:was\ |is\ )?(?:given|stated|provided|hinted)\b[^.\n]{0,20}\banswer\b
    |\b(?:given|told|provided|known|know)\ (?:us\ |that\ )?(?:that\ )?the\ (?:correct|right|final)\ answer\b
    |\bthe\ (?:correct|right|given|provided|expected)\ answer\ (?:was|is|has\ been)\ (?:given|provided|known|stated)\b
    |\bthe\ (?:given|provided|expected)\ answer\b|\b(?:since|because|as)\ the\ (?:correct|right|final)\ answer\ is\b
    |\b(?:the|this|your)\ hint\b|\banswer\ key\b|\bthese\ instructions\b
    |\bthe\ student(?:'s|’s)?\ (?:made|wrote|said|forgot|attempt|mistake|answer|solution|error|should)\b
    |\byour\ (?:mistake|attempt|error|solution|answer)\b|\byou\ (?:made\ a\ mistake|forgot|went\ wrong|wrote)\b
    |\b(?:the|this|that)\ (?:earlier|previous|wrong|incorrect|flawed)\ (?:attempt|solution|answer|reply)\b
    |\bthe\ attempt\b""",
    re.IGNORECASE | re.VERBOSE,
)

_MARK = re.compile(
    r"""^[ \t>#*_-]*(?:\d[.)][ \t]*[*_]*)?(?:the[ ])?(?:first[ ])?
    (?:(?P<mistake>mistake|error|explanation|what[ ](?:is|was|went|goes)[ ]wrong)
      |(?:worked[ ]|complete[ ]|correct(?:ed)?[ ]|right[ ])?solution)
    [*_ \t]*(?::[*_ \t]*|$)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


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
