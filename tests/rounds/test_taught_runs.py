"""Whole runs of a tiny real student under teachers that go about it in another way."""

from itertools import count
from pathlib import Path

import pytest

from tutelage.api import run
from tutelage.config import RunConfig
from tutelage.errors import RunError, TeacherError
from tutelage.records import Attempt, Exam, Feedback, TrainingExample
from tutelage.report.progress import Show
from tutelage.rounds.requests import only_cut
from tutelage.runs.files import read_rows
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint, answer_key_reply

pytestmark = pytest.mark.slow


@pytest.fixture
def short(config):
    """One round after round 0."""
    return changed(config, training={"epochs": 1}, rounds={"max": 1})


def feedback(root: Path, round: int) -> list[Feedback]:
    return read_rows(root / f"round-{round:02d}" / ("feedback.jsonl" if round else "annotation.jsonl"), Feedback)


def nothing_but_cut(config: RunConfig, root: Path, round: int) -> set[str]:
    """The problems of an exam at which every mistake is only a cut, which no teacher is shown."""
    task, exam = open_task(config.task), Exam(tuple(read_rows(root / f"round-{round:02d}" / "exam.jsonl", Attempt)))
    wrong = {attempt for attempt in exam.attempts if not attempt.verdict.correct}
    shown = wrong - only_cut(task.problems("train"), exam, task.grade)
    return {attempt.problem_id for attempt in wrong} - {attempt.problem_id for attempt in shown}


def test_replies_count_whoever_paid_for_them(short, tmp_path):
    with answer_key_endpoint(open_task(short.task).problems("train")) as endpoint:
        ledger = str(tmp_path / "ledger.sqlite")
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "ledger": ledger}
        config = changed(short, teacher=teacher)
        payer, heir = (run(config, tmp_path / name) for name in ("payer", "heir"))
        asked = len(endpoint.requests)
    assert [row.teacher.replies for row in payer.rounds] == [6, 6]
    assert [row.teacher.requests for row in payer.rounds] == [6, 6]
    assert asked == 12
    assert [row.teacher.replies for row in heir.rounds] == [6, 6]
    assert [row.teacher.requests for row in heir.rounds] == [0, 0]
    assert sum(row.teacher.prompt_tokens + row.teacher.completion_tokens for row in heir.rounds) == 0
    assert [row.teacher.replies_used for row in heir.rounds] == [6, 6]


def test_what_the_first_refusal_asks_to_set_can_be_set_in_the_same_run(short, tmp_path):
    """Until there is a rationale; then other settings of the teacher are refused, as they would mix two teachers."""
    problems = open_task(short.task).problems("train")
    out = tmp_path / "run"
    said = "Unsupported value: 'temperature' does not support 0.7 with this model."
    with answer_key_endpoint(
        problems, faults=lambda _, body: Fault.http(400, said) if "temperature" in body else None
    ) as endpoint:
        asked = changed(
            short, teacher={"kind": "openai", "model": "test", "base_url": endpoint.base_url}, rounds={"max": 0}
        )
        with pytest.raises(TeacherError, match=r"set teacher\.temperature to null"):
            run(asked, out)
        mended = changed(asked, teacher={"temperature": None})
        assert run(mended, out).rounds[0].teacher.replies_used == 6
        with pytest.raises(RunError, match=r"teacher\.temperature: None is now 0\.2"):
            run(changed(asked, teacher={"temperature": 0.2}), out)


def test_a_reply_that_was_asked_for_twice_counts_as_two(short, tmp_path):
    """The first reply is no rationale, so it is asked once more, with the hint."""
    known = open_task(short.task).problems("train")
    with answer_key_endpoint(known[1:]) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url}
        result = run(changed(short, teacher=teacher, rounds={"max": 0}), tmp_path / "run")
        assert len(endpoint.requests) == 7
    told = result.rounds[0].teacher
    assert (told.replies, told.requests, told.replies_used) == (7, 7, 5)
    assert sum(told.failures.values()) == 1


