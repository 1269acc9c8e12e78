"""Early signs of a study: the right token over the wrong one, against one forward pass a place."""

import sys

import pytest
import torch

from benchmarks import contrast
from tests.rounds.coin import noisy_student
from tests.rounds.conftest import two_rounds
from tutelage.api import run
from tutelage.mistakes.repair import repaired
from tutelage.records import Attempt, Problem, Verdict
from tutelage.runs.files import write_rows
from tutelage.student.student import Student
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.text.calculations import find_calculations

WRONG = Verdict(False, None, "")


def said(problem: Problem) -> str:
    """The first calculation of the solution, with a false result."""
    step = find_calculations(problem.rationale)[0]
    return f"{step.text.rpartition('=')[0]}= {step.result + 1}"


@pytest.mark.slow
def test_the_table_of_a_run_is_what_its_student_says_of_held_out_mistakes(tmp_path, monkeypatch, capsys):
    noisy_student(tmp_path / "student")
    config = changed(
        two_rounds(str(tmp_path / "student")),
        teacher={"seed_problems": 3, "replies_per_round": 1},
        rounds={"max": 1, "keep": "all"},
    )
    arm = tmp_path / "full"
    run(config, arm / "seed-0")
    task, folder = open_task(config.task), arm / "seed-0" / "round-01"
    problems = {problem.id: problem for problem in task.problems("validation")}
    mistakes = [Attempt(each.id, 0, f"So {said(each)}.", WRONG, "stop", 9) for each in problems.values()]
    write_rows(arm / "seed-0" / "round-00" / "evaluation.jsonl", mistakes)
    monkeypatch.setattr(sys, "argv", ["contrast", str(arm)])
    contrast.main()
    header, _, first, second = capsys.readouterr().out.strip().splitlines()
    assert "right over wrong" in header

    student = Student(config.student, (), folder / "model")
    loaded = student.loaded(torch.float32)
    format, differences = student.format_of(loaded), []
    for attempt in mistakes:
        problem = problems[attempt.problem_id]
        mended = repaired(problem, attempt)
        assert mended is not None
        own, right = (format.completion_ids(mended.before + end) for end in (mended.wrong, mended.right))
        same = next(place for place, (a, b) in enumerate(zip(own, right, strict=False)) if a != b)
        tokens = format.all_prompt_ids([problem.text])[0] + own[:same]
        logits = loaded.model(torch.tensor([tokens])).logits[0, -1]
        differences.append((logits[right[same]] - logits[own[same]]).item())
    found = contrast.contrasts(arm / "seed-0", folder, arm / "seed-0")
    assert found == pytest.approx(differences, abs=1e-4)
    cells = [cell.strip() for cell in second.strip("|").split("|")]
    assert cells[:4] == ["full", "1", "1", str(len(found))]
    assert cells[4] == f"{sum(found) / len(found):+.2f}"
    assert cells[6] == "0%", "noise passes nothing, and three problems were untaught"
    assert first.strip("|").split("|")[6].strip() == "–", "round 0 has no exam"


def test_an_arm_without_models_is_refused(tmp_path, monkeypatch):
    (tmp_path / "arm" / "seed-0" / "round-00").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["contrast", str(tmp_path / "arm")])
    with pytest.raises(SystemExit, match="keep: all"):
        contrast.main()
