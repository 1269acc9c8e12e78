"""A test endpoint that answers from worked solutions, as the answer-key teacher does.

{"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", "equation": "3 * 4"}

If the prompt asks for an explanation of the mistake, the reply has two parts: Mistake: …, then Solution: …
If it asks for one step to be put right, it has these: Wrong: …, then Right: …
If it asks for a new question, the reply has the same question with other numbers: Question: …, then Solution: …
The question is found in any prompt, also in one of the user's own; what it asks for is told by these marks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from tutelage.records import AnswerKind, FeedbackRequest, Problem
from tutelage.teacher.answer_key import Written, write_feedback, write_repair
from tutelage.teacher.other_numbers import other_numbers
from tutelage.testing.completions import Body, Reply
from tutelage.testing.endpoint import TeacherEndpoint
from tutelage.testing.script import Faults
from tutelage.text.numbers import read_number

_ATTEMPT = re.compile(r"<attempt>\n(.*?)\n</attempt>", re.DOTALL)
_BREAKS = re.compile(r"\n\n|^(?:Question:|<question>)\n|\n</question>", re.MULTILINE)
"""What stands round the question in our own prompts."""
_LABEL = re.compile(r"^[^\n:=]*: +", re.MULTILINE)
"""Words of the user's own before an attempt, which has no marks in their prompts."""


def answer_key_endpoint(
    problems: Iterable[Problem],
    *,
    faults: Faults = (),
    key: str | None = None,
    port: int = 0,
    seed: int = 0,
    latency: float = 0.0,
) -> TeacherEndpoint:
    """An endpoint with the worked solutions of these problems; for more settings use TeacherEndpoint."""
    return TeacherEndpoint(answer_key_reply(problems, seed), faults=faults, key=key, port=port, latency=latency)


def answer_key_reply(problems: Iterable[Problem], seed: int = 0, kind: AnswerKind | None = None) -> Reply:
    """Replies with the worked solution of the question in the prompt, or says that the question is unknown.

    `kind` is that of all answers; None: numbers are told from words, one by one.
    """
    known = {_in_one_line(problem.asked): problem for problem in problems}

    def reply(body: Body) -> str:
        prompt = str(body["messages"][-1]["content"])
        attempt, beside = _ATTEMPT.search(prompt), _ATTEMPT.sub("", prompt)
        problem = _known_in(beside, known)
        if problem is None:
            return "This question is not known here."
        told = _without(problem.asked, beside)
        if "Question:" in told and "Solution:" in told:
            return _new_problem(known, problem, f"{seed} {prompt}")
        explained, mended = "Mistake:" in told, "Right:" in told
        shown = attempt[1] if attempt else _LABEL.sub("", told) if explained or mended else None
        request = FeedbackRequest(problem, shown)
        if mended and (repair := write_repair(request)) is not None:
            return f"Wrong: {repair.wrong or '(end)'}\nRight: {repair.right.strip()}"
        found = kind or ("number" if read_number(problem.answer) is not None else "text")
        written = write_feedback(request, found, seed)
        if isinstance(written, str):
            return f"There is no worked solution here: {written}."
        if not explained or written.explanation is None:
            return written.rationale
        return f"Mistake: {written.explanation}\nSolution:\n{written.rationale}"

    return reply


def _new_problem(known: dict[str, Problem], failed: Problem, seed: str) -> str:
    """The question of a problem with other numbers, and its solution; the new problem is known from then on."""
    made = next(other_numbers(failed, random.Random(seed)), None)
    written = write_feedback(FeedbackRequest(made), "number") if made else None
    if made is None or not isinstance(written, Written):
        return "There is no question like this one."
    known[_in_one_line(made.asked)] = made
    return f"Question: {made.asked}\n\nSolution:\n{written.rationale}"


def _known_in(text: str, known: dict[str, Problem]) -> Problem | None:
    """The problem whose question stands in the text, a run of paragraphs or, in prompts of one's own, anywhere."""
    paragraphs = _BREAKS.split(text)
    for start in range(len(paragraphs)):
        for end in range(start + 1, len(paragraphs) + 1):
            if problem := known.get(_in_one_line("\n\n".join(paragraphs[start:end]))):
                return problem
    line = _in_one_line(text)  # after the paragraphs, since it looks at every question
    longest = max((question for question in list(known) if question in line), key=len, default=None)
    return None if longest is None else known[longest]


def _without(question: str, text: str) -> str:
    """The text without the question and a mark before it."""
    return re.sub(r"(?:Question:\s*)?" + r"\s+".join(map(re.escape, question.split())), "", text)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
