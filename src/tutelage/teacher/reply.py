"""Parses and judges a teacher's reply. Pure.

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

from tutelage.grading.code import code_in, tests_of, without_run_on
from tutelage.grading.json_value import last_value
from tutelage.records import AnswerKind, FailureReason, Grade, Problem, Verdict, state_answer
from tutelage.teacher.judge.aim import Flaw, ends_with
from tutelage.teacher.judge.soundness import Judge, quote
from tutelage.teacher.prompts import texts
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.reading.noise import without_verdict
from tutelage.teacher.reading.reasoning import reasoning, says_only_the_answer, steps_of, up_to_answer
from tutelage.text.run_on import cut
from tutelage.text.sentences import sentences
from tutelage.text.statements import statements, without_statement
from tutelage.text.thoughts import without_thoughts

OURS = Echoes.of(texts())
"""The word runs of the built-in prompts."""
_JSON_BEGINS = re.compile(
    r"(?:^|\n)[ \t]*(?:[^\w\n]*(?:(?:the |final )*answer|json|result|output)\b[^\w\n]*(?:is\b[^\w\n]*)?)?"
    r"(?:\s*```\w*)?\s*$",
    re.IGNORECASE,
)
_LONGEST_LABEL = 200
_JSON_ENDS = re.compile(r"[\s.`*]*")
"""What stands round JSON that is the answer."""
_PLACEHOLDER = re.compile(r"\banswer is:? {0,2}[\[(<{]?(?:N|X|YOUR ANSWER|number|label)[\])>}]?(?:\.|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A parsed reply. `text` is the rationale, ending in our statement of the answer; of a rejected reply, all of it.

    `failure` is the kind of fault, None if the reply is used; `verdict.reason` is the fault in words. `explanation` is
    a right reply's explanation of the mistake, if it was asked for; `step` is the mistake's step that it puts right.
    """

    text: str
    verdict: Verdict
    failure: FailureReason | None
    explanation: str | None = None
    step: str | None = None


def read_reply(  # noqa: PLR0913 - all that a reply is judged by
    text: str,
    finish_reason: str,
    problem: Problem,
    grade: Grade,
    *,
    max_tokens: int,
    check_arithmetic: bool,
    explained: bool = False,
    ours: Echoes = OURS,
    kind: AnswerKind = "number",
) -> Reading:
    """Clean, grade and judge a reply. A rejected one keeps its text, with the reason in its verdict.

    With `check_arithmetic`, a rationale with a surely false calculation is rejected even if its answer is right.
    `max_tokens` is the reply's length limit. With `explained`, the request also asked to explain the mistake; a reply
    without an explanation is still accepted. `kind` is that of the task's answers.
    """
    explanation, solution = separate(text) if explained or _UNASKED.search(text) else (None, text)
    cleaned = reasoning(_with_json(solution, problem))
    if broken := broken_by(cleaned, finish_reason, max_tokens):
        return rejected(text, None, *broken)
    if code := _code(solution, problem, grade):
        return code
    verdict = grade(problem, cleaned)
    if verdict.answer is None and (shorter := without_verdict(cleaned)) != cleaned:
        cleaned, verdict = shorter, grade(problem, shorter)
    if not verdict.correct and not statements(cleaned) and ends_with(cleaned, problem):
        cleaned = state_answer(cleaned, problem.answer)  # "So she can make 4 piles with 5 pieces in each."
        verdict = grade(problem, cleaned)
    if not verdict.correct:
        return rejected(text, verdict.answer, *_wrong(cleaned, verdict))
    if misstated := _misstated(cleaned, problem, grade):
        return rejected(text, verdict.answer, *misstated)
    judge = Judge(problem, grade, ours, check_arithmetic, kind=kind)
    first = up_to_answer(cleaned, problem, grade)  # talk may follow
    shorter = None if first is None else steps_of(first, problem, grade)
    steps, flaw = judge.sound_part(steps_of(cleaned, problem, grade), shorter)
    if flaw is not None:
        return rejected(text, verdict.answer, *flaw)
    concluded = _concluded(steps, cleaned, problem, verdict, grade)
    verdict = grade(problem, concluded)
    failure = None if verdict.correct else "unparsable"
    return Reading(concluded, verdict, failure, explanation if explained and verdict.correct else None)


