"""A micro-batch: one forward pass of training and its two losses, as a packed tree or as padded rows.

    R  rows     T  tokens of a row     N  targets     D  width of the hidden state
    S  questions with a pair     E  rationales that each compares

The logits are the most expensive part of a small model. They are computed for the targets of L_LM only, in chunks. The
compared rationales need them only if the loss uses likelihoods (DPO); the triplet loss uses hidden states.
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
from tutelage.student.fitness import vocabulary_of
from tutelage.student.training.embedding import embedding_summed_wide
from tutelage.student.training.losses import token_losses, weighted_lm_loss
from tutelage.student.training.packing import (
    Branch,
    ExampleGroup,
    LossPositions,
    Target,
    Tree,
    grow_tree,
)
from tutelage.student.training.reflection import Reflection, Seen, Triplet
from tutelage.student.training.repair import RepairLoss
from tutelage.student.training.tree_attention import tree_attention
from tutelage.student.wide import wide, widened

MORE_THAN_LOGITS = re.compile(r"logits?_.*(cap|scal)|logit_scale|lm_head_multiplier")
"""Settings of Transformers' models that change the logits after the output layer."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """The tokens of one forward pass and the positions of their losses.

    `loss_positions` indexes the flattened rows. A tree is one row; padded rows have a mask.
    """

    input_RT: torch.Tensor
    loss_positions: LossPositions
    tree: Tree | None = None
    mask_RT: torch.Tensor | None = None

    @property
    def tokens(self) -> int:
        """Number of computed tokens, without padding."""
        return self.input_RT.numel() if self.mask_RT is None else int(self.mask_RT.sum())


def as_tree(groups: Sequence[ExampleGroup], prompt_weight: float) -> MicroBatch:
    """Questions packed into one row."""
    tree, loss_positions = grow_tree(groups, prompt_weight)
    return MicroBatch(torch.tensor([tree.tokens]), loss_positions, tree=tree)


def as_rows(groups: Sequence[ExampleGroup], prompt_weight: float) -> MicroBatch:
    """Questions as rows padded on the right, each rationale with its own copy of the prompt."""
    rows = [group.prompt + row for group in groups for row in group.rows]
    width = max(map(len, rows))
    targets, pairs, first = list[Target](), list[tuple[Branch, ...]](), 0
    repaired, wrong = list[Target](), list[Target]()
    for group in groups:
        asked = len(group.prompt)
        for n, token in enumerate((group.prompt + group.anchor)[1:] if group.anchor else ()):
            if not asked - group.silent <= n + 1 < asked:
                targets.append((first * width + n, token, prompt_weight if n + 1 < asked else 1.0))
        if group.pair is not None:
            starts = [(first + b) * width + asked for b in range(len(group.branches))]
            pairs.append(tuple(Branch(at - 1, at, branch) for at, branch in zip(starts, group.branches, strict=True)))
        first += len(group.branches) if group.anchor else 0
        for repair in group.repairs:
            for into, tokens in ((repaired, repair.right), (wrong, repair.wrong)):
                before = first * width + asked + len(repair.own) - 1
                into.extend((before + n, token, repair.weight) for n, token in enumerate(tokens))
                first += bool(tokens)
    input_RT = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    mask_RT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    references = [group.reference for group in groups if group.pair is not None]
    return MicroBatch(input_RT, LossPositions(targets, pairs, references, repaired, wrong), mask_RT=mask_RT)


@dataclass(frozen=True, slots=True)
class MicroBatchLosses:
    """Sums over a micro-batch, scalars. Divide `lm` by the targets of the whole batch, the others by its `divisors`.

    `near` and `far`, without gradient, are the similarities, gains or losses of StepRecord.
    """

    lm: torch.Tensor
    reflection: torch.Tensor
    near: torch.Tensor
    far: torch.Tensor


def micro_batch_losses(
    model: PreTrainedModel, micro_batch: MicroBatch, reflection: Reflection | RepairLoss | None
) -> MicroBatchLosses:
    """The losses of a micro-batch. L_SR is 0 without pairs or repairs, or without self-reflection."""
    loss_positions = micro_batch.loss_positions
    looking = reflection if isinstance(reflection, Triplet) else Triplet(1.0)
    computed = _compute(model, micro_batch, looking.layer)
    weights: dict[_At, float] = {}
    for place, token, weight in loss_positions.targets:
        if weight:
            weights[place, token] = weights.get((place, token), 0.0) + weight
    if isinstance(reflection, RepairLoss) and loss_positions.repaired:
        return MicroBatchLosses(computed.weighted(weights), *_of_repairs(computed, loss_positions, reflection))
    if reflection is None or isinstance(reflection, RepairLoss) or not loss_positions.pairs:
        lm_loss = computed.weighted(weights)
        none = torch.zeros_like(lm_loss)
        return MicroBatchLosses(lm_loss, none, none, none)
    state_SED = computed.states(loss_positions.pairs, looking)
    if not reflection.likelihoods:
        lm_loss, seen = computed.weighted(weights), Seen(state_SED)
    else:  # the anchor's token losses serve both losses
        branches = [branch for pair in loss_positions.pairs for branch in pair]
        every = {target: weights.get(target, 0.0) for branch in branches for target in branch.targets} | weights
        loss_N = computed.each(every)
        lm_loss = (loss_N * computed.number(list(every.values()))).sum()
        logp_SE = _sums(-loss_N, every, branches).view(len(loss_positions.pairs), -1)
        seen = Seen(state_SED, logp_SE - computed.number(loss_positions.references))
    compared = reflection.compare(seen)
    return MicroBatchLosses(lm_loss, compared.loss, compared.near_S.sum(), compared.far_S.sum())


def _of_repairs(
    computed: _Computed, loss_positions: LossPositions, loss: RepairLoss
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The loss of the repairs, and the cross-entropies of their right and their wrong tokens, summed."""
    targets = [*loss_positions.repaired, *loss_positions.wrong]
    counts = [len(loss_positions.repaired), len(loss_positions.wrong)]
    right_N, wrong_N = computed.each([(place, token) for place, token, _ in targets]).split(counts)
    weights = computed.number([weight for *_, weight in targets]).split(counts)
    return loss.of_tokens(right_N, wrong_N, weights), right_N.detach().sum(), wrong_N.detach().sum()


