"""Log-likelihoods of rationales under the current student: the reference of DPO, and a measure of the guard.

In nats, summed over the tokens of a rationale, including the end token:

    2 + 3?      2 + 3 = 5.   -4.1
                2 + 3 = 6.   -5.7

Rationales of one question are branches of one tree, so the question is computed once; more than fit a pass are several
trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from tutelage.student.encoding import Tokens
from tutelage.student.training.micro_batch import log_likelihoods
from tutelage.student.training.packing import ExampleGroup
from tutelage.student.training.precision import FullPrecision
from tutelage.student.training.steps import StepDataset

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks

Behind = tuple[Tokens, Tokens]
"""The tokens of a prompt and of the rationale after it."""

_PACKED_TOGETHER = 512
"""Questions that are packed at once: packing compares each of them with all packs."""


def likelihoods(
    model: PreTrainedModel, dataset: StepDataset, rows: Sequence[Behind], ranks: Ranks | None = None
) -> dict[Behind, float]:
    """Log-likelihood of each rationale after its prompt, in nats, without dropout; packed as in training.

    The packs are dealt out over `ranks`, and the result is the same on all of them.
    """
    by_prompt: dict[Tokens, dict[Tokens, None]] = {}
    for prompt, rationale in rows:
        by_prompt.setdefault(prompt, {})[rationale] = None
    groups = [group for prompt, rationales in by_prompt.items() for group in _groups(prompt, rationales, dataset)]
    training = model.training
    model.eval()
    found: dict[Behind, float] = {}
    for start in range(0, len(groups), _PACKED_TOGETHER):
        packs = dataset.pack_groups(groups[start : start + _PACKED_TOGETHER])
        for packed in packs if ranks is None else islice(packs, ranks.rank, None, ranks.size):
            for group, values in zip(packed, log_likelihoods(model, dataset.micro_batch(packed)), strict=True):
                found |= {(group.prompt, branch): logp for branch, logp in zip(group.branches, values, strict=True)}
    model.train(training)
    if ranks is not None:
        found = {row: value for each in ranks.gathered(found) for row, value in each.items()}
    return found


def _groups(prompt: Tokens, rationales: Iterable[Tokens], dataset: StepDataset) -> Iterator[ExampleGroup]:
    """The rationales of a question, as many together as a micro-batch has room for: a pack holds a group whole."""
    limit, begun = dataset.micro_batch_tokens, len(prompt) if dataset.tree else 0
    some, tokens = list[Tokens](), begun
    for rationale in rationales:
        size = len(rationale) + len(prompt) - begun
        if some and limit is not None and tokens + size > limit:
            yield ExampleGroup(prompt, some[0], tuple(some[1:]))
            some, tokens = [], begun
        some.append(rationale)
        tokens += size
    yield ExampleGroup(prompt, some[0], tuple(some[1:]))


def reference(
    model: PreTrainedModel, dataset: StepDataset, ranks: Ranks | None = None, dtype: torch.dtype | None = None
) -> dict[Behind, float]:
    """Log-likelihoods, before the first step, of all rationales that the training compares (DPO's reference model).

    They are computed in `dtype`, if given: that of the training's passes, which a student to be split is not in yet.
    """
    if dataset.reflection is None or not dataset.reflection.likelihoods:
        return {}
    paired = [group for step in dataset.steps() for group in step if group.pair is not None]
    rows = [(group.prompt, branch) for group in paired for branch in group.branches]
    narrow = FullPrecision(model, dtype or model.dtype)
    found = likelihoods(model, dataset, rows, ranks) if rows else {}
    narrow.restore()
    return found
