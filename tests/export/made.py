"""A run in its directory, made by hand: what a teacher and a student wrote is under the test's control."""

import json
from collections.abc import Sequence
from pathlib import Path

from tutelage.config.file import dump_config, parse_config
from tutelage.metrics.intervals import accuracy
from tutelage.records import Attempt, Feedback, TrainingExample, Verdict
from tutelage.run_records import BeforeAfter, RoundResult, RunResult, TeacherSummary, TrainingSummary
from tutelage.runs.files import write_json, write_rows, write_text
from tutelage.runs.reader import ProblemRow
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import task_digest

SETTINGS = {
    "task": {
        "name": "leg_counting",
        "train": 6,
        "validation": 3,
        "test": 4,
        "options": {"max_animals": 2},
    },
    "rounds": {"max": 1},
}
RIGHT, WRONG = Verdict(True, "12", "right"), Verdict(False, "7", "7 is not 12")

ODD = 'It\'s "3" × 4 = 12;\ttab,\u2028line, {{ x }} {% y %} """ <|im_end|> \\n `$HOME` 🦉.\nThe answer is 12.'
"""A text with what would mean something to JSON, Jinja, Go's templates, YAML, a shell or a tokenizer."""


def made_run(
    root: Path, *, task: dict | None = None, training: dict | None = None, problems=True, model="smollm2-135m", **asked
) -> Path:
    """A run that has begun, with nothing but its problems."""
    settings = {**SETTINGS, "task": task or SETTINGS["task"], "student": {"model": model, "device": "cpu", **asked}}
    settings |= {"training": training} if training else {}
    config = parse_config(settings, origin="test")
    loaded = open_task(config.task)
    root.mkdir(parents=True)
    write_text(root / "config.yaml", dump_config(config))
    write_json(root / "run.json", {"format": 1, "id": "0" * 32, "data": task_digest(loaded)})
    if problems:
        splits = ("train", "validation", "test")
        write_rows(
            root / "problems.jsonl",
            [ProblemRow(split, loaded.kind, problem) for split in splits for problem in loaded.problems(split)],
        )
    return root


def train_problems(root: Path):
    rows = [json.loads(line) for line in (root / "problems.jsonl").read_text().splitlines()]
    from pydantic import TypeAdapter

    return [TypeAdapter(ProblemRow).validate_python(row).problem for row in rows if row["split"] == "train"]


def trained(root: Path, round: int, examples: Sequence[TrainingExample]) -> None:
    """A round that has come to its training."""
    write_rows(root / f"round-{round:02d}" / "examples.jsonl", examples)


def replied(root: Path, round: int, replies: Sequence[Feedback]) -> None:
    write_rows(root / f"round-{round:02d}" / ("feedback.jsonl" if round else "annotation.jsonl"), replies)


def sat(root: Path, round: int, attempts: Sequence[Attempt]) -> None:
    write_rows(root / f"round-{round:02d}" / "exam.jsonl", attempts)


def two_rounds(root: Path, **settings) -> Path:
    """A run of two rounds: three rationales, three pairs; the odd text is in each of them."""
    made_run(root, **settings)
    one, two, *_ = train_problems(root)
    trained(root, 0, [TrainingExample(one, "a\nThe answer is 1."), TrainingExample(two, ODD)])
    trained(
        root,
        1,
        [
            TrainingExample(one, "b\nThe answer is 1.", ("a\nThe answer is 1.",), ("wrong", ODD + "!")),
            TrainingExample(two, ODD, (), ("off",)),
        ],
    )
    return root


def ended(root: Path, right: int = 3, n: int = 4) -> RunResult:
    """The figures of a run that has finished."""
    figures = RoundResult(
        0, accuracy(1, 3), None, TeacherSummary(0, 2, 0, 0, 0.0), TrainingSummary(2, 0, 9, 9, 0, 1.0, 1.0, 0.0), {}, 1.0
    )
    result = RunResult((figures,), 0, "all rounds are done", BeforeAfter(accuracy(0, n), accuracy(right, n)), {}, 1.0)
    write_json(root / "result.json", result)
    return result
