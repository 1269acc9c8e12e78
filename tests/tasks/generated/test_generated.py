"""Generated tasks: seeded, distinct, every worked solution true to its answer by a calculator of the test's own."""

import calendar
import math
import random
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS, Problem, state_answer
from tutelage.tasks.catalog import TASKS, load_task
from tutelage.tasks.generated.generator import draw
from tutelage.tasks.generated.symbolic import sound_solution, unproved
from tutelage.text.parser import compute

NAMES = [name for name, entry in TASKS.items() if "options" in entry.takes]
OURS = [name for name in NAMES if name != "gsm_symbolic"]
SMALL = {"train": 40, "validation": 10, "test": 20}


def everything(task):
    return [problem for split in SPLITS for problem in task.problems(split)]


def true_calculations(solution):
    """Every "a op b op c = d" in a text, worked out by Python's own arithmetic on fractions; asserts that they hold."""
    found = 0
    for line in re.split(r"[.,:] |\.?\n|\.$", solution.replace("×", "*")):
        left, equals, right = line.rpartition(" = ")
        if equals:
            value = {side: eval(re.sub(r"(\d+)", r"F(\1)", side), {"F": Fraction}) for side in (left, right)}
            assert value[left] == value[right], line
            found += 1
    return found


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_distinctness(name):
    task = load_task(name, **SMALL)
    assert {split: len(task.problems(split)) for split in SPLITS} == SMALL
    assert len({problem.id for problem in everything(task)}) == 70
    assert not {problem.text for problem in everything(task)} & {example.question for example in task.examples}


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_alone_decides(name):
    before = random.getstate(), np.random.get_state()[1].tolist()
    one = load_task(name, seed=5, **SMALL)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert everything(one) == everything(load_task(name, seed=5, **SMALL))
    other = load_task(name, seed=6, **SMALL)
    assert len({p.id for p in everything(one)} & {p.id for p in everything(other)}) < 20


@pytest.mark.parametrize("name", OURS)
def test_a_longer_train_split_leaves_the_others_as_they_are(name):
    one, longer = load_task(name, **SMALL), load_task(name, **{**SMALL, "train": 60})
    assert one.problems("test") == longer.problems("test")
    assert one.problems("validation") == longer.problems("validation")
    assert set(one.problems("train")) < set(longer.problems("train"))


@pytest.mark.parametrize("name", OURS)
def test_our_worked_solutions_are_true_and_reach_the_answer(name):
    task = load_task(name, train=200, validation=1, test=50)
    for problem in everything(task):
        assert problem.rationale
        assert true_calculations(problem.rationale) > 0
        assert unproved(problem.rationale) is None
        assert task.grade(problem, state_answer(problem.rationale, problem.answer)).correct
        if task.kind == "number":
            assert task.grade(problem, problem.rationale).correct, problem
        if problem.equation:
            assert str(compute(problem.equation)) == problem.answer


def test_answers_agree_with_an_independent_calculation():
    for problem in everything(load_task("common_divisor", **SMALL)):
        assert math.gcd(*map(int, re.findall(r"\d+", problem.question))) == int(problem.answer)
    leaps = everything(load_task("leap_year", train=300, validation=1, test=50))
    for problem in leaps:
        (year,) = map(int, re.findall(r"\d+", problem.question))
        assert problem.answer == ("yes" if calendar.isleap(year) else "no")
    assert 0.35 < sum(problem.answer == "yes" for problem in leaps) / len(leaps) < 0.65
    for problem in everything(load_task("shopping", **SMALL)):
        spent = sum(int(n) * int(price) for n, price in re.findall(r"(\d+) \w+ at \$(\d+)", problem.question))
        note = re.search(r"\$(\d+) note", problem.question)
        assert int(problem.answer) == (int(note[1]) - spent if note else spent)
        assert int(problem.answer) > 0


def test_leg_counting_reads_well():
    task = load_task("leg_counting", options={"min_animals": 2, "max_animals": 2, "max_instances": 3}, **SMALL)
    problem = everything(task)[0]
    assert re.fullmatch(
        r"Ann draws [123] [a-z ]+ and [123] [a-z ]+\. How many legs does she draw in total\?", problem.question
    )
    assert re.fullmatch(
        r"[123] [a-z ]+: [123] × \d+ = \d+\. [123] [a-z ]+: [123] × \d+ = \d+\. \d+ \+ \d+ = \d+\.", problem.rationale
    )


