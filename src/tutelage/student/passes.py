"""One forward pass of training and the two losses it gives: a pack as a tree, or as padded rows where a model needs it.

    R  rows     T  tokens of a row     N  targets     S  questions with a pair     D  width of the hidden state

Hidden states are looked at only where a loss needs them: the vocabulary's logits, the dearest part of a small model,
are computed for targets alone, in chunks, and never for positives and negatives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from transformers import PreTrainedModel

from tutelage.student.attention import attending
from tutelage.student.losses import triplet_loss, weighted_lm_loss
from tutelage.student.packing import Family, Places, PromptGradient, Target, Tree, grow_tree
from tutelage.student.tree_attention import tree_attention

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
    targets, ends, first = list[Target](), list[tuple[int, int, int]](), 0
    for family in families:
        for n, token in enumerate((family.prompt + family.anchor)[1:]):
            weight = prompt_weight if n + 1 < len(family.prompt) else 1.0
            targets.append((first * width + n, token, weight))
        if family.pair is not None:
            last = [(first + b) * width + len(rows[first + b]) - 1 for b in range(3)]
            ends.append((last[0], last[1], last[2]))
        first += len(family.branches)
    input_RT = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    mask_RT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return Pass(input_RT, Places(targets, ends), mask_RT=mask_RT)


def pass_losses(model: PreTrainedModel, sheet: Pass, margin: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums of L_LM and of L_SR over a pass, scalars: divide by the targets and by the pairs of the whole batch."""
    head = model.get_output_embeddings()
    plain = type(head) is torch.nn.Linear and has_plain_logits(model)
    hidden_TD, logits_TV = _hidden(model, sheet, logits=not plain)
    device = hidden_TD.device
    targets = [target for target in sheet.places.targets if target[2]]
    place_N, token_N = torch.tensor([target[:2] for target in targets], device=device).unbind(1)
    weight_N = torch.tensor([target[2] for target in targets], device=device)
    if logits_TV is None:
        lm_loss = weighted_lm_loss(hidden_TD.index_select(0, place_N), head, token_N, weight_N)
    else:
        losses_N = F.cross_entropy(logits_TV[place_N].float(), token_N, reduction="none")
        lm_loss = (losses_N * weight_N).sum()
    if not sheet.places.ends:
        return lm_loss, torch.zeros_like(lm_loss)
    end_S3 = torch.tensor(sheet.places.ends, device=device)
    anchor_SD, positive_SD, negative_SD = (hidden_TD.index_select(0, end_S) for end_S in end_S3.unbind(1))
    return lm_loss, triplet_loss(anchor_SD, positive_SD, negative_SD, margin)


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
            packed, *alone = (last_hidden(model, sheet)[torch.tensor(sheet.places.ends)].float() for sheet in sheets)
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return False  # a model that is built otherwise: no base model, no positions, another kind of attention
    finally:
        model.train(training)
    difference = (packed - torch.cat(alone)).norm() / torch.cat(alone).norm()
    return not difference > (1e-3 if model.dtype == torch.float32 else 5e-2)  # weights that are NaN are another fault


def last_hidden(model: PreTrainedModel, sheet: Pass) -> torch.Tensor:
    """Last hidden states of all tokens, rows one behind the other: [R * T, D]."""
    return _hidden(model, sheet, logits=False)[0]


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
