"""Tutelage as a library: what the commands call.

>>> from tutelage import load_config, run
>>> result = run(load_config("examples/demo.yaml"), "runs/demo")
>>> result.test.after.accuracy
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tutelage.config import EvaluationConfig, RunConfig, StudentConfig, TaskConfig
from tutelage.config_file import load_config
from tutelage.records import Accuracy, Attempt, Problem, RunResult, Split
from tutelage.report.progress import Show
from tutelage.run import read_result

if TYPE_CHECKING:
    from tutelage.tasks.task import Task


def run(config: RunConfig, out: str | Path, show: Show | None = None) -> RunResult:
    """Start the run of `config` in the directory `out`, or continue the one that stands there, to its end.

    A run that has ended under the very same configuration is only read.

    Raises:
        TutelageError: see tutelage.errors; whatever was finished stays, and the same call goes on from there.
    """
    root = Path(out)
    if (root / "result.json").exists():
        result = read_result(root)
        if result is not None and load_config(root / "config.yaml") == config:
            return result
    from tutelage.assemble import classroom
    from tutelage.rounds.loop import lessons

    with classroom(config, root, show or Show(quiet=True)) as room:
        return lessons(room)


def load_task(name: str, *, path: str | Path | None = None, **settings: object) -> Task:
    """Load a task by name, with the settings of TaskConfig. Raises ConfigError and DataError."""
    from tutelage.tasks.catalog import load_task

    return load_task(name, path=path, **settings)


def taught_student(
    model: str, *, prompt: Literal["plain", "chat"] | None = None, few_shot: int | None = None
) -> StudentConfig:
    """The student in a model's folder or a run's, to be asked as it was taught unless told otherwise."""
    from tutelage.student.pupil import taught_prompts

    folder = str(Path(model) / "student") if (Path(model) / "student").is_dir() else model
    taught = taught_prompts(folder)
    usual, shots = (taught[0], len(taught[1])) if taught else ("plain", 0)
    return StudentConfig(model=folder, prompt=prompt or usual, few_shot=shots if few_shot is None else few_shot)


def evaluate(
    student: StudentConfig, task: TaskConfig, split: Split, settings: EvaluationConfig, show: Show | None = None
) -> tuple[Accuracy, list[Attempt]]:
    """Greedy answers of a model to a split, graded, in the order of its problems, and their accuracy."""
    from tutelage.assemble import make_pupil
    from tutelage.report.statistics import accuracy
    from tutelage.rounds.stages import greedy_attempts
    from tutelage.tasks.catalog import open_task

    show = show or Show(quiet=True)
    opened = open_task(task)
    problems, pupil = opened.problems(split), make_pupil(student, opened, show.say)
    with show.bar(f"{task.name}: {split}", len(problems)) as advance:
        attempts, _ = greedy_attempts(opened, pupil, problems, settings, advance)
    return accuracy(sum(attempt.verdict.correct for attempt in attempts), len(attempts)), attempts


def ask(student: StudentConfig, questions: Iterator[str], *, max_new_tokens: int = 256) -> Iterator[str]:
    """Answers of a model to questions, one by one as they are asked; the model is loaded once."""
    from tutelage.student.pupil import Pupil, taught_prompts
    from tutelage.student.sampling import SamplingSettings

    taught = taught_prompts(student.model)
    pupil, greedy = Pupil(student, taught[1] if taught else ()), SamplingSettings(max_new_tokens=max_new_tokens)
    answers = deque[str]()
    for question in questions:
        pupil.answer([Problem.of(question, "")], [0], greedy, lambda _, given: answers.append(given[0].text.strip()))
        yield answers.popleft()
