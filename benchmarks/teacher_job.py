"""A session with a teacher in a process of its own, as a run holds it: requests from a generator, feedback counted.

    python -m benchmarks.teacher_job URL LEDGER --count 5000 --set concurrency=64 --set budget={requests: 500}

Ends with one JSON line: seconds of the session, CPU seconds, memory at its peak, what was delivered.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator

import yaml

from tutelage.config import TeacherConfig
from tutelage.errors import BudgetSpent
from tutelage.records import Feedback, FeedbackRequest, Problem, Verdict
from tutelage.teacher.online.openai_teacher import OpenAITeacher


def requests(count: int) -> Iterator[FeedbackRequest]:
    """So many problems, one at a time; the answer to each can be told from its number."""
    for number in range(count):
        rows = number % 7 + 2
        question = f"Crate {number} holds {rows} rows of 4 bottles. How many bottles does it hold?"
        yield FeedbackRequest(Problem.of(question, str(4 * rows)))


def grade(problem: Problem, text: str) -> Verdict:
    """By the last line alone: grading is not what is measured."""
    right = text.rstrip().endswith(f"The answer is {problem.answer}.")
    return Verdict(right, problem.answer if right else None, "right" if right else "no answer is stated")


def main() -> None:
    """Hold one session and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("ledger")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    settings = {key: yaml.safe_load(value) for key, _, value in (item.partition("=") for item in given.set)}
    config = TeacherConfig.model_validate({"kind": "openai", "base_url": given.url, "model": "test", **settings})
    outcomes = Counter[str]()

    def deliver(feedback: Feedback) -> None:
        outcomes[feedback.failure or "right"] += 1

    teacher = OpenAITeacher(config, kind="number", grade=grade, ledger=given.ledger, run_id="benchmark")
    started, cpu = time.monotonic(), time.process_time()
    try:
        teacher.teach(requests(given.count), deliver)
    except BudgetSpent:
        outcomes["budget spent"] = 1
    figures = {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "outcomes": dict(outcomes),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
