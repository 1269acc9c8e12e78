"""Which models stay on disk, and that one which went is trained again where it is needed."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tests.rounds.test_runs import timeless
from tutelage.api import run
from tutelage.config import RunConfig
from tutelage.report.progress import Show
from tutelage.run_records import RunResult
from tutelage.runs.models import drop_model, forget_students, size_of
from tutelage.studies.arms import changed

pytestmark = pytest.mark.slow


def kept_by(config: RunConfig, keep: str, **rounds: object) -> RunConfig:
    return changed(config, rounds={**config.rounds.model_dump(), "keep": keep, **rounds})


def models(root: Path) -> set[int]:
    return {int(folder.parent.name.removeprefix("round-")) for folder in root.glob("round-*/model")}


def figures(result: RunResult) -> object:
    return timeless(dataclasses.asdict(result))


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory) -> Path:
    """A run of two rounds after round 0 that has kept all its models. Only to be read."""
    config = kept_by(two_rounds(tiny), "all")
    return made_once(tmp_path_factory, "all-models", lambda folder: run(config, folder / "run")) / "run"


def test_models_of_earlier_rounds_go_and_the_figures_stay(config, whole, tmp_path):
    everything = run(kept_by(config, "all"), whole)
    assert models(whole) == {0, 1, 2}
    said, show = list[str](), Show(quiet=True)
    show.say = said.append
    fewer = run(kept_by(config, "best"), tmp_path / "best", show)
    assert figures(fewer) == figures(everything)
    assert models(tmp_path / "best") == {fewer.best_round, 2}
    assert sum("its model is removed" in line for line in said) == 3 - len({fewer.best_round, 2})
    none = run(kept_by(config, "none"), tmp_path / "none")
    assert figures(none) == figures(everything)
    assert models(tmp_path / "none") == set()
    assert (tmp_path / "none/student/model.safetensors").is_file()
    assert size_of(tmp_path / "none") < size_of(tmp_path / "best") < size_of(whole)


@pytest.mark.parametrize("damaged", ["round-01/exam.jsonl", "round-02/evaluation.jsonl", "student/model.safetensors"])
def test_a_model_that_is_needed_again_is_trained_again(config, whole, tmp_path, damaged):
    root = shutil.copytree(whole, tmp_path / "run")
    before = run(kept_by(config, "all"), root)
    for number in range(3):
        assert drop_model(root / f"round-{number:02d}") > 0
    with (root / damaged).open("r+b") as file:
        file.truncate(10)
    said, show = list[str](), Show(quiet=True)
    show.say = said.append
    after = run(kept_by(config, "all"), root, show)
    assert figures(after) == figures(before)
    assert any("was removed and is needed: it is trained again" in line for line in said)


def test_a_finished_run_without_models_goes_on(config, whole, tmp_path):
    root = shutil.copytree(whole, tmp_path / "run")
    more = kept_by(config, "all", max=3)
    expected = run(more, shutil.copytree(whole, tmp_path / "other"))
    forget_students(root)
    assert not list(root.rglob("*.safetensors"))
    assert figures(run(more, root)) == figures(expected)
    assert len(expected.rounds) == 4


def test_a_run_that_only_reads_needs_no_model(config, whole, tmp_path):
    root = shutil.copytree(whole, tmp_path / "run")
    for number in range(3):
        drop_model(root / f"round-{number:02d}")
    (root / "result.json").unlink()
    run(kept_by(config, "all"), root)
    assert models(root) == set()
