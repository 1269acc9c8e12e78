"""The library's public functions, which the commands call.

>>> from tutelage import load_config, run
>>> result = run(load_config("examples/demo.yaml"), "runs/demo")
>>> result.test.after.accuracy
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tutelage.config import EvaluationConfig, RunConfig, StudentConfig, TaskConfig
from tutelage.config.file import parse_section
from tutelage.config.sections import AnswerLimit
from tutelage.errors import ConfigError, RunError
from tutelage.inputs import read_unchanged
from tutelage.launched import place
from tutelage.own_parts import OwnParts
from tutelage.records import Attempt, Split, WorkedExample
from tutelage.report.progress import Show
from tutelage.run_records import Accuracy, RunResult
from tutelage.runs.files import exists
from tutelage.runs.found import kind_of
from tutelage.runs.reader import open_run

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks
    from tutelage.student.sampler import SamplerFactory
    from tutelage.student.training.reflection import Reflection
    from tutelage.tasks.task import Task
    from tutelage.teacher.teacher import Teacher


def run(
    config: RunConfig,
    out: str | Path,
    show: Show | None = None,
    *,
    task: Task | None = None,
    teacher: Teacher | None = None,
    reflection: Reflection | None = None,
    engine: SamplerFactory | None = None,
) -> RunResult:
    """Start the run of `config` in the directory `out`, or resume the one that is there, and finish it.

    If the run has finished under the same configuration and from the same data, its result is read; `show` is told what
    of them is gone and was not compared. A task, teacher, self-reflection loss or engine of your own replaces the one
    that the configuration names (docs/extending.md); the run resumes only with one that has the same `key`. In several
    processes (torchrun, accelerate) each calls this, and gets the result.

    Raises:
        TutelageError: see tutelage.errors; finished work is kept, and the same call resumes from there.
    """
    root, own = Path(out), OwnParts(task, teacher, reflection, engine)
    config = own.applied(config)
    if place().size == 1:
        return _run(config, root, show, own)
    from tutelage.together import run_together

    return run_together(config, root, own, partial(_run, config, root, show, own))


def _run(config: RunConfig, root: Path, show: Show | None, own: OwnParts, ranks: Ranks | None = None) -> RunResult:
    show = show or Show(quiet=True)
    if (result := read_unchanged(config, root, own, show.say)) is not None:
        if config.report_to:
            from tutelage.trackers.telling import catch_up

            catch_up(config.report_to, root, result, show.say)
        return result
    from tutelage.assemble import open_context
    from tutelage.rounds.loop import run_rounds

    with open_context(config, root, show, own=own, ranks=ranks) as ctx:
        return run_rounds(ctx)


def load_task(name: str, *, path: str | Path | None = None, **settings: object) -> Task:
    """Load a task by name, with the settings of TaskConfig. Raises ConfigError and DataError."""
    from tutelage.tasks.catalog import load_task

    return load_task(name, path=path, **settings)


def taught_student(
    model: str,
    *,
    prompt: Literal["plain", "chat", "auto"] | None = None,
    few_shot: int | None = None,
    thinking: Literal["off", "keep"] | None = None,
) -> StudentConfig:
    """The student in the folder of a model or a run, asked as in its training by default.

    Raises ConfigError, and RunError for the folder of a study, or of a run that has no student yet.
    """
    from tutelage.student.asked import taught_prompts

    folder = _student_in(model)
    taught = taught_prompts(folder)
    usual, shots = (taught.prompt, len(taught.examples)) if taught else ("plain", 0)
    asking = {
        "prompt": prompt or usual,
        "few_shot": shots if few_shot is None else few_shot,
        "thinking": thinking or (taught.thinking if taught else "off"),
    }
    return parse_section(StudentConfig, {"model": folder, **asking}, origin="student")


def _student_in(model: str) -> str:
    """The folder of a run's student, or the model as it is named. Raises RunError."""
    folder = Path(model) / "student"
    if exists(folder):
        return str(folder)
    if kind_of(Path(model)) in ("run", "study"):
        command = open_run(Path(model)).command
        goes_on = f"`{command}` goes on with it" if command else "wait for it, or name the model of a round"
        raise RunError(f"{model} has no student yet: it comes at the end of a run; {goes_on}")
    return model


def evaluate(
    student: StudentConfig,
    task: TaskConfig | Task,
    split: Split = "test",
    settings: EvaluationConfig | None = None,
    show: Show | None = None,
    *,
    engine: SamplerFactory | None = None,
) -> tuple[Accuracy, list[Attempt]]:
    """The accuracy of a model on a split, and its greedy, graded answers in the order of the problems.

    `task` is a task's configuration or your own object; `engine` is as in `run`. A student of a run is asked as it was
    taught: behind the worked examples of its training, and below its system message where a problem has none; with
    `max_new_tokens: auto`, its answers are cut where those of the run's evaluation were. The
    task's examples are for other models, and for a `few_shot` beyond those that were taught.
    """
    from tutelage.metrics.intervals import accuracy
    from tutelage.rounds.attempts import greedy_attempts
    from tutelage.rounds.outside import as_taught
    from tutelage.tasks.catalog import open_task
    from tutelage.tasks.own import own_task
    from tutelage.tasks.task import check_few_shot

    show, settings = show or Show(quiet=True), settings or EvaluationConfig()
    opened = open_task(task, show.say) if isinstance(task, TaskConfig) else own_task(task, TaskConfig(name="own"))
    cut_at = settings.max_new_tokens
    asked = as_taught(student, engine, examples=opened.examples, cut_at=cut_at, say=show.say)
    if len(asked.student.examples) < student.few_shot:
        check_few_shot(student.few_shot, opened)
    problems = asked.problems(opened.problems(split))
    settings = settings.model_copy(update={"max_new_tokens": asked.limit(problems)})
    with show.bar(f"{opened.name}: {split}", len(problems)) as advance:
        attempts, _ = greedy_attempts(opened, asked.student, problems, settings, advance)
    return accuracy(sum(attempt.verdict.correct for attempt in attempts), len(attempts)), attempts


