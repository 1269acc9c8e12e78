"""Settings and figures that were called otherwise in version 0.1, and what they are called now.

A configuration that uses an old name is refused with the new one. What an earlier version wrote itself (the config.yaml
of a run, the `base` of a study.json, rows of steps.jsonl) is read under its old names. Keys of finished trainings are
taken from the old names, so they stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

SETTINGS = {
    "teacher.annotations": "rationales_per_problem",
    "teacher.annotated": "seed_problems",
    "teacher.more_annotations": "extra_rationales",
    "teacher.mistake_in_view": "show_mistake",
    "teacher.replies": "replies_per_problem",
    "teacher.round_replies": "replies_per_round",
    "teacher.agreement": "self_consistency",
    "teacher.beyond": "fallback",
    "training.start": "init_from",
    "training.rows": "max_rows",
    "training.rewarm": "lr_rewarm",
    "training.own_correct": "rejection_sampling",
    "training.pass_tokens": "micro_batch_tokens",
    "shelf_gb": "cache_gb",
}
"""What a setting was called, and the last part of what it is called now; its section is the same."""

SIMILARITIES = "positive_similarity", "negative_similarity"
GAINS = "chosen_gain", "rejected_gain"
COMPARED = SIMILARITIES + GAINS
"""What `near` and `far` of a step are called now: for the triplet, and for a preference."""


def new_name(key: str) -> str | None:
    """What the setting that was called `key` is called now; None if none was called so."""
    section, dot, _ = key.rpartition(".")
    return f"{section}{dot}{SETTINGS[key]}" if key in SETTINGS else None


def modern(settings: object) -> object:
    """Settings as plain data, old names replaced; anything else as it is."""
    if not isinstance(settings, dict):
        return settings
    sections = cast(dict[str, Any], settings)
    return {name: _with_names(name, section, SETTINGS) for name, section in sections.items()}


def as_first_named(section: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a section under the names that they had first."""
    old = {f"{section}.{new}": key.rpartition(".")[2] for key, new in SETTINGS.items() if key.startswith(f"{section}.")}
    return _with_names(section, dict(settings), old)


def modern_step(row: Mapping[str, Any], *, gains: bool) -> dict[str, Any]:
    """A row of steps.jsonl, or a round of study.json, with `near` and `far` as what they are of this loss."""
    near, far = GAINS if gains else SIMILARITIES
    names = {"near": near, "far": far}
    return {names.get(name, name): value for name, value in row.items()}


def _with_names(section: str, settings: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - plain data
    if not isinstance(settings, dict):
        return settings
    found = cast(dict[str, Any], settings)
    return {names.get(f"{section}.{name}", name): value for name, value in found.items()}
