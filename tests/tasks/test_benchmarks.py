"""The five benchmarks in their published and their hub forms, on small data of our own."""

import json
import sys

import pytest

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS
from tutelage.tasks.catalog import load_task
from tutelage.tasks.published.benchmarks import BENCHMARKS, tidy_equation
from tutelage.tasks.published.load import load_benchmark

GSM8K = [
    {
        "question": f"Tom has {n} boxes of 500 pens.  He gives one box away. How many pens has he left?",
        "answer": f"He keeps {n} - 1 = <<{n}-1={n - 1}>>{n - 1} boxes.\n"
        f"These hold {n - 1} * 500 = <<{n - 1}*500={500 * (n - 1)}>>{500 * (n - 1)} pens.\n#### {500 * (n - 1):,}",
    }
    for n in range(3, 23)
]
SVAMP = [
    {
        "ID": f"own-{n}",
        "Body": f" A kite costs {n}.5 dollars and a ball 2 dollars{'.' if n % 2 else ''}",
        "Question": "How much do both cost? ",
        "Equation": f"( {n}.5 + 2.0 )",
        "Answer": n + 2.5,
        "Type": "Addition",
    }
    for n in range(10)
]
MULTIARITH = [
    {
        "iIndex": n,
        "lAlignments": [1, 2],
        "lEquations": [f"X=(({n}.0+42.0)-35.0)"],
        "lSolutions": [n + 7.0],
        "sQuestion": f"  Ann had {n} figs and  bought 42 more. She ate 35. How many has she left?  ",
    }
    for n in range(10)
]
LABELS, PLACES = "ABCDE", ["bank", "library", "pool", "farm", "roof"]
COMMONSENSE_QA = [
    {
        "answerKey": LABELS[n % 5],
        "id": f"{n:032x}",
        "question": {
            "question_concept": "thing",
            "choices": [{"label": label, "text": text} for label, text in zip(LABELS, PLACES, strict=True)],
            "stem": f"Where would you look for thing {n}?",
        },
    }
    for n in range(20)
]
STRATEGY_QA = [
    {
        "input": f"Is {n} an even number?",
        "target_scores": {"Yes": 1 - n % 2, "No": n % 2},
        "target": f"{'No' if n % 2 else 'Yes'}. An even number ends in 0, 2, 4, 6 or 8. No other does.",
    }
    for n in range(10)
]


FIVE = ("gsm8k", "svamp", "multiarith", "commonsense_qa", "strategy_qa")
"""The others are in test_more_benchmarks.py."""


@pytest.fixture
def data(tmp_path):
    """All five benchmarks as their authors publish them, beside a folder of splits."""

    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def lines(rows):
        return "".join(json.dumps(row) + "\n" for row in rows)

    write("gsm8k/train.jsonl", lines(GSM8K[:15]))
    write("gsm8k/test.jsonl", lines(GSM8K[15:]))
    write("commonsense_qa/train_rand_split.jsonl", lines(COMMONSENSE_QA[:15]))
    write("commonsense_qa/dev_rand_split.jsonl", lines(COMMONSENSE_QA[15:]))
    write("svamp/SVAMP.json", json.dumps(SVAMP))
    write("multiarith/MultiArith.json", json.dumps(MULTIARITH))
    write("strategy_qa/task.json", json.dumps({"canary": "…", "examples": STRATEGY_QA}))
    for name in ("svamp", "multiarith", "strategy_qa"):
        write(f"splits/{name}.json", json.dumps({"train": [0, 1, 2, 3, 5, 6, 8], "test": [4, 7, 9]}))
    return tmp_path


def all_problems(task):
    return [problem for split in SPLITS for problem in task.problems(split)]


@pytest.mark.parametrize("name", FIVE)
def test_the_task_is_found_by_its_own_folder_and_by_its_parent(data, name):
    task = load_task(name, path=data)
    assert all_problems(task) == all_problems(load_task(name, path=data / name))
    rows = {"gsm8k": 20, "commonsense_qa": 20}.get(name, 10)
    assert len(all_problems(task)) == rows
    assert task.name == name
    for problem in all_problems(task):
        assert task.grade(problem, f"The answer is {problem.answer}.").correct


def test_gsm8k_solutions_lose_their_marks_and_their_answer(data):
    problem = load_task("gsm8k", path=data).problems("test")[0]
    assert problem.question == GSM8K[15]["question"]
    assert problem.rationale == "He keeps 18 - 1 = 17 boxes.\nThese hold 17 * 500 = 8500 pens."
    assert problem.answer == "8500"


def test_svamp_bodies_get_their_full_stop_and_answers_lose_their_zeros(data):
    problems = load_task("svamp", path=data).problems("test")
    assert problems[0].question == "A kite costs 4.5 dollars and a ball 2 dollars. How much do both cost?"
    assert problems[1].question == "A kite costs 7.5 dollars and a ball 2 dollars. How much do both cost?"
    assert (problems[0].answer, problems[0].equation) == ("6.5", "(4.5 + 2)")


