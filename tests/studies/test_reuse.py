"""Runs that are known from a study.json, from figures written by hand and from a whole study."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.report import figures
from tutelage import api
from tutelage.config.file import dump_config, read_config
from tutelage.errors import ConfigError, RunError
from tutelage.runs.files import read_record, write_json
from tutelage.studies.arms import Spent
from tutelage.studies.figures import read_figures
from tutelage.studies.reuse import with_known
from tutelage.studies.running import configured, problems
from tutelage.studies.study_file import Study, load_study
from tutelage.study_records import ArmFigures, StudyFigures

ARMS = ["full", "mine", "one-round-same-budget"]
STUDIES = Path(__file__).parents[2] / "docs" / "studies"


def load(folder: Path, seeds: list[int], arms: dict, **base: object) -> Study:
    task = {"name": "leg_counting", "train": 4, "validation": 2, "test": figures.study(ARMS, 1).test_problems}
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({"base": {"task": task, **base}, "seeds": seeds, "arms": arms}))
    return load_study(path)


@pytest.fixture
def published(tmp_path) -> Path:
    """A study.json with two seeds of an arm of its own and two named ones."""
    study = load(tmp_path, [0, 1], {"full": None, "mine": {"training": {"epochs": 2}}, "one-round-same-budget": None})
    written, arms = figures.study(ARMS, 2), dict[str, ArmFigures]()
    for name, arm in written.arms.items():
        runs = tuple(dataclasses.replace(run, replies=run.rounds[-1].replies + 1) for run in arm.runs)
        arms[name] = dataclasses.replace(arm, source=study.arms[name].source, runs=runs)
    data, _ = problems(study)(study.base)
    written = dataclasses.replace(written, arms=arms, base=dump_config(study.base), data=data)
    write_json(tmp_path / "study.json", written)
    return tmp_path / "study.json"


def test_the_same_arms_and_seeds_are_known(published, tmp_path):
    arms = {"full": {"seeds": [1]}, "mine": {"training": {"epochs": 3}}, "one-round-same-budget": {"seeds": [1]}}
    known = with_known(load(tmp_path, [1, 2], arms), published).known
    assert known.keys() == {("full", 1), ("one-round-same-budget", 1)}  # another arm goes by the name of `mine`
    alone = {"full": {"training": {"epochs": 9}}, "one-round-same-budget": None}
    assert with_known(load(tmp_path, [0, 1], alone), published).known == {}  # what it is matched to is another
    (expected,) = [run for run in read_record(published, StudyFigures).arms["full"].runs if run.seed == 1]
    assert known["full", 1] == dataclasses.replace(
        expected, machine="2 cores, 8 GB", versions="Python 3.11, torch 2.13"
    )


def test_another_base_is_refused(published, tmp_path):
    study = load(tmp_path, [0], {"full": None}, training={"epochs": 9})
    with pytest.raises(ConfigError, match=r"is of another base \(training\.epochs: 3 is now 9\); .* leave --known out"):
        with_known(study, published)
    assert with_known(load(tmp_path, [0], {"full": None}, exam={"batch_size": 9}), published).known  # speed alone


@pytest.mark.parametrize("other", [{"test_problems": 3}, {"data": "0123"}])
def test_other_problems_are_refused(published, tmp_path, other):
    data = json.loads(published.read_text())
    published.write_text(json.dumps({**data, **other}))
    with pytest.raises(ConfigError, match="is of other problems than this study"):
        with_known(load(tmp_path, [0], {"full": None}), published)


def test_other_parts_of_the_users_own_are_refused(published, tmp_path):
    data = json.loads(published.read_text())
    published.write_text(json.dumps({**data, "parts": {"teacher": "mine 1"}}))
    with pytest.raises(
        ConfigError, match=r"is of other parts of your own \(teacher 'mine 1'\) than this study \(none\)"
    ):
        with_known(load(tmp_path, [0], {"full": None}), published)


@pytest.mark.parametrize("broken", [{"right": "101"}, {"right": "x" * 60}, {"rounds": []}, {"replies": 0}])
def test_runs_that_lack_something_are_refused(published, tmp_path, broken):
    """Those of an older version had no `replies`."""
    data = json.loads(published.read_text())
    data["arms"]["full"]["runs"][1] |= broken
    published.write_text(json.dumps(data))
    with pytest.raises(RunError, match="says of full, seed 1, is broken or too old"):
        with_known(load(tmp_path, [0], {"full": None}), published)


def test_the_command_of_a_study_names_what_it_knows(published, tmp_path):
    load(tmp_path, [1], {"full": None})
    assert api.study(tmp_path / "trial.yaml", tmp_path / "out", known=published) == []
    assert read_record(tmp_path / "out" / "study.json", StudyFigures).command.endswith(f" --known {published}")


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    file = tmp_path / "study.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RunError, match=str(file)):
        with_known(load(tmp_path, [0], {"full": None}), file)


@pytest.mark.slow
def test_known_runs_are_not_run_again_and_others_are_matched_to_them(tiny, tmp_path):
    base = {
        "task": {"name": "leg_counting", "train": 4, "validation": 2, "test": 3},
        "student": {"model": tiny, "device": "cpu", "dtype": "float32"},
        "exam": {"samples": 1, "max_new_tokens": 6},
        "evaluation": {"max_new_tokens": 6},
        "training": {"epochs": 1, "batch_size": 3},
        "rounds": {"max": 1},
    }
    path = tmp_path / "trial.yaml"

    def run(out: str, *arms: str, known: Path | None = None) -> StudyFigures:
        path.write_text(yaml.safe_dump({"base": base, "seeds": [0], "arms": dict.fromkeys(arms)}, sort_keys=False))
        assert api.study(path, tmp_path / out, known=known) == []
        return read_record(tmp_path / out / "study.json", StudyFigures)

    some = run("some", "untrained", "full")
    shutil.copytree(tmp_path / "some", tmp_path / "whole")
    whole = run("whole", "untrained", "full", "one-round-same-budget")
    rest = run("rest", "untrained", "full", "one-round-same-budget", known=tmp_path / "some" / "study.json")
    assert {folder.name for folder in (tmp_path / "rest" / "runs").iterdir()} == {"one-round-same-budget"}
    for name, arm in some.arms.items():
        (run_before,) = arm.runs
        same = dataclasses.replace(run_before, machine=some.machine, versions=some.versions)  # of both arms, here
        assert rest.arms[name] == dataclasses.replace(arm, runs=(same,))
    assert [run.right for run in rest.arms["one-round-same-budget"].runs] == [
        run.right for run in whole.arms["one-round-same-budget"].runs
    ]
    (full,) = rest.arms["full"].runs
    matched = load_study(path).arms["one-round-same-budget"]
    config = configured(load_study(path), matched, 0, tmp_path, {"full": Spent.of_figures(full)})
    assert config.training.max_rows == whole.arms["full"].rows
    assert rest.arms["one-round-same-budget"].teacher_replies == full.replies


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*/study.json")), ids=lambda path: path.parent.name)
def test_our_own_studies_can_be_gone_on_with(path):
    """Though settings have been renamed and retired since."""
    assert read_config(read_figures(path).base, origin=str(path)).rounds.max >= 1
