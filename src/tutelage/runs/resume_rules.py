"""What of its settings may change between two starts of a run.

differences(before, after, FREE)     ["training.epochs: 3 is now 4"]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tutelage.config import RunConfig
from tutelage.config_file import flat

FREE = (
    "task.path",
    "student.device",
    "student.engine",
    "teacher.concurrency",
    "teacher.requests_per_minute",
    "teacher.tokens_per_minute",
    "teacher.connect_timeout",
    "teacher.timeout",
    "teacher.retries",
    "teacher.key_env",
    "teacher.batch",
    "teacher.batch_poll",
    "teacher.budget",
    "teacher.price",
    "teacher.ledger",
    "exam.batch_size",
    "exam.shard",
    "evaluation.batch_size",
    "training.packing",
    "training.micro_batch_tokens",
    "training.gradients_every",
    "rounds",
)
"""Settings, and sections of them, that no finished stage depends on: they may change."""
UNTRAINED = ("student", "exam", "evaluation", "training")
"""Those, too, may change while nothing is trained: what was bought serves any student."""
PROMPTS = ("teacher.hint", "teacher.style", "teacher.prompt")
"""How an API is asked; without one they say nothing."""
IDLE = tuple(key for key in FREE if key not in ("teacher.budget", "rounds"))
"""Those by which a run that has ended need not go on."""


def differences(before: RunConfig, after: RunConfig, free: Sequence[str]) -> list[str]:
    """What differs, in words, but for the settings and sections in `free`."""
    old, new = _that_matter(before), _that_matter(after)
    return [
        f"{key}: {old.get(key)!r} is now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and not is_among(key, free)
    ]


def _that_matter(config: RunConfig) -> dict[str, Any]:
    """The settings by their keys; a teacher offline can be asked by the question alone, or else about the mistake."""
    settings = flat(config.model_dump(mode="json"))
    if config.teacher.kind != "openai":
        settings = {key: value for key, value in settings.items() if key not in PROMPTS}
        settings["teacher.ask"] = "question" if config.teacher.ask == "question" else "mistake"
    return settings


def is_among(key: str, settings: Sequence[str]) -> bool:
    """Whether a setting, such as `teacher.budget.usd`, is one of these or lies in a section that is."""
    return any(key == each or key.startswith(f"{each}.") for each in settings)
