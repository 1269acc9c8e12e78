"""Which repairs an exam brings, what a training with them is known by, and whole runs that learn them."""

import json
from dataclasses import replace

import pytest

from tests.rounds.coin import noisy_student
from tutelage.api import run
from tutelage.config import RunConfig, TrainingConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import Attempt, Exam, Feedback, Problem, TrainingExample, Verdict
from tutelage.rounds.examples import build_examples
from tutelage.rounds.form import rationales
from tutelage.rounds.repairs import build_repairs
from tutelage.rounds.training_key import LATER, in_round, key_settings, what_matters
from tutelage.run_records import StepRecord
from tutelage.runs.files import digest, read_rows
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.testing import answer_key_endpoint

SUM = Problem.of("1 + 2?", "3", equation="1 + 2")
MORE = Problem.of("2 + 2?", "4", equation="2 + 2")
PROBLEMS = [SUM, MORE]
REPAIR = TrainingConfig(reflection="repair")


def attempt(problem, sample, text, *, correct=False):
    return Attempt(problem.id, sample, text, Verdict(correct, None, ""), "stop", 5)


SITTING = Exam(
    (
        attempt(SUM, 0, "So 1 + 2 = 4."),
        attempt(SUM, 1, "So 1 + 2 = 5."),
        attempt(SUM, 2, "It is 1 + 2 = 5."),
        attempt(SUM, 3, "So 1 + 2 = 3.\nThe answer is 3.", correct=True),
        attempt(MORE, 0, "2 × 2 = 5.\nThe answer is 4.", correct=True),
        attempt(MORE, 1, "4 - 2 = 2.\nThe answer is 2."),
    )
)


def parts(repairs):
    return sorted((repair.problem.question, repair.before, repair.right) for repair in repairs)


def test_every_attempt_is_put_right_and_the_same_once():
    assert parts(build_repairs(PROBLEMS, SITTING, [], REPAIR, 0)) == [
        ("1 + 2?", "It is ", "1 + 2 = 3."),
        ("1 + 2?", "So ", "1 + 2 = 3."),
        ("2 + 2?", "", "2 + 2 = 4."),
        ("2 + 2?", "", "2 × 2 = 4."),
    ]
    by_arithmetic = build_repairs(
        PROBLEMS, SITTING, [], TrainingConfig(reflection="repair", repair_from="arithmetic"), 0
    )
    assert len(parts(by_arithmetic)) == 3


def test_no_more_of_a_problem_than_asked_for_and_others_by_another_seed():
    config = TrainingConfig(reflection="repair", max_negatives=1)
    found = {tuple(parts(build_repairs(PROBLEMS, SITTING, [], config, seed))) for seed in range(9)}
    assert {len(each) for each in found} == {2}
    assert len(found) == 4


@pytest.mark.parametrize("update", [{"reflection": "triplet"}, {"reflection": "none"}, {"reflection_weight": 0.0}])
def test_there_are_none_for_another_loss(update):
    assert build_repairs(PROBLEMS, SITTING, [], REPAIR.model_copy(update=update), 0) == []
    assert build_repairs(PROBLEMS, None, [], REPAIR, 0) == []


def test_right_attempts_beside_wrong_ones_are_more_of_them():
    config = REPAIR.model_copy(update={"mixed_attempts": True})
    found = build_repairs(PROBLEMS, SITTING, [], config, 0)
    usual = build_repairs(PROBLEMS, SITTING, [], REPAIR, 0)
    (more,) = [repair for repair in found if repair not in usual]
    assert (more.before, more.right, more.weight) == ("So 1 + 2 = ", "3.\nThe answer is 3.", 0.75)
    assert {repair.weight for repair in usual} == {1.0}


def told(mistake, step, text, *, problem=SUM, sample=0):
    return Feedback(problem.id, sample, mistake, text, Verdict(True, None, "a step put right"), step=step)