def _with_json(solution: str, problem: Problem) -> str:
    """The reply with the JSON that it ends with as its statement, on one line, if the answer is JSON."""
    text = without_thoughts(solution)
    found = last_value(text) if problem.answer[:1] in ("{", "[") else None
    if found is None:
        return solution
    before, _, after = text.rpartition(found)
    if _JSON_ENDS.fullmatch(after) is None or (begun := _JSON_BEGINS.search(before[-_LONGEST_LABEL:])) is None:
        return solution
    line = " ".join(part.strip() for part in found.splitlines())
    return state_answer(before.removesuffix(begun[0]), line)


def _code(solution: str, problem: Problem, grade: Grade) -> Reading | None:
    """A reply with code for `match: code`: its marks and lines are a part of it, and its tests alone judge it."""
    text = without_run_on(without_thoughts(solution)).strip()
    if not tests_of(problem.question) or (code := code_in(text)) is None:
        return None
    verdict = grade(problem, text)
    if verdict.answer != code:
        return None  # the task is of another kind
    return Reading(text, verdict, None) if verdict.correct else rejected(text, code, "wrong answer", verdict.reason)


def _concluded(steps: str, cleaned: str, problem: Problem, verdict: Verdict, grade: Grade) -> str:
    """The steps with the answer stated; the reply's own answer if the problem's cannot be stated, such as a pattern."""
    if grade(problem, state_answer("", problem.answer)).correct:
        return state_answer(steps, problem.answer)
    restated = state_answer(steps, verdict.answer or "")
    return restated if verdict.answer and grade(problem, restated).correct else cleaned


def rejected(text: str, answer: str | None, failure: FailureReason, reason: str) -> Reading:
    """A reply that can't be used, with the reason."""
    return Reading(text.strip(), Verdict(False, answer, reason), failure)


def broken_by(cleaned: str, finish_reason: str, max_tokens: int) -> tuple[FailureReason, str] | None:
    """The fault if there is nothing to grade: filtered, cut or empty."""
    if finish_reason == "content_filter":
        return "refused by policy", "refused by the endpoint's content policy"
    if finish_reason == "length":
        return "cut at the length limit", f"cut at the limit of {max_tokens} tokens"
    if cleaned:
        return None
    tool = finish_reason in ("tool_calls", "tool_use", "function_call")
    return "empty", "the reply calls a tool and holds no text" if tool else "the reply is empty"


def _misstated(cleaned: str, problem: Problem, grade: Grade) -> Flaw | None:
    """The fault if a reply copies the prompt's placeholder, or states another answer right before the last one.

    The placeholder is `N` or `X`, where no choice or answer has that name.
    """
    names = {problem.answer, *(choice.label for choice in problem.choices)}
    if not names & {"N", "X"} and _PLACEHOLDER.search(cleaned) is not None:
        return "repeats the prompt", "the reply takes the form of the answer literally"
    for sentence in reversed(sentences(cleaned)):
        verdict = grade(problem, sentence) if says_only_the_answer(sentence) else None
        if verdict is None or verdict.answer is None:
            return None
        if not verdict.correct:
            reason = f"the reply states {quote(verdict.answer)}, and then {quote(problem.answer)}"
            return "concludes otherwise", reason
    return None


def _wrong(cleaned: str, verdict: Verdict) -> tuple[FailureReason, str]:
    """The fault of a reply that is graded wrong: a refusal, no answer, or a wrong one."""
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
"""The mark of an explanation that was not asked for."""


def separate(text: str) -> tuple[str | None, str]:
    """The explanation of a mistake, on one line, and the solution; the explanation is None if none is marked.

    If the solution has no mark, the explanation is one paragraph, and all the rest is the solution.
    """
    text = cut(without_thoughts(text))
    marks = list(_MARK.finditer(text))
    if not any(not mark["mistake"] for mark in marks):  # without a solution, "Explanation:" is the title of one
        marks = [mark for mark in marks if "explanation" not in mark[0].lower()]
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
