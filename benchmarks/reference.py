"""The reference's way: training and sampling as the paper's released code does them, to be measured beside ours.

    R  rows of a batch     S  rows with a positive and a negative     L  tokens of a row     V  vocabulary
    P  tokens of a prompt, padded on the left     C  tokens of a rationale, padded on the right     D  width

A training step is five forward passes over padded batches, with the model as Transformers gives it:

    1      [prompt anchor . .]            all rows: L_LM
    2      [. . prompt]                   rows with a pair; its keys and values are kept, without gradient
    3 4 5  [. . prompt]+[anchor . .]      once each for anchor, positive and negative, on a copy of what 2 kept: L_SR

Every pass computes the logits of all its tokens, as the model does by default, though L_SR needs none.

The mathematics is ours and the data is ours; so are right attention masks at padding. What the released code gets wrong
is not repeated here (docs/method.md lists it), what it computes again and again is.
"""

# ruff: noqa: N803, N806  (tensor names carry shape letters)

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from tutelage.config import TrainingConfig
from tutelage.errors import ConfigError
from tutelage.student.wide import widened


@dataclass(frozen=True, slots=True)
class Row:
    """One problem as token ids: its prompt, few-shot prefix included, and rationales, end token included.

    A row without a positive or without a negative counts in L_LM alone.
    """

    prompt: tuple[int, ...]
    anchor: tuple[int, ...]
    positive: tuple[int, ...] | None = None
    negative: tuple[int, ...] | None = None


def reference_losses(
    model: PreTrainedModel,
    rows: Sequence[Row],
    prompt_weight: float,
    margin: float,
    *,
    prompt_gradient: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """L_LM and L_SR of a batch, in nats and without a unit. Scalars.

    With `prompt_gradient` the second pass keeps its graph, so that L_SR reaches the prompt as it does in our way.
    """
    lm_loss = _lm_loss(model, rows, prompt_weight)
    paired = [row for row in rows if row.positive is not None and row.negative is not None]
    if not paired:
        return lm_loss, lm_loss.new_zeros(())
    prompt_SP, mask_SP = _padded([row.prompt for row in paired], model.device, left=True)
    with nullcontext() if prompt_gradient else torch.no_grad():
        positions_SP = (mask_SP.cumsum(dim=-1) - 1).clamp(min=0)
        output = model(input_ids=prompt_SP, attention_mask=mask_SP, position_ids=positions_SP, use_cache=True)
    cache = output.past_key_values
    anchor_SD = _last_hidden(model, _copied(cache), mask_SP, [row.anchor for row in paired])
    positive_SD = _last_hidden(model, _copied(cache), mask_SP, [row.positive or () for row in paired])
    negative_SD = _last_hidden(model, _copied(cache), mask_SP, [row.negative or () for row in paired])
    near_S = F.cosine_similarity(widened(anchor_SD), widened(positive_SD), dim=-1)
    far_S = F.cosine_similarity(widened(anchor_SD), widened(negative_SD), dim=-1)
    return lm_loss, F.relu(margin - near_S + far_S).mean()


class ReferenceTrainer:
    """Steps of AdamW on L_LM + weight * L_SR, by five passes each; weights stay in the model's own precision.

    `autocast` runs the passes in bfloat16. `optimizer` is public so that a schedule can be put on it.
    """

    def __init__(self, model: PreTrainedModel, config: TrainingConfig, *, autocast: bool = False) -> None:
        self.model, self.config, self.autocast = model, config, autocast
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )

    def step(self, rows: Sequence[Row]) -> float:
        """One step on a batch; returns its loss before the step."""
        self.model.train()
        self.optimizer.zero_grad()
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.autocast):
            lm_loss, reflection_loss = reference_losses(self.model, rows, self.config.prompt_weight, self.config.margin)
        loss = lm_loss + self.config.reflection_weight * reflection_loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        return loss.item()


