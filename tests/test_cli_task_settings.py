"""`tasks check` and `eval` take the settings of the task that `run` takes."""

import json

import pytest
import yaml

from tests.command import SETTINGS, tutelage


@pytest.fixture
def own(tmp_path):
    """A task of the user's, whose fields have other names and whose answers are read as text only if that is said."""
    rows = [{"prompt": f"What comes after {n}?", "reply": str(n + 1)} for n in range(40)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {"path": str(tmp_path / "mine.jsonl"), "field": {"question": "prompt", "answer": "reply"}}
    task = {"name": "custom", "kind": "text", "test": 3, "train": 5, "validation": 2, **settings}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({"task": task}))
    return tmp_path


def test_a_configuration_file_says_what_to_check(own):
    result = tutelage("tasks", "check", own / "run.yaml")
    assert result.exit_code == 0, result.output
    assert "custom: answers of the kind text" in result.output
    assert "kind number" in tutelage("tasks", "check", own / "run.yaml", "--set", "task.kind=number").output


def test_so_do_settings_beside_a_name(own):
    sets = ["--set", "task.field={question: prompt, answer: reply}", "--set", "task.kind=text"]
    result = tutelage("tasks", "check", "custom", "--path", own / "mine.jsonl", *sets)
    assert result.exit_code == 0, result.output
    assert "custom: answers of the kind text" in result.output


def test_data_alone_are_a_task(own):
    sets = ["--set", "task.field={question: prompt, answer: reply}", "--set", "task.kind=text"]
    result = tutelage("tasks", "check", own / "mine.jsonl", *sets)
    assert result.exit_code == 0, result.output
    assert "custom: answers of the kind text" in result.output


def test_so_are_a_list_in_json_and_a_folder(own):
    (own / "folder").mkdir()
    rows = [json.loads(line) for line in (own / "mine.jsonl").read_text().splitlines()]
    (own / "mine.json").write_text(json.dumps(rows))
    (own / "mine.jsonl").rename(own / "folder" / "train.jsonl")
    for data in (own / "mine.json", own / "folder"):
        result = tutelage("tasks", "check", data, "--set", "task.field={question: prompt, answer: reply}")
        assert result.exit_code == 0, result.output
        assert "custom: answers of the kind number" in result.output
    assert "is data, and a configuration is needed" in tutelage("run", own / "mine.json").output
    json_lines = "".join(json.dumps({**row, "task": 1}) + "\n" for row in rows)
    columns = json.dumps({key: [row.get(key) for row in rows] for key in (*rows[0], "task")}, indent=1)
    for text in (json_lines, json.dumps({"data": rows}), columns, "\n" * 99 + json.dumps(rows)):
        (own / "mine.json").write_text(text)
        result = tutelage("tasks", "check", own / "mine.json", "--set", "task.field={question: prompt, answer: reply}")
        assert "custom: answers of the kind number" in result.output
    (own / "mine.txt").write_text(json_lines)
    result = tutelage("tasks", "check", own / "mine.txt", "--set", "task.field={question: prompt, answer: reply}")
    assert "custom: answers of the kind number" in result.output
    (own / "mine.xlsx").write_bytes(b"PK\x03\x04\x8c")
    assert "the file is a spreadsheet" in " ".join(tutelage("tasks", "check", own / "mine.xlsx").output.split())
    assert "is data, and a configuration is needed" in " ".join(tutelage("run", own / "mine.xlsx").output.split())
    (own / "mine.conf").write_text("task: {name: leg_counting}")
    assert "leg_counting: answers" in tutelage("tasks", "check", own / "mine.conf").output
    (own / "mine.json").write_text('{"task": {"name": "leg_counting"}')
    assert "is not YAML" in " ".join(tutelage("tasks", "check", own / "mine.json").output.split())
    (own / "run.json").write_text(json.dumps({"task": {"name": "leg_counting"}}))
    assert "leg_counting: answers" in tutelage("tasks", "check", own / "run.json").output
    (own / "mine").write_text(json_lines)
    assert "is data, and a configuration is needed" in " ".join(tutelage("run", own / "mine").output.split())
    assert "written hf://no/one" in tutelage("tasks", "check", "no/one").output
    assert "task custom: task.split" in tutelage("tasks", "check", "hf://no/one", "--set", "task.split=[1]").output


def test_eval_takes_both(own, tiny):
    result = tutelage("eval", tiny, "--task", own / "run.yaml", "--max-new-tokens", 3)
    assert result.exit_code == 0, result.output
    assert "custom test: 0.0%" in result.output
    assert "n = 3)" in result.output
    sets = ["--set", "task.options.max_animals=2", "--set", "task.test=9"]
    result = tutelage("eval", tiny, "--task", "leg_counting", "--limit", 2, "--max-new-tokens", 3, *sets)
    assert "n = 9)" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tasks", "check", "no/such.yaml"], "cannot read no/such.yaml"),
        (["tasks", "check", "no/such.csv"], "no/such.csv"),
        (["run", "examples/problems.jsonl"], "`tutelage init examples/problems.jsonl` writes one"),
        (["tasks", "check", "custom", "--set", "task.knid=text"], "did you mean 'kind'?"),
        (["tasks", "check", "custom", "--set", "kind=text"], "unknown key 'kind'"),
        (["eval", "x", "--task", "leg_counting", "--limit", str(10**20)], "less than or equal to"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(arguments, told):
    result = tutelage(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["run", "estimate"])
@pytest.mark.parametrize(
    ("override", "setting"),
    [
        ("teacher={kind: openai, model: m, budget: {usd: 1}}", "teacher.price"),
        ("teacher={kind: openai}", "teacher.model"),
        ("exam.prefix_samples=1", "training.reflection"),
    ],
)
def test_contradictions_end_with_2_whoever_asks(tmp_path, command, override, setting):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(SETTINGS))
    out = ["--out", tmp_path / "run"] if command == "run" else []
    result = tutelage(command, tmp_path / "run.yaml", *out, "--set", override)
    assert result.exit_code == 2
    assert setting in result.output
    assert not (tmp_path / "run").exists()


def test_a_check_shows_rows_as_they_are_read_and_their_lengths(own, tiny):
    sets = ["--set", f"student={{model: {tiny}, prompt: chat}}", "--set", "task.system=Count."]
    result = tutelage("tasks", "check", own / "run.yaml", "--rows", 2, *sets)
    assert result.exit_code == 0, result.output
    assert "training problem 2, as the student reads it:\n" in result.output
    assert "training problem 3" not in result.output
    assert "as the teacher reads it:\n    Question:\n    Count.\n    \n    What comes after " in result.output
    assert "prompts  " in result.output
    assert "longer than training.max_tokens (1,024), which are cut: 0" in result.output
    result = tutelage("tasks", "check", own / "run.yaml", "--set", "student.model=no/such")
    assert result.exit_code == 0
    assert "tokens are not counted, and prompts not shown whole: cannot load the student 'no/such'" in result.output
    assert "training problem" not in tutelage("tasks", "check", own / "run.yaml", "--rows", 0).output
