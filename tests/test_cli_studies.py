"""`tutelage study` and `tutelage results`, called as a user calls them."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from typer.testing import Result

from tests.command import SETTINGS, tutelage
from tests.processes import LIBRARIES, forked_command, import_before_forking
from tests.report import figures
from tutelage.runs.files import write_json

import_before_forking(*LIBRARIES)


@pytest.fixture
def write(tiny, tmp_path):
    """Writes a study's file with these arms; keywords replace sections of its base."""

    def write(arms: dict, seeds=(0,), **sections: object) -> Path:
        base = {**SETTINGS, "student": {"model": tiny, "device": "cpu", "dtype": "float32"}, **sections}
        path = tmp_path / "trial.yaml"
        path.write_text(yaml.safe_dump({"base": base, "seeds": list(seeds), "arms": arms}, sort_keys=False))
        return path

    return write


NOBODY = {"kind": "recorded", "path": "nobody.jsonl"}  # there is no such file


def last_line(result: Result) -> str:
    return result.stderr.splitlines()[-1]


def test_a_study_prints_its_page_and_a_line_for_every_run_that_failed(write, tmp_path):
    path = write({"dear": {"student": {"few_shot": 50}}, "untrained": None, "broke": {"teacher": NOBODY}})
    out = tmp_path / "out"
    result = tutelage("study", path, "--out", out)
    assert result.exit_code == 2, result.output
    assert result.stdout.startswith((out / "study.md").read_text())
    assert f"all of it: {out / 'study.json'}" in result.stdout
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [line.partition(",")[0] for line in errors] == ["error: dear", "error: broke"]
    assert "Traceback" not in result.output
    written = json.loads((out / "study.json").read_text())
    assert list(written["arms"]) == ["untrained"]
    assert written["command"] == f"tutelage study {path} --out {out} --jobs 1"