def test_gsm_symbolic_loses_its_instruction_and_its_doubtful_solutions():
    task = load_task("gsm_symbolic", train=200, validation=10, test=50)
    problems = everything(task)
    kept = [problem for problem in problems if problem.rationale]
    assert 0.8 < len(kept) / len(problems) < 1
    assert task.report.notes[0].startswith(f"{260 - len(kept)} of 260 worked solutions are dropped")
    for problem in problems:
        assert "Give the result" not in problem.question
        assert "Do not include units" not in problem.question
    for problem in kept:
        assert "####" not in problem.rationale
        assert not re.search(r"[a-z] (\d+)\s*=\s*\1\b", problem.rationale)
        assert task.grade(problem, state_answer(problem.rationale, problem.answer)).correct


@pytest.mark.parametrize(
    ("solution", "kept"),
    [
        ("He has 6 - 3 = 3 pens.\n#### 3", "He has 6 - 3 = 3 pens."),
        ("She makes 7920*£0.50=£3960.0 a week\n#### 3960.0", "She makes 7920*£0.50=£3960 a week"),
        ("He gets 48=48 emails.\nSo 100 - 52 = 48 are left.\n#### 48", None),
        ("So 2352/60=39 hours\n#### 39", None),
        ("He has 6 - 3 = 3 pens.\n#### 4", None),
        ("He has three pens.\n#### 3", None),
    ],
)
def test_a_solution_is_kept_only_if_it_holds(solution, kept):
    answer = solution.rpartition("#### ")[2].removesuffix(".0")
    assert sound_solution(solution, answer) == kept


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("35 mushroom / 5 mushroom/minute = 7 minutes", None), ("73 x 4 = 292 and 17 girls x 3 boys/girl = 51", None),
        ("30% of 200 = 60", None), ("Tom = 5 pens, so 5 + 1 = 6", None), ("1/3 * 3600 = 1200 wards", None),
        ("$380,000 x 7/100 = $26,600.", None), ("3 + 4 = 7 = 14 / 2", None), ("no numbers at all", None),
        ("2 + 2 = 5", "2 + 2 = 5"), ("3 + 4 = 7 = 14 / 3", "7 = 14 / 3"), ("48 = 48", "48 = 48"),
        ("5 / 0 = 0", "5 / 0 = 0"),
        ("48 * 0.3333333333 = 16", "48 * 0.3333333333 = 16"), ("4 + x = 7", "4 + = 7"), ("3 + 4 =", "3 + 4 ="),
    ],
)  # fmt: skip
def test_unproved_calculations_are_found(text, claim):
    assert (unproved(text) or "").strip() == (claim or "")


@given(st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=8,
))  # fmt: skip
def test_expressions_have_the_value_that_python_gives_them(expression):
    try:
        wanted = eval(re.sub(r"(\d+)", r"F(\1)", expression), {"F": Fraction})
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="has no value"):
            compute(expression)
    else:
        assert compute(expression) == wanted


@pytest.mark.parametrize(
    "expression", ["", "2 **", "2 ** 3", "x + 1", "7 // 2", "(1", "1" * 2000, "__import__('os')", "\x00"]
)
def test_what_is_no_arithmetic_has_no_value(expression):
    with pytest.raises(ValueError, match=r"has no value|not an arithmetic expression"):
        compute(expression)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("leg_counting", {"min_animal": 3}, r"unknown option task\.options\.min_animal; did you mean 'min_animals'\?"),
        ("gsm_symbolic", {"size": 3}, r"unknown option task\.options\.size; gsm_symbolic has none"),
        ("shopping", {"max_price": 2.5}, r"task\.options\.max_price is 2\.5; give a whole number from 1, such as 12"),
        ("shopping", {"max_price": True}, "task.options.max_price is True"),
        ("chain_sum", {"min_terms": 0}, "task.options.min_terms is 0"),
        ("leg_counting", {"min_animals": 9}, "min_animals is 9 and max_animals is 4; lower one or raise the other"),
        ("leg_counting", {"max_animals": 400}, "task.options of leg_counting: max_animals must be <="),
    ],
)
def test_options_that_do_not_fit_are_config_errors(name, options, message):
    with pytest.raises(ConfigError, match=message):
        load_task(name, options=options)


def test_more_problems_than_there_are_is_a_data_error():
    with pytest.raises(
        DataError, match=r"leg_counting: 750 distinct problems are asked for .* only about \d+; ask for fewer"
    ):
        load_task("leg_counting", options={"min_animals": 1, "max_animals": 1, "max_instances": 2})


def test_questions_in_another_order_of_words_are_one():
    stream = (Problem.of(question, "3") for question in ("a 1, b 2?", "b 2, a 1?", "c?", "d?"))
    assert [problem.question for problem in draw(stream, 2, "here", without=["c?"])] == ["a 1, b 2?", "d?"]