def test_what_the_teacher_puts_right_comes_first_and_is_not_taken_twice():
    replies = [
        told(" So 1 + 2 = 4.", "1 + 2 = 4", "1 + 2 = 3"),
        told("It is 2 + 2.", "", "2 + 2 = 4", problem=MORE),
        told("4 - 2 = 2.\nThe answer is 2.", "The answer is 2.", "The answer is 4.", problem=MORE, sample=1),
    ]
    assert parts(build_repairs(PROBLEMS, Exam(()), replies, REPAIR, 0)) == [
        ("1 + 2?", "So ", "1 + 2 = 3."),
        ("2 + 2?", "4 - 2 = 2.\n", "The answer is 4."),
        ("2 + 2?", "It is 2 + 2.", " 2 + 2 = 4"),
    ]
    both = build_repairs(PROBLEMS, SITTING, replies, REPAIR, 0)
    assert [repair.ends for repair in both if repair.right == "The answer is 4."] == [True]
    assert len([repair for repair in both if (repair.problem, repair.before) == (SUM, "So ")]) == 1
    one = REPAIR.model_copy(update={"max_negatives": 1})
    assert parts(build_repairs(PROBLEMS, SITTING, replies[:2], one, 0)) == [
        ("1 + 2?", "So ", "1 + 2 = 3."),
        ("2 + 2?", "It is 2 + 2.", " 2 + 2 = 4"),
    ]
    other = Feedback(SUM.id, 0, "So 1 + 2 = 4.", "1 + 2 = 3", Verdict(False, None, "refused"), step="1 + 2 = 4")
    assert build_repairs([SUM], Exam(()), [other, told("So.", "1 + 2", "3")], REPAIR, 0) == []


def test_a_step_put_right_is_no_rationale():
    replies = [told("So 1 + 2 = 4.", "1 + 2 = 4", "1 + 2 = 3"), replace(told("So.", "So.", "1 + 2 = 3."), step=None)]
    examples = build_examples([SUM], [[], replies], [SITTING], REPAIR, 0)
    assert [example.anchor for example in examples] == ["1 + 2 = 3."]
    assert rationales(replies) == ["1 + 2 = 3."]


COW = Problem.of("How many legs has a cow?", "4")
ALONE = [TrainingExample(COW, "4 legs", ("four",))]
PAIRS = [*ALONE, TrainingExample(COW, "four", ("4 legs",), ("five",))]
MENDED = [Repair(COW, "", "five", "four")]


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        (TrainingConfig(), ("4f651c51b1d31e2e", "540754aa325a1e78")),
        (TrainingConfig(reflection="preference"), ("4f651c51b1d31e2e", "bc354aa26aa1ff63")),
        (TrainingConfig(reflection="none"), ("4f651c51b1d31e2e", "4f651c51b1d31e2e")),
    ],
)
def test_trainings_of_before_keep_their_keys(config, keys):
    """Pinned as they were before there were repairs; those of examples, too."""
    assert tuple(digest(key_settings(what_matters(in_round(config, 1), each))) for each in (ALONE, PAIRS)) == keys
    assert (digest(*ALONE), digest(*PAIRS)) == ("55d65f5db3d279ca", "1a782ce94d9bc39e")
    assert not LATER & key_settings(config).keys()


def test_repairs_matter_where_there_are_some():
    assert what_matters(REPAIR, PAIRS) == what_matters(TrainingConfig(reflection="none"), PAIRS)
    there = what_matters(REPAIR, ALONE, None, MENDED)
    assert there.reflection == "repair"
    for update, matters in [
        ({"unlikelihood": 0.5}, True),
        ({"reflection_weight": 0.5}, True),
        ({"gradient_share": 0.5}, True),
        ({"margin": 0.5}, False),
        ({"beta": 0.5}, False),
        ({"repair_rest": True}, False),  # it shows in the repairs
        ({"mixed_attempts": True}, False),
        ({"repair_from": "arithmetic"}, False),
    ]:
        other = what_matters(REPAIR.model_copy(update=update), ALONE, None, MENDED)
        assert (key_settings(other) != key_settings(there)) == matters, update
    triplet = TrainingConfig()
    assert what_matters(triplet.model_copy(update={"unlikelihood": 0.5}), PAIRS) == what_matters(triplet, PAIRS)
    assert what_matters(triplet.model_copy(update={"gradient_share": 0.5}), PAIRS) != what_matters(triplet, PAIRS)
    assert what_matters(there, ALONE, None, MENDED) == there


