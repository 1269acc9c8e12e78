"""Sessions as the tests of the online teacher hold them: pens in boxes, a real endpoint, a ledger in a folder."""

import re

from tests.teacher.grading import grade
from tutelage.config import TeacherConfig
from tutelage.errors import TeacherError
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.ledger.ledger import Ledger
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.online.openai_teacher import OpenAITeacher

KEY = "sk-test-0123456789abcdef"
PROBLEMS = [
    Problem.of(f"Tom has {n} boxes of 4 pens. How many pens?", str(4 * n), equation=f"{n} * 4") for n in range(2, 82)
]


def requests(count=40):
    return [FeedbackRequest(problem) for problem in PROBLEMS[:count]]


def make_teacher(folder, endpoint, *, run_id="run-a", environ=None, say=lambda _: None, **settings):
    url = endpoint if isinstance(endpoint, str) else endpoint.base_url
    config = TeacherConfig(**{"kind": "openai", "base_url": url, "model": "m", "retries": 0, **settings})
    environ = {"OPENAI_API_KEY": KEY} if environ is None else environ
    ledger = folder / "ledger.sqlite"
    return OpenAITeacher(config, kind="number", grade=grade, ledger=ledger, run_id=run_id, environ=environ, say=say)


def teach(folder, endpoint, asked, **settings):
    """Hold one session; returns what was delivered, and the exception that ended it if one did."""
    teacher, delivered = make_teacher(folder, endpoint, **settings), []

    def deliver(feedback):
        with LedgerReader(folder) as reader:  # on disk before it is used
            assert {row.key for row in reader.rows()} >= set(feedback.keys)
        delivered.append(feedback)

    try:
        teacher.teach(asked, deliver)
    except TeacherError as error:
        return delivered, error
    return delivered, None


def spent(folder, run_id="run-a"):
    with Ledger(folder / "ledger.sqlite") as ledger:
        return ledger.spent(run_id)


def lost(folder, run_id="run-a"):
    with Ledger(folder / "ledger.sqlite") as ledger:
        return ledger.lost(run_id)


def failures(folder):
    """How many failures the ledger holds, by reason."""
    with LedgerReader(folder) as reader:
        return {count.reason: count.requests for count in reader.failures()}


def seen_by(endpoint):
    """What the endpoint charged."""
    charged = [seen for seen in endpoint.log if seen.prompt_tokens]
    return Usage(len(charged), *(sum(counts) for counts in zip(*(seen[4:] for seen in charged), strict=True)))


def boxes(body):
    """Which problem a request is about: its number of boxes."""
    return int(re.search(r"Tom has (\d+)", body["messages"][1]["content"])[1])
