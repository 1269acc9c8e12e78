"""A run of a tiny student over so many problems, in this process: what each stage takes for each problem.

    python -m benchmarks.growth_run 10000       prints JSON: {"exam": {"seconds": 81.2, "bytes": 61000000}, …}

The student has two layers of 32 and a token for each byte, and writes a few tokens: what is measured is everything
round the model. `bytes` is what the peak of a stage has more than the process had before the run.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import psutil

from tests.student.tiny import tiny_folder
from tutelage import RunConfig, run

TOKENS = 12
STAGES = ("annotation", "exam", "feedback", "training", "evaluation")


def main() -> None:
    """Run and print."""
    problems = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(problems, Path(folder))))


def measured(problems: int, folder: Path) -> dict[str, dict[str, float]]:
    """Seconds and bytes of the stages of round 1 (annotation: round 0), and of the whole run."""
    config = small_config(problems, folder)
    before = psutil.Process().memory_info().rss
    result = run(config, folder / "run")
    work = {**result.rounds[0].work, **result.rounds[1].work}
    found = {name: {"seconds": work[name].seconds, "bytes": work[name].peak_memory - before} for name in STAGES}
    found["run"] = {"seconds": result.seconds, "bytes": max(each["bytes"] for each in found.values())}
    return found


def small_config(problems: int, folder: Path) -> RunConfig:
    """The configuration of such a run; its problems and its student are written to the folder."""
    path = folder / "problems.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(_problem(n)) + "\n" for n in range(problems))
    return _config(path, tiny_folder(folder / "tiny"))


def _problem(n: int) -> dict[str, str]:
    bought, had = n % 997 + 2, n // 997 + 3
    return {
        "question": f"Ann had {had} pens and bought {bought} more. How many has she?",
        "answer": str(had + bought),
        "rationale": f"{had} + {bought} = {had + bought} pens.",
    }


def _config(problems: Path, model: Path) -> RunConfig:
    return RunConfig.model_validate(
        {
            "task": {"name": "custom", "path": str(problems), "validation": 0.1},
            "student": {"model": str(model), "dtype": "float32", "device": "cpu"},
            "teacher": {"kind": "answer_key"},
            "exam": {"samples": 4, "max_new_tokens": TOKENS},
            "evaluation": {"max_new_tokens": TOKENS},
            "training": {"epochs": 1, "batch_size": 32},
            "rounds": {"max": 1},
        }
    )


if __name__ == "__main__":
    main()
