"""Runs every benchmark and writes docs/performance.md: `make bench`.

The page is made of what the benchmarks print, so it holds no figure that was not measured on the machine it names.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import machine

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

SMALL_RUN = ("task.train=20", "task.validation=8", "task.test=16", "rounds.max=1", "rounds.patience=1")
"""The demo, cut down so that the reference's way of it ends within minutes."""

HEAD = """# Performance

Written by `make bench` (`python -m benchmarks.performance`); figures are this machine's:

    {machine}

The *reference's way* is what the paper's released code does, written by us with the same model, data and mathematics
(`benchmarks/reference.py`): five forward passes a training step over padded batches, `generate` of Transformers in
small fixed batches. Both ways run in one process, in turn, five times; ratios are medians of the repeats' own ratios.
To end in time, three things are smaller than in use: with a few-shot prefix nothing is warmed up and the reference's
steps have 2 problems where ours have 8 (it shares nothing between problems but AdamW's step, 2 % of its time); answers
have at most 32 tokens, so the prompt, which `generate` computes once a sample, weighs more than in a real exam; and the
whole run is the demo cut down, one seed, its accuracies too few problems to compare.
"""


def main() -> None:
    """Run all and write the page."""
    started = time.monotonic()
    sections = [
        _section("Training", "benchmarks.training"),
        _section("Exams", "benchmarks.sampling"),
        _section("A whole run", "benchmarks.end_to_end", *[part for key in SMALL_RUN for part in ("--set", key)]),
        "\n## How costs grow\n\n" + _output("benchmarks.growth"),
    ]
    PAGE.write_text(HEAD.format(machine=machine()) + "".join(sections), encoding="utf-8")
    print(f"{PAGE} written after {(time.monotonic() - started) / 60:.0f} minutes")


def _section(title: str, module: str, *arguments: str) -> str:
    *lines, figures = _output(module, *arguments).strip().splitlines()
    rows = "\n".join(f"| `{name}` | {value:g} |" for name, value in json.loads(figures).items())
    command = " ".join(["python -m", module, *arguments])
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"\n## {title}\n\n`{command}`\n\n{body}\n\n| figure | value |\n|---|---|\n{rows}\n"


def _output(module: str, *arguments: str) -> str:
    """What a benchmark prints; shown while it runs."""
    print(f"== {module}", flush=True)
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(f"{module} failed with exit code {process.returncode}")
    return "".join(lines)


if __name__ == "__main__":
    main()
