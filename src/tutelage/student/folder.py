"""Reads an untrusted model folder: checks the weights against the configuration and never runs code from the folder.

    headers      every weight file is complete; names and types of its tensors
    frame        the model without weights (on device meta); the tensors must match its names and shapes

Any error of a library becomes a one-line StudentError with the folder's name.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from tutelage.errors import StudentError, TutelageError

UNTRUSTED: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
"""Never run code from a folder, never ask to do so, never download."""
_PICKLED = {"torch.bfloat16": "BF16", "torch.float16": "F16"}
_FLOATS = {"F64", "F32", "F16", "BF16"}
_SHOWN = 3


class quiet:  # noqa: N801  (reads as a verb: `with quiet():`)
    """Turns off Transformers' progress bars and warnings, which would mix with ours."""

    def __enter__(self) -> None:
        self.verbosity = transformers_logging.get_verbosity()
        self.bars = transformers_logging.is_progress_bar_enabled()  # False inside another `with quiet()`
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        transformers_logging.set_verbosity(self.verbosity)
        if self.bars:
            transformers_logging.enable_progress_bar()


@contextmanager
def faults_of(source: str | Path, what: str = "the student") -> Iterator[None]:
    """Turn any error inside the block into a one-line StudentError about the model's folder."""
    try:
        with quiet():
            yield
    except TutelageError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise StudentError(f"{what} {str(source)!r} does not fit in memory: {first_line(error)}") from error
    except BaseException as error:
        # tokenizers is written in Rust: its panics are PanicException, which is not a subclass of Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        told = first_line(error)
        if isinstance(error, KeyError):  # names of activations, rope types and the like are looked up in dicts
            told = f"its configuration names {told.removeprefix('KeyError ')}, which Transformers does not know"
        if "custom code" in told:
            told = "it is of a kind that needs code of its own, which is never run; take a model of another kind"
        raise StudentError(f"cannot load {what} {str(source)!r}: {told}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message; with its type if the line is a single word."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1])
    return told if " " in told else f"{type(error).__name__} {told}".strip()


