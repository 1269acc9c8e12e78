"""The runs of a study read one commit of a data set on the hub, also of those that are added later."""

import json
import re

import pytest

from tests.hub import Hub, use
from tests.studies.small import ROUND_0
from tests.tasks.data.written import as_jsonl
from tutelage import api
from tutelage.config.file import read_written
from tutelage.runs.source import source_of
from tutelage.studies.one_commit import KEPT


def rows(start: int) -> bytes:
    return as_jsonl([{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(start, start + 20)])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with Hub() as found:
        use(found, monkeypatch, tmp_path)
        yield found


@pytest.fixture
def study(write):
    """Writes the file of a study of one arm on the hub's data."""

    def written(*seeds: int, **task):
        where = {"name": "custom", "path": "hf://ann/sums", "train": 4, "test": 3, "options": {}, **task}
        base = {"task": where, "teacher": {"kind": "answers"}, **ROUND_0}
        return write(base, seeds=list(seeds), arms={"full": None})

    return written


def test_seeds_that_are_added_later_read_the_commit_that_the_study_began_with(hub, study, tmp_path):
    first = hub.push("ann/sums", {"train.jsonl": rows(0)})
    out = tmp_path / "out"
    assert api.study(study(0), out) == []
    hub.push("ann/sums", {"train.jsonl": rows(100)})
    assert api.study(study(0, 1), out) == []
    for seed in (0, 1):
        folder = out / "runs" / "full" / f"seed-{seed}"
        assert source_of(folder).commit == first
        read = {int(number) for number in re.findall(r"What is (\d+)", (folder / "problems.jsonl").read_text())}
        assert read
        assert max(read) < 100
    figures = json.loads((out / "study.json").read_text())
    assert len(figures["arms"]["full"]["runs"]) == 2
    assert first in figures["base"]


def test_another_revision_that_is_asked_for_is_read(hub, study, tmp_path):
    first = hub.push("ann/sums", {"train.jsonl": rows(0)})
    hub.push("ann/sums", {"train.jsonl": rows(100)})
    assert api.study(study(0), tmp_path / "out") == []
    faults = api.study(study(0, 1, revision=first), tmp_path / "out")
    assert len(faults) == 1
    assert "the problems of" in faults[0]  # what seed 0 has read is no more what the file asks for
    assert json.loads((tmp_path / "out" / KEPT).read_text())["commit"] == first


def test_a_study_of_an_earlier_version_goes_on_with_what_its_runs_have_read(hub, study, tmp_path):
    first, run = hub.push("ann/sums", {"train.jsonl": rows(0)}), tmp_path / "out" / "runs" / "full" / "seed-0"
    assert api.study(study(0), tmp_path / "out") == []
    (tmp_path / "out" / KEPT).unlink()
    config = read_written(run / "config.yaml")
    asked = config.model_copy(update={"task": config.task.model_copy(update={"revision": None})})
    (run / "result.json").unlink()
    api.run(asked, run)  # as the runs of such a study were begun: each asks for the newest
    hub.push("ann/sums", {"train.jsonl": rows(100)})
    assert api.study(study(0, 1), tmp_path / "out") == []
    assert source_of(tmp_path / "out" / "runs" / "full" / "seed-1").commit == first
