"""A training of several processes is that of one: gradients, weights, checkpoints; whole students or split ones.

In float64, so that nothing but a wrong sum makes a difference. What is computed again in a backward pass is in float32:
tests/student/doubles.py does not reach it.
"""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.processes import LIBRARIES, import_before_forking
from tests.student.doubles import EXACT
from tests.student.ranks.several import results
from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_student
from tutelage.config import LoraConfig
from tutelage.records import Problem, TrainingExample
from tutelage.run_records import StepRecord, TrainingSummary
from tutelage.runs.files import read_rows
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.gradients import as_whole
from tutelage.student.training.train import TrainOptions, train

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES, "torch.distributed.fsdp", "torch.distributed.tensor")

GRADIENT = 1e-10
"""How far a gradient may be from that of one process, of its norm."""
MORE = [
    *EXAMPLES,
    TrainingExample(Problem.of("Sam has 3 hens and a cow. How many legs?", "10"), "3 × 2 = 6. 6 + 4 = 10."),
]
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
    "no self-reflection": Case({"reflection": "none"}),
    "clipped": Case({"max_grad_norm": 1e-3}),
    "clipped apart": Case({"max_grad_norm": 1e-3, "clipping": "apart", "micro_batch_tokens": 1, "batch_size": 3}),
    "gradients looked at": Case({"gradients_every": 1}),
    "gradients looked at, without pairs": Case({"gradients_every": 1, "reflection": "none"}),
    "in float32, checkpointing": Case({"checkpointing": True}, None, torch.float32),
    "adapters": Case({"micro_batch_tokens": 1, "batch_size": 3}, LORA),
    "adapters, clipped apart": Case({"max_grad_norm": 1e-3, "clipping": "apart"}, LORA),
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
    student, gradients = tiny_student(dtype=case.dtype), list[torch.Tensor]()

    def note(optimizer, *_):
        gradients.append(torch.cat([as_whole(weight.grad).flatten() for weight, _ in optimizer._pairs]).clone())

    def advance(steps):
        if stop_after is not None and len(gradients) == stop_after:
            raise Stop

    config = changed(learning_rate=1e-3, **{**case.settings, **more})
    path = folder / "steps.jsonl" if ranks is None or ranks.first else None
    options = TrainOptions(dtype=case.dtype, lora=case.lora, advance=advance, steps=path, ranks=ranks)
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
    for name, weight in one.weights.items():
        assert (two.weights[name] - weight).norm() <= exact * weight.norm(), name
    for count in ("examples", "truncated", "row_tokens", "rows"):
        assert getattr(two.summary, count) == getattr(one.summary, count)
    assert two.summary.loss == pytest.approx(one.summary.loss, rel=exact)
    assert two.summary == other.summary
    for expected, found in zip(one.steps, two.steps, strict=True):
        assert found.pairs == expected.pairs
        for figure in ("lm_loss", "reflection_loss", "lm_gradient", "reflection_gradient", "gradient_cosine"):
            a, b = getattr(found, figure), getattr(expected, figure)
            assert a is b is None or a == pytest.approx(b, rel=10 * exact, abs=exact), figure
