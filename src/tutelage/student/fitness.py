"""Checks that a model can be a student. An unusable one gets a one-line error, not a traceback or wrong results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tutelage.errors import StudentError
from tutelage.student.folder import faults_of

_TOLERANCE = {torch.float32: 1e-3}
"""Relative difference that rounding may cause between two computations of one hidden state; 5 % for other types."""


def vocabulary_of(model: PreTrainedModel) -> int:
    """The number of token embeddings."""
    return int(model.get_input_embeddings().num_embeddings)  # pyright: ignore[reportArgumentType]


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, source: str | Path) -> None:
    """Refuse a tokenizer with tokens that the model has no embedding for. Raises StudentError.

    Special tokens that no prompt uses are ignored (Gemma 3 has one, for images).
    """
    with faults_of(source):
        rows = vocabulary_of(model)
        used: tuple[Any, ...] = (tokenizer.eos_token_id, tokenizer.bos_token_id)
        unused = {*tokenizer.all_special_ids}.difference(used)
        beyond = {text: id for text, id in tokenizer.get_vocab().items() if id >= rows and id not in unused}
    if beyond:
        text, id = max(beyond.items(), key=lambda item: item[1])
        raise StudentError(
            f"the tokenizer of {str(source)!r} has tokens up to {id} ({text!r}), and the model embeddings of {rows};"
            " take the tokenizer that belongs to it, or resize the model's embeddings"
        )


def check_model(model: PreTrainedModel, source: str | Path) -> None:
    """Refuse a model with NaN weights or outputs, without an output layer, or without a causal mask."""
    name = f"the student {str(source)!r}"
    broken = [key for key, weight in model.named_parameters() if not torch.isfinite(weight).all()]
    if broken:
        raise StudentError(f"{name} has weights that are not finite, such as {broken[0]}; save it again, in float32")
    if model.get_output_embeddings() is None:
        raise StudentError(f"{name} has no output layer that could be trained; take a causal language model")
    with faults_of(source):
        one, other = _first_states(model)
        distance = float((one - other).norm() / one.norm().clamp(min=1e-12))
    if not one.isfinite().all():
        raise StudentError(f"{name} computes nothing but infinity or NaN; take another, or save it again in float32")
    if distance > _TOLERANCE.get(model.dtype, 0.05):
        raise StudentError(f"{name} attends to later tokens, so it can't generate text; take a causal language model")


@torch.no_grad()
def _first_states(model: PreTrainedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of two rows before their last token, the only one in which they differ."""
    rows = vocabulary_of(model)
    shared = [n % rows for n in range(3)]
    ids = torch.tensor([[*shared, rows - 1], [*shared, rows // 2]], device=model.device)
    training = model.training
    model.eval()
    logits = model(input_ids=ids, use_cache=False).logits[:, : len(shared)].float()
    model.train(training)
    return logits[0], logits[1]


def positions_of(config: Any) -> int | None:
    """The context length in tokens of a model with this configuration; None: no limit."""
    found = getattr(config.get_text_config(), "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else None
