"""Training and exams on a device that is not the CPU: the same figures, and no tensor in the wrong place.

There is no GPU where these tests run; see simulated_gpu.py. What is left to a GPU: its kernels, its speed, its memory.
"""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.processes import LIBRARIES, forked, import_before_forking
from tests.student.definition import PREFIX, WEIGHT, behind
from tests.student.steps import EXAMPLES, changed, dataset_of
from tests.student.tiny import tiny_student
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.model import LoadedModel
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.training.gradients import GradientsApart
from tutelage.student.training.likelihood import reference
from tutelage.student.training.micro_batch import as_tree, log_likelihoods, micro_batch_losses, packs_right
from tutelage.student.training.precision import FullPrecision, MixedAdamW

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES, __name__)

STEPS: dict[str, dict[str, Any]] = {
    "triplet": {},
    "compared where they differ, half way": {"triplet_at": "differences", "triplet_layer": 0.5},
    "preference": {"reflection": "preference"},
    "padded rows": {"packing": "never"},
}
PROMPTS = [(5, 6, 7, 8, 9, 10), (5, 6, 7, 3), (5, 6, 7, 11, 12), (5, 6, 7, 200)]
ENGINES = {"shared-prefix": SharedPrefixSampler, "generate": GenerateSampler}


def step_of(student: LoadedModel, settings: dict[str, Any], *, apart: bool) -> list[float]:
    """A step on all examples: its losses, its gradient's norms, and the losses behind it."""
    dataset = dataset_of(student, changed(**settings), EXAMPLES)
    dataset.tree = settings.get("packing") != "never"
    dataset.references = reference(student.model, dataset)
    optimizer = MixedAdamW(FullPrecision(student.model, torch.float32), 1e-2, 0.01)
    step, found = dataset[0], list[float]()
    for _ in range(2):
        parts = GradientsApart(student.model)
        for micro_batch in step.micro_batches:
            losses = micro_batch_losses(student.model, micro_batch, dataset.reflection)
            found += [float(losses.lm.detach()), float(losses.reflection.detach()), float(losses.near)]
            parts.backward(losses.lm, losses.reflection) if apart else (losses.lm + losses.reflection).backward()
        if apart:
            found += [parts.join(0.5, share=0.01).reflection]
        found += [float(torch.nn.utils.clip_grad_norm_(student.model.parameters(), 1.0))]
        optimizer.step()
        optimizer.zero_grad()
    return found


def answers_of(student: LoadedModel, engine: str, temperature: float) -> dict[int, list[list[int]]]:
    found: dict[int, list[list[int]]] = {}
    sampler = ENGINES[engine](student.model, StopCriteria(student.tokenizer, student.end_tokens), 4)
    sampler.sample(PROMPTS, [1, 2, 3, 4], SamplingSettings(2, temperature, 6, 4), found.__setitem__)
    return found


def all_of_it(make) -> dict[str, Any]:
    found: dict[str, Any] = {name: step_of(make(), settings, apart=False) for name, settings in STEPS.items()}
    found["gradients apart"] = step_of(make(), {}, apart=True)
    student = make()
    likelihoods = log_likelihoods(student.model, as_tree(behind(PREFIX), WEIGHT))
    found["likelihoods"] = [each for pair in likelihoods for each in pair]
    found["packs right"] = packs_right(student.model)
    found |= {f"{engine}, {t}": answers_of(student, engine, t) for engine in ENGINES for t in (0.0, 1.0)}
    return found


def _there(path: str) -> None:
    from tests.student.simulated_gpu import moved, start

    def make() -> LoadedModel:
        student = tiny_student()
        moved(student.model)
        assert student.model.device.type == "gpu"
        with pytest.raises(RuntimeError, match="same device"):
            student.model.get_input_embeddings()(torch.tensor([1, 2]))  # what would fail on a GPU fails
        return student

    torch.set_num_threads(1)
    with start():
        found = all_of_it(make)
    Path(path).write_bytes(pickle.dumps(found))


def test_figures_and_answers_are_those_of_the_cpu(tmp_path):
    process = forked(_there, str(tmp_path / "found"))
    process.join()
    assert process.exitcode == 0
    found, expected = pickle.loads((tmp_path / "found").read_bytes()), all_of_it(tiny_student)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value, rel=1e-4) if isinstance(value, list) else value), name
