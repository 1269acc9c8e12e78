"""Graders and tasks in files of the user's, by the command: what is loaded is said, a fault is one line, exit 2."""

import json
from pathlib import Path

import pytest

from tests.command import tutelage

ROWS = [{"question": f"{n} + 1?", "answer": str(n + 1)} for n in range(12)]
TASK = """
from tutelage import Problem, Verdict
class Words:
    key, name, kind, examples = "words 1", "words", "text", ()
    def __init__(self, train): self.counts = {"train": train, "validation": 2, "test": 2}
    def problems(self, split): return [Problem.of(f"{split} {n}?", str(n)) for n in range(self.counts[split])]
    def grade(self, problem, text): return Verdict(problem.answer in text, None, "looked for")
def make_task(train=4): return Words(train)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return tmp_path


def check(grader: str, *more: str):
    name = "mine.py:grade"
    Path("mine.py").write_text(grader, encoding="utf-8")
    settings = ["--set", f"task.grader={name}", *more]
    return tutelage("tasks", "check", "custom", "--path", "rows.jsonl", *settings)


def test_a_grader_is_used_and_said(folder):
    result = check("def grade(problem, text):\n    return problem.answer in text")
    assert result.exit_code == 0, result.output
    assert "task.grader: grade is loaded from mine.py (content " in result.output
    assert "note: answers are graded by grade of mine.py" in result.output
    assert "grade as correct: 12 of 12" in result.output


def test_a_grader_that_refuses_the_gold_answers_is_seen(folder):
    result = check("def grade(problem, text):\n    return False")
    assert result.exit_code == 2
    assert "grade as correct: 0 of 12" in result.output


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ("def grade(problem): return True", "takes (problem), but is called with 2 arguments"),
        ("def grade(problem, text): return 'right'", "gives 'right', a str; give True, False or Verdict"),
        ("def grade(problem, text): return None", "gives None, a NoneType"),
        ("def grade(problem, text): return 1 / 0", "ZeroDivisionError: division by zero"),
        ("def grade(problem, text): raise SystemExit", "SystemExit"),
        ("def other(problem, text): return True", "mine.py has no function grade"),
        ("async def grade(problem, text): return True", "grade of mine.py is async, but is called as"),
        ("def grade(problem, text): yield True", "grade of mine.py has a `yield`"),
        ("grade = 5", "grade of mine.py is a int, not a function"),
        ("1 / 0", "mine.py cannot be loaded: ZeroDivisionError: division by zero (line 1)"),
        ("def grade(", "mine.py is not Python"),
    ],
)
def test_what_is_wrong_with_a_grader_is_one_line(folder, grader, said):
    result = check(grader)
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert said in line
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["task.grader=nowhere.py:grade"], "task.grader: there is no file nowhere.py"),
        (["task.grader=mine.py"], "write it as FILE.py:FUNCTION"),
        (["task.grader=mine.py:grade", "task.kind=text", "task.match=f1"], "so task.match (f1) has no say"),
        (["task.match=f1"], "task.match is 'f1', but the answers are of the kind number"),
        (["task.match=f1", "task.kind=number"], "task.match is 'f1', but the answers are of the kind number"),
        (
            ["task.match=fuzzy"],
            "task.match: input should be 'exact', 'contains', 'f1', 'regex', 'math', 'json' or 'code'",
        ),
    ],
)
def test_settings_that_do_not_fit_are_one_line(folder, settings, said):
    Path("mine.py").write_text("def grade(problem, text): return True", encoding="utf-8")
    options = [part for setting in settings for part in ("--set", setting)]
    result = tutelage("tasks", "check", "custom", "--path", "rows.jsonl", *options)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_other_tasks_take_neither(folder):
    for setting in ("task.match=f1", "task.grader=mine.py:grade"):
        result = tutelage("tasks", "check", "leg_counting", "--set", setting)
        assert result.exit_code == 2
        assert f"the task leg_counting takes no {setting.partition('=')[0]}" in result.output


def test_a_task_in_a_file_is_checked_estimated_and_evaluated(folder, tiny):
    Path("mine.py").write_text(TASK, encoding="utf-8")
    result = tutelage("tasks", "check", "mine.py:make_task", "--set", "task.options.train=5")
    assert result.exit_code == 0, result.output
    assert "make_task is loaded from mine.py" in result.output
    assert "grade as correct: 9 of 9" in result.output
    Path("run.yaml").write_text("task: {name: 'mine.py:make_task', options: {train: 3}}", encoding="utf-8")
    result = tutelage("estimate", "run.yaml")
    assert result.exit_code == 0, result.output
    assert "make_task is loaded from mine.py" in result.output
    result = tutelage("eval", tiny, "--task", "mine.py:make_task", "--max-new-tokens", "4", "--limit", "1")
    assert result.exit_code == 0, result.output
    assert "mine.py:make_task test: " in result.output


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        (TASK, ["task.options.test=3"], "takes (train=4), but is called with test; task.options are its arguments"),
        (TASK, ["task.path=rows.jsonl"], "takes no task.path"),
        (TASK, ["task.train=99"], "99 train problems are asked for, but there are 4"),
        ("async def make_task(): return None", [], "make_task of mine.py is async"),
        ("def make_task(): return None", [], "the task NoneType cannot be used: it has no method problems"),
        ("def make_task(): return 1 / 0", [], "make_task of mine.py fails: ZeroDivisionError"),
        ("", [], "mine.py has no function make_task"),
    ],
)
def test_what_is_wrong_with_a_task_is_one_line(folder, text, settings, said):
    Path("mine.py").write_text(text, encoding="utf-8")
    options = [part for setting in settings for part in ("--set", setting)]
    result = tutelage("tasks", "check", "mine.py:make_task", *options)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_a_file_without_its_function_is_no_configuration(folder):
    Path("mine.py").write_text(TASK, encoding="utf-8")
    result = tutelage("tasks", "check", "mine.py")
    assert result.exit_code == 2
    assert "task.name is 'mine.py'; write it as FILE.py:FUNCTION" in result.output


@pytest.mark.parametrize(("pattern", "said"), [("(", "is no regular expression"), ("^(a|aa)+$", "takes more than 1 s")])
def test_a_bad_pattern_names_its_row(folder, pattern, said):
    rows = [
        *({"question": f"colour {n}?", "answer": "colou?r"} for n in range(5)),
        {"question": "q?", "answer": pattern},
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = ["--set", "task.match=regex", "--set", "task.kind=text"]
    result = tutelage("tasks", "check", "custom", "--path", "rows.jsonl", *options)
    assert result.exit_code == 2
    assert "rows.jsonl, line 6, field 'answer'" in result.output
    assert said in result.output


def test_patterns_are_not_graded_by_themselves(folder):
    rows = [{"question": f"colour {n}?", "answer": "colou?r"} for n in range(6)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = tutelage("tasks", "check", "custom", "--path", "rows.jsonl", "--set", "task.match=regex")
    assert result.exit_code == 0, result.output
    assert "gold answers that are patterns, none graded by itself: 6" in result.output
