"""The runs of a study read one commit of a data set on the hub, whatever the hub has when each of them begins.

studies/NAME/source.json    {"path": "hf://owner/name", "revision": null, "commit": "d5f0…"}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tutelage.runs.files import read_record, write_json
from tutelage.runs.source import Source, source_of
from tutelage.student.sampler import Say
from tutelage.studies.study_file import Study
from tutelage.tasks.catalog import open_task
from tutelage.tasks.data.hub import is_hub

KEPT = "source.json"


def at_one_commit(study: Study, out: Path, say: Say) -> Study:
    """The study with `task.revision` at the commit that it began with: the newest is looked up once, for all runs.

    Raises ConfigError, DataError and RunError.
    """
    task = study.base.task
    if study.own.task is not None or (task.path is not None and not is_hub(task.path)):
        return study
    asked = Source(task.path, task.revision, "")
    source = next((each for each in _kept(out) if replace(each, commit="") == asked), None)
    if source is None:
        if (commit := open_task(task, say).commit) is None:
            return study
        source = replace(asked, commit=commit)
    write_json(out / KEPT, source)
    pinned = task.model_copy(update={"revision": source.commit})
    return replace(study, base=study.base.model_copy(update={"task": pinned}))


def _kept(out: Path) -> Iterator[Source]:
    """What the study has read; of one that an earlier version began, what its runs have."""
    if (out / KEPT).is_file():
        yield read_record(out / KEPT, Source)
    for folder in sorted(out.glob("runs/*/*")):
        if source := source_of(folder):
            yield source
