"""Runs benchmarks and writes what they print into docs/: `make bench` and its like.

    python -m benchmarks.performance student|costs|teacher|run|gpu

A page is made of what the benchmarks print, so it holds no figure that was not measured on the machine it names.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from tutelage.student.resources.hardware import hardware

DOCS = Path(__file__).parent.parent / "docs"

SMALL_RUN = (
    "task.train=24",
    "task.validation=8",
    "task.test=16",
    "teacher.seed_problems=16",
    "teacher.replies_per_round=8",
    "rounds.max=1",
    "rounds.patience=1",
)
"""The demo, cut down so that the reference's way of it ends within minutes."""

STUDENT = """# Performance of the student

Written by `make bench` (`python -m benchmarks.performance student`); figures are this machine's:

    {machine}

The *reference's way* is what the paper's released code does, written by us with the same model, data and mathematics
(`benchmarks/reference.py`): five forward passes a training step over padded batches, `generate` of Transformers in
small fixed batches. All ways run in one process, in turn, two to five times, as many as some minutes allow; ratios are
medians of the repeats' own ratios. *Ours* is measured in float32 and in bfloat16; what suits this machine is what
`student.dtype: auto` takes here, and the ratios are its. Beside each way stands what it reaches, its padding included,
and the share of the limit: the best that a product of square matrices reaches here in the same precision
(`benchmarks/peak.py`). An exam's own attention kernel is not counted.

To end in time, four things are smaller than in use: the reference's steps have 4 problems where ours have 8 (it shares
nothing between problems but AdamW's step, 2 % of its time), with a few-shot prefix 2; the precision that does not suit
the machine gets half as many, or none where it reaches less than a fifth of the other's limit; answers have at most 32
tokens, so the prompt, which `generate` computes once a sample, weighs more than in a real exam; and the whole run is
the demo cut down, one seed, its accuracies too few problems to compare, the reference in float32
([performance-run.md](performance-run.md) has the whole one). What a stage costs besides its computation, and how a run
grows to 100,000 problems: [performance-costs.md](performance-costs.md).
"""

COSTS = """# Fixed costs, and growth

Written by `make bench-costs` (`python -m benchmarks.performance costs`); figures are this machine's:

    {machine}

What a step and a stage cost besides the computation itself, with the student of the demo. Shares are of the first row;
AdamW and clipping are parts of a step, reading and hashing happen once. And whole runs of a tiny student over more and
more problems: milliseconds for each problem, and the peak of memory beyond what the process had before.
"""

TEACHER = """# Performance of the teacher

Written by `make bench-teacher` (`python -m benchmarks.performance teacher`); figures are this machine's:

    {machine}

The endpoint is a real HTTP server on loopback in a process of its own, and what is counted is what it saw. A request
counts as repeated after a kill if the endpoint had sent its reply 0.25 s or more before the kill; those it was still
answering are listed apart, since no client can know of them.
"""

RUN = """# Performance of a whole run

Written by `make bench-run` (`python -m benchmarks.performance run`); figures are this machine's:

    {machine}

The demo as it is, three seeds, ours and with the reference's training steps and `generate` (`benchmarks/reference.py`).
"""

GPU = """# Performance on a GPU

Written by `make bench-gpu` (`python -m benchmarks.performance gpu`); figures are this machine's:

    {machine}

What is counted, and what the share of the peak means: `benchmarks/gpu.py`.
"""


def main() -> None:
    """Run what is asked for and write its page."""
    subject = sys.argv[1] if len(sys.argv) > 1 else "student"
    small = [part for key in SMALL_RUN for part in ("--set", key)]
    started = time.monotonic()
    if subject == "student":
        page, head = DOCS / "performance.md", STUDENT
        sections = [
            _section("Training", "benchmarks.training"),
            _section("Exams", "benchmarks.sampling"),
            _section("A whole run", "benchmarks.end_to_end", *small),
            _table("How costs grow", "benchmarks.growth"),
        ]
    elif subject == "costs":
        page, head = DOCS / "performance-costs.md", COSTS
        sections = [
            _table("Fixed costs", "benchmarks.fixed_costs"),
            _table("Problems", "benchmarks.growth", "--problems", "1000", "10000", "100000"),
        ]
    elif subject == "teacher":
        page, head = DOCS / "performance-teacher.md", TEACHER
        sections = [_section("All of it", "benchmarks.teacher")]
    elif subject == "run":
        page, head = DOCS / "performance-run.md", RUN
        sections = [_section("Three seeds", "benchmarks.end_to_end", "--seeds", "3")]
    elif subject == "gpu":
        page, head = DOCS / "performance-gpu.md", GPU
        parts = {"Training": "training", "Exams": "exams", "A whole run": "run"}
        sections = [_section(title, "benchmarks.gpu", part, *sys.argv[2:]) for title, part in parts.items()]
    else:
        sys.exit(f"there is no page {subject!r}; write student, costs, teacher, run or gpu")
    minutes = f"{(time.monotonic() - started) / 60:.0f} minutes"
    taken = f"\nTaken on {date.today():%d %B %Y}, in {minutes}.\n"
    page.write_text(head.format(machine=hardware()) + taken + "".join(sections), encoding="utf-8")
    print(f"{page} written after {minutes}")


def _section(title: str, module: str, *arguments: str) -> str:
    *lines, figures = _output(module, *arguments).strip().splitlines()
    rows = "\n".join(f"| `{name}` | {value:g} |" for name, value in json.loads(figures).items())
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"{_head(title, module, *arguments)}{body}\n\n| figure | value |\n|---|---|\n{rows}\n"


def _table(title: str, module: str, *arguments: str) -> str:
    """A benchmark that prints tables in Markdown and no figures of its own."""
    return _head(title, module, *arguments) + _output(module, *arguments)


def _head(title: str, module: str, *arguments: str) -> str:
    return f"\n## {title}\n\n`{' '.join(['python -m', module, *arguments])}`\n\n"


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
