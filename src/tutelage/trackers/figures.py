"""The figures of a run under the names that trackers show. Pure.

train/lm_loss  train/positive_similarity  validation/accuracy  exam/pass_rate  mistakes/wrong_calculation  teacher/usd …
"""

from __future__ import annotations

import re
from dataclasses import asdict

from tutelage.run_records import Accuracy, RoundResult, RunResult, StepRecord, TeacherSummary


def of_step(record: StepRecord) -> dict[str, float]:
    """Losses, what self-reflection compares, and gradients where they were recorded."""
    values = asdict(record)
    del values["step"]
    return {f"train/{name}": float(value) for name, value in values.items() if value is not None}


def of_round(result: RoundResult) -> dict[str, float]:
    """Validation with its interval, the exam, the mistakes by kind, the teacher's work, and what each stage took."""
    values = _accuracy("validation/accuracy", result.validation) | {"validation/problems": result.validation.n}
    if exam := result.exam:
        values |= {f"exam/{name}": getattr(exam, name) for name in ("pass_rate", "mistakes", "attempts", "cut")}
        values |= {f"mistakes/{_name(kind)}": count for kind, count in exam.kinds.items()}
    values |= _teaching("teacher", result.teacher)
    values |= {
        f"training/{name}": getattr(result.training, name)
        for name in ("examples", "rows", "repairs", "lm_loss", "reflection_loss")
    }
    for stage, work in result.work.items():
        values |= {f"seconds/{_name(stage)}": work.seconds, f"tokens/{_name(stage)}": work.tokens}
    values["seconds/round"] = result.seconds
    return {name: float(value) for name, value in values.items()}


def of_end(result: RunResult) -> dict[str, float]:
    """Test before and after, with their intervals, and what the whole run took."""
    test, teaching = result.test, result.teaching
    values = _accuracy("test/before", test.before) | _accuracy("test/after", test.after)
    values |= {
        "test/problems": test.after.n,
        "run/best_round": result.best_round,
        "run/seconds": result.seconds,
        "run/replies_used": sum(each.replies_used for each in teaching),
        "run/tokens": sum(each.prompt_tokens + each.completion_tokens for each in teaching),
        "run/usd": sum(each.cost_usd for each in teaching),
    }
    return {name: float(value) for name, value in values.items()}


def _accuracy(name: str, found: Accuracy) -> dict[str, float]:
    return {name: found.accuracy, f"{name}_low": found.low, f"{name}_high": found.high}


def _teaching(name: str, cost: TeacherSummary) -> dict[str, float]:
    return {
        f"{name}/requests": cost.requests,
        f"{name}/replies": cost.replies,
        f"{name}/replies_used": cost.replies_used,
        f"{name}/prompt_tokens": cost.prompt_tokens,
        f"{name}/completion_tokens": cost.completion_tokens,
        f"{name}/usd": cost.cost_usd,
        **{f"{name}/failed_{_name(reason)}": count for reason, count in cost.failures.items()},
    }


def _name(words: str) -> str:
    """Words as a part of a name, which trackers allow few characters."""
    return re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_") or "unknown"
