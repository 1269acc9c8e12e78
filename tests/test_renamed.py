"""Old names and retired settings: refused in a user's file with the remedy, read in what version 0.1 wrote itself."""

import json
import re
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.command import tutelage
from tests.student.tiny import tiny_folder
from tutelage import run
from tutelage.config.file import dump_config, load_config, parse_config, read_written
from tutelage.errors import ConfigError, RunError
from tutelage.renamed import RETIRED, SETTINGS, as_first_named, modern, modern_source, new_name
from tutelage.report.progress import Show
from tutelage.runs.finished import read_config, read_result
from tutelage.runs.resume_rules import FREE, differences
from tutelage.studies.figures import read_figures
from tutelage.studies.study_file import StudyFile, load_study

DATA = Path(__file__).parent / "data"
TASK = {"task": {"name": "leg_counting"}}
OF_A_RUN = [key for key in SETTINGS if "." in key]


@pytest.fixture
def old_run(tmp_path, monkeypatch):
    """A run of version 0.1 with all that it was given, in the present directory."""
    with tarfile.open(DATA / "run-0.1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    tiny_folder(tmp_path / "tiny", width=8)
    monkeypatch.chdir(tmp_path)
    return Path("run")


@pytest.mark.parametrize("key", OF_A_RUN)
def test_an_old_name_is_refused_with_the_new_one(key):
    section, _, name = key.partition(".")
    said = f"{key} is now called {new_name(key)}; write that"
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        parse_config(TASK | {section: {name: 1}})
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        parse_config(TASK, [f"{key}=1"])


def test_in_a_study_too(tmp_path):
    study = {"base": TASK, "arms": {"full": None}, "shelf_gb": 3}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(ConfigError, match="shelf_gb is now called cache_gb"):
        load_study(tmp_path / "study.yaml")
    study = {"base": TASK, "arms": {"own": {"training": {"start": "untrained"}}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(ConfigError, match=r"training\.start is now called training\.init_from"):
        load_study(tmp_path / "study.yaml")
    assert "cache_gb" in StudyFile.model_fields


@pytest.mark.parametrize("key", OF_A_RUN)
def test_every_new_name_is_a_setting(key):
    config = parse_config(TASK)
    section, _, name = str(new_name(key)).partition(".")
    assert hasattr(getattr(config, section), name)


def test_names_go_and_come_back():
    old = {"training": {"start": "untrained", "epochs": 2}, "teacher": {"rows": 1}, "seed": 3, "rows": 4}
    new = {"training": {"init_from": "untrained", "epochs": 2}, "teacher": {"rows": 1}, "seed": 3, "rows": 4}
    assert modern(old) == new
    retired = {"clipping": "together", "prompt_gradient": "keep"}
    assert as_first_named("training", new["training"]) == old["training"] | retired
    assert modern(None) is None


@pytest.mark.parametrize("key", RETIRED)
@pytest.mark.parametrize("value", ["apart", "stop", None])
def test_a_retired_setting_is_refused_with_what_it_brought(tmp_path, key, value):
    section, _, name = key.partition(".")
    said = rf"{key} is retired: .* changed no answer .*\((docs/results/\S+)\); remove the line$"
    with pytest.raises(ConfigError, match=said) as told:
        parse_config(TASK | {section: {name: value}})
    assert "\n" not in str(told.value)
    assert (DATA.parents[1] / re.search(said, str(told.value))[1]).exists()
    with pytest.raises(ConfigError, match=said):
        parse_config(TASK, [f"{key}={value}"])
    study = {"base": TASK, "arms": {"own": {section: {name: value}}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(ConfigError, match=said):
        load_study(tmp_path / "study.yaml")


def test_a_retired_setting_with_the_value_that_holds_is_read_over():
    old = {"training": {"clipping": "together", "prompt_gradient": "keep", "epochs": 2}}
    assert parse_config(TASK | old) == parse_config(TASK, ["training.epochs=2"])
    assert parse_config(TASK, ["training.clipping=together"]) == parse_config(TASK)


def test_what_version_0_2_wrote_goes_on_by_its_own_file(tmp_path):
    config = parse_config(TASK, ["training.epochs=2"])
    written = yaml.safe_load(dump_config(config))
    written["training"] |= {"clipping": "together", "prompt_gradient": "keep"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(written))
    assert load_config(tmp_path / "config.yaml") == read_config(tmp_path) == config


def test_a_run_that_had_another_value_is_read_and_cannot_go_on(old_run):
    config, path = read_written(old_run / "config.yaml"), old_run / "config.yaml"
    path.write_text(path.read_text().replace("clipping: together", "clipping: apart"))
    assert read_written(path) == config
    assert tutelage("show", old_run).exit_code == 0
    with pytest.raises(RunError, match=r"began with training\.clipping: apart, which is retired, .* another directory"):
        run(config, old_run)


def test_a_run_that_recorded_what_no_result_depended_on_goes_on(old_run):
    assert "gradients_every: 1" in (old_run / "config.yaml").read_text()
    assert run(read_config(old_run), old_run).test == read_result(old_run).test


@pytest.mark.parametrize("name", ["mistake_in_view", "show_mistake"])
@pytest.mark.parametrize(("old", "new"), [(True, "mistake"), (False, "question")])
def test_what_the_teacher_saw_is_a_way_of_asking(name, old, new):
    assert modern({"teacher": {name: old}}) == {"teacher": {"ask": new, "hint": "first"}}
    with pytest.raises(ConfigError, match="write that, with mistake for true, question for false"):
        parse_config(TASK | {"teacher": {name: old}})
    assert modern_source(f"the base; teacher.{name}: {old}") == f"the base; teacher.ask: {new}"
    assert modern({"teacher": {"ask": "auto"}}) == {"teacher": {"ask": "auto"}}


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ({}, []),
        ({"ask": "mistake", "hint": "never"}, []),
        ({"ask": "question"}, ["teacher.ask: 'mistake' is now 'question'"]),
    ],
)
def test_offline_only_what_has_a_say_is_another_setting(settings, other):
    before, after = parse_config(TASK), parse_config(TASK | {"teacher": settings})
    assert differences(before, after, FREE) == other
    online = {"kind": "openai", "model": "m"}
    before, after = (parse_config(TASK | {"teacher": online | each}) for each in ({}, settings))
    assert len(differences(before, after, FREE)) == len(settings)


def test_a_run_of_version_0_1_is_read(old_run):
    config = read_written(old_run / "config.yaml")
    teacher, training = config.teacher, config.training
    assert (teacher.seed_problems, teacher.rationales_per_problem, teacher.replies_per_round) == (4, 2, 3)
    assert (training.max_rows, training.lr_rewarm, training.rejection_sampling) == (4, 0.5, "positives")
    assert tutelage("show", old_run).exit_code == 0
    assert run(config, old_run) == read_result(old_run)


def test_and_continued_under_the_new_names_without_doing_anything_again(old_run):
    before = {path: path.read_bytes() for path in old_run.rglob("stages.json")}
    steps = (old_run / "round-01" / "steps.jsonl").stat().st_mtime_ns
    expected = json.loads((old_run / "result.json").read_text())
    (old_run / "result.json").unlink()
    said: list[str] = []
    show = Show(quiet=True)
    show.say = said.append
    config = read_written(old_run / "config.yaml")
    assert run(config, old_run, show).test.after.accuracy == expected["test"]["after"]["accuracy"]
    assert not [text for text in said if "again" in text]
    assert (old_run / "round-01" / "steps.jsonl").stat().st_mtime_ns == steps
    for path, content in before.items():
        kept, now = json.loads(content), json.loads(path.read_text())
        assert {name: entry["key"] for name, entry in now.items() if name not in ("result", "student")} == {
            name: entry["key"] for name, entry in kept.items() if name not in ("result", "student")
        }


def test_a_study_of_version_0_1_is_read():
    figures = read_figures(DATA / "study-0.1.json")
    last = figures.arms["preference"].runs[0].rounds[-1]
    assert last.chosen_gain is not None
    assert last.positive_similarity is None
    last = figures.arms["full"].runs[0].rounds[-1]
    assert 0.9 < (last.negative_similarity or 0) < 1
    assert 0.9 < (last.positive_similarity or 0) < 1
    assert last.chosen_gain is None
    assert "training.init_from: untrained" in figures.arms["afresh"].source