def test_multiarith_questions_lose_their_spaces(data):
    problem = load_task("multiarith", path=data).problems("test")[0]
    assert problem.question == "Ann had 4 figs and bought 42 more. She ate 35. How many has she left?"
    assert (problem.answer, problem.equation) == ("11", "((4+42)-35)")


def test_commonsense_qa_keeps_its_choices(data):
    problem = load_task("commonsense_qa", path=data).problems("test")[1]
    assert problem.text.splitlines()[:3] == ["Where would you look for thing 16?", "(A) bank", "(B) library"]
    assert problem.answer == "B"


def test_strategy_qa_facts_are_the_rationale(data):
    problem = load_task("strategy_qa", path=data).problems("test")[0]
    assert problem.answer == "yes"
    assert problem.rationale == "An even number ends in 0, 2, 4, 6 or 8. No other does."


def test_the_split_file_says_which_rows_are_train_and_test(data):
    task = load_task("svamp", path=data, validation=1)
    assert [p.answer for p in task.problems("test")] == ["6.5", "9.5", "11.5"]
    other = data / "mine.json"
    other.write_text(json.dumps({"train": [9, 0, 3], "test": [5]}), encoding="utf-8")
    task = load_task("svamp", path=data / "svamp", split_file=str(other), validation=1)
    assert sorted(p.answer for s in ("train", "validation") for p in task.problems(s)) == ["11.5", "2.5", "5.5"]
    assert [p.answer for p in task.problems("test")] == ["7.5"]


def test_rows_of_two_files_are_counted_on_in_a_split_file(data):
    split = data / "mine.json"
    split.write_text(json.dumps({"train": list(range(10)), "test": [19, 15]}), encoding="utf-8")
    task = load_task("gsm8k", path=data, split_file=str(split), validation=1)
    assert [p.answer for p in task.problems("test")] == ["8500", "10500"]


def test_without_a_split_file_test_is_drawn_by_seed_and_told(data):
    for file in (data / "splits").iterdir():
        file.unlink()
    task = load_task("multiarith", path=data / "multiarith" / "MultiArith.json", validation=1)
    assert len(task.problems("test")) == 3
    assert task.report.notes == ("no split file is there: 30% of the questions are drawn as test by seed 0",)
    assert load_task("multiarith", path=data, validation=1, seed=3).problems("test") != task.problems("test")


def test_an_equation_that_misses_the_answer_is_left_out_and_told(data):
    rows = [*SVAMP[:9], {**SVAMP[9], "Equation": "( 9.5 - 2.0 )"}]
    (data / "svamp" / "SVAMP.json").write_text(json.dumps(rows), encoding="utf-8")
    task = load_task("svamp", path=data)
    assert [p.answer for p in all_problems(task) if p.equation is None] == ["11.5"]
    assert task.report.notes == ("equations left out, since they do not give the answer: 1, such as (9.5 - 2)",)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ([1, 2], "field 'train': expected a list of row numbers"),
        ({"train": [0, 1]}, "field 'test': expected a list of row numbers"),
        ({"train": [0, 10], "test": [1]}, "field 'train': 10 is not a row number from 0 to 9"),
        ({"train": [0, True], "test": [1]}, "True is not a row number"),
        ({"train": [0, 1], "test": [2, 1]}, "row 1 is in train and in test"),
    ],
)
def test_a_broken_split_file_is_a_data_error(data, split, message):
    (data / "splits" / "svamp.json").write_text(json.dumps(split), encoding="utf-8")
    with pytest.raises(DataError, match=rf"svamp\.json.*{message}"):
        load_task("svamp", path=data)


