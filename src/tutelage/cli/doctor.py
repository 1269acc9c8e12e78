"""`tutelage doctor`: what a run would find on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from tutelage.cli.machine_readable import Json, print_json
from tutelage.text.printable import printable

_OURS = "our own, since vLLM and a GPU are not both there; Transformers' generate if ours cannot compute the model"


def doctor(
    model: Annotated[str, typer.Argument(help="A student: a model's folder, hub name, or smollm2-135m.")] = (
        "smollm2-135m"
    ),
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="As student.device.")] = "auto",
    json: Json = False,
) -> None:
    """Show versions, machine, memory, disk and keys, and what a student would be computed and sampled with here.

    Example: `tutelage doctor`
    """
    from tutelage.config import StudentConfig
    from tutelage.runs.directory import versions
    from tutelage.student.asked import asked_as, told_of
    from tutelage.student.engines.engine import Engine
    from tutelage.student.engines.vllm import unavailable
    from tutelage.student.model import pick_device, precision_of
    from tutelage.student.resources.available import available_memory
    from tutelage.student.resources.hardware import hardware
    from tutelage.student.resources.memory import gigabytes
    from tutelage.student.resources.probe import kept_speeds
    from tutelage.user_cache import user_cache

    config = StudentConfig(model=model, device=device, prompt="auto")
    picked, no_vllm = pick_device(device), unavailable()
    engine = "vLLM, which is there, as is a GPU" if Engine().is_vllm else _OURS
    memory, disk, keys = available_memory(picked), shutil.disk_usage(Path()).free, _keys(os.environ)
    if json:
        student = {"model": model, "precision": precision_of(config), "asked": asked_as(config)}
        free = {"free_memory": memory, "free_disk": disk}
        here = {"versions": versions(), "machine": hardware(), "device": picked.type, **free, "keys": keys}
        print_json(
            {**here, "vllm": no_vllm or "there", "engine": engine, "cache": str(user_cache()), "student": student}
        )
        return
    print(f"versions   {versions()}")
    print(f"machine    {hardware()}")
    print(f"device     {picked.type}, {gigabytes(memory)} free")
    print(f"disk       {gigabytes(disk)} free here")
    print(f"keys       {', '.join(keys) or 'none set'}")
    print(f"vLLM       {no_vllm or 'there'}")
    print(f"engine     by student.engine auto, {engine}")
    print(f"cache      {printable(str(user_cache()))}")
    asked = told_of(asked_as(config), config)
    print(f"student    {printable(f'{model}: {precision_of(config)}; by student.prompt auto, {asked}')}")
    if os.path.isfile(kept_speeds()):  # noqa: PTH113 - Path.is_file raises where a name is too long
        print(f"speeds     kept in {printable(str(kept_speeds()))}; remove it to have them measured again")


def _keys(variables: Mapping[str, str]) -> list[str]:
    """The variables with a key for an endpoint or the hub's token, by name; their values are nobody's business."""
    ends = ("_API_KEY", "HF_TOKEN")
    return sorted(printable(name) for name, value in variables.items() if value and name.upper().endswith(ends))