@torch.no_grad()
def log_likelihoods(model: PreTrainedModel, micro_batch: MicroBatch) -> list[list[float]]:
    """For every pair, the log-likelihood of each branch in nats, summed over its tokens."""
    branches = [branch for pair in micro_batch.loss_positions.pairs for branch in pair]
    every = dict.fromkeys(target for branch in branches for target in branch.targets)
    found = iter(_sums(-_compute(model, micro_batch).each(every), every, branches).tolist())
    return [[next(found) for _ in pair] for pair in micro_batch.loss_positions.pairs]


def has_plain_logits(model: PreTrainedModel) -> bool:
    """Whether logits are the plain result of the output layer: no soft cap (Gemma 2), no scale (Cohere, Granite)."""
    settings = model.config.get_text_config().to_dict()
    more = {name: value for name, value in settings.items() if MORE_THAN_LOGITS.search(name)}
    return all(value in (None, False, 0, 1) for value in more.values())


def packs_right(model: PreTrainedModel) -> bool:
    """Whether the model gives the same result for a small tree as for its separate rows; only then steps are packed."""
    vocabulary = vocabulary_of(model)
    a, b, c, d = (tuple((7 * n + 3 * r) % vocabulary for n in range(5)) for r in range(4))
    groups = [ExampleGroup(a[:2] + b, c[:3], (d, a)), ExampleGroup(a[:2] + c, d[:1], (b, c[:4]))]
    micro_batches = [as_tree(groups, 1.0), *(as_rows([group], 1.0) for group in groups)]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            packed, *alone = (
                widened(last_hidden(model, micro_batch)[torch.tensor(micro_batch.loss_positions.ends)])
                for micro_batch in micro_batches
            )
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return False  # another architecture: no base model, no positions, another kind of attention
    finally:
        model.train(training)
    difference = (packed - torch.cat(alone)).norm() / torch.cat(alone).norm()
    bound = 1e-3 if model.dtype == wide(model.dtype) else 5e-2
    return not difference > bound  # true for NaN: NaN weights are reported elsewhere


