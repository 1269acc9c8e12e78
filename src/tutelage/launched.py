"""Which of several processes this one is, if a launcher has started more than one: by torchrun's environment.

    RANK=1  WORLD_SIZE=4  LOCAL_RANK=1  LOCAL_WORLD_SIZE=2  MASTER_ADDR=10.0.0.1  MASTER_PORT=29500

`torchrun` and `accelerate launch --multi_gpu` set these; under mpirun, which `accelerate launch --cpu` uses, some have
other names. This file imports next to nothing: a run in one process pays nothing for it.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from tutelage.errors import ConfigError

_NAMES = {
    "rank": ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"),
    "size": ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"),
    "local_rank": ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "local_size": ("LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"),
}
VARIABLES = tuple(name for part in ("rank", "size", "local_rank") for name in _NAMES[part])
"""Variables that accelerate and Transformers read, too: their Trainer would split our batches once more."""
OF_ACCELERATE = ("ACCELERATE_", "FSDP_")
"""Beginnings of those that choose plugins and precision, which Tutelage chooses itself."""
_OF_A_RANK = (*OF_ACCELERATE, "MASTER_ADDR", "MASTER_PORT", "GROUP_RANK", "GROUP_WORLD", "ROLE_", "TORCHELASTIC_")


class Place(NamedTuple):
    """This process among all (`rank` of `size`) and among those of its machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def launcher(self) -> list[str]:
        """The beginning of the command that starts as many processes; HOST stands for one of several machines."""
        if self.size == 1:
            return ["tutelage"]
        machines = ["--nnodes", str(self.size // self.local_size)] if self.size > self.local_size else []
        if machines:
            machines += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "HOST:29400"]
        return ["torchrun", *machines, "--nproc_per_node", str(self.local_size), "-m", "tutelage"]


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """The place of this process. Raises ConfigError for an environment that makes no sense."""
    found = {part: _number(names, environment) for part, names in _NAMES.items()}
    size, rank = found["size"] or 1, found["rank"] or 0
    if size == 1:
        if environment.get("ACCELERATE_USE_CPU") == "True" and environment.get("MASTER_ADDR"):
            raise ConfigError(
                "accelerate launch --cpu has started one process, though several were asked for: without an"
                " --mpirun_hostfile it starts no more; use torchrun --nproc_per_node N, or accelerate launch"
                " --multi_gpu --num_processes N, which need no GPU (if one process is meant, unset MASTER_ADDR)"
            )
        return Place()
    port = _number(("MASTER_PORT",), environment) or 0
    if found["rank"] is None or not rank < size or not environment.get("MASTER_ADDR") or not 0 < port < 2**16:
        names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        told = ", ".join(f"{name}={environment.get(name, '')}" for name in names)
        raise ConfigError(f"the environment names several processes, but not well ({told}); start them with torchrun")
    return Place(rank, size, found["local_rank"] or 0, found["local_size"] or 1)


def on_this_machine(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes a launcher has started on this machine, inside `hidden`, too."""
    return max(1, _number(_NAMES["local_size"], environment) or 1)


def is_first(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is the one that speaks: the first of several, or the only one."""
    return not is_one_of_several(environment) or _named("rank", environment) == "0"


def is_one_of_several(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a launcher has started this process, and others; it then has a rank."""
    return _named("size", environment) not in (None, "1") and _named("rank", environment) is not None


def alone(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a program that this process starts, and that is not one of the several."""
    names = {name for part in _NAMES.values() for name in part}
    return {name: value for name, value in environment.items() if name not in names and not name.startswith(_OF_A_RANK)}


@contextmanager
def hidden(whole: bool = False) -> Generator[None]:
    """Hide the launcher's variables inside the block: whoever reads them takes this process for one of several.

    `whole`: the number of processes on this machine and the rendezvous, too, as in `alone`.
    """
    some = {name for name in os.environ if name in VARIABLES or name.startswith(OF_ACCELERATE)}
    found = {name: os.environ.pop(name) for name in (os.environ.keys() - alone() if whole else some)}
    try:
        yield
    finally:
        os.environ.update(found)


def _named(part: str, environment: Mapping[str, str]) -> str | None:
    return next(filter(None, map(environment.get, _NAMES[part])), None)


def _number(names: tuple[str, ...], environment: Mapping[str, str]) -> int | None:
    for name in names:
        if value := environment.get(name):
            if not value.isdecimal():
                raise ConfigError(f"the environment sets {name} to {value!r}, which is no number; unset it")
            return int(value)
    return None
