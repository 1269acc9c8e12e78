"""A student whose weights have 4 bits while adapters are trained on it: QLoRA (Dettmers et al. 2023, arXiv 2305.14314).

Its linear layers are kept as NormalFloat4, by bitsandbytes, and multiplied in bfloat16: an eighth of the memory that
they take in float32. The adapters are trained in float32, and added to the weights as they were before the rounding.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.student.folder import UNTRUSTED, faults_of, read_tokenizer, stored_dtype
from tutelage.student.kept_adapters import Adapters, holds_adapters, read_adapters
from tutelage.student.model import LoadedModel, model_folder, name_of_base, pick_device


def check_qlora() -> None:
    """Raise StudentError where weights of 4 bits can't be computed with."""
    if not torch.cuda.is_available():
        raise StudentError("student.weights is 'qlora', which needs a GPU, and torch finds none; set it to 'lora'")
    if find_spec("bitsandbytes") is None:
        raise StudentError(
            "student.weights is 'qlora', and bitsandbytes is not installed; run `pip install \"tutelage[qlora]\"`, or"
            " set it to 'lora'"
        )


def load_quantised(config: StudentConfig, folder: Path | None, whole: Path) -> LoadedModel:
    """The student of `folder` (None: the untrained one) in 4 bits, from the folder of its `whole` weights.

    Raises StudentError: no GPU, no bitsandbytes, or not to be loaded.
    """
    check_qlora()
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    device = pick_device(config.device)
    with faults_of(whole):
        model = AutoModelForCausalLM.from_pretrained(
            whole, dtype=torch.bfloat16, quantization_config=four_bits, device_map={"": device}, **UNTRUSTED
        )
    kept = folder if folder is not None else model_folder(config.model)
    adapters = read_adapters(kept) if holds_adapters(kept) else None
    if folder is None and adapters is None:
        adapters = Adapters(name_of_base(config.model))
    if adapters is None:
        raise StudentError(
            f"{folder} has whole weights, which rounds of student.weights 'qlora' don't leave; set it to 'lora', or"
            " begin another run"
        )
    return LoadedModel(model, read_tokenizer(whole), quantised=True, stored=stored_dtype(whole), adapters=adapters)
