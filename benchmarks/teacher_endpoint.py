"""A scripted endpoint in a process of its own, so that its work is not counted as the client's.

with Endpoint(latency=1.0) as endpoint:
    ask(endpoint.base_url)
endpoint.log
"""

from __future__ import annotations

import multiprocessing
import re
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from tutelage.testing import TeacherEndpoint
from tutelage.testing.log import Seen

_NUMBER = re.compile(r"Crate (\d+) ")


class Endpoint:
    """Settings are those of TeacherEndpoint. `log` is what it saw, complete when the context has been left."""

    def __init__(self, **settings: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
        self.base_url = ""
        self.log: list[Seen] = []

    def look(self) -> list[Seen]:
        """What it has seen so far."""
        self._pipe.send("log")
        return self._pipe.recv()

    def count(self) -> int:
        """How many requests it has seen so far."""
        self._pipe.send("count")
        return self._pipe.recv()

    def __enter__(self) -> Self:
        self._process.start()
        self.base_url = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log = self.look()
        self._pipe.send("stop")
        self._process.join()


def answer(body: dict[str, Any]) -> str:
    """A right rationale for the problems of `teacher_job.py`, of a length that differs from crate to crate."""
    number = int(_NUMBER.findall(body["messages"][-1]["content"])[0])
    rows = number % 7 + 2
    words = "Each row is counted by itself, and no bottle is counted twice. " * (number % 4)
    return f"{words}There are {rows} rows of 4 bottles, so {rows} × 4 = {4 * rows} bottles.\nThe answer is {4 * rows}."


def _serve(pipe: Connection, settings: dict[str, Any]) -> None:
    with TeacherEndpoint(answer, keep=False, **settings) as endpoint:
        pipe.send(endpoint.base_url)
        while (word := pipe.recv()) != "stop":
            pipe.send(len(endpoint.log) if word == "count" else list(endpoint.log))
