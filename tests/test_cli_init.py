"""`tutelage init`: with flags, at a terminal, and what it refuses. What it writes is a configuration that runs."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest
import yaml

from tests.command import tutelage
from tests.hub import Hub, use
from tests.processes import UNMEASURED
from tutelage.config.file import load_config, parse_config
from tutelage.config.starter import Starter, starter_yaml
from tutelage.records import Problem
from tutelage.rounds.expected import expected_round


def rows(solved: bool) -> list[dict[str, str]]:
    found = [{"question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(40)]
    return [{**row, "rationale": f"{row['question'][8:-1]} = {row['answer']}"} if solved else row for row in found]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with problems in it, some with worked solutions."""
    for name, solved in (("solved.jsonl", True), ("bare.jsonl", False)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows(solved)))
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_problems_with_solutions_need_no_endpoint_and_the_file_runs(place, tiny):
    result = tutelage("init", "solved.jsonl", "--student", tiny)
    assert result.exit_code == 0, result.output
    config = load_config(place / "tutelage.yaml")
    assert (config.task.name, config.task.path) == ("custom", "solved.jsonl")
    assert (config.teacher.kind, config.student.model) == ("answer_key", tiny)
    text = (place / "tutelage.yaml").read_text()
    assert text.startswith("# solved.jsonl: ")
    assert "with a worked solution" in text
    assert "disk for models: about" in text
    assert "a round here, without the teacher: very roughly" in text
    assert "tutelage run tutelage.yaml" in result.output
    small = ("exam.samples=1", "exam.max_new_tokens=3", "evaluation.max_new_tokens=3", "rounds.max=0", "task.train=3")
    ran = tutelage("run", "tutelage.yaml", *(part for each in small for part in ("--set", each)))
    assert ran.exit_code == 0, ran.output
    again = tutelage("init", "solved.jsonl", "--student", tiny)
    assert again.exit_code == 2
    assert "tutelage.yaml exists, and is not replaced; name another file with --out" in " ".join(again.output.split())


def test_an_endpoint_with_a_listed_price_gets_a_cap(place, tiny):
    options = ("--student", tiny, "--teacher", "openai", "--model", "gpt-4.1-mini", "--usd", 0.5)
    result = tutelage("init", "bare.jsonl", *options)
    assert result.exit_code == 0, result.output
    assert "OPENAI_API_KEY is not set; export it before the run" in result.output
    teacher = load_config(place / "tutelage.yaml").teacher
    assert (teacher.kind, teacher.model, teacher.budget.usd, teacher.price.auto) == (
        "openai",
        "gpt-4.1-mini",
        0.5,
        True,
    )
    assert teacher.key_env == "OPENAI_API_KEY"
    assert "the teacher, before any cap: at most" in result.output
    assert " USD" in result.output


def test_a_local_endpoint_needs_no_key_and_an_unlisted_model_gets_a_cap_on_tokens(place, tiny, monkeypatch):
    address = "http://localhost:8000/v1"
    tutelage("init", "bare.jsonl", "--student", tiny, "--teacher", address, "--model", "qwen", "--out", "a.yaml")
    teacher = load_config(place / "a.yaml").teacher
    assert (teacher.base_url, teacher.key_env, teacher.budget.usd, teacher.budget.tokens) == (address, None, None, None)
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-secret")
    address = "https://api.example.com/v1"
    options = ("--teacher", address, "--model", "m", "--out", "b.yaml")
    assert "is not set" not in tutelage("init", "bare.jsonl", "--student", tiny, *options).output
    teacher = load_config(place / "b.yaml").teacher
    assert (teacher.key_env, teacher.budget.usd, teacher.budget.tokens) == ("EXAMPLE_API_KEY", None, 2_000_000)
    assert "sk-secret" not in (place / "b.yaml").read_text()


def test_what_the_user_should_know_of_the_data_is_said_and_written(place, tiny):
    lines = [json.dumps({"problem": f"{n}?", "solution": f"So $\\boxed{{\\frac{{{n}}}{{7}}}}$."}) for n in range(9)]
    (place / "latex.jsonl").write_text("\n".join(lines))
    result = tutelage("init", "latex.jsonl", "--student", tiny, "--yes")
    assert result.exit_code == 0, result.output
    for said in (result.output, (place / "tutelage.yaml").read_text()):
        assert "note: the rows are read as problem/solution" in said
        assert "task.match: math compares them as expressions" in said
        assert "note: there is no test file: 20%" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is nobody to ask: Your problems"),
        (["nowhere.jsonl"], "nowhere.jsonl"),
        (["bare.jsonl"], "there is nobody to ask: The teacher's model"),
        (["bare.jsonl", "--teacher", "answer_key"], "needs a worked solution or an equation for every problem"),
        (
            ["bare.jsonl", "--teacher", "openai", "--model", "nobody", "--usd", "1"],
            "has no price for the model 'nobody'",
        ),
        (["bare.jsonl", "--teacher", "ftp://x", "--model", "m"], "ftp://x"),
        (["bare.jsonl", "--teacher", "claude"], "the teacher is 'claude'; name answer_key, openai or an address"),
        (["bare.jsonl", "--teacher", "http://[::1", "--model", "m"], "Invalid IPv6 URL; write a URL such as"),
        (["bare.jsonl", "--teacher", "openai"], "name it as --model"),
        (["bare.jsonl", "--field", "answer"], "--field 'answer' maps no name; write OURS=YOURS"),
        (["bare.jsonl", "--revision", "main"], "task.revision ('main') is for data sets of the hub"),
        (["solved.jsonl", "--student", "./nowhere"], "there is no folder './nowhere'"),
        (["solved.jsonl", "--teacher", "answer_key", "--model", "m"], "the answer key takes no --model; leave it out"),
        (["solved.jsonl", "--usd", "1"], "name it as --model"),
        (
            ["bare.jsonl", "--teacher", "http://localhost:1/v1", "--model", "m", "--usd", "1"],
            "no cap in US dollars; leave --usd out",
        ),
    ],
)
def test_what_is_refused_writes_nothing(place, arguments, words):
    result = tutelage("init", *arguments, "--yes")
    assert result.exit_code in (2, 4), result.output
    assert words in " ".join(result.output.split()), result.output
    assert not (place / "tutelage.yaml").exists()


