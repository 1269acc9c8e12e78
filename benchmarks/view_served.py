"""What the pages of a large run cost over HTTP: the server as a process of its own, as `tutelage view` starts it.

Seconds of the CPU are the server's, by the clock that Linux has for every process.
"""

from __future__ import annotations

import http.client
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

from tutelage.view.facts import COURSES

SORTS = ("order", "question", "-question", "-first", "last", "-gain", "replies", "-cost")
SEARCHES = ("", "answer", "pens 12", "cats legs 97", "nothing of the kind")


@dataclass(frozen=True, slots=True)
class Server:
    """A server at work: where it is, and its process."""

    port: int
    pid: int
    seconds_to_start: float

    def get(self, path: str) -> str:
        """The page at an address. Raises AssertionError: there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, (path, answer.status)
        return text

    def cpu(self) -> float:
        """Seconds of the CPU so far."""
        return time.clock_gettime((~self.pid << 3) | 2)  # what clock_getcpuclockid(3) gives

    def memory(self) -> float:
        """MB at most so far."""
        [found] = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(found) / 1024


@contextmanager
def serving(place: Path) -> Generator[Server]:
    """`tutelage view` on a place, until the `with` block ends."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tutelage", "view", str(place), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+)/", process.stdout.readline())
            assert found is not None
            yield Server(int(found[1]), process.pid, time.monotonic() - began)
        finally:
            process.terminate()


def print_served(run: Path) -> None:
    """Measure the pages of an indexed run, and print."""
    with serving(run) as server:
        base = f"/run/{run.absolute().name}/"
        began, cpu = time.monotonic(), server.cpu()
        server.get(base)
        book = server.get(f"{base}problems")
        wall, cpu = time.monotonic() - began, server.cpu() - cpu
        print(f"\nThe server starts in {server.seconds_to_start:.2f} s; ", end="")
        print(f"the first screen and the class book then take {wall:.2f} s ({cpu:.2f} s of the CPU).")
        while "Reading the run" in book:
            time.sleep(0.1)
            book = server.get(f"{base}problems")
        names = re.findall(r'id="row-(\w+)"', book)[:20]
        print("\n| over HTTP | times | median ms | 95 % ms | median CPU ms | 95 % CPU ms |\n|---|---|---|---|---|---|")
        wanted = [f"{base}problems?{query}" for query in _queries()]
        last = wanted[-1]
        table = (
            ("filter, sort or search", wanted),
            ("next page", [f"{last}&page={page}" for page in range(2, 42)]),
            ("story, with its neighbours", [f"{base}problems/{name}" for name in names]),
            ("other pages", [f"{base}{name}" for name in ("", "mistakes", "teacher", "training") for _ in range(5)]),
            ("pulse", [f"{base}pulse"] * 20),
        )
        for name, paths in table:
            print_times(name, [lambda path=path: server.get(path) for path in paths], server.cpu)
        print(f"\nMemory of the server at most: {server.memory():,.0f} MB")


def _queries() -> list[str]:
    wanted = [{"sort": sort, "q": words} for sort, words in product(SORTS, SEARCHES)]
    wanted += [{"course": course, "q": words} for course, words in product(COURSES, SEARCHES)]
    found = [urlencode(each) for each in wanted]
    return [*found, *(f"taught={taught}&rejected={rejected}" for taught, rejected in product(("yes", "no"), repeat=2))]


def print_times(
    name: str, calls: Sequence[Callable[[], object]], clock: Callable[[], float] = time.process_time
) -> None:
    """A row of a table: how long calls take, by the wall's clock and by that of the CPU."""
    wall, cpu = list[float](), list[float]()
    for call in calls:
        began, burnt = time.monotonic(), clock()
        call()
        wall.append(1000 * (time.monotonic() - began))
        cpu.append(1000 * (clock() - burnt))
    figures = (f"{figure(each):.1f}" for each in (wall, cpu) for figure in (statistics.median, _p95))
    print(f"| {name} | {len(calls)} | {' | '.join(figures)} |")


def _p95(values: list[float]) -> float:
    return sorted(values)[-(-95 * len(values) // 100) - 1]
