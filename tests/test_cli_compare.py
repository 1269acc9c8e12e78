"""`tutelage compare`, `ask --beside` and `--json`, called as a user calls them."""

import json
import shutil

import pytest

from tests.command import tutelage
from tests.view.served import small_run
from tutelage.cli.asking import Asking


@pytest.fixture(scope="session")
def run(tmp_path_factory, tiny):
    """A finished run of two rounds. Only to be read."""
    return small_run(tmp_path_factory, tiny)


def last_line(result):
    return " ".join(result.output.split())


def test_before_and_after_of_one_run_are_compared(run):
    result = tutelage("compare", run)
    assert result.exit_code == 0, result.output
    assert f"{run}:test-before" in result.output
    assert f"{run}:test-after" in result.output
    assert "McNemar's p" in result.output
    told = json.loads(tutelage("compare", run, "--json").output)
    assert (told["left"], told["right"], told["problems"]) == ("run:test-before", "run:test-after", 4)
    assert told["both"] + told["only_left"] + told["only_right"] + told["neither"] == 4


def test_two_runs_are_compared_on_the_same_answers(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    assert "difference +0.0 points" in tutelage("compare", run, other).output
    assert "test-after" in tutelage("compare", run, other).output
    named = tutelage("compare", f"{run}:evaluation-1", other)
    assert named.output.count("evaluation-1") == 2
    assert "in one alone" not in named.output


def test_problems_that_one_side_alone_has_are_told(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    rows = (other / "test-after.jsonl").read_text().splitlines(keepends=True)
    (other / "test-after.jsonl").write_text("".join(rows[1:]))
    result = tutelage("compare", run, other)
    assert "% of 3; right here alone" in result.output
    assert "on the problems that both have; 1 more are in one alone, and do not count" in result.output
    assert json.loads(tutelage("compare", run, other, "--json").output)["unshared"] == 1


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ("nowhere", None, "nowhere is not a run directory: there is nothing"),
        ("{run}:exam-9", None, "has no answers 'exam-9'; it has: evaluation-0, exam-1"),
        ("{run}:evaluation-1", "{run}:test-after", "have no problem in common; name answers to the same split"),
    ],
)
def test_what_cannot_be_compared_is_said(run, left, right, words):
    names = [name.format(run=run) for name in (left, right) if name]
    result = tutelage("compare", *names)
    assert result.exit_code == 2
    assert words in last_line(result)


def test_a_run_that_has_not_ended_has_no_student_and_nothing_after(run, tmp_path):
    half = shutil.copytree(run, tmp_path / "half")
    for name in ("student", "round-01", "round-02"):
        shutil.rmtree(half / name)
    for name in ("result.json", "test-after.jsonl"):
        (half / name).unlink()
    told = last_line(tutelage("compare", half))
    assert "half has no two answers to the same problems yet; it has: evaluation-0, test-before" in told
    for command in (("ask", half, "2 + 2?"), ("eval", half, "--task", "leg_counting"), ("ask", tmp_path, "2 + 2?")):
        result = tutelage(*command)
        assert result.exit_code in (2, 4)
        told = last_line(result)
        if half in command:
            assert "half has no student yet: it comes at the end of a run; `tutelage run" in told
        else:
            assert "so not a model" in told


def test_a_student_is_asked_beside_the_untrained_one_and_beside_another(run):
    result = tutelage("ask", run, "2 + 2?", "--beside", "untrained", "--max-new-tokens", 3)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{run}:\n")
    assert "\nuntrained:\n" in result.output
    same = tutelage("ask", run, "2 + 2?", "--beside", run, "--max-new-tokens", 3).output
    first, _, second = same.partition(f"\n{run}:\n")
    assert first == f"{run}:\n{second}".removesuffix("\n")
    alone = tutelage("ask", run, "2 + 2?", "--beside", "no/such/model")
    assert alone.exit_code == 4


def test_the_untrained_one_is_found_from_elsewhere(run, tiny, tmp_path, monkeypatch):
    """Its folder was named from where the run was started, which the run lies below."""
    project = tmp_path / "project"
    copy = shutil.copytree(run, project / "runs" / "mine")
    shutil.copytree(tiny, project / "models" / "base")
    config = copy / "config.yaml"
    config.write_text(config.read_text().replace(f"model: {tiny}\n", "model: models/base\n"))
    monkeypatch.chdir(tmp_path)
    result = tutelage("ask", copy, "2 + 2?", "--beside", "untrained", "--max-new-tokens", 3)
    assert result.exit_code == 0, result.output
    assert len(Asking()(copy, copy / "student", "2 + 2?")) == 2
    shutil.rmtree(project / "models")
    assert tutelage("ask", copy, "2 + 2?", "--beside", "untrained").exit_code == 4


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["show"], {"state", "rounds", "result", "test", "usd"}),
        (["ledger", "show"], {"spending", "failures", "lost", "pace"}),
    ],
)
def test_a_run_as_json(run, arguments, names):
    result = tutelage(*arguments, run, "--json")
    assert result.exit_code == 0, result.output
    assert names <= json.loads(result.output).keys()
    assert result.output.count("\n") == 1


def test_other_commands_as_json(run):
    bounds = json.loads(tutelage("estimate", run / "config.yaml", "--json").output)
    assert [each["round"] for each in bounds["rounds"]] == [0, 1, 2]
    report = json.loads(tutelage("tasks", "check", run / "config.yaml", "--json").output)
    assert (report["name"], report["misgraded"], report["sizes"]["train"]) == ("leg_counting", [], 6)
    lengths = report["tokens"]
    assert (lengths["max_tokens"], lengths["cut"]) == (1024, 0)
    assert 0 < lengths["prompts"]["median"] <= lengths["prompts"]["most"] <= lengths["prompts"]["longest"] < 1024
    assert lengths["solutions"]["longest"] > 0
    bare = ("tasks", "check", "leg_counting", "--set", "task.train=4", "--json")
    assert json.loads(tutelage(*bare, "--rows", 0).output)["tokens"] is None
    assert json.loads(tutelage(*bare, "--set", "student.model=no/such").output)["tokens"] is None
    measured = tutelage("eval", run, "--task", run / "config.yaml", "--max-new-tokens", 4, "--json")
    assert json.loads(measured.stdout)["n"] == 4


def test_one_that_is_named_is_compared_with_another_of_its_split(run):
    told = json.loads(tutelage("compare", f"{run}:evaluation-0", "--json").output)
    assert (told["left"], told["right"]) == ("run:evaluation-0", "run:evaluation-2")
    told = json.loads(tutelage("compare", run, f"{run}:evaluation-2", "--json").output)
    assert (told["left"], told["right"]) == ("run:evaluation-1", "run:evaluation-2")
