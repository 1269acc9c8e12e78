"""The command, called as a user calls it; what it prints and how it ends."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from typer.testing import CliRunner

from tests.command import SETTINGS, tutelage
from tests.once import made_once
from tests.processes import UNMEASURED
from tutelage.cli import app
from tutelage.testing import answer_key_endpoint


@pytest.fixture
def config(tmp_path, tiny) -> Path:
    path = tmp_path / "legs.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "student": {"model": tiny, "device": "cpu"}}))
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny) -> Path:
    """The folder of a run that has ended, made once; its configuration lies beside it."""

    def make(folder: Path) -> None:
        (folder / "legs.yaml").write_text(yaml.safe_dump({**SETTINGS, "student": {"model": tiny, "device": "cpu"}}))
        result = tutelage("run", folder / "legs.yaml", "--out", folder / "run")
        assert result.exit_code == 0, result.output
        assert "test after" in result.output

    return made_once(tmp_path_factory, "run-of-the-command", make) / "run"


@pytest.mark.parametrize("command", ["run", "demo", "show", "estimate", "eval", "ask", "tasks", "tasks check"])
def test_every_command_has_help_with_an_example(command):
    result = tutelage(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Example: tutelage" in result.output


def test_without_arguments_there_is_help_and_version_is_told():
    assert "Usage" in tutelage().output
    assert tutelage("--version").output.startswith("tutelage 0.")


def test_doctor_names_the_keys_that_are_set_and_not_their_values(tiny, monkeypatch):
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "sk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf-secret")
    monkeypatch.setenv("EMPTY_API_KEY", "")
    said = tutelage("doctor", tiny, "--device", "cpu").output
    assert "HF_TOKEN, SOME_VENDOR_API_KEY" in said
    assert "-secret" not in said
    assert "EMPTY_API_KEY" not in said
    assert "GB free here" in said


def test_doctor_says_what_a_student_would_compute_in(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    result = tutelage("doctor", tiny, "--device", "cpu")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == [
        "versions",
        "machine",
        "device",
        "disk",
        "keys",
        "vLLM",
        "engine",
        "cache",
        "student",
    ]
    assert "engine     by student.engine auto, our own, since vLLM and a GPU are not both there" in result.output
    assert f"{tiny}: float32: the student is too small" in result.output
    assert "by student.prompt auto, the student is asked by its chat template: its chat template ends" in result.output
    assert "there is no folder './nope'" in tutelage("doctor", "./nope").output
    kept = tmp_path / "tutelage" / "precision.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    *_, last = tutelage("doctor", tiny, "--device", "cpu").output.splitlines()
    assert last == f"speeds     kept in {kept}; remove it to have them measured again"
    monkeypatch.setenv("TUTELAGE_CACHE", "n" * 256)
    assert tutelage("doctor", tiny, "--device", "cpu").output.splitlines()[-1].startswith("student")


def test_doctor_tells_programs_the_same(tiny, monkeypatch):
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "sk-secret")
    result = tutelage("doctor", tiny, "--device", "cpu", "--json")
    (line,) = result.output.splitlines()
    found = json.loads(line)
    assert found["device"] == "cpu"
    assert found["engine"].startswith("our own")
    assert found["free_memory"] > 10**6 < found["free_disk"]
    assert "SOME_VENDOR_API_KEY" in found["keys"]
    assert "sk-secret" not in line
    student = found["student"]
    assert (student["model"], student["precision"]["dtype"], student["asked"]["prompt"]) == (tiny, "float32", "chat")


def test_show(finished, tmp_path):
    result = tutelage("show", finished)
    assert "mistakes" in result.output
    copy = shutil.copytree(finished, tmp_path / "run")
    assert f"tutelage view {finished}" in result.output.replace("\n", "")
    (copy / "result.json").unlink()
    stopped = tutelage("show", copy)
    assert "not finished" in stopped.output
    assert f"go on with    tutelage run {copy}/config.yaml --out {copy}" in stopped.output
    (copy / "round-01" / "result.json").write_text("{")
    broken = tutelage("show", copy)
    assert broken.exit_code == 2
    assert f"error: {copy}/round-01/result.json has changed since it was written; restore it" in broken.output
    assert "see it" in broken.output  # what is whole is shown all the same


@pytest.mark.slow
def test_the_command_that_show_tells_goes_on(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "run")
    (copy / "result.json").unlink()
    told = re.search(r"go on with    tutelage (.*)", tutelage("show", copy).output)
    assert told
    again = tutelage(*shlex.split(told[1]))
    assert again.exit_code == 0, again.output
    assert f"tutelage view {copy}" in again.output
    assert "go on with" not in tutelage("show", copy).output


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_with_its_page_which_stays_until_a_signal(finished, number, code):
    command = [sys.executable, "-m", "tutelage", "run", str(finished.parent / "legs.yaml"), "--out", str(finished)]
    pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "bufsize": 1}
    with subprocess.Popen([*command, "--view"], **pipe, env=UNMEASURED, start_new_session=True) as process:
        assert process.stdout is not None
        lines = list[str]()
        while not any("is shown at" in line for line in lines) or not any("gain" in line for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        [address] = re.findall(r"http://127\.0\.0\.1:\d+/", "".join(lines))
        assert urlopen(address).status == 200
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        rest = process.stdout.read()  # to the end of the page, which has the same standard output
        assert process.wait(60) == code
    assert rest.count("stopped") == (number == signal.SIGTERM), rest
    with pytest.raises(URLError):
        urlopen(address)


def test_a_second_run_only_shows(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "run")
    before = (copy / "result.json").stat().st_mtime_ns
    result = tutelage("run", finished.parent / "legs.yaml", "--out", copy)
    assert result.exit_code == 0
    assert "gain" in result.output
    assert (copy / "result.json").stat().st_mtime_ns == before


def test_eval_and_ask_use_a_run_as_it_was_taught(finished, tmp_path):
    answers = tmp_path / "answers.jsonl"
    arguments = ("--task", "leg_counting", "--limit", 5, "--max-new-tokens", 4, "--answers", answers)
    result = tutelage("eval", finished, *arguments)
    assert result.exit_code == 0, result.output
    assert "leg_counting test: 0.0% (0.0% to 43.4%, n = 5)" in result.output
    assert len([json.loads(line) for line in answers.read_text().splitlines()]) == 5
    assert tutelage("ask", finished, "2 + 2?", "--max-new-tokens", 4).exit_code == 0


def test_ask_at_a_prompt(finished):
    result = CliRunner().invoke(app, ["ask", str(finished), "--max-new-tokens", "3"], input="1 + 1?\n2 + 2?\n\nnever")
    assert result.exit_code == 0
    assert result.output.count("?") >= 2


def test_tasks_are_listed_and_checked(tmp_path):
    assert {"gsm8k", "svamp", "multiarith", "commonsense_qa", "strategy_qa", "gsm_symbolic", "custom"} <= {
        line.split()[0] for line in tutelage("tasks").output.splitlines()
    }
    assert tutelage("tasks", "list").output == tutelage("tasks").output
    rows = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(40)]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[3]]))
    result = tutelage("tasks", "check", "custom", "--path", path)
    assert result.exit_code == 0, result.output
    assert "repeat" in result.output


@pytest.mark.slow
def test_estimate_bounds_what_the_run_then_costs(config, tmp_path):
    from tutelage.config.file import load_config
    from tutelage.tasks.catalog import open_task

    with answer_key_endpoint(open_task(load_config(config).task).problems("train")) as endpoint:
        overrides = [f"teacher.base_url={endpoint.base_url}", "teacher.kind=openai", "teacher.model=test"]
        overrides += ["teacher.price={prompt: 0.15, completion: 0.6}"]
        sets = [part for override in overrides for part in ("--set", override)]
        bound = tutelage("estimate", config, *sets)
        assert bound.exit_code == 0, bound.output
        assert endpoint.requests == []
        assert tutelage("run", config, "--out", tmp_path / "run", *sets).exit_code == 0
    last = next(line for line in bound.output.splitlines() if "all" in line and "│" in line)
    bounds = [[float(side.replace(",", "")) for side in cell.split("–")] for cell in last.split("│")[2:-1]]
    rounds = json.loads((tmp_path / "run" / "result.json").read_text())["rounds"]
    for name, (least, most) in zip(("requests", "prompt_tokens", "completion_tokens"), bounds, strict=False):
        assert 0 < least <= sum(row["teacher"][name] for row in rounds) <= most
    assert bounds[0] == [4, 20]  # at most two askings in round 0, and three about a mistake


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["run", "none.yaml"],
            2,
            "cannot read none.yaml: No such file or directory; `tutelage init DATA",
        ),
        (["tasks", "check", "none.yaml"], 2, "`tutelage init DATA --out none.yaml` writes one"),
        (["show", "."], 2, "is not a run directory"),
        (["tasks", "check", "gsm8"], 2, "did you mean 'gsm8k'?"),
        (["tasks", "check", "gsm8k", "--path", "no/such/folder"], 2, "no/such/folder"),
        (["eval", "./nothing", "--task", "leg_counting", "--limit", "2"], 4, "there is no folder './nothing'"),
    ],
)
def test_faults_are_told_in_one_line_with_their_exit_code(arguments, code, message):
    result = tutelage(*arguments)
    assert result.exit_code == code
    assert message in result.output
    assert result.output.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.output


def test_settings_that_do_not_fit(config, tmp_path):
    for override, message in [
        ("training.epocs=3", "did you mean 'epochs'?"),
        ("trainig.epochs=3", "did you mean 'training'?"),
        ("training.epochs=many", "found 'many'"),
        ("training.epochs", "section.key=value"),
        ("teacher={kind: openai, model: x}", "OPENAI_API_KEY"),
        ("teacher={kind: openai, base_url: 'http://127.0.0.1:9/v1'}", r"teacher\.model"),
    ]:
        result = tutelage("run", config, "--out", tmp_path / "run", "--set", override)
        assert result.exit_code in (2, 3), override
        assert re.search(message, result.output), (override, result.output)


def test_an_estimate_refuses_what_a_run_would(config):
    result = tutelage("estimate", config, "--set", "student.few_shot=99")
    assert result.exit_code == 2
    assert "student.few_shot is 99, but task" in result.output


@pytest.mark.parametrize(
    "budget",
    [
        {"usd": 0.001},
        {"usd": 0.003},
        {"completion_tokens": 600},
        {"tokens": 4500},
        {"prompt_tokens": 9},
        {"requests": 0},
    ],
    ids=str,
)
def test_a_cap_without_room_for_one_request_is_refused_in_one_line_with_what_it_takes(config, tmp_path, budget):
    """By `run`, before a student is loaded, and by `estimate`; the figure that it names is enough."""
    endpoint = "{kind: openai, model: m, key_env: null, base_url: 'http://127.0.0.1:9/v1', retries: 0, max_tokens: 512"
    price = "price: {prompt: 0.4, completion: 1.6}"
    [(name, cap)] = budget.items()

    def teacher(cap):
        return f"teacher={endpoint}, {price}, budget: {{{name}: {cap}}}}}"

    for command in (("run", config, "--out", tmp_path / "run"), ("estimate", config)):
        result = tutelage(*command, "--set", teacher(cap), "--set", "student.model=nowhere/at-all")
        assert result.exit_code == 2
        line = result.output.splitlines()[-1]
        found = re.fullmatch(
            r"error: teacher\.budget has no room for the first request, which may take up to ([0-9.,]+) (\w[a-zA-Z ]+)"
            r"( \(a model may think .*\))?; raise it, or lower teacher\.max_tokens",
            line,
        )
        assert found, line
        assert (found[3] is None) == (name in ("requests", "prompt_tokens"))
        enough = found[1].replace(",", "")
        assert tutelage("estimate", config, "--set", teacher(enough)).exit_code == 0
    assert not (tmp_path / "run").exists()


LONG = "n" * 300


@pytest.mark.parametrize("name", ["a\0b", "a\udcffb", LONG])
@pytest.mark.parametrize(
    "command",
    [
        *("run {}", "run {config} --out {}", "show {}", "estimate {}", "study {}", "results {}", "ask {} hi"),
        *("refused {}",),
        *("tasks check {}", "tasks check custom --path {}", "eval {} --task leg_counting"),
        *("ledger show {}", "ledger verify {}", "ledger export {}", "serve-test-teacher --data {}"),
    ],
)
def test_names_that_cannot_be_end_in_one_line(config, name, command):
    result = tutelage(*(part.format(name, config=config) for part in command.split()))
    assert result.exit_code in (2, 4), result.exception
    assert isinstance(result.exception, SystemExit)
    assert result.output.splitlines()[-1].startswith(("error: ", "╰"))  # typer looks at some arguments itself


@pytest.mark.parametrize("arguments", ["tasks", "--help", "--version", "run --help"])
def test_a_full_disk_behind_the_output_is_told_in_one_line(arguments):
    with Path("/dev/full").open("w") as full:
        line = [sys.executable, "-m", "tutelage", *arguments.split()]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=UNMEASURED)
    assert (done.returncode, done.stderr) == (2, "error: cannot write the output: No space left on device\n")


def test_an_output_without_the_characters_shows_them_as_escapes(finished, tmp_path):
    named = tmp_path / "3×4"
    named.symlink_to(finished)
    for environment in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
        done = subprocess.run(
            [sys.executable, "-m", "tutelage", "show", str(named)],
            capture_output=True,
            check=False,
            env={**UNMEASURED, **environment},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        assert b"3\\" in done.stdout


def test_debug_shows_the_traceback(tmp_path):
    result = tutelage("--debug", "show", tmp_path)
    assert result.exception is not None
    assert type(result.exception).__name__ == "RunError"
    tutelage("tasks")  # puts the switch back


def test_the_module_is_the_command():
    result = subprocess.run([sys.executable, "-m", "tutelage", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("tutelage 0.")


def test_the_demo_is_found_and_fits():
    from tutelage.cli.runs import demo_config
    from tutelage.config.file import load_config

    settings = load_config(demo_config())
    assert settings.student.model == "smollm2-135m"
    assert settings.rounds.max >= 2
