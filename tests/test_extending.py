"""The files of docs/extending.md, as they stand there, in a folder of their own with nothing but the installed package.

Each is at most 40 lines, is named in a configuration or run as a script, and does what the page says.
"""

import json
from pathlib import Path

import pytest
import yaml

from tests.command import SETTINGS
from tests.pages import fences
from tests.processes import LIBRARIES, forked_script, import_before_forking

import_before_forking(*LIBRARIES)

FILES = {fence.file: fence.text for fence in fences("python") if fence.file}
RUN = {name: value for name, value in SETTINGS.items() if name != "task"} | {
    "training": {"epochs": 1, "batch_size": 4, "learning_rate": 1.0e-3},
    "rounds": {"max": 1, "patience": 3},
}
ADDING = "def add(a, b):\n    return a + b"
ROWS = {
    "code_grader": [
        {"question": f"Write add(a, b).\nassert add({n}, 1) == {n + 1}", "answer": ADDING} for n in range(6)
    ],
    "json_grader": [{"question": f"Give n={n} as JSON.", "answer": json.dumps({"n": n, "of": [1]})} for n in range(6)],
    "sympy_grader": [{"question": f"Add {n} to x.", "answer": f"x + {n}"} for n in range(6)],
}


@pytest.fixture
def folder(tmp_path: Path, tiny: str) -> Path:
    """All files of the page, and a configuration of a small run."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings = RUN | {"task": SETTINGS["task"], "student": {"model": tiny, "device": "cpu", "dtype": "float32"}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return tmp_path


def test_the_page_has_them_all_and_each_is_short():
    assert {"code_grader.py", "json_grader.py", "sympy_grader.py", "my_tasks.py"} < FILES.keys()
    assert {"my_teacher.py", "my_loss.py", "my_engine.py"} < FILES.keys()
    assert {name: len(text.splitlines()) for name, text in FILES.items() if len(text.splitlines()) > 40} == {}


@pytest.mark.parametrize(
    ("grader", "right", "wrong"),
    [
        ("code_grader", f"So:\n```python\n{ADDING}\n```", ADDING.replace("+", "-")),
        ("json_grader", 'It is {"of": [1], "n":0}.', 'It is {"n": 0}.'),
        ("sympy_grader", "The answer is 0 + x * 1.", "The answer is x + 1."),
    ],
)
def test_a_grader_of_the_page(folder, grader, right, wrong):
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[grader]), encoding="utf-8")
    settings = ["--set", "task.kind=text", "--set", f"task.grader={grader}.py:grade"]
    said = forked_script(["-m", "tutelage", "tasks", "check", "custom", "--path", "rows.jsonl", *settings], folder)
    assert "gold answers that grade as correct: 6 of 6" in said
    assert f"grade is loaded from {grader}.py" in said
    script = f"import sys, {grader}, tutelage\np = tutelage.Problem.of(*sys.argv[1:3])\n"
    script += f"for text in sys.argv[3:]: g = {grader}.grade(p, text); print(getattr(g, 'correct', g))\n"
    (folder / "script.py").write_text(script, encoding="utf-8")
    row = ROWS[grader][0]
    said = forked_script(["script.py", row["question"], row["answer"], right, wrong], folder)
    assert said.split() == ["True", "False"]


@pytest.mark.slow
def test_the_task_of_the_page_runs_from_a_configuration(folder):
    settings = ["--set", "task={name: 'my_tasks.py:make_task', options: {letters: 3, train: 6}}"]
    said = forked_script(["-m", "tutelage", "run", "run.yaml", "--out", "mine", *settings], folder)
    assert "make_task is loaded from my_tasks.py" in said
    assert len((folder / "mine" / "round-01" / "exam.jsonl").read_text(encoding="utf-8").splitlines()) == 6
    assert json.loads((folder / "mine" / "run.json").read_text())["parts"].keys() == {"task"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "part", "says"),
    [
        ("my_teacher.py", "teacher", "6 rationales used"),
        ("my_loss.py", "reflection", "last loss: "),
        ("my_engine.py", "engine", "0"),
    ],
)
def test_a_script_of_the_page(folder, file, part, says):
    assert says in forked_script([file, "run.yaml", "out"], folder)
    assert part in json.loads((folder / "out" / "run.json").read_text())["parts"]