@pytest.fixture
def mending(config, tmp_path) -> RunConfig:
    """One round with a student that writes noise; where it ends, the solution's first step is put behind it."""
    noisy_student(tmp_path / "student")
    student = {"model": str(tmp_path / "student")}
    return changed(config, student=student, training={"reflection": "repair", "unlikelihood": 0.1}, rounds={"max": 1})


@pytest.mark.slow
def test_a_whole_run_learns_repairs_and_says_so(mending, tmp_path):
    result, root = run(mending, tmp_path / "run"), tmp_path / "run"
    first, second = result.rounds
    repairs = read_rows(root / "round-01" / "repairs.jsonl", Repair)
    assert repairs
    assert {repair.problem for repair in repairs} <= set(open_task(mending.task).problems("train"))
    assert (first.training.repairs, second.training.repairs) == (0, 2 * len(repairs))
    assert second.training.rows == 2 * second.training.examples
    assert second.training.reflection_loss > 0
    steps = read_rows(root / "round-01" / "steps.jsonl", StepRecord)
    assert sum(step.pairs for step in steps) == 2 * len(repairs)
    assert all((step.repaired_loss is not None) == (step.wrong_loss is not None) == (step.pairs > 0) for step in steps)
    assert not (root / "round-00" / "repairs.jsonl").exists()
    key = json.loads((root / "round-00" / "stages.json").read_text())["training"]["key"]
    run(changed(mending, training={"reflection": "none"}, rounds={"max": 0}), tmp_path / "none")
    assert json.loads((tmp_path / "none" / "round-00" / "stages.json").read_text())["training"]["key"] == key


@pytest.mark.slow
def test_repairs_that_were_changed_are_learnt_again(mending, tmp_path):
    root = tmp_path / "run"
    first = run(mending, root)
    path = root / "round-01" / "repairs.jsonl"
    whole = path.read_text()
    path.write_text(whole.splitlines(keepends=True)[0])
    (root / "result.json").unlink()
    again = run(mending, root)
    assert path.read_text() == whole
    assert replace(again.rounds[1].training, computed_tokens=0) == replace(first.rounds[1].training, computed_tokens=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["answer_key", "openai"])
def test_a_whole_run_whose_teacher_puts_steps_right(mending, tmp_path, kind):
    problems = open_task(mending.task).problems("train")
    with answer_key_endpoint(problems) as endpoint:
        teacher = {"feedback": "repair", "kind": kind, "model": "test", "base_url": endpoint.base_url}
        config = changed(mending, teacher=teacher, exam={"max_new_tokens": 40}, rounds={"max": 2})
        result = run(config, tmp_path / "run")
    replies = read_rows(tmp_path / "run" / "round-01" / "feedback.jsonl", Feedback)
    bought = [reply for reply in replies if reply.step is not None]
    assert bought
    assert all(reply.verdict.correct for reply in bought)
    repairs = read_rows(tmp_path / "run" / "round-01" / "repairs.jsonl", Repair)
    assert {reply.problem_id for reply in bought} <= {repair.problem.id for repair in repairs}
    assert result.rounds[1].teacher.replies_used >= len(bought)
    examples = read_rows(tmp_path / "run" / "round-01" / "examples.jsonl", TrainingExample)
    assert not {reply.text for reply in bought} & {example.anchor for example in examples}
    if kind == "openai":
        ways = result.rounds[1].teacher.ways
        assert ways["mistake-repaired"].sound == len(bought)
