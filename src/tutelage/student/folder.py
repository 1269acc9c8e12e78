"""What stands in a model's folder, read with nothing trusted: weights against configuration, no code of its own.

    headers      every file of weights is there and whole; names and types of its tensors
    frame        the model without weights (device meta), which the tensors must fill, shape by shape

Whatever a library raises over such a folder is told in one line, with the folder's name.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from tutelage.errors import StudentError, TutelageError

UNTRUSTED: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
"""Code in a folder is never run, nor is anybody asked whether it may be; nothing is fetched."""
_FLOATS = {"F64", "F32", "F16", "BF16"}
_SHOWN = 3


class quiet:  # noqa: N801  (reads as a verb: `with quiet():`)
    """Without Transformers' progress bars and advice, which would stand between ours."""

    def __enter__(self) -> None:
        self.verbosity = transformers_logging.get_verbosity()
        self.bars = transformers_logging.is_progress_bar_enabled()  # not so within another `with quiet()`
        transformers_logging.set_verbosity(logging.CRITICAL)
        transformers_logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        transformers_logging.set_verbosity(self.verbosity)
        if self.bars:
            transformers_logging.enable_progress_bar()


@contextmanager
def faults_of(source: str | Path, what: str = "the student") -> Iterator[None]:
    """In here, whatever goes wrong is a fault of the model's folder: StudentError, in one line."""
    try:
        with quiet():
            yield
    except TutelageError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise StudentError(f"{what} {str(source)!r} does not fit in memory: {first_line(error)}") from error
    except BaseException as error:
        # tokenizers is written in Rust: what it did not foresee is a PanicException, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        told = first_line(error)
        if "custom code" in told:
            told = "it is of a kind that needs code of its own, which is never run; take a model of another kind"
        raise StudentError(f"cannot load {what} {str(source)!r}: {told}") from error


def first_line(error: BaseException) -> str:
    """What an error says first, with its type where that is little."""
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


def read_frame(source: Path, dtype: torch.dtype) -> PreTrainedModel:
    """The model without its weights, which the files fill whole: names, shapes, types. Raises StudentError."""
    with faults_of(source):
        config = AutoConfig.from_pretrained(source, **UNTRUSTED)
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


def _refuse(source: Path, what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise StudentError(
            f"the files of the student {str(source)!r} {what} {', '.join(names[:_SHOWN])}{more}; save it again"
        )


def _more_of_the_same(frame: PreTrainedModel, unexpected: set[str]) -> list[str]:
    """Tensors like those of a layer, of a layer that there is not. Other ones, such as an encoder's, do no harm."""
    known = {re.sub(r"\d+", "*", name) for name in frame.state_dict()}
    return sorted(name for name in unexpected if re.sub(r"\d+", "*", name) in known)


def _headers(source: Path) -> dict[str, str]:
    """The tensors in the files of weights, by name, and their types; of pickled files everything counts as a float."""
    if (source / "adapter_config.json").exists():
        raise StudentError(f"{str(source)!r} holds adapters beside a model; merge them and save the model alone")
    stored: dict[str, str] = {}
    for file in _weight_files(source):
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing or no file")
        with file.open("rb"):
            pass  # the system says why where it may not be read; safetensors says "No such file"
        if file.suffix == ".safetensors":
            with safe_open(file, "pt") as opened:
                stored |= {name: str(opened.get_slice(name).get_dtype()) for name in opened.keys()}  # noqa: SIM118
        else:
            pickled = torch.load(file, map_location="meta", weights_only=True, mmap=True)
            stored |= dict.fromkeys(pickled, "F32")
    return stored


def _weight_files(source: Path) -> list[Path]:
    """The files that Transformers would read, in its order of preference."""
    for whole in ("model.safetensors", "pytorch_model.bin"):
        index = source / f"{whole}.index.json"
        if (source / whole).exists() or (source / whole).is_symlink():
            return [source / whole]
        if index.exists():
            shards = {str(shard) for shard in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
            if strange := [shard for shard in shards if Path(shard).name != shard]:
                raise ValueError(f"{index.name} names {strange[0]!r}, which is no file of this folder")
            return [source / shard for shard in sorted(shards)]
    raise FileNotFoundError(f"{str(source)!r} has no weights: there is no model.safetensors")
