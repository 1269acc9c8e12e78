"""The gradient of the token embedding, summed in float32 also where the student computes in bfloat16.

    R  rows     T  tokens of a row     U  distinct tokens     D  width of the hidden state

PyTorch adds the gradient of each place to its token's row in the precision of the weights. In bfloat16, 256 + 1 is 256:
the row of a frequent token stops growing. So the embedding sees each token of a pass once. Its output is spread over
the places in float32, and so the gradient is summed over them in float32. The cost follows the tokens of the pass, not
the vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)
from transformers import PreTrainedModel

from tutelage.student.wide import wide, widened


@contextmanager
def embedding_summed_wide(model: PreTrainedModel) -> Generator[None]:
    """In forward passes inside the block, the embedding's gradient is summed in float32 at least and rounded once.

    The results of the pass are the same; a pass on the meta device has none. What else the embedding does (scale, norm,
    padding) is left to its own code.
    """
    embedding: Any = model.get_input_embeddings()
    narrow = any(weight.requires_grad and weight.dtype != wide(weight.dtype) for weight in embedding.parameters())
    if not narrow or not torch.is_grad_enabled() or any(weight.is_meta for weight in embedding.parameters()):
        yield
        return
    places: list[torch.Tensor] = []

    def distinct(module: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        token_U, place_RT = given[0].unique(return_inverse=True)
        places.append(place_RT)
        return token_U, *given[1:]

    def spread(module: torch.nn.Module, given: tuple[Any, ...], row_UD: torch.Tensor) -> torch.Tensor:
        return F.embedding(places.pop(), widened(row_UD)).to(row_UD.dtype)

    hooks = embedding.register_forward_pre_hook(distinct), embedding.register_forward_hook(spread)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
