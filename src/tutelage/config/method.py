"""The methods that a configuration can name: `method: paper` stands for the settings below.

What a file sets itself comes first, so `method: paper` with `rounds: {max: 5}` is the paper's way in five rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, cast

from tutelage.config.base import Section

Method = Literal["tutelage", "paper"]

PAPER: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "teacher": {
            "ask": "mistake",
            "hint": "first",
            "feedback": "rationale",
            "explain": False,
            "priority": "uniform",
            "replies_per_problem": 1,
            "self_consistency": 1,
            "practice": 0,
        },
        "exam": {"samples": 4, "temperature": 1.0, "prefix_samples": 0},
        "training": {
            "init_from": "previous",
            "lr_rewarm": 1.0,
            "prompt_weight": 0.1,
            "reflection": "triplet",
            "reflection_weight": 0.5,
            "margin": 1.0,
            "triplet_at": "end",
            "triplet_layer": 1.0,
            "gradient_share": None,
            "max_positives": 10,
            "max_negatives": 4,
            "rejection_sampling": "none",
            "data": "round",
        },
        "rounds": {"max": 3, "patience": 1, "min_gain": 0.0},
    }
)
"""Wang et al. 2023 (arXiv 2310.13332), sections 3 and 4, with the numbers of the released code.

Left out: what suits its student of 6 billion parameters and its hardware (learning rate, epochs, lengths).
"""


def with_method(data: object) -> object:
    """The data of a configuration, with the settings of the method that it names where it has none itself.

    A section may be an object of its class: what was set in it comes first. Anything else is returned as it is, to be
    refused by who reads it.
    """
    if not isinstance(data, dict):
        return data
    settings = cast(dict[str, Any], data)
    if settings.get("method") != "paper":
        return settings
    found = dict(settings)
    for name, usual in PAPER.items():
        own = settings.get(name) or {}  # null: a section without a line
        if isinstance(own, Section):
            own = own.model_dump(exclude_unset=True)
        if isinstance(own, dict):
            found[name] = {**usual, **cast(dict[str, Any], own)}
    return found
