"""Tasks by name, their worked examples, and what a check of a task reports."""

import dataclasses
import doctest
import json
import subprocess
import sys

import pytest

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError
from tutelage.grading.grade import grade
from tutelage.records import SPLITS, Problem, Verdict
from tutelage.tasks import catalog, task
from tutelage.tasks.catalog import TASKS, load_task, open_task
from tutelage.tasks.check import check_task, describe
from tutelage.tasks.examples import EXAMPLES
from tutelage.tasks.task import Task
from tutelage.text.statements import statements


def test_a_task_is_what_the_protocol_says():
    task: Task = load_task("shopping", train=20, test=10, validation=5)
    assert (task.name, task.kind, len(task.examples)) == ("shopping", "number", 3)
    assert [len(task.problems(split)) for split in SPLITS] == [20, 5, 10]
    problem = task.problems("train")[0]
    assert isinstance(task.grade(problem, "no idea"), Verdict)


def test_open_task_and_load_task_are_one():
    config = TaskConfig(name="chain_sum", train=20, test=10, validation=5, options={"max_terms": 3})
    same = load_task("chain_sum", train=20, test=10, validation=5, options={"max_terms": 3})
    assert open_task(config).splits == same.splits


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("gsm8", {}, r"unknown task 'gsm8'; did you mean 'gsm8k'\?"),
        ("xyz", {}, "unknown task 'xyz'; the tasks are gsm8k, svamp,"),
        ("gsm8k", {"trian": 5}, r"unknown key 'task\.trian'; did you mean 'train'"),
        ("gsm8k", {"train": "5"}, r"task\.train.*valid integer"),
        ("gsm8k", {"options": {"a": 1}}, r"the task gsm8k takes no task\.options \(found \{'a': 1\}\); leave it out"),
        ("gsm8k", {"kind": "text"}, r"takes no task\.kind"),
        ("shopping", {"path": "data"}, r"takes no task\.path"),
        ("custom", {"split_file": "a"}, r"takes no task\.split_file"),
    ],
)
def test_a_name_or_a_setting_that_does_not_fit_is_a_config_error(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        load_task(name, **settings)


def test_every_task_is_described_in_a_line():
    for name, entry in TASKS.items():
        assert entry.description.endswith(".")
        assert "\n" not in entry.description
        assert name in EXAMPLES or name == "custom"


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples_state_their_answers_and_end(name):
    kinds = {"commonsense_qa": "choice", "strategy_qa": "yes-no", "leap_year": "yes-no", "math_500": "text"}
    kinds |= dict.fromkeys(("aqua", "date_understanding", "bbh"), "choice")
    assert 3 <= len(EXAMPLES[name]) <= 5
    assert len({example.question for example in EXAMPLES[name]}) == len(EXAMPLES[name])
    for example in EXAMPLES[name]:
        answer = statements(example.rationale)[0].piece
        choices = ()
        if kinds.get(name) == "choice":
            assert f"\n({answer}) " in example.question
            assert name in ("date_understanding", "bbh") or example.question.count("\n") == 5
        problem = Problem.of(example.question, answer, choices=choices)
        if not kinds.get(name):
            assert grade("number", problem, example.rationale).correct
            assert grade("number", problem, example.rationale.rpartition("\n")[0]).correct, example


def test_a_check_reports_what_there_is(tmp_path):
    rows = [{"question": f"{n} + 1?", "answer": str(n + 1), "rationale": f"{n} + 1 = {n + 1}."} for n in range(10)]
    rows += [
        {**rows[0]},
        {**rows[1], "answer": "99"},
        {"question": "7 + 7?", "answer": "14", "rationale": "7 + 7 = 15."},
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = check_task(load_task("custom", path=tmp_path / "own.jsonl", validation=2))
    assert report.ok
    assert sum(report.sizes.values()) == 11
    assert sum(report.repeats.values()) == 2
    assert [(conflict.kept, conflict.dropped) for conflict in report.conflicts] == [("2", "99")]
    assert (report.rationales, report.equations, report.leaks, report.examples) == (11, 0, 0, 0)
    assert report.short_of_answer == (Problem.of("7 + 7?", "14").id,)
    text = describe(report)
    assert "gold answers that grade as correct: 11 of 11" in text
    assert "'1 + 1?': kept '2', dropped '99'" in text


def test_a_check_finds_gold_answers_that_do_not_grade_as_correct():
    task = load_task("chain_sum", train=3, test=2, validation=1)
    broken = (Problem.of("How many?", "5 or 6"), Problem.of("Why?", "3", rationale="So:\nQuestion: what next?"))
    task = dataclasses.replace(task, splits={**task.splits, "train": broken})
    report = check_task(task)
    assert not report.ok
    assert {(fault.question, fault.form) for fault in report.misgraded} >= {
        ("How many?", "bare"), ("How many?", "stated"), ("How many?", "after its rationale"),
        ("Why?", "after its rationale"),
    }  # fmt: skip
    assert "gold answers that grade as correct: 3 of 5" in describe(report)
    assert "two answers stated: 5 and 6" in describe(report)


def test_the_catalog_loads_without_the_slow_libraries():
    slow = {"reasoning_gym", "datasets", "sympy", "math_verify", "torch"}
    code = f"import sys, tutelage.tasks.catalog; found = {slow} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", [catalog, task])
def test_the_examples_in_docstrings_are_true(module):
    found = doctest.testmod(module, extraglobs={"load_task": load_task})
    assert found.attempted
    assert not found.failed
