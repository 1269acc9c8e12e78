"""A test endpoint that answers from worked solutions, as the answer-key teacher does.

{"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", "equation": "3 * 4"}

If the prompt asks for an explanation of the mistake, the reply has two parts: Mistake: …, then Solution: …
If it asks for one step to be put right, it has these: Wrong: …, then Right: …
If it asks for a new question, the reply has the same question with other numbers: Question: …, then Solution: …
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from tutelage.records import AnswerKind, FeedbackRequest, Problem, content_hash
from tutelage.teacher.answer_key import Written, write_feedback, write_repair
from tutelage.teacher.other_numbers import other_numbers
from tutelage.testing.completions import Body, Reply
from tutelage.testing.endpoint import TeacherEndpoint
from tutelage.testing.script import Faults
from tutelage.text.numbers import read_number

_FAILED = re.compile(r"<question>\n(.*?)\n</question>", re.DOTALL)
_ATTEMPT = re.compile(r"<attempt>\n(.*?)\n</attempt>", re.DOTALL)


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
    by_hash = {content_hash(problem.asked): problem for problem in problems}

    def reply(body: Body) -> str:
        prompt = str(body["messages"][-1]["content"])
        if failed := _FAILED.search(prompt):
            return _new_problem(by_hash, _first_known(failed[1], by_hash), f"{seed} {prompt}")
        problem = _first_known(prompt.partition("Question:\n")[2], by_hash)
        if problem is None:
            return "This question is not known here."
        attempt = _ATTEMPT.search(prompt)
        request = FeedbackRequest(problem, attempt[1] if attempt else None)
        told = prompt.rpartition("</attempt>")[2]
        if '"Right:"' in told and (mended := write_repair(request)) is not None:
            return f"Wrong: {mended.wrong or '(end)'}\nRight: {mended.right.strip()}"
        found = kind or ("number" if read_number(problem.answer) is not None else "text")
        written = write_feedback(request, found, seed)
        if isinstance(written, str):
            return f"There is no worked solution here: {written}."
        if '"Mistake:"' not in told or written.explanation is None:
            return written.rationale
        return f"Mistake: {written.explanation}\nSolution:\n{written.rationale}"

    return reply


def _new_problem(known: dict[str, Problem], failed: Problem | None, seed: str) -> str:
    """The question of a problem with other numbers, and its solution; the new problem is known from then on."""
    made = next(other_numbers(failed, random.Random(seed)), None) if failed else None
    written = write_feedback(FeedbackRequest(made), "number") if made else None
    if made is None or not isinstance(written, Written):
        return "There is no question like this one."
    known[content_hash(made.asked)] = made
    return f"Question: {made.asked}\n\nSolution:\n{written.rationale}"


def _first_known(text: str, problems: dict[str, Problem]) -> Problem | None:
    """The problem whose question is in the text, which may begin with a system message; None if none is known."""
    paragraphs = text.split("\n\n")
    for start in range(len(paragraphs)):
        for end in range(start + 1, len(paragraphs) + 1):
            if problem := problems.get(content_hash("\n\n".join(paragraphs[start:end]))):
                return problem
    return None
