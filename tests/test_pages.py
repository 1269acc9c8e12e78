"""Every command, YAML and Python of README and docs is run as it stands: in a folder with the examples in a small form
(tests/pages.py), a key that the test endpoint takes, and one run that all pages share. What is run in a cheaper form
has a comment that says why.
"""

import importlib.util
import json
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import typer.main

from tests.command import tutelage
from tests.pages import ROOT, Fence, fences, inline, workspace
from tutelage.cli import app
from tutelage.config import RunConfig, Section, TeacherConfig
from tutelage.config.file import parse_config, read_yaml_file
from tutelage.export.export import FORMATS
from tutelage.studies.study_file import load_study
from tutelage.teacher.template import read_template

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.M)


def test_every_fence_says_what_it_is():
    kinds = {"sh", "yaml", "python", "json", "text", "math"}
    assert not [fence.place for fence in fences() if fence.kind not in kinds]


@pytest.mark.parametrize("fence", fences("yaml"), ids=lambda fence: fence.place)
def test_every_yaml_is_read(fence, tmp_path):
    (tmp_path / "demo.yaml").write_text((ROOT / "examples" / "demo.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "studies" / "page.yaml"
    path.parent.mkdir()
    path.write_text(fence.text, encoding="utf-8")
    data = read_yaml_file(path)
    assert isinstance(data, dict)
    if "system" in data:
        assert read_template(str(path), TeacherConfig())
    elif "arms" in data:
        if "base" not in data:
            path.write_text(f"base: ../demo.yaml\n{fence.text}", encoding="utf-8")
        assert load_study(path).arms
    else:
        assert parse_config({"task": {"name": "leg_counting"}, **data}, origin=fence.place)


@pytest.mark.parametrize("fence", fences("json"), ids=lambda fence: fence.place)
def test_every_row_of_json_is_one(fence):
    assert all(isinstance(json.loads(line), dict) for line in fence.text.splitlines())


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_export_has_its_commands_and_stands_in_the_help(form):
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    assert f"--format {form} --out build/" in page
    assert re.search(rf"\b{form}\b", tutelage("export", "--help").output)


def test_rows_of_problems_are_read(tmp_path):
    (fence,) = (fence for fence in fences("json") if fence.place.startswith("docs/own-data.md"))
    for row in fence.text.splitlines():
        (tmp_path / "rows.jsonl").write_text(row + "\n", encoding="utf-8")
        result = tutelage("tasks", "check", "custom", "--path", tmp_path / "rows.jsonl")
        assert "too few to draw validation" in result.output, row  # all that is wrong with a row alone


@pytest.mark.slow
def test_every_command_and_every_python_runs(tmp_path, tiny, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with workspace(tmp_path, tiny) as teacher:
        for fence in fences():
            if fence.kind == "sh":
                for words in fence.commands:
                    _run(words, teacher, monkeypatch, fence)
            elif fence.kind == "python" and fence.file is None:  # the files are run by tests/test_extending.py
                exec(compile(fence.text, fence.place, "exec"), {"__name__": "page"})


def _run(words: list[str], teacher: str, monkeypatch: pytest.MonkeyPatch, fence: Fence) -> None:
    said = f"{fence.place}: {shlex.join(words)}"
    match words:
        case ["tutelage", *arguments]:
            _tutelage(arguments, teacher, said)
        case ["make", *target]:
            # Only what it would do: the targets install for minutes, train, or run all tests.
            done = subprocess.run(["make", "-n", *target], cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{said}: {done.stderr}"
        case ["pip", "install", *packages]:
            # Nothing is downloaded: what is named must be there to be had.
            assert all(_can_be_had(package) for package in packages if package != "--no-deps"), said
        case ["transformers", "serve", *_]:
            # It needs an extra and serves until it is stopped.
            assert importlib.util.find_spec("transformers.cli.serve"), said
        case ["vllm", "serve", *_]:
            # It needs an extra and serves until it is stopped.
            assert "vllm" in PROJECT["optional-dependencies"], said
        case ["torchrun", *_]:
            # Several processes run in tests/test_together.py: here, whether torchrun and the command take the line.
            from torch.distributed.run import get_args_parser

            at = words.index("-m")
            assert words[at + 1 : at + 3] == ["tutelage", "run"], said
            assert get_args_parser().parse_args(words[1:]).module, said
            typer.main.get_command(app).commands["run"].make_context("run", words[at + 3 :])
        case ["python", script]:
            subprocess.run([sys.executable, script], check=True, capture_output=True)
        case ["curl", *_, url, "-H", header, "-d", body]:
            # What it asks is served by nobody here.
            assert url.startswith("http://127.0.0.1:"), said
            assert header == "Content-Type: application/json", said
            request = json.loads(Path(body.removeprefix("@")).read_text(encoding="utf-8"))
            assert (Path(request["model"]) / "model.safetensors").is_file(), said
        case ["export", setting]:
            monkeypatch.setenv(setting.partition("=")[0], "a-key")
        case [".", place]:
            assert place == ".venv/bin/activate", said
            assert "-m venv --clear .venv" in MAKEFILE
        case _:
            raise AssertionError(f"{said}: say in tests/test_pages.py how this is run")


def _tutelage(arguments: list[str], teacher: str, said: str) -> None:
    arguments = [str(found) for word in arguments for found in (sorted(Path().glob(word)) if "*/" in word else [word])]
    arguments = [word.replace("http://127.0.0.1:8000/v1", teacher) for word in arguments]
    match arguments:
        case ["demo"]:
            # An installed package's demo is not the small one of the workspace.
            arguments = ["run", "examples/demo.yaml", "--out", "runs/demo"]
        case ["study", file, *_]:
            # Hours of work: the line is taken apart, the file is read whole, and its runs are those of other tests.
            typer.main.get_command(app).commands["study"].make_context("study", arguments[1:])
            assert load_study(Path(file)).arms, said
            return
        case ["serve-test-teacher", *options]:
            _serve(["serve-test-teacher", *(word if word != "8000" else "0" for word in options)], "base_url: ", said)
            return
        case ["view", *options] if "--export" not in options:
            typer.main.get_command(app).commands["view"].make_context("view", list(options))
            places = [word for word in options[:1] if Path(word).is_dir()]  # a study is hours of work
            _serve(["view", *places, "--no-browser"], "is shown at ", said)
            return
    result = tutelage(*arguments)
    assert result.exit_code == 0, f"{said}: {result.output}"


def _serve(arguments: list[str], told: str, said: str) -> None:
    """Until it has told its address; at a free port, since somebody else may have the one named."""
    command = [sys.executable, "-u", "-m", "tutelage", *arguments]
    command += [] if "--port" in arguments else ["--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        try:
            assert any(f"{told}http://127.0.0.1:" in line for line in process.stdout), said
            process.send_signal(signal.SIGINT)
            assert process.wait() in (0, 130), said  # 130: it came before the endpoint had begun to wait for it
        finally:
            process.kill()


def _can_be_had(package: str) -> bool:
    name, extra = re.fullmatch(r"([^\[]*)(?:\[(\w+)\])?", package).groups()
    if name == ".":
        return extra is None or extra in PROJECT["optional-dependencies"]
    if name.endswith(".whl"):
        return name == f"dist/{PROJECT['name']}-{PROJECT['version']}-py3-none-any.whl"
    if "==" in name:
        return f" {name}\n" in MAKEFILE
    return extra in metadata.metadata(name).get_all("Provides-Extra", [])


def _settings(section: type[Section], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, field in section.model_fields.items():
        found.add(f"{prefix}{key}")
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found |= _settings(field.annotation, f"{prefix}{key}.")
    return found


def test_every_setting_that_is_named_in_a_sentence_is_there():
    known, sections = _settings(RunConfig), "|".join(RunConfig.model_fields)
    for page, text in inline():
        if page == "CHANGELOG.md":  # it speaks of earlier names, too
            continue
        for key in re.findall(rf"(?<![\w./])(?:{sections})\.[\w.]+(?<!\.)(?![\w(])", text):
            assert key in known or key.endswith((".py", ".md", ".json", ".jsonl")), f"{page}: `{text}`"


def test_every_command_that_is_named_in_a_sentence_is_there():
    for page, text in inline():
        words = text.split()
        if words[0] == "make" and len(words) > 1:
            assert words[1] in TARGETS, f"{page}: `{text}`"
        elif words[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(words[2]), f"{page}: `{text}`"
        elif words[0] == "tutelage" and len(words) > 1:
            _known_options(words[1:], f"{page}: `{text}`")


def _known_options(words: list[str], said: str) -> None:
    command = typer.main.get_command(app)
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        command, words = command.commands.get(words[0]), words[1:]
        assert command, said
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, said
