"""How likely the student finds rationales as it is now: the reference of a preference, and what the guard watches.

Log-likelihoods in nats, each summed over the tokens of its rationale, the end token among them:

    2 + 3?      2 + 3 = 5.   -4.1
                2 + 3 = 6.   -5.7

Rationales of one question are branches of its tree, so the question is computed once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedModel

from tutelage.student.encoding import Tokens
from tutelage.student.training.micro_batch import log_likelihoods
from tutelage.student.training.packing import ExampleGroup
from tutelage.student.training.steps import StepDataset

Behind = tuple[Tokens, Tokens]
"""A prompt, and a rationale behind it."""


def likelihoods(model: PreTrainedModel, dataset: StepDataset, rows: Sequence[Behind]) -> dict[Behind, float]:
    """Log-likelihood of each rationale behind its prompt, in nats, without dropout; packed as training packs them."""
    by_prompt: dict[Tokens, dict[Tokens, None]] = {}
    for prompt, rationale in rows:
        by_prompt.setdefault(prompt, {})[rationale] = None
    groups = [ExampleGroup(prompt, first, tuple(others)) for prompt, (first, *others) in by_prompt.items()]
    training = model.training
    model.eval()
    found: dict[Behind, float] = {}
    for packed in dataset.pack_groups(groups):
        for group, values in zip(packed, log_likelihoods(model, dataset.micro_batch(packed)), strict=True):
            found |= {(group.prompt, branch): logp for branch, logp in zip(group.branches, values, strict=True)}
    model.train(training)
    return found


def reference(model: PreTrainedModel, dataset: StepDataset) -> dict[Behind, float]:
    """Of everything that training compares by its likelihood: what the student gives it before its first step."""
    if dataset.reflection is None or not dataset.reflection.likelihoods:
        return {}
    paired = [group for step in dataset.steps() for group in step if group.pair is not None]
    rows = [(group.prompt, branch) for group in paired for branch in group.branches]
    return likelihoods(model, dataset, rows) if rows else {}
