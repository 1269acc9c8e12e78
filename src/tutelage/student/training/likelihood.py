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
from tutelage.student.training.packing import Family
from tutelage.student.training.passes import log_likelihoods
from tutelage.student.training.steps import Lessons

Behind = tuple[Tokens, Tokens]
"""A prompt, and a rationale behind it."""


def likelihoods(model: PreTrainedModel, lessons: Lessons, rows: Sequence[Behind]) -> dict[Behind, float]:
    """Log-likelihood of each rationale behind its prompt, in nats, without dropout; packed as the lessons are."""
    by_prompt: dict[Tokens, dict[Tokens, None]] = {}
    for prompt, rationale in rows:
        by_prompt.setdefault(prompt, {})[rationale] = None
    families = [Family(prompt, first, tuple(others)) for prompt, (first, *others) in by_prompt.items()]
    training = model.training
    model.eval()
    found: dict[Behind, float] = {}
    for pack in lessons.packs(families):
        for family, values in zip(pack, log_likelihoods(model, lessons.sheet(pack)), strict=True):
            found |= {(family.prompt, branch): logp for branch, logp in zip(family.branches, values, strict=True)}
    model.train(training)
    return found


def reference(model: PreTrainedModel, lessons: Lessons) -> dict[Behind, float]:
    """Of everything that the lessons compare by its likelihood: what the student gives it before its first step."""
    if lessons.reflection is None or not lessons.reflection.likelihoods:
        return {}
    paired = [family for step in lessons.steps() for family in step if family.pair is not None]
    rows = [(family.prompt, branch) for family in paired for branch in family.branches]
    return likelihoods(model, lessons, rows) if rows else {}