def last_hidden(model: PreTrainedModel, micro_batch: MicroBatch) -> torch.Tensor:
    """Last hidden states of all tokens, rows flattened: [R * T, D]."""
    return _hidden(model, micro_batch, logits=False).hidden_TD


_At = tuple[int, int]
"""A predicting position and the token that it predicts."""


@dataclass(frozen=True, slots=True)
class _Computed:
    """The result of a forward pass: hidden states of the last layer and of the one that a loss looks at.

    It has logits only if they are not the plain result of the output layer.
    """

    hidden_TD: torch.Tensor
    looked_at_TD: torch.Tensor
    logits_TV: torch.Tensor | None
    head: Any

    def states(self, pairs: Sequence[tuple[Branch, ...]], looking: Triplet) -> torch.Tensor:
        """The states that stand for the rationales of each pair, [S, E, D]: means over the places looked at."""
        found = [
            [branch.start + place for place in places]
            for pair in pairs
            for branch, places in zip(pair, looking.places([branch.tokens for branch in pair]), strict=True)
        ]
        place_N = torch.tensor([place for places in found for place in places], device=self.looked_at_TD.device)
        parts = self.looked_at_TD[place_N].split([len(places) for places in found])
        return torch.stack([part.mean(0) for part in parts]).unflatten(0, (len(pairs), -1))

    def weighted(self, targets: dict[_At, float]) -> torch.Tensor:
        """The weighted sum of the targets' losses; 0 without a target."""
        if not targets:
            return 0 * self.hidden_TD[0, 0].to(wide(self.hidden_TD.dtype))
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
        """Python numbers as a tensor in the precision of the sums."""
        return torch.tensor(values, device=self.hidden_TD.device, dtype=wide(self.hidden_TD.dtype))

    def _unbound(self, targets: Collection[_At]) -> tuple[torch.Tensor, ...]:
        return torch.tensor(list(targets), device=self.hidden_TD.device).unbind(1)


def _compute(model: PreTrainedModel, micro_batch: MicroBatch, layer: float = 1.0) -> _Computed:
    plain = type(model.get_output_embeddings()) is torch.nn.Linear and has_plain_logits(model)
    return _hidden(model, micro_batch, logits=not plain, layer=layer)


def _sums(value_N: torch.Tensor, targets: Collection[_At], branches: Sequence[Branch]) -> torch.Tensor:
    """For each branch, the sum of the values of its targets."""
    number = {target: n for n, target in enumerate(targets)}
    index = [number[target] for branch in branches for target in branch.targets]
    parts = value_N[torch.tensor(index, device=value_N.device)].split([len(branch.tokens) for branch in branches])
    return torch.stack([part.sum() for part in parts])


def _hidden(model: PreTrainedModel, micro_batch: MicroBatch, *, logits: bool, layer: float = 1.0) -> _Computed:
    """Hidden states of all tokens, rows flattened: the last ones, and those after this share of the layers."""
    device = model.device
    inputs: dict[str, Any] = {"input_ids": micro_batch.input_RT.to(device), "use_cache": False}
    context = nullcontext(dict[str, Any]())
    if micro_batch.tree is not None:
        inputs["position_ids"] = torch.tensor([micro_batch.tree.positions], device=device)
        context = attending(model, tree_attention(micro_batch.tree, device))
    elif micro_batch.mask_RT is not None:
        inputs["attention_mask"] = micro_batch.mask_RT.to(device)
    with context as keywords, embedding_summed_wide(model):
        if logits:
            output = model(**inputs, **keywords, output_hidden_states=True)
        else:
            output = model.base_model(**inputs, **keywords, output_hidden_states=layer < 1)
    last = (output.hidden_states[-1] if logits else output.last_hidden_state).flatten(0, 1)
    looked_at = last
    if layer < 1:  # the first of these states are the embeddings
        looked_at = output.hidden_states[max(1, round(layer * (len(output.hidden_states) - 1)))].flatten(0, 1)
    return _Computed(last, looked_at, output.logits.flatten(0, 1) if logits else None, model.get_output_embeddings())
