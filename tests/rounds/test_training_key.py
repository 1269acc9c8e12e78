"""Which settings a training depends on, and so what runs of different settings have in common."""

import json
from pathlib import Path

import pytest

from tutelage.api import run
from tutelage.config import GuardConfig, RunConfig, TrainingConfig
from tutelage.records import Problem, TrainingExample
from tutelage.rounds.training_key import in_round, what_matters
from tutelage.studies.arms import ARMS, changed

COW = Problem.of("How many legs has a cow?", "4")
ALONE = [TrainingExample(COW, "4 legs", ("four",))]
PAIRS = [*ALONE, TrainingExample(COW, "four", ("4 legs",), ("five",))]
FULL, PREFERENCE = TrainingConfig(), TrainingConfig(reflection="preference", guard=GuardConfig(checks=4))


def differ(settings: TrainingConfig, examples: list[TrainingExample], **update: object) -> bool:
    other = TrainingConfig.model_validate({**settings.model_dump(), **update})
    assert other != settings
    return what_matters(settings, examples) != what_matters(other, examples)


@pytest.mark.parametrize("settings", [FULL, PREFERENCE])
@pytest.mark.parametrize("examples", [ALONE, PAIRS])
@pytest.mark.parametrize(
    "update",
    [
        {"data": "round"},
        {"init_from": "untrained"},
        {"rejection_sampling": "train"},
        {"max_positives": 3},
        {"max_negatives": 1},
        {"lr_rewarm": 0.5},
    ],
)
def test_what_has_chosen_student_and_examples_is_no_part_of_a_training(settings, examples, update):
    assert not differ(settings, examples, **update)


@pytest.mark.parametrize("settings", [FULL, PREFERENCE])
@pytest.mark.parametrize("examples", [ALONE, PAIRS])
@pytest.mark.parametrize(
    "update",
    [
        {"learning_rate": 3e-4},
        {"epochs": 2},
        {"max_rows": 50},
        {"batch_size": 4},
        {"prompt_weight": 0.5},
        {"max_tokens": 64},
        {"weight_decay": 0.1},
        {"warmup_share": 0.2},
        {"max_grad_norm": 0.5},
    ],
)
def test_how_it_is_trained_always_matters(settings, examples, update):
    assert differ(settings, examples, **update)


@pytest.mark.parametrize(
    ("settings", "update"),
    [
        (FULL, {"reflection": "none"}),
        (FULL, {"reflection": "preference"}),
        (FULL, {"reflection_weight": 0.25}),
        (FULL, {"reflection_weight": 0.0}),
        (FULL, {"margin": 0.5}),
        (FULL, {"guard": {"checks": 4}}),
        (PREFERENCE, {"beta": 0.3}),
        (PREFERENCE, {"guard": {"checks": 2}}),
    ],
)
def test_self_reflection_matters_where_there_is_a_pair(settings, update):
    assert differ(settings, PAIRS, **update)
    assert not differ(settings, ALONE, **update)


def test_a_round_that_goes_on_warms_up_to_less():
    settings = TrainingConfig(learning_rate=1e-4, lr_rewarm=0.5)
    assert [in_round(settings, round).learning_rate for round in (0, 1, 2)] == [1e-4, 5e-5, 5e-5]
    anew = TrainingConfig(learning_rate=1e-4, lr_rewarm=0.5, init_from="untrained")
    assert in_round(anew, 2).learning_rate == 1e-4
    assert differ(in_round(settings, 1), PAIRS, learning_rate=1e-4)


def test_beta_is_of_preference_alone():
    assert not differ(FULL, PAIRS, beta=0.3)


def test_epochs_have_no_say_where_rows_are_counted():
    counted = TrainingConfig(max_rows=50)
    assert not differ(counted, PAIRS, epochs=2)
    assert differ(counted, PAIRS, max_rows=51)


def test_no_weight_is_no_self_reflection():
    none, no_weight = TrainingConfig(reflection="none"), TrainingConfig(reflection_weight=0.0)
    assert what_matters(none, PAIRS) == what_matters(no_weight, PAIRS)
    assert not differ(none, PAIRS, margin=0.5, reflection_weight=0.1)


def test_what_matters_is_decided_once():
    for settings in (FULL, PREFERENCE, TrainingConfig(max_rows=50, data="round")):
        for examples in (ALONE, PAIRS):
            once = what_matters(settings, examples)
            assert what_matters(once, examples) == once


@pytest.mark.slow
def test_arms_that_differ_in_self_reflection_have_round_0_in_common(config, tmp_path):
    """By the key under which the training of a real run stands on disk."""

    def key(name: str, settings: RunConfig) -> str:
        run(settings, tmp_path / name)
        stages: Path = tmp_path / name / "round-00" / "stages.json"
        return json.loads(stages.read_text())["training"]["key"]

    base = changed(config, task={"train": 3}, training={"epochs": 1}, rounds={"max": 0})
    full = key("full", ARMS["full"].change(base))
    assert key("preference", ARMS["preference"].change(base)) == full
    assert key("in-pieces", changed(base, training={"micro_batch_tokens": 500})) == full
    assert key("faster", changed(base, training={"learning_rate": 3e-3})) != full
