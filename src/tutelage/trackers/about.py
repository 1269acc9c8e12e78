"""What trackers are told of a run itself: its name and project, and its settings as hyperparameters.

runs/demo                              project "tutelage", run "demo"
studies/legs/runs/full/seed-1          project "legs", run "full/seed-1", of the group "full"
"""

from __future__ import annotations

from pathlib import Path

from tutelage.runs.found import is_in_study
from tutelage.runs.reader import RunReader
from tutelage.trackers.tracker import About

PROJECT = "tutelage"
"""The project of runs that belong to no study."""
_UNTOLD = ("report_to", "teacher.extra_headers", "teacher.key_env")


def about_run(folder: Path) -> About:
    """What its files say of a run."""
    run, place = RunReader(folder), folder.absolute()
    project, name, group = PROJECT, place.name, ""
    if is_in_study(folder):
        group = place.parent.name
        project, name = place.parents[2].name, f"{group}/{place.name}"
    settings: dict[str, bool | int | float | str] = {}
    for key, value in run.settings.items():
        if not key.startswith(_UNTOLD):
            settings[key] = value if isinstance(value, bool | int | float | str) else str(value)
    return About(folder, run.mark["id"], project, name, group, settings)
