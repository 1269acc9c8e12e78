import shutil
from collections import namedtuple

import pytest

from tutelage.config.file import parse_config
from tutelage.errors import RunError
from tutelage.student.resources import disk


def config(keep, most, weights="full", **training):
    rounds = {"max": most, "keep": keep}
    student = {"weights": weights}
    return parse_config({"task": {"name": "leg_counting"}, "student": student, "training": training, "rounds": rounds})


@pytest.mark.parametrize(
    ("keep", "most", "weights", "models"),
    [
        ("all", 0, "full", 0 + 2 * 3),  # while round 0 is trained: a checkpoint, and the next one as it is written
        ("best", 0, "full", 0 + 2 * 3),
        ("all", 3, "full", 3 + 2 * 3),
        ("best", 1, "full", 1 + 2 * 3),
        ("best", 9, "full", 2 + 2 * 3),
        ("none", 9, "full", 2 + 2 * 3),
        ("all", 9, "full", 9 + 2 * 3),
        ("all", 3, "lora", 4 + 1),  # at the end: all models, and the student
        ("best", 3, "lora", 2 + 1),
    ],
)
def test_models_on_disk_at_the_most(keep, most, weights, models):
    assert disk.disk_needed(config(keep, most, weights), 10) == 10 * models


@pytest.mark.parametrize(
    ("weights", "sizes", "needed"),
    [
        ("full", disk.Sizes(40, 20, 20), 2 * 20 + 2 * 3 * 40),  # saved in bfloat16, its checkpoints in float32
        ("lora", disk.Sizes(40, 40, 3), 2 * 3 + 40),  # two rounds' adapters, and the student at the end
        ("lora", disk.Sizes(40, 20, 3, 20), 2 * 3 + 20 + 20),  # one more, merged for vLLM or a server
    ],
)
def test_what_is_saved_is_counted_as_it_is_saved(weights, sizes, needed):
    assert disk.disk_needed(config("best", 9, weights), sizes) == needed


@pytest.mark.parametrize(
    ("training", "most"),
    [
        ({"epochs": 1}, 1 + 1),  # no checkpoint: two models are left, or one and what is written
        ({"epochs": 2}, 3 + 1),
        ({"epochs": 3}, 2 * 3),
        ({"epochs": 9}, 2 * 3),
        ({"epochs": 1, "max_rows": 500}, 2 * 3),  # in as many epochs as that takes
    ],
)
def test_checkpoints_are_those_of_all_epochs_but_the_last(training, most):
    assert disk.disk_needed(config("best", 0, **training), 10) == 10 * most


@pytest.mark.parametrize(("weights", "more"), [("full", 3), ("lora", 0)])
def test_a_guard_keeps_the_weights_of_two_checks_and_writes_a_third_s(weights, more):
    guarded = disk.disk_needed(config("best", 1, weights, guard={"checks": 4}), 10)
    assert guarded == disk.disk_needed(config("best", 1, weights), 10) + more * 10


def test_a_disk_without_room_is_refused_and_what_is_there_counts_as_room(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(100, 0, 90 * 10**9))
    disk.check_disk(tmp_path / "new" / "run", config("best", 9), 11 * 10**9)
    with pytest.raises(RunError, match=r"needs about 96.0 GB of disk for models, and there are 90.0 GB; free some, or"):
        disk.check_disk(tmp_path / "run", config("best", 9), 12 * 10**9)
    with pytest.raises(RunError, match=r"keep fewer models \(rounds.keep: best\)"):
        disk.check_disk(tmp_path / "run", config("all", 9), 12 * 10**9)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").write_bytes(b"x" * 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(100, 0, 70))
    disk.check_disk(tmp_path / "run", config("best", 9), 10)
