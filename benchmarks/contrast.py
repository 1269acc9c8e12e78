"""Early signs of a study, before test can tell its arms apart: do students tell right steps from wrong ones?

    python -m benchmarks.contrast studies/repair/runs/full studies/repair/runs/repair

Every argument is an arm's folder, with a run of each seed. Prints Markdown, a row for each round of an arm:

    right over wrong    how much likelier, in nats, the right token is than the wrong one where they part, in the mean
                        over held-out mistakes: wrong answers to validation of the first arm's round 0, each put right
                        at its first wrong step. The student reads its own text up to there.
    rightly             the share of these places at which the right token is the likelier one
    untaught            the pass rate of the round's exam on problems that have no rationale yet

Only rounds whose model is on disk are measured: run the study with `rounds: {keep: all}`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import torch

from tutelage.config.file import read_written
from tutelage.mistakes.repair import repaired
from tutelage.records import Attempt, Feedback, Problem
from tutelage.report.format import markdown_table
from tutelage.runs.files import read_rows
from tutelage.runs.layout import round_folders
from tutelage.runs.models import MODEL
from tutelage.student.encoding import Tokens
from tutelage.student.student import Student
from tutelage.student.training.repair import encode_repair
from tutelage.tasks.catalog import open_task

AT_ONCE = 16
"""Rows of a forward pass."""
Parting = tuple[Tokens, int, int]
"""The tokens before the place at which right and wrong part, the right token and the wrong one."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", nargs="+", type=Path)
    arms: Sequence[Path] = parser.parse_args().arm
    rows = [row for arm in arms for row in _rows(arm, arms[0])]
    print(markdown_table(("arm", "round", "seeds", "mistakes", "right over wrong", "rightly", "untaught"), rows))


def _rows(arm: Path, first: Path) -> Iterator[list[str]]:
    """A row for every round of an arm that has a model in some seed."""
    measured: dict[int, list[tuple[list[float], float | None]]] = {}
    for run in sorted(arm.glob("seed-*")):
        for number, folder in enumerate(round_folders(run)):
            if (folder / MODEL).is_dir():
                found = contrasts(run, folder, first / run.name)
                measured.setdefault(number, []).append((found, untaught(run, number)))
    if not measured:
        raise SystemExit(f"{arm} has no seed-N/round-NN/{MODEL}; run its study with rounds: {{keep: all}}")
    for number, seeds in sorted(measured.items()):
        nats = [each for found, _ in seeds for each in found]
        passed = [share for _, share in seeds if share is not None]
        told = (f"{fmean(nats):+.2f}", f"{fmean(each > 0 for each in nats):.0%}") if nats else ("–", "–")
        passing = f"{fmean(passed):.0%}" if passed else "–"
        yield [arm.name, str(number), str(len(seeds)), str(len(nats)), *told, passing]


def contrasts(run: Path, folder: Path, first: Path) -> list[float]:
    """By how many nats a round's student finds the right token likelier than the wrong one, mistake by mistake."""
    config = read_written(run / "config.yaml")
    task = open_task(config.task)
    student = Student(config.student, task.examples, folder / MODEL)
    loaded = student.loaded(student.dtype)
    problems = {problem.id: problem for problem in task.problems("validation")}
    partings = list(_partings(student, problems, read_rows(first / "round-00" / "evaluation.jsonl", Attempt)))
    found: list[float] = []
    for start in range(0, len(partings), AT_ONCE):
        found += _nats(loaded.model, partings[start : start + AT_ONCE])
    return found


def _partings(student: Student, problems: dict[str, Problem], attempts: Sequence[Attempt]) -> Iterator[Parting]:
    format = student.format_of(student.loaded(student.dtype))
    for attempt in attempts:
        problem = problems[attempt.problem_id]
        mended = None if attempt.verdict.correct else repaired(problem, attempt)
        prompt = tuple(format.all_prompt_ids([problem.text])[0])
        branch = mended and encode_repair(format, prompt, mended, 10**6, against=True)
        if branch and branch.wrong:
            yield prompt + branch.own, branch.right[0], branch.wrong[0]


@torch.no_grad()
def _nats(model: torch.nn.Module, partings: Sequence[Parting]) -> list[float]:
    width = max(len(tokens) for tokens, _, _ in partings)
    rows = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens, _, _ in partings])
    mask = torch.tensor([[1] * len(tokens) + [0] * (width - len(tokens)) for tokens, _, _ in partings])
    logits = model(input_ids=rows, attention_mask=mask).logits.float()
    ends = [(row, len(tokens) - 1, right, wrong) for row, (tokens, right, wrong) in enumerate(partings)]
    return [(logits[row, end, right] - logits[row, end, wrong]).item() for row, end, right, wrong in ends]


def untaught(run: Path, number: int) -> float | None:
    """The share of right attempts in a round's exam at problems without a rationale until then; None: there is none."""
    if number == 0:
        return None
    before = [run / f"round-{n:02}" / ("feedback.jsonl" if n else "annotation.jsonl") for n in range(number)]
    taught = {each.problem_id for path in before for each in read_rows(path, Feedback) if each.is_rationale}
    attempts = read_rows(run / f"round-{number:02}" / "exam.jsonl", Attempt)
    right = [each.verdict.correct for each in attempts if each.problem_id not in taught]
    return fmean(right) if right else None


if __name__ == "__main__":
    main()
