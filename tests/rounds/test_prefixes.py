"""Prefixes of rationales: where they are cut, how the shortest one is found, and whole runs that learn from them."""

import json
from dataclasses import dataclass, replace
from math import ceil, log2

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.rounds.coin import noisy_student
from tutelage.api import run
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError
from tutelage.mistakes.repair import Repair
from tutelage.records import Attempt, Exam, Feedback, Problem, Verdict
from tutelage.rounds.prefixes import PREFIXED, Prefixed, _owed, _repairs, _Search, prefixes_of
from tutelage.runs.files import read_rows
from tutelage.student.sampler import Sampled, StopCriteria
from tutelage.student.student import Student
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task

PENS = Problem.of("How many pens?", "2")
STEPS = ("3 × 4 = 12 pens.", "12 - 2 = 10 are left.", "10 / 5 = 2 pens each.")


def test_a_prefix_ends_with_a_sentence_and_leaves_the_last_one_to_the_student():
    assert prefixes_of(f"{' '.join(STEPS)}\nThe answer is 2.") == (STEPS[0], f"{STEPS[0]} {STEPS[1]}")
    assert prefixes_of(f"{STEPS[0]}\nThe answer is 12.") == ()
    assert prefixes_of("The answer is 12.") == ()
    assert prefixes_of("1. 3 × 4 = 12\n2. 12 - 2 = 10\nThe answer is 10.") == ("1. 3 × 4 = 12",)


def test_only_problems_that_were_sat_without_a_right_attempt_are_helped():
    new, solved = Problem.of("How many nuts?", "2"), Problem.of("How many cows?", "2")
    text = f"{' '.join(STEPS)}\nThe answer is 2."
    taught = [Feedback(each.id, 0, None, text, Verdict(True, "2", "")) for each in (PENS, solved, new)]
    attempts = (attempt("The answer is 3.", correct=False), replace(attempt(text, correct=True), problem_id=solved.id))
    found = list(_owed([PENS, solved, new], Exam(attempts), [taught]))
    assert [search.problem for search in found] == [PENS], "this round's practice problems were not in its exam"


@given(st.integers(1, 40), st.data())
def test_the_shortest_prefix_that_does_is_found_by_halving(count, data):
    enough = data.draw(st.integers(0, count))
    search, tried = _Search(PENS, tuple(map(str, range(count))), 0, count), 0
    while not search.is_done:
        search, tried = search.narrowed(int(search.prefix) >= enough), tried + 1
    assert search.least == enough
    assert tried <= ceil(log2(count + 1))


def attempt(text, *, correct, finish="stop"):
    return Attempt(PENS.id, 0, text, Verdict(correct, None, ""), finish, 5)


def test_learnt_is_what_was_right_after_the_shortest_prefix():
    right = " 12 - 2 = 10 are left.\nThe answer is 10."
    rows = [
        Prefixed(PENS.id, "3 × 4 = 12 pens. So 12.", (attempt(" And 10.\nThe answer is 10.", correct=True),)),
        Prefixed(
            PENS.id,
            "3 × 4 = 12 pens.",
            (
                attempt(" 12 - 2 = 11.\nThe answer is 10.", correct=True),
                attempt(f"{right}\n\nQuestion: And then?", correct=True),
                attempt(f" So{right}", correct=True),
                attempt(right, correct=True),
                attempt(" 12 + 2 = 14.\nThe answer is 14.", correct=False),
                attempt(f"{right} And", correct=True, finish="length"),
            ),
        ),
        Prefixed(PENS.id, "3 ×", (attempt(" 4 = 13", correct=False),)),
    ]
    assert list(_repairs([PENS], rows)) == [
        Repair(PENS, "3 × 4 = 12 pens.", "", right, ends=True, weight=0.5),
        Repair(PENS, "3 × 4 = 12 pens.", "", f" So{right}", ends=True, weight=0.5),
    ]


@dataclass
class AfterOneSentence:
    """An engine whose student knows the way from the first sentence of a rationale on, and before it none."""

    tokenizer: object
    problems: tuple[Problem, ...]

    key = "after one sentence 1"

    def __call__(self, model, ends: StopCriteria):
        return self

    def sample(self, prompts, seeds, settings, deliver):
        for place, prompt in enumerate(prompts):
            text = self.tokenizer.decode(list(prompt))
            answers = [each.answer for each in self.problems if each.question in text]
            begun = text.rpartition("Answer:")[2]
            said = f" So it is.\nThe answer is {answers[0]}." if "." in begun else " No.\nThe answer is 1."
            ids = [*self.tokenizer(said, add_special_tokens=False).input_ids, self.tokenizer.eos_token_id]
            deliver(place, [ids[: settings.max_new_tokens]] * settings.samples)
        return Sampled(1, 0)


@pytest.fixture
def prefixing(config, tmp_path) -> RunConfig:
    noisy_student(tmp_path / "student")
    return changed(
        config,
        student={"model": str(tmp_path / "student")},
        exam={"prefix_samples": 2, "max_new_tokens": 40},
        training={"reflection": "repair"},
        rounds={"max": 1},
    )


@pytest.mark.slow
def test_a_whole_run_learns_what_follows_the_shortest_prefix(prefixing, tmp_path):
    task = open_task(prefixing.task)
    problems = tuple(each for split in ("train", "validation", "test") for each in task.problems(split))
    tokenizer = noisy_student(tmp_path / "student").loaded(torch.float32).tokenizer
    root, engine = tmp_path / "run", AfterOneSentence(tokenizer, problems)
    room = Student(prefixing.student, task.examples).room_for_answers([each.text for each in task.problems("train")])
    prefixing = changed(prefixing, exam={"max_new_tokens": room})  # of which a prefix takes some
    result = run(prefixing, root, engine=engine)
    rows = read_rows(root / "round-01" / PREFIXED, Prefixed)
    solved = [row for row in rows if row.solved]
    assert {row.problem_id for row in rows} == {problem.id for problem in task.problems("train")}
    assert solved
    repairs = read_rows(root / "round-01" / "repairs.jsonl", Repair)
    learnt = [each for each in repairs if each.right.startswith(" So it")]
    assert {each.problem.id for each in learnt} == {row.problem_id for row in solved}
    assert all(each.before.count(".") == 1 for each in learnt), "none has more than it takes"
    stages = json.loads((root / "round-01" / "stages.json").read_text())
    assert stages["prefixes"]["done"]
    (root / "round-01" / PREFIXED).unlink()
    (root / "result.json").unlink()
    assert run(prefixing, root, engine=engine).rounds[1].training == result.rounds[1].training
    assert read_rows(root / "round-01" / PREFIXED, Prefixed) == rows


@pytest.mark.slow
def test_a_student_that_no_prefix_helps_learns_as_without_them(prefixing, tmp_path):
    with_prefixes = run(prefixing, tmp_path / "with")
    without = run(changed(prefixing, exam={"prefix_samples": 0}), tmp_path / "without")
    rows = read_rows(tmp_path / "with" / "round-01" / PREFIXED, Prefixed)
    assert rows
    assert not any(row.solved for row in rows)
    assert with_prefixes.rounds[1].training == without.rounds[1].training
    assert not (tmp_path / "without" / "round-01" / PREFIXED).exists()


def test_without_repairs_nothing_would_learn_from_them(prefixing):
    triplet = changed(prefixing, training={"reflection": "triplet"}).model_dump(mode="json")
    with pytest.raises(ConfigError, match=r"prefix_samples is 2, which training\.reflection 'repair' alone"):
        parse_config(triplet)
