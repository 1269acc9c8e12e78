"""Reuses the figures of an existing study.json, so that these runs need not be repeated.

    tutelage study multiarith.yaml --known docs/studies/multiarith/study.json

So arms and seeds can be added to a study even if its run directories are elsewhere or deleted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tutelage.config.file import read_config
from tutelage.errors import ConfigError, RunError
from tutelage.runs.resume_rules import IDLE, differences
from tutelage.studies.figures import read_figures
from tutelage.studies.running import problems, task_of
from tutelage.studies.study_file import Study
from tutelage.study_records import RunFigures


def with_known(study: Study, file: Path) -> Study:
    """The study, with the figures from a study.json for those of its runs that the file has.

    An arm is the same if name and `source` are the same; for an arm of the study file, `source` names its settings. A
    matched arm is known if the arm that it is matched to is known. Other seeds and arms of the file are ignored.

    Raises:
        RunError: the file is missing or broken, or too old.
        ConfigError: its runs began from another base, with other parts of the user's own, or on other problems.
        DataError: the study's own problems cannot be loaded.
    """
    figures = read_figures(file)
    base = read_config(figures.base, origin=f"the base of {file}")
    if changed := differences(base, study.base, IDLE):
        raise ConfigError(f"{file} is of another base ({'; '.join(changed[:3])}); set it back, or leave --known out")
    if figures.parts != (parts := study.own.keys(study.base)):
        was, now = (", ".join(f"{part} {key!r}" for part, key in of.items()) or "none" for of in (figures.parts, parts))
        raise ConfigError(f"{file} is of other parts of your own ({was}) than this study ({now}); leave --known out")
    tests = len(task_of(study, study.base.task.train).problems("test"))
    if tests != figures.test_problems or figures.data not in ("", problems(study)(study.base)[0]):
        raise ConfigError(f"{file} is of other problems than this study; restore them, or leave --known out")
    known: dict[tuple[str, int], RunFigures] = {}
    for name, arm in study.arms.items():
        if name not in figures.arms or figures.arms[name].source != arm.source:
            continue
        for run in figures.arms[name].runs:
            if not _is_whole(run, tests, arm.taught):
                raise RunError(f"{file}: what it says of {name}, seed {run.seed}, is broken or too old; run it again")
            has_match = arm.matched is None or (arm.to, run.seed) in known
            if has_match and run.seed in study.seeds and arm.is_run_under(run.seed):
                machine, versions = run.machine or figures.machine, run.versions or figures.versions
                known[name, run.seed] = replace(run, machine=machine, versions=versions)
    return replace(study, known=known)


def _is_whole(run: RunFigures, tests: int, taught: bool) -> bool:
    """Whether the figures have an answer to every test problem and, for a taught run, what it has spent."""
    has_answers = len(run.right) == tests and set(run.right) <= {"0", "1"}
    return has_answers and (not taught or bool(run.rounds and run.replies >= run.rounds[-1].replies))
