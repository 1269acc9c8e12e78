"""One forward pass of training and the two losses it gives: a pack as a tree, or as padded rows where a model needs it.

    R  rows     T  tokens of a row     N  targets     D  width of the hidden state
    S  questions with a pair     E  rationales that each compares

Hidden states are looked at only where a loss needs them: the vocabulary's logits, the dearest part of a small model,
are computed for targets alone, in chunks, and for what is compared only by a loss that looks at likelihoods.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from transformers import PreTrainedModel

from tutelage.student.attention import attending
from tutelage.student.training.losses import token_losses, weighted_lm_loss
from tutelage.student.training.packing import Branch, Family, Places, PromptGradient, Target, Tree, grow_tree
from tutelage.student.training.reflection import Reflection, Seen
from tutelage.student.training.tree_attention import tree_attention
from tutelage.student.wide import wide, widened

MORE_THAN_LOGITS = re.compile(r"logits?_.*(cap|scal)|logit_scale|lm_head_multiplier")
"""Settings of Transformers' models that shape their logits after the output layer."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one forward pass computes. `places` counts through all rows; a tree is one row, padded rows have a mask."""

    input_RT: torch.Tensor
    places: Places
    tree: Tree | None = None
    mask_RT: torch.Tensor | None = None

    @property
    def tokens(self) -> int:
        """Tokens that are computed, without padding."""
        return self.input_RT.numel() if self.mask_RT is None else int(self.mask_RT.sum())


def as_tree(families: Sequence[Family], prompt_weight: float, prompt_gradient: PromptGradient = "keep") -> Pass:
    """Questions packed into one row."""
    tree, places = grow_tree(families, prompt_weight, prompt_gradient)
    return Pass(torch.tensor([tree.tokens]), places, tree=tree)


def as_rows(families: Sequence[Family], prompt_weight: float) -> Pass:
    """Questions as rows padded on the right: every rationale behind a prompt of its own."""
    rows = [family.prompt + branch for family in families for branch in family.branches]
    width = max(map(len, rows))
    targets, pairs, first = list[Target](), list[tuple[Branch, ...]](), 0
    for family in families:
        asked = len(family.prompt)
        for n, token in enumerate((family.prompt + family.anchor)[1:]):
            targets.append((first * width + n, token, prompt_weight if n + 1 < asked else 1.0))
        if family.pair is not None:
            starts = [(first + b) * width + asked for b in range(len(family.branches))]
            pairs.append(tuple(Branch(at - 1, at, branch) for at, branch in zip(starts, family.branches, strict=True)))
        first += len(family.branches)
    input_RT = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    mask_RT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    references = [family.reference for family in families if family.pair is not None]
    return Pass(input_RT, Places(targets, pairs, references), mask_RT=mask_RT)


@dataclass(frozen=True, slots=True)
class PassLosses:
    """Sums over a pass, scalars: divide L_LM by the targets of the whole batch, the others by its pairs.

    `near` and `far`, without gradient, are what self-reflection compares: see StepRecord.
    """

    lm: torch.Tensor
    reflection: torch.Tensor
    near: torch.Tensor
    far: torch.Tensor


def pass_losses(model: PreTrainedModel, sheet: Pass, reflection: Reflection | None) -> PassLosses:
    """The losses of a pass; without pairs or without self-reflection, that of L_SR is 0."""
    places, computed = sheet.places, _compute(model, sheet)
    weights: dict[_At, float] = {}
    for place, token, weight in places.targets:
        if weight:
            weights[place, token] = weights.get((place, token), 0.0) + weight
    if reflection is None or not places.pairs:
        lm_loss = computed.weighted(weights)
        none = torch.zeros_like(lm_loss)
        return PassLosses(lm_loss, none, none, none)
    end_SED = computed.hidden_TD[torch.tensor(places.ends, device=model.device)]
    if not reflection.likelihoods:
        lm_loss, seen = computed.weighted(weights), Seen(end_SED)
    else:  # the anchor's tokens are computed once for both losses
        branches = [branch for pair in places.pairs for branch in pair]
        every = {target: weights.get(target, 0.0) for branch in branches for target in branch.targets} | weights
        loss_N = computed.each(every)
        lm_loss = (loss_N * computed.number(list(every.values()))).sum()
        logp_SE = _sums(-loss_N, every, branches).view(len(places.pairs), -1)
        seen = Seen(end_SED, logp_SE - computed.number(places.references))
    compared = reflection.compare(seen)
    return PassLosses(lm_loss, compared.loss, compared.near_S.sum(), compared.far_S.sum())


@torch.no_grad()
def log_likelihoods(model: PreTrainedModel, sheet: Pass) -> list[list[float]]:
    """Of every pair of a pass, the log-likelihoods of its branches in nats, each summed over its tokens."""
    branches = [branch for pair in sheet.places.pairs for branch in pair]
    every = dict.fromkeys(target for branch in branches for target in branch.targets)
    found = iter(_sums(-_compute(model, sheet).each(every), every, branches).tolist())
    return [[next(found) for _ in pair] for pair in sheet.places.pairs]


