"""Curves, costs and the guard of a run's training."""

import json
import shutil
from statistics import fmean

import pytest

from tests.runs.test_changed_files import finished
from tutelage.run_records import StepRecord
from tutelage.runs.files import append_rows, write_rows
from tutelage.runs.reader import open_run
from tutelage.view.training import MOST_POINTS, training

__all__ = ["finished"]


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "run")


def test_the_losses_of_every_round_and_the_cost_of_every_stage(finished):
    found = training(open_run(finished[0]))
    assert [(each.round, each.steps, each.every, each.finished) for each in found.rounds] == [
        (number, 2, 1, True) for number in range(3)
    ]
    assert [curve.points for curve in found.rounds[1].losses] == [((1, 0.5), (2, 0.5)), ((1, 0.25), (2, 0.25))]
    assert found.rounds[1].compared == found.rounds[1].gradients == ()
    assert found.rounds[1].examples
    assert found.guard is None
    names = {(cost.round, cost.stage) for cost in found.costs}
    assert names >= {(0, "annotation"), (1, "exam"), (1, "training"), (2, "evaluation"), (None, "test-after")}


def test_many_steps_are_shown_by_the_means_of_groups(copied):
    path = copied / "round-01" / "steps.jsonl"
    count = 2 * MOST_POINTS + 1
    steps = [
        StepRecord(n, float(n), 0.5, n % 2, 0.9 if n % 2 else None, 0.1 if n % 2 else None) for n in range(1, count + 1)
    ]
    write_rows(path, steps)
    found = training(open_run(copied)).rounds[1]
    assert (found.steps, found.every) == (count, 3)
    loss = found.losses[0].points
    assert len(loss) <= MOST_POINTS
    assert loss[0] == (2.0, 2.0)
    assert fmean(value for _, value in loss) == pytest.approx(fmean(range(1, count + 1)), rel=0.01)
    assert [curve.label for curve in found.compared] == [
        "similarity to the right rationale",
        "similarity to the mistake",
    ]
    append_rows(path, [StepRecord(count + 1, 0.0, 0.0, 0)])
    assert training(open_run(copied)).rounds[1].steps == count + 1


def test_rows_of_earlier_versions_broken_ones_and_a_training_under_way(copied):
    path = copied / "round-01" / "steps.jsonl"
    old = {"step": 1, "lm_loss": 0.5, "reflection_loss": 0.2, "pairs": 3, "near": 0.9, "far": 0.3}
    path.write_text(
        json.dumps(old) + '\n{"step": 2}\n[]\n{"step": 2, "lm_loss": NaN, "reflection_loss": 1, "pairs": 1}\n{'
    )
    stages = copied / "round-01" / "stages.json"
    entries = json.loads(stages.read_text())
    entries["training"] = {"key": entries["training"]["key"], "done": False}
    stages.write_text(json.dumps(entries))
    found = training(open_run(copied)).rounds[1]
    assert [curve.points for curve in found.compared] == [((1, 0.9),), ((1, 0.3),)]
    assert found.losses[0].points == ((1, 0.5),)
    assert (found.steps, found.finished, found.examples) == (2, False, None)


def test_what_the_guard_watches_and_what_it_did(copied):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("    checks: 0", "    checks: 4"))
    stages = copied / "round-02" / "stages.json"
    entries = json.loads(stages.read_text())
    entries["training"]["training"]["collapse"] = "training collapsed by step 80"
    stages.write_text(json.dumps(entries))
    found = training(open_run(copied))
    assert found.guard is not None
    assert found.guard.startswith(
        "4 checks a round; it goes back when the log-likelihood of rationales falls by 0.1 nats"
    )
    assert [each.collapse for each in found.rounds] == [None, None, "training collapsed by step 80"]
