"""Old names of settings and figures (version 0.1) and their current names; settings that are no more.

A configuration with an old name is refused with a message that has the new one. A retired setting is read over where it
has the value that now always holds, and refused with another. Files that an earlier version wrote itself (the
config.yaml of a run, the `base` of a study.json, rows of steps.jsonl) are read with old names. Keys of finished
trainings are computed from the old names and with the retired settings, so they stay valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from tutelage.run_records import GAINS, SIMILARITIES

SETTINGS = {
    "teacher.annotations": "rationales_per_problem",
    "teacher.annotated": "seed_problems",
    "teacher.more_annotations": "extra_rationales",
    "teacher.mistake_in_view": "ask",
    "teacher.show_mistake": "ask",
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
"""The old key of each renamed setting, and the last part of its current key; the section is the same."""

VALUES = {"teacher.ask": {True: "mistake", False: "question"}}
"""Old and current values of settings whose values were renamed, too."""

RETIRED = {
    "training.clipping": ("together", "losses clipped apart changed no answer (docs/results/legs-ablations.md)"),
    "training.prompt_gradient": (
        "keep",
        "the triplet, whose gradient it cut, changed no answer at its default weight (docs/results/legs-ablations.md)",
    ),
    "training.gradients_every": (
        0,
        "it changed no answer and cost time; training.gradient_share records the same norms (docs/results/repair.md)",
    ),
}
"""Settings that are no more: the value that now always holds, and what the others came to."""

ONLY_RECORDED = {"training.gradients_every"}
"""Those of them that no result ever depended on: what began with one goes on, and no key has it."""


def new_name(key: str) -> str | None:
    """The current key of the setting with the old key `key`; None if there is none."""
    section, dot, _ = key.rpartition(".")
    return f"{section}{dot}{SETTINGS[key]}" if key in SETTINGS else None


def new_values(key: str) -> str:
    """The current values of the setting with the old key `key`, in words; empty if they are unchanged."""
    values = VALUES.get(new_name(key) or "", {})
    return ", ".join(f"{new} for {str(old).lower()}" for old, new in values.items())


def modern(settings: object) -> object:
    """Settings as plain data with current names and values, without those that only recorded.

    Any other data is returned unchanged.
    """
    if not isinstance(settings, dict):
        return settings
    sections = cast(dict[str, Any], settings)
    found = {name: _with_names(name, section, SETTINGS) for name, section in sections.items()}
    if isinstance(found.get("teacher"), dict) and isinstance(found["teacher"].get("ask"), bool):
        found["teacher"] = _with_ask(found["teacher"])
    return without(found, retired_in(found).keys() & ONLY_RECORDED)


def retired_in(settings: object) -> dict[str, Any]:
    """The retired settings in plain data, by their keys."""
    sections = cast(dict[str, Any], settings) if isinstance(settings, dict) else {}
    return {
        key: sections[section][name]
        for key in RETIRED
        for section, _, name in [key.partition(".")]
        if isinstance(sections.get(section), dict) and name in sections[section]
    }


def differing(retired: Mapping[str, Any]) -> dict[str, Any]:
    """Those retired settings that have another value than the one that now holds."""
    return {key: value for key, value in retired.items() if value != RETIRED[key][0]}


def without(settings: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Settings as plain data without these, named `section.key`."""
    left = dict(settings)
    for section, _, name in (key.partition(".") for key in keys):
        left[section] = {key: value for key, value in left[section].items() if key != name}
    return left


def modern_source(source: str) -> str:
    """The description of a study's arm with current names."""
    for old in SETTINGS:
        new = new_name(old)
        for value, name in VALUES.get(str(new), {}).items():
            source = source.replace(f"{old}: {value}", f"{new}: {name}")
        source = source.replace(f"{old}: ", f"{new}: ")
    return source


def as_first_named(section: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a section under their original names, with those retired."""
    old = {f"{section}.{new}": key.rpartition(".")[2] for key, new in SETTINGS.items() if key.startswith(f"{section}.")}
    counted = {key: value for key, (value, _) in RETIRED.items() if key not in ONLY_RECORDED}
    retired = {key.rpartition(".")[2]: value for key, value in counted.items() if key.startswith(f"{section}.")}
    return _with_names(section, dict(settings), old) | retired


def modern_step(row: Mapping[str, Any], *, gains: bool) -> dict[str, Any]:
    """A row of steps.jsonl, or a round of study.json, with the loss's current names for `near` and `far`.

    These are gains (DPO) if `gains`, else similarities (triplet).
    """
    near, far = GAINS if gains else SIMILARITIES
    names = {"near": near, "far": far}
    return {names.get(name, name): value for name, value in row.items()}


def _with_ask(teacher: dict[str, Any]) -> dict[str, Any]:
    """A teacher's settings with a boolean `ask` replaced; the hint came first in version 0.1."""
    return {**teacher, "ask": VALUES["teacher.ask"][teacher["ask"]], "hint": "first"}


def _with_names(section: str, settings: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - plain data
    if not isinstance(settings, dict):
        return settings
    found = cast(dict[str, Any], settings)
    return {names.get(f"{section}.{name}", name): value for name, value in found.items()}
