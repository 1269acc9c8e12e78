"""Every gold answer of all five published data sets grades as correct, three ways; skips where the data is absent."""

import json

import pytest

from tutelage.records import SPLITS
from tutelage.tasks.catalog import load_task
from tutelage.tasks.check import check_task
from tutelage.tasks.examples import EXAMPLES

pytestmark = pytest.mark.slow

FIGURES = {
    # rows of train and test, repeats in them, leaks, problems in all
    "gsm8k": (7473, 1319, 0, 0, 0, 8792),
    "svamp": (700, 300, 0, 0, 0, 1000),
    "multiarith": (420, 180, 12, 3, 5, 580),
    "commonsense_qa": (9741, 1221, 0, 0, 0, 10962),
    "strategy_qa": (1603, 687, 0, 0, 1, 2289),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_gold_answer_grades_as_correct_and_no_problem_is_lost(shared_data, name):
    task = load_task(name, path=shared_data)
    report = check_task(task)
    assert report.misgraded == ()
    found = (
        *(report.read[s] for s in ("train", "test")),
        *(report.repeats[s] for s in ("train", "test")),
        report.leaks,
    )
    assert (*found, sum(report.sizes.values())) == FIGURES[name]
    asked = [problem.id for split in SPLITS for problem in task.problems(split)]
    assert len(set(asked)) == len(asked)
    questions = {problem.text for split in SPLITS for problem in task.problems(split)}
    assert not questions & {example.question for example in EXAMPLES[name]}


def test_no_word_of_a_question_is_altered(shared_data):
    rows = json.loads((shared_data / "svamp" / "SVAMP.json").read_text(encoding="utf-8"))
    written = {" ".join(f"{row['Body']} {row['Question']}".replace(".", " ").split()) for row in rows}
    task = load_task("svamp", path=shared_data)
    read = {" ".join(p.question.replace(".", " ").split()) for split in SPLITS for p in task.problems(split)}
    assert read == written


def test_no_student_ever_sees_a_calculator_mark(shared_data):
    task = load_task("gsm8k", path=shared_data)
    for split in SPLITS:
        for problem in task.problems(split):
            assert problem.rationale
            assert not [mark for mark in ("<<", ">>", "####") if mark in problem.rationale]
