"""A training of several processes is that of one: gradients, weights, checkpoints; whole students or split ones.

In float64, so that nothing but a wrong sum makes a difference. What is computed again in a backward pass is in float32:
tests/student/doubles.py does not reach it.
"""

import copy
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import TrainerControl, TrainerState

from tests.processes import LIBRARIES, import_before_forking
from tests.student.doubles import EXACT
from tests.student.ranks.several import results
from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_student
from tutelage.config import GuardConfig, LoraConfig
from tutelage.errors import StudentError
from tutelage.mistakes.repair import Repair
from tutelage.records import Problem, TrainingExample
from tutelage.run_records import StepRecord, TrainingSummary
from tutelage.runs.files import read_rows
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.collapse_guard import Guard
from tutelage.student.training.gradients import as_whole
from tutelage.student.training.precision import FullPrecision
from tutelage.student.training.train import TrainOptions, train

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES, "torch.distributed.fsdp", "torch.distributed.tensor")

GRADIENT = 1e-10
"""How far a gradient may be from that of one process, of its norm."""
MORE = [
    *EXAMPLES,
    TrainingExample(Problem.of("Sam has 3 hens and a cow. How many legs?", "10"), "3 × 2 = 6. 6 + 4 = 10."),
]
REPAIRS = [
    Repair(MORE[0].problem, "1 + 2 = ", "4.", "3."),
    Repair(MORE[2].problem, "A cow ", "has 5 legs.", "has 4 legs.", ends=True, weight=0.5),
    Repair(Problem.of("7 - 2?", "5"), "7 - 2 = ", "4.", "5.", rest=" The answer is 5.", ends=True),
]
"""A mistake put right, one of several attempts that was right, and one whose question has no rationale."""
LORA = LoraConfig(rank=2)


@dataclass
class Case:
    settings: dict[str, Any]
    lora: LoraConfig | None = None
    dtype: torch.dtype = torch.float64


CASES = {
    "one pass each": Case({}),
    "an odd number of passes": Case({"micro_batch_tokens": 1, "batch_size": 3}),
    "a rank without a pair": Case({"batch_size": 2, "micro_batch_tokens": 1}),
    "a rank without a pass": Case({"batch_size": 1}),
    "padded rows": Case({"packing": "never", "micro_batch_tokens": 150}),
    "preference": Case({"reflection": "preference"}),
    "compared where they differ, half way": Case({"triplet_at": "differences", "triplet_layer": 0.5}),
    "repairs": Case({"reflection": "repair"}),
    "repairs, an odd number of passes": Case({"reflection": "repair", "micro_batch_tokens": 1, "batch_size": 3}),
    "repairs, wrong tokens": Case({"reflection": "repair", "unlikelihood": 0.3, "batch_size": 1}),
    "a share of the gradient": Case({"gradient_share": 1e-3, "micro_batch_tokens": 1, "batch_size": 3}),
    "repairs, a share of the gradient": Case({"reflection": "repair", "gradient_share": 1e-3}),
    "no self-reflection": Case({"reflection": "none"}),
    "clipped": Case({"max_grad_norm": 1e-3}),
    "gradients apart, none held": Case({"gradient_share": 1e6}),
    "a share, without pairs": Case({"gradient_share": 1e-3, "reflection": "none"}),
    "in float32, checkpointing": Case({"checkpointing": True}, None, torch.float32),
    "adapters": Case({"micro_batch_tokens": 1, "batch_size": 3}, LORA),
    "adapters, a share of the gradient": Case({"gradient_share": 1e-3}, LORA),
    "adapters in float32, checkpointing": Case({"checkpointing": True}, LORA, torch.float32),
}


@dataclass
class Taught:
    summary: TrainingSummary
    gradients: list[torch.Tensor]
    weights: dict[str, torch.Tensor]
    steps: list[StepRecord] = field(default_factory=list)


class Stop(Exception):
    pass