def test_missing_files_are_data_errors(data, tmp_path):
    with pytest.raises(DataError, match=r"nowhere: there is no such folder; give the one with SVAMP\.json"):
        load_task("svamp", path=data / "nowhere")
    with pytest.raises(DataError, match=r"SVAMP\.json is not in this folder, nor in its subfolder svamp"):
        load_task("svamp", path=data / "gsm8k")
    (data / "gsm8k" / "test.jsonl").unlink()
    with pytest.raises(DataError, match=r"test\.jsonl is not in this folder"):
        load_task("gsm8k", path=data / "gsm8k")
    with pytest.raises(DataError, match=r"lost\.json: cannot read the file: No such file"):
        load_task("svamp", path=data, split_file=str(data / "lost.json"))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "gsm8k/train.jsonl",
            '{"question": "How many?", "answer": "12"}',
            r"train\.jsonl, line 1, field 'answer': no '#### '",
        ),
        (
            "gsm8k/train.jsonl",
            '{"question": "How many?"}',
            r"line 1, field 'answer': the field is missing; the row has question",
        ),
        (
            "svamp/SVAMP.json",
            '[{"Body": "a", "Question": "b", "Answer": "x", "Equation": "1"}]',
            r"'Answer': row 1: 'x' is not a n",
        ),
        ("svamp/SVAMP.json", '{"Body": "a"}', r"expected a list of rows, found \{'Body': 'a'\}"),
        ("svamp/SVAMP.json", "[]", "the file has no rows"),
        ("svamp/SVAMP.json", "[\n{,", "line 2: not JSON"),
        (
            "multiarith/MultiArith.json",
            '[{"sQuestion": "a", "lSolutions": [1, 2], "lEquations": []}]',
            "a list of one value",
        ),
        ("strategy_qa/task.json", "{}", "field 'examples': the field is missing"),
        (
            "strategy_qa/task.json",
            '{"examples": [{"input": "a", "target": "Yes. b", "target_scores": {"Yes": 0, "No": 1}}]}',
            "field 'target_scores': row 1: does not agree with target 'Yes'",
        ),
        (
            "commonsense_qa/train_rand_split.jsonl",
            '{"answerKey": "F", "question": {"stem": "a", "choices": {"A": "b", "B": "c"}}}',
            "field 'answerKey': 'F' is none of the choices A, B",
        ),
    ],
)
def test_a_broken_row_is_a_data_error_that_names_it(data, file, content, message):
    (data / file).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_task(file.partition("/")[0], path=data)


HUB_ROWS = {
    "gsm8k": GSM8K,
    "svamp": [{**row, "Answer": str(row["Answer"]), "question_concat": "…"} for row in SVAMP],
    "multiarith": [{"question": row["sQuestion"], "final_ans": str(int(row["lSolutions"][0]))} for row in MULTIARITH],
    "commonsense_qa": [
        {
            "id": row["id"],
            "question": row["question"]["stem"],
            "question_concept": "thing",
            "choices": {"label": list(LABELS), "text": PLACES},
            "answerKey": row["answerKey"],
        }
        for row in COMMONSENSE_QA
    ],
    "strategy_qa": [
        {
            "qid": "1",
            "term": "number",
            "question": row["input"],
            "answer": row["target"].startswith("Yes"),
            "facts": row["target"].partition(". ")[2],
        }
        for row in STRATEGY_QA
    ],
}


@pytest.mark.parametrize("name", FIVE)
def test_the_hub_form_gives_the_same_problems(data, name):
    asked = []

    def fetch(hub, split):
        asked.append((hub.name, hub.config, split))
        half = len(HUB_ROWS[name]) // 2
        return HUB_ROWS[name][:half] if split == "train" else HUB_ROWS[name][half:]

    task = load_benchmark(TaskConfig(name=name, validation=1), BENCHMARKS[name], (), fetch)
    local = {problem.id: problem for problem in all_problems(load_task(name, path=data))}
    assert len(all_problems(task)) == len(local)
    for problem in all_problems(task):
        same = local[problem.id]
        assert problem.answer == same.answer
        assert problem.choices == same.choices
        assert problem.rationale == same.rationale
    test = "validation" if name == "commonsense_qa" else "test"
    assert [split for _, _, split in asked] == ["train", test]
    assert {hub for hub, _, _ in asked} == {BENCHMARKS[name].hub.name}


def test_facts_may_be_a_list():
    rows = [{"question": f"Is {n}?", "answer": n > 1, "facts": ["One.", "Two."]} for n in range(4)]
    split = {"train": rows[:3], "test": rows[3:]}
    task = load_benchmark(
        TaskConfig(name="strategy_qa", validation=1), BENCHMARKS["strategy_qa"], (), lambda hub, name: split[name]
    )
    assert task.problems("test")[0].rationale == "One. Two."


def test_a_broken_hub_row_is_named():
    with pytest.raises(DataError, match=r"ChilleD/MultiArith, train, field 'final_ans': row 1: the field is missing"):
        load_benchmark(
            TaskConfig(name="multiarith"), BENCHMARKS["multiarith"], (), lambda hub, split: [{"question": "How many?"}]
        )


def test_without_the_package_datasets_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r'pip install "tutelage\[datasets\]"; or set task\.path'):
        load_task("gsm8k")


def test_an_unreachable_hub_says_to_give_a_path():
    with pytest.raises(
        DataError, match=r"openai/gsm8k: cannot load it from the hub \(OfflineModeIsEnabled: Cannot reach .*task\.path"
    ):
        load_task("gsm8k")


def test_a_split_file_needs_a_path():
    with pytest.raises(ConfigError, match=r"task\.split_file needs task\.path"):
        load_task("gsm8k", split_file="split.json")


@pytest.mark.parametrize(
    ("equation", "tidy"),
    [
        ("( 76.0 - 25.0 )", "(76 - 25)"),
        ("X=((32.0+42.0)-35.0)", "((32+42)-35)"),
        ("( 10.05 * 2.50 )", "(10.05 * 2.50)"),
    ],
)
def test_equations_are_tidied(equation, tidy):
    assert tidy_equation(equation) == tidy
