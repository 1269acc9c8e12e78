"""Several processes of one machine, as torchrun starts them: forks that join on a free port of loopback."""

import os
import pickle
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.processes import forked


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def started(target: Callable[..., object], size: int, *arguments: object) -> list[BaseProcess]:
    """`target(rank, *arguments)` in processes of their own, each in the environment of its rank."""
    port = free_port()
    return [forked(_rank, environment(rank, size, port), target, rank, arguments) for rank in range(size)]


def results(target: Callable[..., object], size: int, folder: Path, *arguments: object) -> list:
    """What `target(ranks, *arguments)` returns in each of the processes, which have joined."""
    folder.mkdir(parents=True, exist_ok=True)
    processes = started(_returned, size, target, folder, arguments)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * size
    return [pickle.loads((folder / f"rank-{rank}").read_bytes()) for rank in range(size)]


def _rank(variables: dict[str, str], target: Callable[..., object], rank: int, arguments: tuple) -> None:
    os.environ.update(variables)
    target(rank, *arguments)


def _returned(rank: int, target: Callable[..., object], folder: Path, arguments: tuple) -> None:
    from tutelage.student.ranks.group import joined

    with joined() as ranks:
        (folder / f"rank-{rank}").write_bytes(pickle.dumps(target(ranks, *arguments)))