def taught(ranks, case: Case, folder: Path, stop_after: int | None = None, **more: Any) -> Taught | None:
    """A training by these processes, or by this one alone; None if it was stopped after some steps."""
    weights = torch.float64 if case.dtype == torch.float64 else torch.float32  # those of bfloat16 are float32, too
    student, gradients = tiny_student(dtype=weights), list[torch.Tensor]()

    def note(optimizer, *_):
        gradients.append(torch.cat([as_whole(weight.grad).flatten() for weight, _ in optimizer._pairs]).clone())

    def advance(steps):
        if stop_after is not None and len(gradients) == stop_after:
            raise Stop

    config = changed(learning_rate=1e-3, **{**case.settings, **more})
    path = folder / "steps.jsonl" if ranks is None or ranks.first else None
    options = TrainOptions(dtype=case.dtype, lora=case.lora, advance=advance, steps=path, ranks=ranks, repairs=REPAIRS)
    format, checkpoints = PromptFormat(student.tokenizer), folder / "checkpoints"
    noting = register_optimizer_step_pre_hook(note)
    try:
        summary = train(student, format, MORE, config, seed=0, checkpoints=checkpoints, options=options)
    except Stop:
        return None
    finally:
        noting.remove()
    weights = dict(student.model.state_dict()) if student.whole or ranks.first else {}
    return Taught(summary, gradients, copy.deepcopy(weights), read_rows(path, StepRecord) if path else [])


def all_cases(ranks, folder: Path, parallel: str) -> dict[str, Taught | None]:
    return {name: taught(ranks, case, folder / name, epochs=2, parallel=parallel) for name, case in CASES.items()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, Taught | None]:
    torch.set_num_threads(1)
    return all_cases(None, tmp_path_factory.mktemp("alone"), "auto")


@pytest.fixture(scope="module", params=["ddp", "fsdp"])
def together(request, tmp_path_factory) -> list[dict[str, Taught]]:
    folder = tmp_path_factory.mktemp("together")
    return results(all_cases, 2, folder, folder, request.param)


@pytest.mark.parametrize("name", CASES)
def test_a_step_of_two_processes_is_that_of_one(alone, together, name):
    one, (two, other) = alone[name], [rank[name] for rank in together]
    assert len(one.gradients) == len(two.gradients) == len(other.gradients)
    exact, first = (EXACT, GRADIENT) if CASES[name].dtype == torch.float64 else (1e-4, 1e-5)
    for n, (expected, *found) in enumerate(zip(one.gradients, two.gradients, other.gradients, strict=True)):
        bound = exact if n else first  # later gradients are those of weights that differ by rounding
        for gradient in found:
            assert (gradient - expected).norm() <= bound * expected.norm(), n
    for part, weight in one.weights.items():
        assert (two.weights[part] - weight).norm() <= exact * weight.norm(), part
    for count in ("examples", "truncated", "row_tokens", "rows", "repairs"):
        assert getattr(two.summary, count) == getattr(one.summary, count)
    assert two.summary.loss == pytest.approx(one.summary.loss, rel=exact)
    assert two.summary == other.summary
    for expected, found in zip(one.steps, two.steps, strict=True):
        assert found.pairs == expected.pairs
        for figure in ("lm_loss", "reflection_loss", "lm_gradient", "reflection_gradient", "gradient_cosine"):
            a, b = getattr(found, figure), getattr(expected, figure)
            assert a is b is None or a == pytest.approx(b, rel=10 * exact, abs=exact), figure


def preferring(ranks, folder: Path, parallel: str) -> StepRecord | None:
    case = Case({"reflection": "preference"}, None, torch.bfloat16)
    steps = taught(ranks, case, folder, epochs=1, parallel=parallel).steps
    return steps[0] if ranks.first else None


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_preference_begins_at_its_reference_in_the_precision_of_the_passes(tmp_path, parallel):
    first, _ = results(preferring, 2, tmp_path, tmp_path / "run", parallel)
    assert first.pairs
    assert (first.chosen_gain, first.rejected_gain) == pytest.approx((0, 0), abs=1e-6)


MOVES = {
    "from two to one": (2, "ddp", 1, "auto"),
    "from one to two": (1, "auto", 2, "ddp"),
    "split, then one": (2, "fsdp", 1, "auto"),
    "one, then split": (1, "auto", 2, "fsdp"),
    "split, then whole": (2, "fsdp", 2, "ddp"),
    "split, then split": (2, "fsdp", 2, "fsdp"),
}
RESUMED = {
    "full": Case({}),
    "adapters": Case({}, LORA),
    "bfloat16": Case({}, None, torch.bfloat16),
    "adapters in bfloat16": Case({}, LORA, torch.bfloat16),
}


