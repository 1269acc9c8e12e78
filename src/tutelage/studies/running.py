"""Runs a study: every arm with every seed, each an ordinary run in its own folder.

    studies/NAME/
      ledger.sqlite, cache/       what the runs share: the teacher's replies, finished stages
      runs/ARM/seed-0/ …          the runs
      study.json, study.md, *.png

The runs of one seed are sequential, so that each reuses the finished stages of the others. `jobs` seeds run in
parallel, each in its own process. A stopped study resumes: finished runs are read, others continued. Arms and seeds can
be added to the file later.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from tutelage.config import RunConfig
from tutelage.errors import TutelageError
from tutelage.inputs import not_compared
from tutelage.own_parts import OwnParts
from tutelage.records import WorkedExample
from tutelage.report.progress import Show
from tutelage.rounds.pins import pins
from tutelage.run_records import RunResult
from tutelage.runs.finished import Inputs, has_run, is_as_written, read_finished
from tutelage.runs.models import forget_students
from tutelage.runs.stage_cache import StageCache
from tutelage.studies.arms import Arm, Spent
from tutelage.studies.side_by_side import run_side_by_side
from tutelage.studies.study_file import Study
from tutelage.tasks.catalog import open_task
from tutelage.tasks.own import own_task
from tutelage.tasks.task import Task, task_digest
from tutelage.trackers.telling import catch_up, check_trackers

CACHE = "cache"
"""Folder of a study with the stages that its runs share."""


def run_study(study: Study, out: Path, jobs: int, show: Show) -> list[str]:
    """Run or resume a study; returns a line for every run that failed."""
    check_trackers(study.base.report_to)
    if (old := out / "shelf").is_dir() and not (out / CACHE).exists():
        old.rename(out / CACHE)  # its name in version 0.1
    jobs = min(jobs, len(study.seeds))
    if jobs == 1:
        return [fault for seed in study.seeds for fault in run_seed(study, out, seed, show)]
    study.own.need_pickling()
    return run_side_by_side(partial(_run_apart, study, out, show.quiet), study.seeds, jobs)


def _run_apart(study: Study, out: Path, quiet: bool, seed: int) -> list[str]:
    return run_seed(study, out, seed, Show(quiet=quiet, bars=False))


def run_seed(study: Study, out: Path, seed: int, show: Show) -> list[str]:
    """Run every arm with one seed, in order; returns a line for every run that failed."""
    spent, cache = dict[str, Spent](), StageCache(out / CACHE, study.cache_bytes)
    problems_of = problems(study)
    faults: list[str] = []
    for name, arm in study.arms.items():
        if not arm.is_run_under(seed):
            continue
        title = f"{name}, seed {seed}"
        if figures := study.known.get((name, seed)):
            spent |= {name: Spent.of_figures(figures)} if arm.taught else {}
            show.say(f"{title}: known")
            continue
        if arm.matched and arm.to not in spent:
            faults.append(f"{title}: not run, since {arm.to} has no result to match")
            continue
        try:
            config = configured(study, arm, seed, out, spent)
            own = study.own.in_arm(config, study.base)
            result = _run(config, *problems_of(config), run_folder(out, name, seed), show, cache, arm.taught, own)
        except TutelageError as error:
            faults.append(f"{title}: {error}")
            continue
        except Exception as error:  # a bug must not stop the other runs
            show.say(traceback.format_exc())
            faults.append(f"{title}: {type(error).__name__}: {error}")
            continue
        if result is None:
            show.say(f"{title}: evaluated as it came")
            continue
        spent[name] = Spent.of_result(result)
        show.say(f"{title}: {result.test.after.accuracy:.1%} of test, {result.seconds / 60:.0f} min of work")
        if not study.keep_students:
            forget_students(run_folder(out, name, seed))
    return faults


def configured(study: Study, arm: Arm, seed: int, out: Path, spent: Mapping[str, Spent]) -> RunConfig:
    """The configuration of one run. `spent` is what the other arms have used with this seed, for matched arms."""
    config = arm.change(study.base)
    if arm.matched is not None:
        config = arm.matched(config, spent[arm.to])
    ledger = config.teacher.ledger or str(out / "ledger.sqlite")
    return config.model_copy(update={"seed": seed, "teacher": config.teacher.model_copy(update={"ledger": ledger})})


def task_of(study: Study, train: int | None) -> Task:
    """The task of a study's runs with `train` training problems. Raises ConfigError and DataError."""
    settings = study.base.task.model_copy(update={"train": train})
    return own_task(study.own.task, settings) if study.own.task else open_task(settings)


ProblemsOf = Callable[[RunConfig], tuple[str, Mapping[str, str]]]
"""The digest of a run's problems, and the pins of what else it reads."""


def problems(study: Study) -> ProblemsOf:
    """A function for what a run reads. Of their tasks, runs differ in `task.train` only; each size is loaded once."""

    @cache
    def of_size(train: int | None) -> tuple[str, tuple[WorkedExample, ...]]:
        task = task_of(study, train)
        return task_digest(task), tuple(task.examples)

    def of(config: RunConfig) -> tuple[str, Mapping[str, str]]:
        data, examples = of_size(config.task.train)
        return data, pins(config, examples)

    return of


def run_folder(out: Path, arm: str, seed: int) -> Path:
    """The folder of a run."""
    return out / "runs" / arm / f"seed-{seed}"


def _run(
    config: RunConfig,
    data: str,
    contents: Mapping[str, str],
    folder: Path,
    show: Show,
    cache: StageCache,
    taught: bool,
    own: OwnParts,
) -> RunResult | None:
    """Run an arm to its end; for an untaught arm, only evaluate on test and return None."""
    inputs = Inputs(config, data, own.keys(config), contents)
    result = read_finished(folder, inputs) if taught else None
    tested = (
        not taught and (folder / "test-before.jsonl").exists() and has_run(folder, inputs) and is_as_written(folder)
    )
    if result or tested:
        if told := not_compared(folder, inputs):
            show.say(told)
        if result:
            catch_up(config.report_to, folder, result, show.say)
        return result
    from tutelage.assemble import open_context
    from tutelage.rounds import stages
    from tutelage.rounds.loop import run_rounds

    with open_context(config, folder, show, cache, own) as ctx:
        if taught:
            return run_rounds(ctx)
        stages.evaluate(ctx, None, ctx.untrained, "test", "test-before")
        return None