def has_plain_logits(model: PreTrainedModel) -> bool:
    """Whether logits are the output layer's and nothing more: no soft cap (Gemma 2), no scale (Cohere, Granite)."""
    settings = model.config.get_text_config().to_dict()
    more = {name: value for name, value in settings.items() if MORE_THAN_LOGITS.search(name)}
    return all(value in (None, False, 0, 1) for value in more.values())


def packs_right(model: PreTrainedModel) -> bool:
    """Whether the model computes a small tree as it computes its rows alone: what decides if it is packed."""
    vocabulary = model.get_input_embeddings().num_embeddings
    a, b, c, d = (tuple((7 * n + 3 * r) % vocabulary for n in range(5)) for r in range(4))
    families = [Family(a[:2] + b, c[:3], (d, a)), Family(a[:2] + c, d[:1], (b, c[:4]))]
    sheets = [as_tree(families, 1.0), *(as_rows([family], 1.0) for family in families)]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            packed, *alone = (widened(last_hidden(model, sheet)[torch.tensor(sheet.places.ends)]) for sheet in sheets)
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return False  # a model that is built otherwise: no base model, no positions, another kind of attention
    finally:
        model.train(training)
    difference = (packed - torch.cat(alone)).norm() / torch.cat(alone).norm()
    bound = 1e-3 if model.dtype == wide(model.dtype) else 5e-2
    return not difference > bound  # weights that are NaN are another fault


def last_hidden(model: PreTrainedModel, sheet: Pass) -> torch.Tensor:
    """Last hidden states of all tokens, rows one behind the other: [R * T, D]."""
    return _hidden(model, sheet, logits=False)[0]


_At = tuple[int, int]
"""A place that predicts, and the token that it predicts."""


@dataclass(frozen=True, slots=True)
class _Computed:
    """What a pass has computed of all its tokens. Logits only where they are more than the output layer's."""

    hidden_TD: torch.Tensor
    logits_TV: torch.Tensor | None
    head: Any

    def weighted(self, targets: dict[_At, float]) -> torch.Tensor:
        """The weighted sum of the targets' losses."""
        place_N, token_N = self._unbound(targets)
        weight_N = self.number(list(targets.values()))
        if self.logits_TV is None:
            return weighted_lm_loss(self.hidden_TD.index_select(0, place_N), self.head, token_N, weight_N)
        return (self.each(targets) * weight_N).sum()

    def each(self, targets: Collection[_At]) -> torch.Tensor:
        """The loss of every target, [N]."""
        place_N, token_N = self._unbound(targets)
        if self.logits_TV is None:
            return token_losses(self.hidden_TD.index_select(0, place_N), self.head, token_N)
        return F.cross_entropy(widened(self.logits_TV[place_N]), token_N, reduction="none")

    def number(self, values: Sequence[Any]) -> torch.Tensor:
        """Numbers of Python, as precise as the sums."""
        return torch.tensor(values, device=self.hidden_TD.device, dtype=wide(self.hidden_TD.dtype))

    def _unbound(self, targets: Collection[_At]) -> tuple[torch.Tensor, ...]:
        return torch.tensor(list(targets), device=self.hidden_TD.device).unbind(1)


def _compute(model: PreTrainedModel, sheet: Pass) -> _Computed:
    head = model.get_output_embeddings()
    plain = type(head) is torch.nn.Linear and has_plain_logits(model)
    return _Computed(*_hidden(model, sheet, logits=not plain), head)


def _sums(value_N: torch.Tensor, targets: Collection[_At], branches: Sequence[Branch]) -> torch.Tensor:
    """For each branch, the sum of its targets' values."""
    number = {target: n for n, target in enumerate(targets)}
    index = [number[target] for branch in branches for target in branch.targets]
    parts = value_N[torch.tensor(index, device=value_N.device)].split([len(branch.tokens) for branch in branches])
    return torch.stack([part.sum() for part in parts])


def _hidden(model: PreTrainedModel, sheet: Pass, *, logits: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Last hidden states of all tokens, rows one behind the other, and their logits where asked for."""
    device = model.device
    inputs: dict[str, Any] = {"input_ids": sheet.input_RT.to(device), "use_cache": False}
    context = nullcontext(dict[str, Any]())
    if sheet.tree is not None:
        inputs["position_ids"] = torch.tensor([sheet.tree.positions], device=device)
        context = attending(model, tree_attention(sheet.tree, device))
    elif sheet.mask_RT is not None:
        inputs["attention_mask"] = sheet.mask_RT.to(device)
    with context as keywords:
        if not logits:
            return model.base_model(**inputs, **keywords).last_hidden_state.flatten(0, 1), None
        output = model(**inputs, **keywords, output_hidden_states=True)
        return output.hidden_states[-1].flatten(0, 1), output.logits.flatten(0, 1)
