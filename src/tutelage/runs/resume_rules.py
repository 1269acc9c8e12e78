"""Which settings may change between two starts of a run.

differences(before, after, FREE)     ["training.epochs: 3 is now 4"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.config import RunConfig
from tutelage.config.file import flat

FREE = (
    "method",
    "task.path",
    "task.revision",
    "task.grader",
    "student.device",
    "student.engine",
    "student.server",
    "student.server_command",
    "student.server_timeout",
    "student.server_key_env",
    "teacher.concurrency",
    "teacher.requests_per_minute",
    "teacher.tokens_per_minute",
    "teacher.connect_timeout",
    "teacher.timeout",
    "teacher.retries",
    "teacher.key_env",
    "teacher.extra_headers",
    "teacher.token_limit",
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
    "training.checkpointing",
    "training.parallel",
    "rounds",
    "report_to",
)
"""Settings and sections that no finished stage depends on (of a grader, the content, of a method, the
settings that it stands for). They may change at any time."""
UNTRAINED = ("student", "exam", "evaluation", "training")
"""Sections that may also change until the first training: replies already paid for fit any student."""
UNTAUGHT = ("teacher",)
"""Sections that may also change until there is a rationale: a message may have named the setting that was wrong."""
UNTAUGHT_FILES = ("teacher.prompt", "teacher.path")
PROMPTS = ("teacher.hint", "teacher.style", "teacher.prompt")
"""How an API is asked; without an API they change nothing."""
IDLE = tuple(key for key in FREE if key not in ("teacher.budget", "rounds"))
"""Settings that may change without making a finished run go on."""


def differences(before: RunConfig, after: RunConfig, free: Sequence[str]) -> list[str]:
    """The differences between two configurations, in words; those in `free` are left out."""
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


def other_parts(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The parts of the user's own, by their keys, that differ between two starts, in words."""
    return [
        f"{part}: {_own(before.get(part))} is now {_own(after.get(part))}"
        for part in sorted(before.keys() | after.keys())
        if before.get(part) != after.get(part)
    ]


def other_contents(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names under which two starts have read other contents (rounds/pins.py)."""
    return [name for name, content in before.items() if after.get(name, content) != content]


def _own(key: str | None) -> str:
    return "none of your own" if key is None else f"{key!r}"


def is_among(key: str, settings: Sequence[str]) -> bool:
    """Whether a setting such as `teacher.budget.usd`, or a section around it, is in `settings`."""
    return any(key == each or key.startswith(f"{each}.") for each in settings)
