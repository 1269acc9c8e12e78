"""The collapse guard: what counts as a fall, what comes back after one, and that a stop makes it forget nothing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.student.definition import apart, slow_log_likelihood
from tests.student.doubles import EXACT
from tests.student.steps import changed, dataset_of
from tests.student.tiny import tiny_student
from tests.student.training.test_train import Stopped, flat, stop_at, teach, twin
from tutelage.config import GuardConfig, LoraConfig
from tutelage.runs.files import read_rows
from tutelage.student.training.collapse_guard import Check, fallen

GUARD = GuardConfig(checks=4, likelihood_drop=0.2, accuracy_drop=0.1, patience=1)
SOUND = changed(epochs=4, batch_size=2, learning_rate=1e-3, guard=GUARD)
ABSURD = changed(epochs=4, batch_size=2, learning_rate=5.0, warmup_share=0.0, guard=GUARD)
BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])


@pytest.mark.parametrize(
    ("likelihood", "accuracy", "said"),
    [
        (-0.5, 0.7, None),
        (-0.6, 0.6, None),  # both by just as much as they may
        (-0.61, 0.7, "the log-likelihood of its rationales fell from -0.400 to -0.610 nats a token"),
        (float("nan"), 0.7, "the log-likelihood of its rationales fell from -0.400 to nan nats a token"),
        (-0.3, 0.59, "accuracy on validation fell from 70.0% to 59.0%"),
        (-0.3, None, None),
    ],
)
def test_a_fall_is_one_below_the_best(likelihood, accuracy, said):
    passed = [Check(0, -0.9, 0.1), Check(1, -0.4, 0.5), Check(2, -0.5, 0.7)]
    assert fallen(Check(3, likelihood, accuracy), passed, GUARD) == said


@given(st.integers(0, 40), st.integers(1, 40))
def test_a_share_may_fall_by_exactly_what_is_allowed(right, problems):
    best, now = (right + 4) / 40, right / 40
    assert fallen(Check(2, -1.0, now), [Check(0, -1.0, best)], GUARD) is None
    assert fallen(Check(2, -1.0, now - 1 / 40), [Check(0, -1.0, best)], GUARD) is not None


def test_checks_are_at_even_distances_and_measure_what_they_say(exact, tmp_path):
    asked = []
    summary = teach(exact, tmp_path, SOUND, accuracy=lambda: asked.append(exact.model.training) or 0.5)
    checks = read_rows(tmp_path / "guard" / "checks.jsonl", Check)
    assert [check.step for check in checks] == [0, 2, 4, 6, 8]
    assert asked == [False] * 5  # without dropout
    assert {check.accuracy for check in checks} == {0.5}
    assert summary.collapse is None
    for check, state in ((checks[0], twin()), (checks[-1], exact)):
        rows = [(row.prompt, row.completion) for _, row in dataset_of(state).anchors]
        total = sum(slow_log_likelihood(state.model, *row).item() for row in rows)
        assert check.likelihood == pytest.approx(total / sum(len(rationale) for _, rationale in rows), rel=EXACT)


def test_a_guard_that_is_not_needed_changes_nothing(student, tmp_path):
    other = tiny_student()
    watched = teach(student, tmp_path / "a", SOUND, accuracy=lambda: 0.5)
    free = teach(other, tmp_path / "b", SOUND.model_copy(update={"guard": GuardConfig()}))
    assert watched == free
    assert torch.equal(flat(student.model.state_dict()), flat(other.model.state_dict()))
    assert not (tmp_path / "b" / "guard").exists()


def test_only_some_rationales_are_watched_the_same_ones_for_a_seed(student, tmp_path):
    few = SOUND.model_copy(update={"guard": GUARD.model_copy(update={"rationales": 2})})
    first = []
    for n, seed in enumerate((1, 1, 2)):
        teach(tiny_student(), tmp_path / str(n), few, seed=seed)
        first.append(read_rows(tmp_path / str(n) / "guard" / "checks.jsonl", Check)[0].likelihood)
    assert first[0] == first[1] != first[2]


@BOTH
def test_a_real_collapse_is_undone_and_said(student, tmp_path, dtype):
    told: list[str] = []
    before = flat(student.model.state_dict())
    summary = teach(student, tmp_path, ABSURD, dtype=dtype, say=told.append)
    assert summary.collapse is not None
    assert told == [summary.collapse]
    assert summary.collapse.startswith("training collapsed by step 2: the log-likelihood of its rationales fell from -")
    assert summary.collapse.endswith("went back to the student of step 0")
    assert "\n" not in summary.collapse
    assert torch.equal(flat(student.model.state_dict()), before)  # bit by bit, in bfloat16 too: its float32 weights
    assert summary.rows == 4  # two steps of two: there it ended
    assert 0 < summary.row_tokens < dataset_of(student, ABSURD).row_tokens


def accuracies(*values):
    given = iter(values)
    return lambda: next(given)


def test_it_goes_back_to_the_last_good_state_not_to_the_best(student, tmp_path):
    states, given = [], accuracies(0.5, 0.6, 0.55, 0.4)

    def accuracy():
        states.append(flat(student.model.state_dict()).clone())
        return given()

    summary = teach(student, tmp_path, SOUND, accuracy=accuracy)
    assert summary.collapse == (
        "training collapsed by step 6: accuracy on validation fell from 60.0% to 40.0%;"
        " went back to the student of step 4"
    )
    assert torch.equal(flat(student.model.state_dict()), states[2])
    assert not torch.equal(states[2], states[3])
    assert summary.rows == 12
    assert [check.step for check in read_rows(tmp_path / "guard" / "checks.jsonl", Check)] == [0, 2, 4]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=["float64", "bfloat16"])
def test_adapters_go_back_and_are_merged_as_they_were(tmp_path, dtype):
    student = twin() if dtype == torch.float64 else tiny_student()
    seen, given = [], accuracies(0.5, 0.5, 0.1)

    def accuracy():
        seen.append(student.model(torch.tensor([[70, 71, 72]])).logits.detach().double())
        return given()

    config = SOUND.model_copy(update={"learning_rate": 1e-2})
    summary = teach(student, tmp_path, config, dtype=dtype, lora=LoraConfig(rank=2), accuracy=accuracy)
    assert summary.collapse is not None
    assert summary.collapse.endswith("went back to the student of step 2")
    logits = student.model(torch.tensor([[70, 71, 72]])).logits.detach().double()
    near, *others = (apart(logits, seen[n]) for n in (1, 0, 2))
    assert near < (EXACT if dtype == torch.float64 else 0.01)
    assert min(others) > 5 * near


@pytest.mark.parametrize("stop", [3, 6])
def test_a_stopped_training_keeps_its_memory(tmp_path, stop):
    """The best accuracy is that of step 2; only who remembers it sees the fall at step 6."""
    shares = {0: 0.1, 2: 0.5, 4: 0.45, 6: 0.3}

    def run(folder, steps, advance=lambda _: None):
        student = tiny_student()
        asked = accuracies(*(shares[step] for step in steps))
        summary = teach(student, folder, SOUND, seed=3, accuracy=asked, advance=advance)
        return flat(student.model.state_dict()), summary

    whole, summary = run(tmp_path / "whole", [0, 2, 4, 6])
    assert summary.collapse is not None
    with pytest.raises(Stopped):
        run(tmp_path / "torn", [0, 2, 4, 6], stop_at(stop))
    (checkpoint,) = (tmp_path / "torn").glob("checkpoint-*")
    assert checkpoint.name == {3: "checkpoint-2", 6: "checkpoint-4"}[stop]
    resumed, again = run(tmp_path / "torn", {3: [4, 6], 6: [6]}[stop])
    assert (again.collapse, again.rows) == (summary.collapse, summary.rows)
    assert torch.equal(resumed, whole)


def test_a_check_beyond_the_checkpoint_is_forgotten_its_state_not_taken_for_good(tmp_path):
    """Stopped after the check of step 3, before the checkpoint of step 4: that of step 2 must still be there."""
    config = SOUND.model_copy(update={"guard": GUARD.model_copy(update={"checks": 8})})
    student, states = tiny_student(), []

    def accuracy():
        states.append(flat(student.model.state_dict()).clone())
        return 0.5

    with pytest.raises(Stopped):
        teach(student, tmp_path, config, accuracy=accuracy, advance=stop_at(3))
    kept = sorted(path.name for path in (tmp_path / "guard").glob("good-*"))
    assert kept == ["good-2.safetensors", "good-3.safetensors"]
    student = tiny_student()
    summary = teach(student, tmp_path, config, accuracy=accuracies(0.2))
    assert summary.collapse is not None
    assert "by step 3: accuracy on validation fell from 50.0% to 20.0%; went back to" in summary.collapse
    assert torch.equal(flat(student.model.state_dict()), states[2])


PATIENT = SOUND.model_copy(update={"guard": GUARD.model_copy(update={"patience": 2})})


@pytest.mark.parametrize(
    ("shares", "fell", "back"),
    [
        ((0.5, 0.3, 0.5, 0.3, 0.5), None, None),  # each fall cleared by the check after it
        ((0.5, 0.5, 0.3, 0.3), 6, 2),
        ((0.5, 0.3, 0.5, 0.3, 0.3), 8, 4),
        ((0.5, 0.3, 0.3), 4, 0),
        ((0.5, 0.5, 0.5, 0.5, 0.3), 8, 6),  # nothing comes after the last
    ],
)
def test_a_patient_guard_waits_for_a_second_fall(student, tmp_path, shares, fell, back):
    states, given = [], accuracies(*shares)

    def accuracy():
        states.append(flat(student.model.state_dict()).clone())
        return given()

    summary = teach(student, tmp_path, PATIENT, accuracy=accuracy)
    assert len(states) == len(shares)
    if fell is None:
        assert summary.collapse is None
        return
    assert summary.collapse is not None
    assert summary.collapse.startswith(f"training collapsed by step {fell}: accuracy")
    assert summary.collapse.endswith(f"went back to the student of step {back}")
    assert torch.equal(flat(student.model.state_dict()), states[back // 2])


def test_no_number_is_a_fall_at_once(student, tmp_path):
    """At so absurd a rate even the first check finds nothing that could still be cleared."""
    config = PATIENT.model_copy(update={"learning_rate": 1e30, "warmup_share": 0.0})
    summary = teach(student, tmp_path, config)
    assert summary.collapse is not None
    assert summary.collapse.startswith("training collapsed by step 2: the log-likelihood of its rationales fell from -")
    assert "to nan nats a token; went back to the student of step 0" in summary.collapse


def test_a_stopped_training_remembers_a_first_fall(tmp_path):
    """Stopped at the checkpoint of step 4, when the student was down: step 6 is its second fall, not its first."""
    whole = teach(tiny_student(), tmp_path / "whole", PATIENT, accuracy=accuracies(0.5, 0.5, 0.3, 0.3))
    with pytest.raises(Stopped):
        teach(tiny_student(), tmp_path / "torn", PATIENT, accuracy=accuracies(0.5, 0.5, 0.3), advance=stop_at(5))
    student = tiny_student()
    resumed = teach(student, tmp_path / "torn", PATIENT, accuracy=accuracies(0.3))
    assert resumed.collapse == whole.collapse
    assert resumed.collapse is not None
    assert "by step 6" in resumed.collapse
    assert "went back to the student of step 2" in resumed.collapse
