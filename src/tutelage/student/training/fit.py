"""How many tokens a training computes at once, made to fit the memory there is.

Where memory is short, the number is a power of two below a fixed upper bound, so that a run that goes on after a stop
splits its work as before, though a little more or less memory is free by then.
"""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from tutelage.student.resources.available import available_memory
from tutelage.student.resources.memory import (
    TrainingMemory,
    gigabytes,
    logit_bytes,
    power_of_two,
    refuse,
    saved_bytes,
)
from tutelage.student.sampler import Say
from tutelage.student.training.micro_batch import has_plain_logits, last_hidden
from tutelage.student.training.steps import StepDataset

MOST_TOKENS = {"cpu": 4096}
"""Tokens of a pass beyond which a device computes no faster; for others than the CPU, 8192 (not measured)."""

BACKWARD = 1.5
"""Memory of a pass at its peak, in the bytes that its forward part keeps: gradients of activations live beside them."""


def fit_micro_batches(model: PreTrainedModel, dataset: StepDataset, mixed: bool, say: Say) -> int:
    """The most tokens that a training may compute at once. Raises StudentError if its longest question won't fit.

    The weights are loaded; with `mixed`, their float32 copies too.
    """
    device, longest = model.device, dataset.longest
    wanted = min(dataset.most_tokens, dataset.micro_batch_tokens or MOST_TOKENS.get(device.type, 8192))
    memory, available = _training_memory(model, dataset, mixed), available_memory(device)
    fitting = memory.tokens_that_fit(available)
    if fitting < longest:
        raise refuse(
            f"training on a question of {longest} tokens",
            memory.parts(longest),
            available,
            ("" if _adapted(model) else "set student.weights to lora, ")
            + "lower training.max_tokens, or take a smaller student",
        )
    if fitting < wanted:
        wanted = max(power_of_two(fitting), longest)
        say(f"training computes {wanted} tokens at once: {gigabytes(available)} of memory can be had")
    return max(wanted, longest)


def _training_memory(model: PreTrainedModel, dataset: StepDataset, mixed: bool) -> TrainingMemory:
    """What is still to be taken: gradients, the optimizer's moments, and activations as measured on one question."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    gradients = sum(weight.nbytes + (4 * weight.numel() if mixed else 0) for weight in trained)
    apart = dataset.config.gradients_every or dataset.config.clipping == "apart"
    if apart and dataset.reflection is not None:  # the gradients of L_SR stand beside those of L_LM
        gradients += sum(weight.nbytes for weight in trained)
    head: torch.Tensor = model.get_output_embeddings().weight  # pyright: ignore[reportOptionalMemberAccess]
    micro_batch = dataset.sample_micro_batch()
    training = model.training
    model.train()  # dropout keeps more
    kept = saved_bytes(lambda: last_hidden(model, micro_batch), [*model.parameters(), *model.buffers()])
    model.train(training)
    per_token = BACKWARD * kept / micro_batch.input_RT.numel()
    if not has_plain_logits(model):  # then all logits are computed at once, in float32 with their gradient
        per_token += 3 * 4 * len(head)
    return TrainingMemory(
        gradients=gradients,
        optimizer=sum(8 * weight.numel() for weight in trained),
        per_token=int(per_token),
        fixed=logit_bytes(len(head), head.nbytes if head.requires_grad else 0),
    )


def _adapted(model: PreTrainedModel) -> bool:
    return not all(weight.requires_grad for weight in model.parameters())