def test_replies_of_a_round_that_has_nothing_to_learn_are_counted(short, tmp_path):
    known, asked = answer_key_reply(open_task(short.task).problems("train")), count()
    with TeacherEndpoint(lambda body: known(body) if next(asked) < 6 else "The answer is -1.") as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "concurrency": 1, "ask": "mistake"}
        result = run(changed(short, teacher=teacher), tmp_path / "run")
        assert result.stopped_because.startswith("none of the teacher's 6 replies can be used")
        assert [cost.requests for cost in result.teaching] == [6, 12]  # each was asked for once more
        assert len(endpoint.requests) == 18
    assert len(result.rounds) == 1


def test_an_explained_mistake_is_learnt_to_be_corrected(short, tmp_path):
    with answer_key_endpoint(open_task(short.task).problems("train")) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "explain": True}
        run(changed(short, teacher=teacher), tmp_path / "online")
    run(changed(short, teacher={"explain": True}), tmp_path / "offline")
    for root in (tmp_path / "online", tmp_path / "offline"):
        assert not any(reply.explanation for reply in feedback(root, 0))
        told = {reply.problem_id: reply for reply in feedback(root, 1) if reply.explanation}
        assert told
        rows = read_rows(root / "round-01" / "examples.jsonl", TrainingExample)
        correcting = {row.problem.id: row for row in rows if row.corrects is not None}
        assert correcting.keys() == told.keys()
        wrong = {(a.problem_id, a.text) for a in read_rows(root / "round-01" / "exam.jsonl", Attempt)}
        for problem, row in correcting.items():
            reply = told[problem]
            assert (row.anchor, row.corrects) == (f"{reply.explanation}\n{reply.text}", reply.mistake)
            assert (problem, row.corrects) in wrong
            assert not row.positives
            assert not row.negatives
        assert len(rows) - len(correcting) >= 6  # beside the rationales themselves
        first = read_rows(root / "round-00" / "examples.jsonl", TrainingExample)
        assert not any(row.corrects for row in first)


def test_without_the_mistake_in_view_another_rationale_is_asked_for(short, tmp_path):
    shown, blind = tmp_path / "shown", tmp_path / "blind"
    run(short, shown)
    run(changed(short, teacher={"ask": "question"}), blind)
    cut = nothing_but_cut(short, shown, 1)
    assert {reply.mistake is None for reply in feedback(shown, 1) if reply.problem_id not in cut} == {False}
    assert {reply.mistake for reply in feedback(shown, 1) if reply.problem_id in cut} <= {None}
    assert {reply.problem_id for reply in feedback(blind, 1)} == {reply.problem_id for reply in feedback(shown, 1)}
    before = {reply.problem_id: reply.text for reply in feedback(blind, 0)}
    again = feedback(blind, 1)
    assert [(reply.mistake, reply.sample, reply.verdict.correct) for reply in again] == [(None, 1, True)] * 6
    assert all(reply.text != before[reply.problem_id] for reply in again)
    rows = read_rows(blind / "round-01" / "examples.jsonl", TrainingExample)
    assert {row.anchor for row in rows} == {*before.values(), *(reply.text for reply in again)}
    new = {reply.text for reply in again}
    assert all(before[row.problem.id] in row.positives for row in rows if row.anchor in new)


def test_answers_may_be_as_long_as_what_was_learnt(config, tmp_path):
    said: list[str] = []
    show = Show(quiet=True)
    show.say = said.append
    auto = changed(config, exam={"max_new_tokens": "auto"}, evaluation={"max_new_tokens": "auto"}, rounds={"max": 1})
    result = run(auto, tmp_path / "run", show)
    first, second = result.rounds
    assert set(first.limits) == {"evaluation"}
    assert set(second.limits) == {"exam", "evaluation"}
    assert second.limits["exam"] == first.limits["evaluation"] <= second.limits["evaluation"]
    attempts = read_rows(tmp_path / "run" / "round-01" / "exam.jsonl", Attempt)
    assert max(attempt.tokens for attempt in attempts) == second.limits["exam"]  # it has learnt nothing, and runs on
    assert second.exam is not None
    assert second.exam.cut == sum(attempt.finish == "length" for attempt in attempts) > len(attempts) / 10
    [told] = [text for text in said if "were cut" in text]
    assert f"cut at {second.limits['exam']} tokens; set exam.max_new_tokens to" in told
    assert run(auto, tmp_path / "run") == result
