"""LoRA: low-rank adapters on a model's linear layers (Hu et al. 2021, arXiv 2106.09685), by PEFT."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import get_peft_model
from peft.tuners.lora import ParamWrapper
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from tutelage.config import LoraConfig
from tutelage.errors import StudentError


def add_adapters(model: Any, config: LoraConfig) -> Any:
    """Add adapters to the model; only they are trained. Raises StudentError if they don't fit the model."""
    check_targets(model, config)
    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    settings = PeftLoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # pyright: ignore[reportArgumentType] - any number will do
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft's own
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")  # GPT-2: peft sets it right itself
        warnings.filterwarnings("ignore", message="The following .* keys did not match")  # of experts, refused below
        try:
            adapted = get_peft_model(model, settings)
        except ValueError as error:
            told = " ".join(str(error).split())
            raise StudentError(f"student.lora.targets {targets!r} do not fit the student: {told}") from error
    if any(isinstance(module, ParamWrapper) for module in adapted.modules()):
        raise StudentError(
            f"student.lora.targets {targets!r} reach into the experts of a model of type {model.config.model_type!r},"
            " which are no linear layers; name those of its attention, such as [q_proj, k_proj, v_proj, o_proj]"
        )
    return adapted


def check_targets(model: PreTrainedModel, config: LoraConfig) -> None:
    """Check that every target names linear layers and no tied output layer. Raises StudentError."""
    if isinstance(config.targets, str):
        return
    modules = dict(model.named_modules())
    linear = sorted({name.rpartition(".")[2] for name, module in modules.items() if _is_linear(module)})
    remedy = f"its linear layers are {', '.join(linear)}"
    if not config.targets:
        raise StudentError(f"student.lora.targets is empty, so nothing would be trained; {remedy}")
    tied = model.config.get_text_config().tie_word_embeddings
    for target in config.targets:
        named = [module for name, module in modules.items() if name == target or name.endswith(f".{target}")]
        if not named:
            raise StudentError(f"student.lora.targets names {target!r}, which the student does not have; {remedy}")
        if not all(map(_is_linear, named)):
            raise StudentError(f"student.lora.targets names {target!r}, which is no linear layer; {remedy}")
        if tied and any(module is model.get_output_embeddings() for module in named):
            # An adapter merged into a tied output layer would also change the input embeddings.
            raise StudentError(
                f"student.lora.targets names {target!r}, the output layer, which is tied to the student's embeddings;"
                " leave it out, or set student.weights to full"
            )


def _is_linear(module: object) -> bool:
    return isinstance(module, torch.nn.Linear | Conv1D)
