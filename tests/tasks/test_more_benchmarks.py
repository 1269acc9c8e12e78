"""MATH-500, AQuA, ASDiv, Date Understanding and BIG-bench-hard, in the forms in which they are published."""

import json

import pytest

from tests.tasks.data.written import as_jsonl
from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS
from tutelage.tasks.catalog import TASKS, load_task
from tutelage.tasks.check import check_task
from tutelage.tasks.examples import EXAMPLES
from tutelage.tasks.published.benchmarks import BENCHMARKS
from tutelage.tasks.published.load import load_benchmark
from tutelage.tasks.published.mathematics import aqua
from tutelage.tasks.rows import Row

MATH = [
    {
        "problem": f"What is $\\frac{{{n}}}{{7}}$ of 1?",
        "solution": f"It is $1 \\cdot \\frac{{{n}}}{{7}} = \\boxed{{\\frac{{{n}}}{{7}}}}$.",
        "answer": f"\\frac{{{n}}}{{7}}",
        "subject": "Prealgebra",
        "level": 1,
        "unique_id": f"test/{n}.json",
    }
    for n in range(1, 7)
]
AQUA = [
    {
        "question": f"What is {n} + 1?",
        "options": [f"A){n}", f"B){n + 1}", "C)99", "D) 98", "E)None of these"],
        "rationale": f"{n} + 1 = {n + 1}\nAnswer is B.",
        "correct": "B",
    }
    for n in range(6)
]
ASDIV = [
    f"<Problem ID='nluds-{n}' Grade='1'><Body>Ann has {n + 2} red apples &amp; 2 green ones.</Body>"
    f"<Question>How many has she?</Question><Solution-Type>Addition</Solution-Type>"
    f"<Answer>{n + 4} (apples)</Answer><Formula>{n + 2}+2={n + 4}</Formula></Problem>"
    for n in range(8)
]
ODD = "<Problem ID='x'><Body>A.</Body><Question>Who?</Question><Answer>7 (cats); 8 (dogs)</Answer></Problem>"
DATES = [
    {
        "input": f"Today is 01/{n:02}/2019. What is the date tomorrow?",
        "target_scores": {f"01/{n + 1:02}/2019": 1, "a": 0, "b": 0},
    }
    for n in range(10, 26)
]


def bbh(n):
    return {"input": f"Which is the number {n}?\nOptions:\n(A) {n + 1}\n(B) {n}\n(C) {n + 2}", "target": "(B)"}


def yes_no(n):
    return {"input": f"Is {n} odd?\nOptions:\n- Yes\n- No", "target": "Yes" if n % 2 else "No"}


@pytest.fixture
def data(tmp_path):
    def write(name, content):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)

    write("math_500/train.jsonl", as_jsonl(MATH[:4]))
    write("math_500/test.jsonl", as_jsonl(MATH[4:]))
    write("aqua/train.json", as_jsonl(AQUA[:4]))
    write("aqua/test.json", as_jsonl(AQUA[4:]))
    write("asdiv/ASDiv.xml", f"<?xml version='1.0'?><Root><ProblemSet>{''.join(ASDIV)}{ODD}</ProblemSet></Root>")
    write("date_understanding/task.json", json.dumps({"name": "date", "examples": DATES}))
    write("bbh/snarks.json", json.dumps({"canary": "…", "examples": [bbh(n) for n in range(10)]}))
    write("bbh/navigate.json", json.dumps({"canary": "…", "examples": [yes_no(n) for n in range(10)]}))
    return tmp_path


def problems(task):
    return [problem for split in SPLITS for problem in task.problems(split)]


@pytest.mark.parametrize(
    ("name", "count"), [("math_500", 6), ("aqua", 6), ("asdiv", 8), ("date_understanding", 16), ("bbh", 20)]
)
def test_all_rows_are_read_and_every_gold_answer_is_right(data, name, count):
    task = load_task(name, path=data)
    assert len(problems(task)) == count
    assert check_task(task).misgraded == ()
    assert task.splits == load_task(name, path=data / name).splits
    assert len(TASKS[name].load(TaskConfig(name=name, path=str(data))).examples) == len(EXAMPLES[name])


def test_math_answers_are_compared_as_expressions(data):
    task = load_task("math_500", path=data)
    problem = task.problems("test")[0]
    assert problem.answer == "\\frac{5}{7}"
    assert problem.rationale == "It is $1 \\cdot \\frac{5}{7} = \\frac{5}{7}$."
    assert task.grade(problem, "So it is $\\boxed{\\frac{10}{14}}$.").correct
    assert not task.grade(problem, "So it is $\\boxed{\\frac{5}{8}}$.").correct


def test_a_math_solution_without_a_box_needs_an_answer_beside_it(data):
    row = {"problem": "What is 1 + 1?", "solution": "One and one.\nThat is two.", "answer": "2"}
    (data / "math_500/train.jsonl").write_bytes(as_jsonl([*MATH[:4], row]))
    found = {problem.question: problem for problem in problems(load_task("math_500", path=data))}
    assert (found[row["problem"]].answer, found[row["problem"]].rationale) == ("2", row["solution"])