def all_moves(ranks, folder: Path, first: bool) -> dict[tuple[str, str], Taught | None]:
    """The first or the second part of every training that is done by as many processes as these."""
    found = {}
    for move, (before, earlier, after, later) in MOVES.items():
        size, parallel = (before, earlier) if first else (after, later)
        if size == (1 if ranks is None else 2):
            for kind, case in RESUMED.items():
                stop, place = 4 if first else None, folder / move / kind  # four steps: one after a checkpoint
                found[move, kind] = taught(ranks, case, place, stop, epochs=2, parallel=parallel, batch_size=2)
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> dict[str, Taught]:
    folder = tmp_path_factory.mktemp("unbroken")
    return {kind: taught(None, case, folder / kind, epochs=2, batch_size=2) for kind, case in RESUMED.items()}


@pytest.fixture(scope="module")
def resumed(tmp_path_factory) -> dict[tuple[str, str], Taught]:
    folder = tmp_path_factory.mktemp("resumed")
    all_moves(None, folder, True)
    results(all_moves, 2, folder / "first", folder, True)
    found = all_moves(None, folder, False)
    return found | results(all_moves, 2, folder / "second", folder, False)[0]


@pytest.mark.parametrize("kind", RESUMED)
@pytest.mark.parametrize("move", MOVES)
def test_a_training_goes_on_with_other_processes(unbroken, resumed, move, kind):
    """Its checkpoint is that of one process, whoever has written it."""
    whole, found = unbroken[kind], resumed[move, kind]
    assert len(found.gradients) == 3, "three steps of six were left"
    exact = EXACT if RESUMED[kind].dtype == torch.float64 else 1e-2
    for name, weight in whole.weights.items():
        assert (found.weights[name] - weight).norm() <= exact * weight.norm(), name
    assert [row.step for row in found.steps] == [1, 2, 3, 4, 5, 6]


def guarded(ranks, folder: Path) -> tuple[TrainingSummary, dict[str, torch.Tensor]]:
    """A training that collapses, since its steps are far too large, and goes back."""
    student, format = tiny_student(), PromptFormat(tiny_student().tokenizer)
    guard = GuardConfig(checks=3, patience=1, rationales=2)
    config = changed(learning_rate=2.0, max_grad_norm=1e9, epochs=6, guard=guard)
    options = TrainOptions(accuracy=lambda: 0.5, ranks=ranks)
    summary = train(student, format, MORE, config, seed=0, checkpoints=folder / "checkpoints", options=options)
    return summary, dict(student.model.state_dict())


def test_the_guard_of_two_processes_goes_back_as_that_of_one(tmp_path):
    (one, start), together = guarded(None, tmp_path / "one"), results(guarded, 2, tmp_path, tmp_path / "two")
    for two, weights in together:
        assert one.collapse
        assert two.collapse
        assert two.collapse.split(":")[0] == one.collapse.split(":")[0]
        for name, weight in start.items():
            assert torch.equal(weights[name], weight), name


class SlowGuard(Guard):
    """The guard of a machine that is late to read the weights that it goes back to."""

    def _weights(self, step):
        if self.ranks.rank:
            time.sleep(1)
        return super()._weights(step)


def late(ranks, folder: Path) -> bool:
    measured, model = iter([-1.0, float("nan")]), torch.nn.Linear(2, 2)
    full, config, control = FullPrecision(model, torch.float32), GuardConfig(checks=1), TrainerControl()
    more = {"likelihood": lambda: next(measured), "accuracy": None, "say": lambda text: None, "ranks": ranks}
    guard = SlowGuard(full, config, 1, folder / "checkpoints", **more)
    guard.on_train_begin(None, TrainerState(global_step=0), control)
    before = model.weight.clone()
    model.weight.data += 1 + ranks.rank
    guard.on_step_end(None, TrainerState(global_step=1), control)
    if ranks.first:
        shutil.rmtree(folder / "checkpoints")  # as the run does when a training is over
    return control.should_training_stop and torch.equal(model.weight, ranks.same(before))


def test_the_weights_to_go_back_to_stay_until_all_have_read_them(tmp_path):
    assert results(late, 2, tmp_path, tmp_path) == [True, True]


def test_no_guard_watches_a_student_that_is_split(tmp_path):
    said, _ = results(refused, 2, tmp_path, tmp_path)
    assert said == (
        "training.guard asks the whole student, and training.parallel is 'fsdp'; set training.guard.checks to 0"
    )


def refused(ranks, folder: Path) -> str:
    with pytest.raises(StudentError) as error:
        taught(ranks, Case({"guard": GuardConfig(checks=1)}), folder, parallel="fsdp")
    return str(error.value)