def pad_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that fills the rows of a batch; attention never sees it."""
    return tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0


def reference_generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    samples: int,
    temperature: float,
    max_new_tokens: int,
    rows: int,
    pad: int,
) -> list[list[list[int]]]:
    """Generated tokens of every sample of every prompt, up to and with the end token where there is one.

    `generate` of Transformers on fixed batches of `rows` rows, in the order given; a batch goes on until its last row
    has ended. Temperature 0 is greedy decoding. Tokens that end an answer are those of the generation settings.

    Raises ConfigError when a batch does not hold the samples of one prompt.
    """
    width = rows // samples
    if width < 1:
        raise ConfigError(f"a batch of {rows} rows does not hold {samples} samples of one prompt; raise the rows")
    # Nothing but the temperature shapes the distribution, as in our sampler, whatever the model's settings say.
    drawing = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    args: dict[str, Any] = drawing if temperature > 0 else {"do_sample": False}
    model.eval()
    generate: Any = model.generate  # a mixin's method, which type checkers take for a tensor
    ends = _end_tokens(model)
    written: list[list[int]] = []
    for start in range(0, len(prompts), width):
        input_RP, mask_RP = _padded(prompts[start : start + width], model.device, left=True, filler=pad)
        output_RT = generate(
            input_ids=input_RP,
            attention_mask=mask_RP,
            max_new_tokens=max_new_tokens,
            num_return_sequences=samples,
            pad_token_id=pad,
            **args,
        )
        written += [_ended(tokens, ends) for tokens in output_RT[:, input_RP.shape[1] :].tolist()]
    return [written[start : start + samples] for start in range(0, len(written), samples)]


def _lm_loss(model: PreTrainedModel, rows: Sequence[Row], prompt_weight: float) -> torch.Tensor:
    """Weighted cross-entropy of prompts and anchors over the number of their targets, with all logits at once."""
    input_RL, mask_RL = _padded([row.prompt + row.anchor for row in rows], model.device, left=False)
    logits_RLV = widened(model(input_ids=input_RL, attention_mask=mask_RL).logits)
    weights_RL = mask_RL.to(logits_RLV.dtype)
    for r, row in enumerate(rows):
        weights_RL[r, : len(row.prompt)] = prompt_weight
    # Targets are shifted, not logits: a copy of all logits would be dear. The last place of a row predicts nothing.
    targets_RL = torch.cat([input_RL[:, 1:], torch.zeros_like(input_RL[:, :1])], dim=-1)
    losses_N = F.cross_entropy(logits_RLV.flatten(0, 1), targets_RL.flatten(), reduction="none")
    losses_RL = losses_N.view_as(weights_RL)[:, :-1]
    return (losses_RL * weights_RL[:, 1:]).sum() / mask_RL[:, 1:].sum()


def _last_hidden(
    model: PreTrainedModel, cache: DynamicCache, mask_SP: torch.Tensor, rationales: Sequence[Sequence[int]]
) -> torch.Tensor:
    """hidden_SD of the last token of each rationale after the prompt that the cache holds; the cache grows by it."""
    input_SC, mask_SC = _padded(rationales, model.device, left=False)
    positions_SC = mask_SP.sum(dim=-1, keepdim=True) + torch.arange(input_SC.shape[1], device=model.device)
    output = model(
        input_ids=input_SC,
        attention_mask=torch.cat([mask_SP, mask_SC], dim=-1),
        position_ids=positions_SC,
        past_key_values=cache,
        use_cache=True,
        output_hidden_states=True,
    )
    last_S = mask_SC.sum(dim=-1) - 1
    return output.hidden_states[-1][torch.arange(len(rationales), device=model.device), last_S]


def _copied(cache: DynamicCache) -> DynamicCache:
    """A cache of its own, its tensors copied too; not `deepcopy`, which refuses tensors that are part of a graph."""
    copied = copy.copy(cache)
    copied.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in copied.layers:
        tensors: Any = layer  # layers of other kinds of models keep other things; causal attention keeps these
        tensors.keys, tensors.values = tensors.keys.clone(), tensors.values.clone()
    return copied


def _padded(
    rows: Sequence[Sequence[int]], device: torch.device, *, left: bool, filler: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and their mask, padded on one side to the longest row."""
    longest = max(len(row) for row in rows)
    input_RL = torch.full((len(rows), longest), filler)
    mask_RL = torch.zeros(len(rows), longest, dtype=torch.long)
    for r, row in enumerate(rows):
        place = slice(longest - len(row), longest) if left else slice(len(row))
        input_RL[r, place] = torch.tensor(row)
        mask_RL[r, place] = 1
    return input_RL.to(device), mask_RL.to(device)


def _end_tokens(model: PreTrainedModel) -> frozenset[int]:
    ids = getattr(model.generation_config, "eos_token_id", None)
    return frozenset(ids if isinstance(ids, list) else [] if ids is None else [ids])


def _ended(tokens: list[int], ends: frozenset[int]) -> list[int]:
    """The tokens up to the first end token, that one included; what follows it is padding."""
    stop = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: stop + 1]