def ask(
    student: StudentConfig,
    questions: Iterable[str],
    *,
    max_new_tokens: AnswerLimit = "auto",
    engine: SamplerFactory | None = None,
    examples: Sequence[WorkedExample] | None = None,
) -> Iterator[str]:
    """Yield a model's answers to questions, which are read lazily; the model loads once. `engine` is as in `run`.

    With `max_new_tokens: auto`, answers of a run's student are cut where those of the run's evaluation were.
    `examples` are the worked ones before every question, as far as `few_shot` goes; None: those it was taught with.
    """
    from tutelage.rounds.outside import as_taught

    asked = as_taught(student, engine, cut_at=max_new_tokens)
    if examples is not None:
        asked = replace(asked, student=asked.student.asked_with(examples[: student.few_shot]))
    for question in questions:
        yield asked.answer(question)


def study(  # noqa: PLR0913 - see run
    file: str | Path,
    out: str | Path,
    *,
    jobs: int = 1,
    known: str | Path | None = None,
    show: Show | None = None,
    task: Task | None = None,
    teacher: Teacher | None = None,
    reflection: Reflection | None = None,
    engine: SamplerFactory | None = None,
) -> list[str]:
    """Run or resume the study of a YAML file in the directory `out`, and write study.json, study.md and plots.

    `jobs` seeds run in parallel. `known` is a study.json of the same base; runs with figures in it are not repeated.
    Parts of your own are as in `run`; an arm that sets another teacher or loss than the base uses that one. Returns one
    line for every run that failed; the figures are those of all other runs.

    Raises ConfigError, DataError, and RunError if no run has finished; existing pages are then left as they are.
    """
    from tutelage.report.plots import need_matplotlib, plot_study
    from tutelage.report.study import study_page
    from tutelage.runs.files import disk_errors, write_json, write_text
    from tutelage.studies.aggregate import gather
    from tutelage.studies.one_commit import at_one_commit
    from tutelage.studies.reuse import with_known
    from tutelage.studies.running import run_study
    from tutelage.studies.study_file import load_study

    if (processes := place().size) > 1:
        raise ConfigError(f"a study runs in one process, and {processes} were started; start it without torchrun")
    need_matplotlib()
    folder, loaded, own = Path(out), load_study(Path(file)), OwnParts(task, teacher, reflection, engine)
    show = show or Show(quiet=True)
    loaded = at_one_commit(replace(loaded, base=own.applied(loaded.base), own=own), folder, show.say)
    if known is not None:
        loaded = with_known(loaded, Path(known))
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    faults = run_study(loaded, folder, jobs, show)
    figures = gather(loaded, folder, study_command(file, out, jobs, known))
    if faults and not figures.arms:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise RunError(f"no run of the study has ended: {'; '.join(faults[:3])}{more}")
    write_json(folder / "study.json", figures)
    plots = plot_study(figures, folder)
    write_text(folder / "study.md", study_page(figures, [plot.name for plot in plots]))
    return faults


def study_command(file: str | Path, out: str | Path, jobs: int, known: str | Path | None = None) -> str:
    """The shell command that runs or resumes a study."""
    line = ["tutelage", "study", str(file), "--out", str(out), "--jobs", str(jobs)]
    return shlex.join([*line, "--known", str(known)] if known else line)


def results(
    folders: Sequence[str | Path], out: str | Path, notes: str | Path | None = None, pages: str | Path | None = None
) -> None:
    """Write one page about the studies in these folders, each with its `notes.md` if it exists.

    `notes` is a Markdown file about all of them. With `pages`, a folder, each study gets its own page there, and `out`
    has only the summary. Plots are drawn beside each study.json. Raises RunError if a study.json is missing or broken,
    ConfigError if notes are missing or not UTF-8.
    """
    from tutelage.report.plots import need_matplotlib, plot_study
    from tutelage.report.results import results_page
    from tutelage.report.study import study_page
    from tutelage.runs.files import disk_errors, write_text
    from tutelage.studies.figures import read_figures
    from tutelage.study_records import StudyFigures

    need_matplotlib()
    if notes and not Path(notes).is_file():
        raise ConfigError(f"there is no file {notes} with notes")
    page, found = Path(out), list[tuple[StudyFigures, str, str]]()
    for folder in map(Path, folders):
        if not (folder / "study.json").is_file():
            raise RunError(f"{folder} has no study.json; `tutelage study STUDY --out {folder}` writes one")
        figures, own = read_figures(folder / "study.json"), _text(folder / "notes.md")
        plots = plot_study(figures, folder)
        found.append((figures, _path_from(page.parent, folder), own))
        if pages is not None:
            with disk_errors(Path(pages)):
                Path(pages).mkdir(parents=True, exist_ok=True)
            seen = [_path_from(Path(pages), plot) for plot in plots]
            write_text(Path(pages) / f"{figures.name}.md", study_page(figures, seen, notes=own))
    summary = _text(Path(notes)) if notes else ""
    write_text(page, results_page(found, summary, None if pages is None else _path_from(page.parent, Path(pages))))


def _path_from(start: Path, to: Path) -> str:
    return Path(os.path.relpath(to, start)).as_posix()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8; save it as UTF-8") from None