def test_a_study_that_goes_well_ends_well_in_a_folder_of_its_name(write, tmp_path, monkeypatch):
    write({"untrained": None})
    monkeypatch.chdir(tmp_path)
    result = tutelage("study", "trial.yaml")
    assert result.exit_code == 0, result.output
    assert "error" not in result.output
    assert (tmp_path / "studies" / "trial" / "study.json").is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "trial.yaml"),
        ("base: [", "is not YAML"),
        ("base: {task: {name: leg_counting}}\narms: {fall: }", "did you mean 'full'?"),
        ("base: {task: {name: leg_countin}}\narms: {full: }", "leg_counting"),
    ],
)
def test_a_wrong_file_ends_in_one_line(tmp_path, text, message):
    path = tmp_path / "trial.yaml"
    if text is not None:
        path.write_text(text)
    result = tutelage("study", path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert last_line(result).startswith("error: ")
    assert message in last_line(result)
    assert result.stderr.count("error: ") == 1
    assert "Traceback" not in result.output
    assert not (tmp_path / "out" / "study.json").exists()


def test_known_figures_that_are_not_there_end_in_one_line(write, tmp_path):
    result = tutelage(
        "study", write({"untrained": None}), "--out", tmp_path / "out", "--known", tmp_path / "study.json"
    )
    assert result.exit_code == 2
    assert last_line(result).startswith(f"error: cannot read {tmp_path / 'study.json'}")
    assert not (tmp_path / "out").exists()


def test_no_seed_can_be_run_at_once_with_none(write, tmp_path):
    assert tutelage("study", write({"untrained": None}), "--jobs", 0).exit_code == 2


def test_results_makes_a_page_of_several_studies(tmp_path):
    folders = [tmp_path / "studies" / name for name in ("one", "two")]
    for folder in folders:
        write_json(folder / "study.json", figures.study(["one-round-same-budget", "full"], 2, usd=0.0))
    (folders[0] / "notes.md").write_text("What we make of it.")
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    (tmp_path / "all.md").write_text("What they say together.")
    result = tutelage("results", *folders, "--out", page, "--notes", tmp_path / "all.md")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(page)
    text = page.read_text()
    assert text.startswith("# Results\n")
    assert text.count("\n## ") == 2
    assert text.count("What we make of it.") == 1
    assert text.index("What they say together.") < text.index("\n## ")
    for folder in folders:
        plots = sorted(folder.glob("*.png"))
        assert plots
        assert all(f"](<../studies/{folder.name}/{plot.name}>)" in text for plot in plots)


def test_results_give_each_study_a_page_of_its_own(tmp_path):
    folder, page = tmp_path / "studies" / "one", tmp_path / "docs" / "results.md"
    study = figures.study(["one-round-same-budget", "full"], 2)
    write_json(folder / "study.json", study)
    (folder / "notes.md").write_text("What we make of it.")
    page.parent.mkdir()
    result = tutelage("results", folder, "--out", page, "--pages", page.parent / "parts" / "all")
    assert result.exit_code == 0, result.output
    assert f"| [{study.name}](<parts/all/{study.name}.md>) |" in page.read_text()
    assert "\n## " not in page.read_text()
    own = (page.parent / "parts" / "all" / f"{study.name}.md").read_text()
    assert own.startswith(f"# {study.name}\n\nWhat we make of it.")
    assert all(f"](<../../../studies/one/{plot.name}>)" in own for plot in folder.glob("*.png"))


def test_results_with_notes_that_are_not_there_end_in_one_line(tmp_path):
    write_json(tmp_path / "study.json", figures.study(["full"], 1))
    result = tutelage("results", tmp_path, "--out", tmp_path / "page.md", "--notes", tmp_path / "absent.md")
    assert result.exit_code == 2
    assert last_line(result) == f"error: there is no file {tmp_path / 'absent.md'} with notes"
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize("name", ["all.md", "notes.md"])
def test_results_with_notes_that_are_not_utf8_end_in_one_line(tmp_path, name):
    write_json(tmp_path / "study.json", figures.study(["full"], 1))
    for each in ("all.md", "notes.md"):
        (tmp_path / each).write_bytes("früh".encode("latin-1" if each == name else "utf-8"))
    result = tutelage("results", tmp_path, "--out", tmp_path / "page.md", "--notes", tmp_path / "all.md")
    assert result.exit_code == 2
    assert last_line(result) == f"error: {tmp_path / name} is not UTF-8; save it as UTF-8"
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize("command", ["study", "results"])
def test_without_matplotlib_nothing_is_begun(write, tmp_path, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    what = write({"untrained": None}) if command == "study" else tmp_path
    result = tutelage(command, what, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert last_line(result).endswith('need the package matplotlib: pip install "tutelage[plots]"')
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, "{}", "{"])
def test_results_of_a_folder_without_a_study_end_in_one_line(tmp_path, content):
    (tmp_path / "empty").mkdir()
    if content is not None:
        (tmp_path / "empty" / "study.json").write_text(content)
    result = tutelage("results", tmp_path / "empty", "--out", tmp_path / "page.md")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    said = f"{tmp_path / 'empty'} has no study.json" if content is None else f"cannot read {tmp_path / 'empty'}"
    assert last_line(result).startswith(f"error: {said}")
    assert not (tmp_path / "page.md").exists()


@pytest.fixture
def two_in_training(write, tmp_path):
    """A study with two seeds in endless training: its process, those below it, its command line, and its stderr."""
    path, out = write({"full": None}, seeds=(0, 1), training={"epochs": 5000, "batch_size": 4}), tmp_path / "out"
    line, errors = f"study {path} --out {out} --jobs 2", tmp_path / "errors"
    process = forked_command(line.split(), errors)
    try:
        while len(list(out.glob("runs/full/seed-*/round-00/examples.jsonl"))) < 2:
            assert process.is_alive(), errors.read_text()
            time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        yield process, children, line, errors
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("send", "signaled", "code"),
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143), (os.kill, signal.SIGKILL, -signal.SIGKILL)],
    ids=["ctrl-c at the terminal", "SIGTERM to the command alone", "SIGKILL"],
)
def test_no_seed_outlives_the_command_which_says_how_to_go_on(two_in_training, send, signaled, code):
    process, children, line, errors = two_in_training
    send(process.pid, signaled)
    process.join()
    assert process.exitcode == code, errors.read_text()
    assert (f"stopped; go on with: tutelage {line}\n" in errors.read_text()) == (signaled != signal.SIGKILL)
    assert "Traceback" not in errors.read_text()
    assert psutil.wait_procs(children)[1] == []


def test_results_into_a_folder_end_in_one_line(tmp_path):
    write_json(tmp_path / "one" / "study.json", figures.study(("full",), 2))
    result = tutelage("results", tmp_path / "one", "--out", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: cannot write")
    assert result.stderr.count("\n") == 1
