"""What an open page costs a run: the same tiny run with and without a visitor, in seconds of the run's own CPU time.

    python -m benchmarks.view_live [--problems 300] [--pairs 3]

The visitor asks for the pulse as live.js does, and for the class book whenever that has changed; its server is a
process of its own. A third way runs without now.json. The ways take turns, so that a disturbed machine is so for all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import yaml

from benchmarks.growth_run import small_config
from benchmarks.view_served import Server, serving

LOOK = 0.7
"""Seconds between two looks of live.js at a run at work."""
WAYS = ("alone", "with a page open", "without now.json")
JOB = """
import sys
from tutelage.cli import app
from tutelage.report.now import NowFile
if sys.argv.pop(1) == "quiet":
    NowFile.write = lambda self: None
app()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=3)
    given = parser.parse_args()
    seconds = {way: list[float]() for way in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        config = small_config(given.problems, Path(scratch)).model_dump(mode="json")
        (file := Path(scratch) / "config.yaml").write_text(yaml.safe_dump(config))
        for number in range(given.pairs):
            for way in WAYS:
                place = Path(scratch) / f"{number}-{WAYS.index(way)}"
                seconds[way].append(_measured(file, place, way))
    print("| the run | CPU seconds | of the run alone |\n|---|---|---|")
    for way in WAYS:
        share = statistics.median(one / alone for one, alone in zip(seconds[way], seconds["alone"], strict=True))
        print(f"| {way} | {', '.join(f'{each:.1f}' for each in seconds[way])} | {share - 1:+.1%} |")


def _measured(config: Path, place: Path, way: str) -> float:
    """Seconds of the CPU that a run takes in its own process."""
    place.mkdir()
    now = "quiet" if way == WAYS[2] else "told"
    arguments = [now, "run", str(config), "--out", str(place / "run")]
    process = subprocess.Popen(
        [sys.executable, "-c", JOB, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if way == WAYS[1]:
        with serving(place) as server:
            ended = threading.Event()
            visitor = threading.Thread(target=_visit, args=(server, place, ended))
            visitor.start()
            used = _ended(process.pid)
            ended.set()
            visitor.join()
        return used
    return _ended(process.pid)


def _ended(pid: int) -> float:
    _, status, used = os.wait4(pid, 0)
    assert status == 0, status
    return used.ru_utime + used.ru_stime


def _visit(server: Server, place: Path, ended: threading.Event) -> None:
    was = ""
    while not ended.wait(LOOK):
        with suppress(AssertionError):  # the run has not begun yet
            if (now := server.get("/run/run/pulse").split()[-1]) != was:
                began = time.monotonic()
                server.get("/run/run/problems")
                was = now
                ended.wait(4 * (time.monotonic() - began))


if __name__ == "__main__":
    main()