def test_columns_of_other_names_are_mapped(place, tiny):
    lines = [f"{row['question']};{row['rationale']};{row['answer']}" for row in rows(solved=True)]
    (place / "odd.csv").write_text("\n".join(["Customer text;By hand;Final (sum)", *lines]))
    refused = tutelage("init", "odd.csv", "--student", tiny)
    assert refused.exit_code == 2
    assert "so does tutelage init --field question=YOURS --field answer=YOURS" in " ".join(refused.output.split())
    columns = {"question": "Customer text", "answer": "Final (sum)", "rationale": "By hand"}
    options = [part for ours, yours in columns.items() for part in ("--field", f"{ours}={yours}")]
    made = tutelage("init", "odd.csv", "--student", tiny, *options)
    assert made.exit_code == 0, made.output
    config = load_config(place / "tutelage.yaml")
    assert (config.task.field, config.teacher.kind) == (columns, "answer_key")
    assert tutelage("tasks", "check", "tutelage.yaml").exit_code == 0


CARD = b"""---
configs:
- config_name: one
  data_files:
  - {split: fit, path: fit.jsonl}
  - {split: exam, path: exam.jsonl}
- {config_name: two, data_files: fit.jsonl}
---
"""


def test_a_data_set_of_the_hub_is_named_with_its_configuration_split_and_revision(place, tiny, monkeypatch):
    lines = (place / "solved.jsonl").read_bytes().splitlines(keepends=True)
    files = {"README.md": CARD, "fit.jsonl": b"".join(lines[:25]), "exam.jsonl": b"".join(lines[25:])}
    with Hub() as hub:
        use(hub, monkeypatch, place)
        first = hub.push("ann/sums", files)
        hub.push("ann/sums", {**files, "fit.jsonl": b"{}"})
        init = ("init", "hf://ann/sums", "--revision", first, "--student", tiny)
        refused = tutelage(*init)
        assert refused.exit_code == 2
        assert "name one as task.config (tutelage init: --config): one, two" in " ".join(refused.output.split())
        made = tutelage(*init, "--config", "two", "--split", "train[:20]")
        assert made.exit_code == 0, made.output
        assert f"read from the hub at commit {first}" in made.output
        task = load_config(place / "tutelage.yaml").task
        assert (task.path, task.config, task.split, task.revision) == ("hf://ann/sums", "two", "train[:20]", first)
        made = tutelage(*init, "--config", "one", "--split", "{train: fit, test: exam}", "--out", "roles.yaml")
        assert "15 for test" in made.output
        assert load_config(place / "roles.yaml").task.split == {"train": "fit", "test": "exam"}


@pytest.mark.slow
def test_at_a_terminal_at_most_five_questions_are_asked(place, tiny):
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "tutelage", "init"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=UNMEASURED, cwd=place
    ) as process:
        os.close(terminal)
        said = ""
        for answer in ("bare.jsonl", tiny, "openai", "gpt-4.1-mini", "0.25"):
            while not said.endswith(": "):
                assert select.select([master], [], [], 120)[0], said
                said += os.read(master, 4096).decode()
            os.write(master, f"{answer}\n".encode())
            said = ""
        while process.poll() is None and select.select([master], [], [], 120)[0]:
            try:
                said += os.read(master, 4096).decode()
            except OSError:  # the terminal is closed
                break
        assert process.wait(60) == 0, said
    os.close(master)
    assert load_config(place / "tutelage.yaml").teacher.budget.usd == 0.25


@pytest.mark.parametrize("usd", [0.0, 0.05, 2.0, 1234567.89, 1e-7])
def test_a_cap_is_written_as_it_was_named(usd):
    text = starter_yaml(Starter({"name": "custom"}, "s", "t", None, "KEY", usd))
    assert parse_config(yaml.safe_load(text)).teacher.budget.usd == usd


@pytest.mark.parametrize("name", ["plain.jsonl", "a: b #c.jsonl", "'x'", "ß/ü.csv", "yes", "1e3", "- x", "{a}"])
def test_any_name_survives_the_file(name):
    written = yaml.safe_load(
        starter_yaml(Starter({"name": "custom", "path": name}, name, name, None, "KEY", 1.0), ["about"])
    )
    assert (written["task"]["path"], written["student"]["model"], written["teacher"]["model"]) == (name, name, name)


def test_a_round_takes_what_its_tokens_cost(place, tiny):
    tutelage("init", "solved.jsonl", "--student", tiny)
    config = load_config(place / "tutelage.yaml")
    problems = [Problem.of("x" * 40, "1", rationale="y" * 80)] * 10  # 10 and 20 tokens
    expected = expected_round(config, problems, 5, weights=10**9, gflops=100.0)
    trained = 10 * 3 * (10 + 3 * 20)  # three epochs; the question once for anchor, positive and mistake
    assert expected.training == pytest.approx(6e9 * trained / (0.6 * 100e9))
    written = (10 * 4 + 5) * 20 + 10 * 10
    assert expected.exam == pytest.approx(2e9 * written / (0.25 * 100e9))
