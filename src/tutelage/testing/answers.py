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
from pathlib import Path

from tutelage.errors import DataError
from tutelage.json_lines import read_values
from tutelage.records import FeedbackRequest, Problem, content_hash
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


def answer_key_reply(problems: Iterable[Problem], seed: int = 0) -> Reply:
    """Replies with the worked solution of the question in the prompt, or says that the question is unknown."""
    by_hash = {content_hash(problem.text): problem for problem in problems}

    def reply(body: Body) -> str:
        prompt = str(body["messages"][-1]["content"])
        if failed := _FAILED.search(prompt):
            return _new_problem(by_hash, by_hash.get(content_hash(failed[1])), f"{seed} {prompt}")
        problem = _asked_about(prompt, by_hash)
        if problem is None:
            return "This question is not known here."
        attempt = _ATTEMPT.search(prompt)
        request = FeedbackRequest(problem, attempt[1] if attempt else None)
        told = prompt.rpartition("</attempt>")[2]
        if '"Right:"' in told and (mended := write_repair(request)) is not None:
            return f"Wrong: {mended.wrong or '(end)'}\nRight: {mended.right.strip()}"
        kind = "number" if read_number(problem.answer) is not None else "text"
        written = write_feedback(request, kind, seed)
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
    known[content_hash(made.text)] = made
    return f"Question: {made.text}\n\nSolution:\n{written.rationale}"


def _asked_about(prompt: str, problems: dict[str, Problem]) -> Problem | None:
    """The problem whose text follows the heading `Question:` in the prompt; None if it is unknown."""
    _, _, rest = prompt.partition("Question:\n")
    paragraphs = rest.split("\n\n")
    for count in range(1, len(paragraphs) + 1):
        if problem := problems.get(content_hash("\n\n".join(paragraphs[:count]))):
            return problem
    return None


def read_problems(path: Path) -> list[Problem]:
    """The problems of a JSONL file with question, answer and rationale or equation. Raises DataError."""
    if not path.exists():
        raise DataError("cannot be read: there is no such file", path=path)
    problems: list[Problem] = []
    expected = "expected an object with question and answer"
    for number, row in read_values(path, broken=expected):
        try:
            problem = Problem.of(
                str(row["question"]), str(row["answer"]), rationale=row.get("rationale"), equation=row.get("equation")
            )
        except (LookupError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise DataError(f"{expected} ({error!r})", path=path, line=number) from None
        problems.append(problem)
    if not problems:
        raise DataError("holds no problem; give one JSON object a line, with question and answer", path=path)
    return problems
