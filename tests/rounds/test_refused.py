"""The replies that a run refused, listed by the command: an endpoint goes wrong wherever it sees a mistake."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tutelage.api import run
from tutelage.records import Feedback
from tutelage.rounds.refused import NOT_KEPT, refused_replies
from tutelage.runs.files import read_rows
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.testing import TeacherEndpoint, answer_key_reply

pytestmark = pytest.mark.slow

WRONG = "2 + 2 = 4\nThe answer is 1."


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny) -> Path:
    """A run with `ask: auto` and several replies a problem."""

    def make(folder: Path) -> None:
        short = changed(two_rounds(tiny), training={"epochs": 1}, rounds={"max": 1})
        right = answer_key_reply(open_task(short.task).problems("train"))

        def answer(body):
            return WRONG if "<attempt>" in body["messages"][-1]["content"] else right(body)

        with TeacherEndpoint(answer) as endpoint:
            teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "replies_per_problem": 2}
            run(changed(short, teacher=teacher), folder / "run")

    return made_once(tmp_path_factory, "refused-replies", make) / "run"


def test_several_replies_a_problem_are_asked_for_in_the_ways_of_auto(taught):
    feedback = read_rows(taught / "round-01" / "feedback.jsonl", Feedback)
    assert feedback
    assert max(Counter(each.problem_id for each in feedback).values()) == 2
    assert {tuple(asked.way for asked in each.asked) for each in feedback} <= {("mistake", "question"), ("question",)}
    assert all(each.verdict.correct for each in feedback)
    assert len({each.identity for each in feedback}) == len(feedback)


def test_a_refused_reply_is_listed_with_question_way_and_reason_though_the_next_way_was_sound(taught):
    found = refused_replies(taught)
    feedback = read_rows(taught / "round-01" / "feedback.jsonl", Feedback)
    assert len(found) == sum(not asked.sound for each in feedback for asked in each.asked) > 0
    for reply in found:
        assert (reply.round, reply.way, reply.hint, reply.replies) == (1, "mistake", False, (WRONG,))
        assert reply.question
        assert reply.question in (reply.prompt or "")
        assert reply.mistake
        assert reply.reason
    assert refused_replies(taught, found[0].kind) == [reply for reply in found if reply.kind == found[0].kind]
    assert refused_replies(taught, "quota") == []


def test_the_command_prints_them_and_writes_them_as_json_lines(taught, tmp_path):
    found = refused_replies(taught)
    told = tutelage("refused", taught)
    assert told.exit_code == 0, told.output
    counts = Counter(reply.kind for reply in found)
    assert told.output.endswith(
        f"{len(found)} refused: {', '.join(f'{n} {kind}' for kind, n in counts.most_common())}\n"
    )
    assert "round 1, mistake: " in told.output
    assert "reply     2 + 2 = 4\n            The answer is 1." in told.output
    assert tutelage("refused", taught, "--out", tmp_path / "refused.jsonl").exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "refused.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["reason"] for row in rows] == [reply.reason for reply in found]
    unknown = tutelage("refused", taught, "--kind", "wrong anser")
    assert unknown.exit_code == 2
    assert "did you mean 'wrong answer'?" in unknown.output


def test_rows_of_earlier_versions_and_rows_that_are_being_written_are_read(taught, tmp_path):
    folder = tmp_path / "run" / "round-01"
    folder.mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").write_bytes((taught / "config.yaml").read_bytes())
    rows = [json.loads(line) for line in (taught / "round-01" / "feedback.jsonl").read_text().splitlines()]
    row = next(row for row in rows if len(row["asked"]) > 1)
    for asked in row["asked"]:
        del asked["failure"], asked["reason"]
    written = json.dumps(row) + '\n{"problem_id": "half a'
    (folder / "feedback.jsonl").write_text(written)
    [reply] = refused_replies(tmp_path / "run")
    assert (reply.kind, reply.reason, reply.replies) == (None, NOT_KEPT, ())
    assert (folder / "feedback.jsonl").read_text() == written
