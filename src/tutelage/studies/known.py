"""Runs whose figures stand in a study.json already, so that they need not be run again.

    tutelage study multiarith.yaml --known docs/studies/multiarith/study.json

Arms and seeds can so be added to a study whose runs lie elsewhere, or nowhere any more.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tutelage.changes import IDLE, differences
from tutelage.config_file import read_config
from tutelage.errors import ConfigError
from tutelage.files import read_record
from tutelage.studies.study_file import Study
from tutelage.study_records import StudyFigures
from tutelage.tasks.catalog import open_task


def with_known(study: Study, file: Path) -> Study:
    """The study, with those of its runs that a study.json holds the figures of.

    An arm is the same under the same name and `source`, which names the settings of a file's own arm. Seeds and arms
    that the study doesn't have are left out.

    Raises:
        RunError: the file is missing or broken.
        ConfigError: its runs began from another base, or had other test problems.
        DataError: the study's own problems cannot be loaded.
    """
    figures = read_record(file, StudyFigures)
    base = read_config(figures.base, origin=f"the base of {file}")
    if changed := differences(base, study.base, IDLE):
        raise ConfigError(f"{file} is of another base ({'; '.join(changed[:3])}); set it back, or leave --known out")
    tests = len(open_task(study.base.task).problems("test"))
    if tests != figures.test_problems:
        raise ConfigError(f"{file} has {figures.test_problems} test problems, this study {tests}; its data has changed")
    known = {
        (name, run.seed): run
        for name, arm in study.arms.items()
        if name in figures.arms and figures.arms[name].source == arm.source
        for run in figures.arms[name].runs
        if run.seed in study.seeds and arm.is_run_under(run.seed)
    }
    return replace(study, known=known)
