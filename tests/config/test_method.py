"""`method: paper` is one preset, and what a file sets itself comes first."""

import pytest

from tutelage.config import ExamConfig, RunConfig, TaskConfig, TrainingConfig
from tutelage.config.file import dump_config, flat, parse_config, read_config
from tutelage.config.method import PAPER
from tutelage.errors import ConfigError

TASK = {"name": "leg_counting"}


def paper(**sections) -> RunConfig:
    return parse_config({"method": "paper", "task": TASK, **sections})


def test_the_paper_s_way_is_one_word():
    config = paper()
    assert (config.training.reflection, config.training.reflection_weight, config.training.margin) == (
        "triplet",
        0.5,
        1,
    )
    assert (config.teacher.ask, config.teacher.hint, config.teacher.priority) == ("mistake", "first", "uniform")
    assert (config.training.data, config.training.lr_rewarm, config.rounds.max) == ("round", 1.0, 3)


def test_every_setting_of_it_is_one_that_there_is():
    settings = flat(parse_config({"task": TASK}).model_dump())
    assert flat({name: dict(section) for name, section in PAPER.items()}).keys() <= settings.keys()
    kept = flat(paper().model_dump())
    assert all(kept[key] == value for key, value in flat({n: dict(s) for n, s in PAPER.items()}).items())


def test_what_the_file_sets_comes_first_and_so_does_the_command():
    config = parse_config(
        {"method": "paper", "task": TASK, "training": {"margin": 2.0, "epochs": 5}, "rounds": {"max": 5}},
        ["training.reflection_weight=0.2"],
    )
    assert (config.training.margin, config.training.epochs, config.training.reflection_weight) == (2.0, 5, 0.2)
    assert (config.rounds.max, config.rounds.patience, config.teacher.hint) == (5, 1, "first")
    assert parse_config({"task": TASK}, ["method=paper"]) == paper()


def test_sections_may_be_objects_of_which_what_was_set_comes_first():
    config = RunConfig(
        task=TaskConfig(name="leg_counting"), method="paper", training=TrainingConfig(epochs=5), exam=ExamConfig()
    )
    assert config == paper(training={"epochs": 5})


def test_without_it_nothing_changes_and_the_written_file_says_the_same_again():
    assert parse_config({"task": TASK, "method": "tutelage"}) == parse_config({"task": TASK})
    for config in (paper(), paper(rounds={"max": 1})):
        assert read_config(dump_config(config), origin="config.yaml") == config


@pytest.mark.parametrize("value", ["papers", None, 3, ["paper"]])
def test_another_method_is_refused(value):
    with pytest.raises(ConfigError, match="method: input should be 'tutelage' or 'paper'"):
        parse_config({"task": TASK, "method": value})


def test_a_section_that_is_none_is_refused_as_ever():
    with pytest.raises(ConfigError, match="training"):
        paper(training=3)