def read_tokenizer(source: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer in a folder. Raises StudentError."""
    if Path(source).is_dir() and not any(Path(source, name).is_file() for name in _TOKENIZERS):
        raise StudentError(f"cannot load the tokenizer of {str(source)!r}: it has no tokenizer.json")
    with faults_of(source, "the tokenizer of"):
        return AutoTokenizer.from_pretrained(source, **UNTRUSTED)


_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tokenizer_config.json")


def check_generation(source: str | Path, config: Any) -> None:
    """Refuse a generation_config.json that is not JSON, or whose end tokens the configured model does not have.

    Transformers ignores what it can't read there, and answers would not end. Raises StudentError.
    """
    vocabulary = getattr(config.get_text_config(), "vocab_size", sys.maxsize)
    path = Path(source, "generation_config.json")
    if not os.path.lexists(path):  # not every model has one
        return
    try:
        settings: object = json.loads(path.read_text(encoding="utf-8"))
        fault = _fault_of_tokens(settings, vocabulary) if isinstance(settings, dict) else "it holds no object"
    except (OSError, ValueError, RecursionError) as error:
        fault = f"it cannot be read as JSON ({first_line(error)})"
    if fault:
        raise StudentError(f"the student's file {str(path)!r} is broken: {fault}; correct it, or remove it")


def read_generation(source: str | Path, config: Any) -> GenerationConfig:
    """The generation settings in a folder; without any, those that its configuration has. Raises StudentError."""
    check_generation(source, config)
    if Path(source, "generation_config.json").exists():  # not every model has one
        return GenerationConfig.from_pretrained(source, local_files_only=True)
    return GenerationConfig.from_model_config(config)


def listed(ids: object) -> list[int]:
    """A setting of one token id, several or none, as a list."""
    return [each for each in (ids if isinstance(ids, list) else [ids]) if isinstance(each, int)]


def _fault_of_tokens(settings: dict[str, Any], vocabulary: int) -> str | None:
    for name in ("eos_token_id", "bos_token_id", "pad_token_id"):
        value = settings.get(name)
        for each in value if isinstance(value, list) and name == "eos_token_id" else [value]:
            if each is not None and type(each) is not int:
                return f"its {name} is {value!r:.80}, not a token's number"
            if each is not None and name == "eos_token_id" and not 0 <= each < vocabulary:
                return f"its {name} is {value!r:.80}, and the model has embeddings of the tokens 0 to {vocabulary - 1}"
    return None


def read_frame(source: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The model without its weights, on device meta. Raises StudentError if the weight files do not match it."""
    with faults_of(source):
        config = AutoConfig.from_pretrained(source, **UNTRUSTED)
        check_generation(source, config)
        stored = _headers(source)
        layers = getattr(config.get_text_config(), "num_hidden_layers", None)
        if isinstance(layers, int) and not 0 < layers <= len(stored):
            raise ValueError(f"config.json speaks of {layers} layers, and its files hold {len(stored)} tensors")
        frame, found = AutoModelForCausalLM.from_pretrained(  # pyright: ignore[reportGeneralTypeIssues]
            source,
            config=config,
            dtype=dtype,
            device_map="meta",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **UNTRUSTED,
        )
        _refuse(source, "have none of the weights", sorted(found["missing_keys"]))
        shapes = [f"{name} {[*has]}, not {[*should]}" for name, has, should in sorted(found["mismatched_keys"])]
        _refuse(source, "hold weights of other shapes than config.json says:", shapes)
        _refuse(source, "hold more layers than config.json says:", _more_of_the_same(frame, found["unexpected_keys"]))
        other = [f"{name} ({kind})" for name, kind in sorted(stored.items()) if kind not in _FLOATS]
        own = {*frame.state_dict()}
        _refuse(source, "hold weights that are no floats:", [each for each in other if each.split(" ")[0] in own])
    return frame


_NARROW = {"BF16": torch.bfloat16, "F16": torch.float16}


def stored_dtype(source: Path) -> torch.dtype:
    """The precision of most weights in a model's files: bfloat16, float16 or float32, which stands for all others."""
    with faults_of(source):
        kinds = Counter(_headers(source).values()).most_common(1)
        return _NARROW.get(kinds[0][0], torch.float32) if kinds else torch.float32


def _refuse(source: Path, what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise StudentError(
            f"the files of the student {str(source)!r} {what} {', '.join(names[:_SHOWN])}{more}; save it again"
        )


def _more_of_the_same(frame: PreTrainedModel, unexpected: set[str]) -> list[str]:
    """Tensors of layers beyond the configured number. Other unexpected tensors, such as an encoder's, are harmless."""
    known = {re.sub(r"\d+", "*", name) for name in frame.state_dict()}
    return sorted(name for name in unexpected if re.sub(r"\d+", "*", name) in known)


def _headers(source: Path) -> dict[str, str]:
    """Names and types of all tensors in the weight files. In pickled files every tensor counts as a float."""
    if (source / "adapter_config.json").exists():
        raise StudentError(f"{str(source)!r} holds adapters beside a model; merge them and save the model alone")
    stored: dict[str, str] = {}
    for file in _weight_files(source):
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing or no file")
        with file.open("rb"):
            pass  # the system's message is better than that of safetensors, which says "No such file"
        if file.suffix == ".safetensors":
            with safe_open(file, "pt") as opened:
                stored |= {name: str(opened.get_slice(name).get_dtype()) for name in opened.keys()}  # noqa: SIM118
        else:
            pickled = torch.load(file, map_location="meta", weights_only=True, mmap=True)
            stored |= {name: _PICKLED.get(str(getattr(tensor, "dtype", "")), "F32") for name, tensor in pickled.items()}
    return stored


def _weight_files(source: Path) -> list[Path]:
    """The weight files that Transformers would read, in its order of preference."""
    for whole in ("model.safetensors", "pytorch_model.bin"):
        index = source / f"{whole}.index.json"
        if (source / whole).exists() or (source / whole).is_symlink():
            return [source / whole]
        if index.exists():
            try:
                shards = {str(shard) for shard in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(
                    f"{index.name} does not say which file holds which weight; save the model again"
                ) from None
            if strange := [shard for shard in shards if Path(shard).name != shard]:
                raise ValueError(f"{index.name} names {strange[0]!r}, which is no file of this folder")
            return [source / shard for shard in sorted(shards)]
    raise FileNotFoundError(f"{str(source)!r} has no weights: there is no model.safetensors")


def read_gguf(folder: Path, name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """De-quantise a GGUF file into a plain model: one loaded from GGUF refuses to be saved."""
    names: dict[str, Any] = {"gguf_file": name}
    with quiet(), redirect_stderr(StringIO()):  # its progress bar cannot be turned off
        tokenizer = AutoTokenizer.from_pretrained(folder, **names)
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **names)
        settings = {k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"}
        model = AutoModelForCausalLM.from_config(type(loaded.config)(**settings), dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    model.generation_config = loaded.generation_config
    return model, tokenizer
