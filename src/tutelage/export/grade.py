"""Grades answers as the Tutelage run did that this file comes from. It imports tutelage, and datasets for lm-eval.

    dataset, process_results    for the task of lm-eval beside this file
    compute_score               for verl: reward.custom_reward_function.path=grade.py

grader.json beside it says by which kind of answer it grades, or which task of the user's own grades.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tutelage.config import TaskConfig
from tutelage.grading.grade import grade
from tutelage.records import Problem, Verdict

HERE = Path(__file__).parent


def dataset(**_: object) -> dict[str, Any]:
    """The split that lm-eval asks for: prompts as the student was taught to read them, and their problems."""
    datasets: Any = import_module("datasets")
    with (HERE / "test.jsonl").open(encoding="utf-8") as file:
        return {"test": datasets.Dataset.from_list([json.loads(line) for line in file])}


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """lm-eval's figures of one answer."""
    return {"acc": float(_verdict(doc["problem"], results[0]).correct)}


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Mapping[str, Any] | None = None, **_: object
) -> float:
    """verl's reward: 1 for a right answer, else 0."""
    problem = (extra_info or {}).get("problem") or json.dumps({"id": "", "question": "", "answer": ground_truth})
    return float(_verdict(problem, solution_str).correct)


def _verdict(problem: str, text: str) -> Verdict:
    return _grader()(TypeAdapter(Problem).validate_json(problem), text)


@lru_cache(maxsize=1)
def _grader() -> Callable[[Problem, str], Verdict]:
    settings = json.loads((HERE / "grader.json").read_text(encoding="utf-8"))
    if settings["task"] is not None:
        from tutelage.tasks.catalog import open_task

        return open_task(TaskConfig(**settings["task"])).grade
    return lambda problem, text: grade(settings["kind"], problem, text, settings["match"], settings["f1"])