def test_aqua_rationales_lose_their_answer(data):
    problem = load_task("aqua", path=data).problems("test")[0]
    assert problem.text == "What is 4 + 1?\n(A) 4\n(B) 5\n(C) 99\n(D) 98\n(E) None of these"
    assert (problem.answer, problem.rationale) == ("B", "4 + 1 = 5")
    for closing in (
        "\nAnswer: B",
        " Hence the correct option is (B).",
        "\nSo, as we see, the answer should be B",
        " Option B",
    ):
        row = {**AQUA[0], "rationale": f"It is so. 0 + 1 = 1.{closing}"}
        assert aqua(Row(row, "-")).rationale == "It is so. 0 + 1 = 1."
    assert (
        aqua(Row({**AQUA[0], "rationale": "The answer B) is too big."}, "-")).rationale == "The answer B) is too big."
    )


def test_asdiv_leaves_out_what_has_no_single_number(data):
    task = load_task("asdiv", path=data)
    found = {problem.question: problem for problem in problems(task)}
    problem = found["Ann has 2 red apples & 2 green ones. How many has she?"]
    assert (problem.answer, problem.equation) == ("4", "2+2")
    assert "rows left out, whose answer is not one number: 1" in task.report.notes


def test_dates_are_in_an_order_of_their_own(data):
    found = problems(load_task("date_understanding", path=data))
    assert len({problem.answer for problem in found}) == 3
    for problem in found:
        right = next(choice.text for choice in problem.choices if choice.label == problem.answer)
        assert right.endswith("2019")


def test_subsets_of_bbh(data):
    task = load_task("bbh", path=data, subset="navigate")
    assert {problem.text for problem in problems(task)} == {f"Is {n} odd?\n(A) Yes\n(B) No" for n in range(10)}
    with pytest.raises(ConfigError, match=r"no 'snark' in .*; did you mean 'snarks'\?"):
        load_task("bbh", path=data, subset="snark")
    with pytest.raises(DataError, match=r"ruin_names\.json is not in this folder"):
        load_task("bbh", path=data, subset="ruin_names")
    with pytest.raises(ConfigError, match=r"takes no task\.subset"):
        load_task("gsm8k", path=data, subset="navigate")


def test_of_bbh_what_is_left_out_is_told(data):
    task = load_task("bbh", path=data)
    (missing,) = (note for note in task.report.notes if note.startswith("tasks left out, whose files are not there"))
    assert "ruin_names" in missing
    assert "snarks" not in missing
    torn = {"input": "A film like Shrek?\nOptions:\n(A) Monsters\n(B) Inc\n(C) Jaws", "target": "Monsters, Inc"}
    cut = {"input": "Which is sarcastic?\nOptions:\n(A) The NB", "target": "(A)"}
    for rows, kept in (([torn, *(bbh(n) for n in range(99))], 99), ([cut, *(bbh(n) for n in range(199)), torn], 199)):
        (data / "bbh/snarks.json").write_text(json.dumps({"examples": rows}), encoding="utf-8")
        task = load_task("bbh", path=data, subset="snarks")
        assert len(problems(task)) == kept
        assert task.report.notes[0].startswith(f"rows left out, whose options are broken: {len(rows) - kept}, such as")
    (data / "bbh/snarks.json").write_text(json.dumps({"examples": [torn, *(bbh(n) for n in range(50))]}))
    with pytest.raises(DataError, match="'Monsters, Inc' is none of the choices"):
        load_task("bbh", path=data, subset="snarks")


HUB = {
    "math_500": MATH,
    "aqua": AQUA,
    "asdiv": [
        {
            "body": f"Ann has {n} pens and buys 2.",
            "question": "How many?",
            "answer": f"{n + 2} (pens)",
            "formula": f"{n}+2={n + 2}",
        }
        for n in range(6)
    ],
    "date_understanding": [
        {
            "inputs": f"Q: {n}?\n  choice: a\n  choice: b\nA:",
            "multiple_choice_targets": ["a", "b"],
            "multiple_choice_scores": [1, 0],
        }
        for n in range(6)
    ],
}


@pytest.mark.parametrize("name", HUB)
def test_the_forms_of_the_hub(name):
    halves = {"train": HUB[name][:3], "test": HUB[name][3:], "validation": HUB[name][3:]}
    task = load_benchmark(TaskConfig(name=name), BENCHMARKS[name], (), lambda hub, split: halves[split])
    assert len(problems(task)) == (3 if name == "asdiv" else 6)
    assert check_task(task).ok


@pytest.mark.parametrize(
    ("name", "file", "content", "told"),
    [
        ("asdiv", "ASDiv.xml", "<Root>", "not XML"),
        ("asdiv", "ASDiv.xml", "<Root/>", "no element Problem"),
        ("asdiv", "ASDiv.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "defines entities"),
        (
            "date_understanding",
            "task.json",
            '{"examples": [{"input": "a", "target_scores": {"b": 0}}]}',
            "one right choice",
        ),
        ("bbh", "snarks.json", '{"examples": [{"input": "a", "target": "(A)"}]}', "expected options"),
        ("aqua", "train.json", '{"question": "a", "options": ["x"], "correct": "A"}', "expected options such as"),
        ("math_500", "train.jsonl", '{"problem": "a", "solution": "b\\nc"}', "no \\boxed{} in the solution"),
    ],
)
def test_broken_rows_are_told_in_one_line(data, name, file, content, told):
    (data / name / file).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_task(name, path=data)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
