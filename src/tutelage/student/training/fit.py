"""The size of a micro-batch in tokens, chosen to fit the available memory.

Where memory is short, the size is rounded down to a power of two. So a resumed run usually gets the same micro-batches,
even if the free memory is slightly different.
"""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from tutelage.config import TrainingConfig
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
from tutelage.student.training.checkpointing import checkpointed, layers_of
from tutelage.student.training.micro_batch import MicroBatch, has_plain_logits, last_hidden
from tutelage.student.training.steps import StepDataset

MOST_TOKENS = {"cpu": 4096}
"""Tokens per forward pass above which a device gets no faster; 8192 on other devices than the CPU (not measured)."""

BACKWARD = 1.5
"""Peak memory of a pass relative to its saved activations; the rest is for the gradients of activations."""


def fits_whole(model: PreTrainedModel, dataset: StepDataset, mixed: bool) -> bool:
    """Whether a process can train the whole student; with `mixed`, its copies in bfloat16 are not there yet."""
    narrow = 2 * sum(weight.numel() for weight in model.parameters()) if mixed else 0
    memory = _training_memory(model, dataset, mixed)
    return memory.tokens_that_fit(available_memory(model.device) - narrow) >= dataset.longest


def fit_micro_batches(model: PreTrainedModel, dataset: StepDataset, mixed: bool, say: Say, shards: int = 1) -> int:
    """The tokens of a micro-batch, at most. Raises StudentError if the longest question does not fit in memory.

    The weights are already loaded and, with `mixed`, their float32 copies too. They will be split into `shards`.
    """
    device, longest = model.device, dataset.longest
    wanted = min(dataset.most_tokens, dataset.micro_batch_tokens or MOST_TOKENS.get(device.type, 8192))
    memory, available = _training_memory(model, dataset, mixed), available_memory(device)
    if shards > 1:
        weights = sum(weight.nbytes for weight in model.parameters())
        memory, available = memory.split(shards, _gathered(model)), available + weights - weights // shards
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
        say(f"training computes {wanted} tokens at once: {gigabytes(available)} of memory are available")
    return max(wanted, longest)


def _training_memory(model: PreTrainedModel, dataset: StepDataset, mixed: bool) -> TrainingMemory:
    reflects = dataset.reflection is not None or dataset.repair_loss is not None
    return training_memory(model, dataset.sample_micro_batch(), dataset.config, mixed=mixed, reflects=reflects)


def training_memory(
    model: PreTrainedModel, sample: MicroBatch, config: TrainingConfig, *, mixed: bool, reflects: bool
) -> TrainingMemory:
    """Memory that is not allocated yet: gradients, the optimizer's moments, and activations (measured on a sample)."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    gradients = sum(weight.nbytes + (4 * weight.numel() if mixed else 0) for weight in trained)
    if config.gradient_share and reflects:  # the gradients of L_SR are kept apart from those of L_LM
        gradients += sum(weight.nbytes for weight in trained)
    head: torch.Tensor = model.get_output_embeddings().weight  # pyright: ignore[reportOptionalMemberAccess]
    training = model.training
    model.train()  # dropout saves more tensors
    kept = _kept(model, sample)
    if config.checkpointing:  # what is kept between the layers, and what one of them keeps in its turn
        one_layer = kept // max(1, len(layers_of(model)))
        with checkpointed(model):
            kept = _kept(model, sample) + one_layer
    model.train(training)
    per_token = BACKWARD * kept / sample.input_RT.numel()
    if not has_plain_logits(model):  # all logits exist at once, in float32, with their gradient
        per_token += 3 * 4 * len(head)
    return TrainingMemory(
        gradients=gradients,
        optimizer=sum(8 * weight.numel() for weight in trained),
        per_token=int(per_token),
        fixed=logit_bytes(len(head), head.nbytes if head.requires_grad else 0),
    )


def _kept(model: PreTrainedModel, micro_batch: MicroBatch) -> int:
    return saved_bytes(lambda: last_hidden(model, micro_batch), [*model.parameters(), *model.buffers()])


def _gathered(model: PreTrainedModel) -> int:
    """Bytes of the weights that a pass of a split student gathers at a time: two layers, and all outside of layers."""
    layers = [sum(weight.nbytes for weight in layer.parameters()) for layer in layers_of(model)]
    return sum(weight.nbytes for weight in model.parameters()) - sum(layers) + 2 * max(layers, default=0)


def _adapted(model: PreTrainedModel) -> bool:
    return not all(weight.requires_grad for weight in model.parameters())
