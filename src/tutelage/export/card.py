"""The cards of what is pushed: that of the student, with its metadata, and that of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import yaml

from tutelage.config import RunConfig
from tutelage.export.data import PAIRS, Written
from tutelage.report.card import base_name, front_matter, task_title
from tutelage.yaml_text import read_yaml


def with_metadata(
    card: str, metadata: Mapping[str, Any], config: RunConfig, ours: Mapping[str, Any] | None = None
) -> str:
    """A card with this metadata. What its owner has written there stays, unlike what the run wrote itself (`ours`).

    A folder that the run began with is called by its name: cards of version 0.1 have its path.
    """
    given, text = _taken_apart(card)
    theirs = {name: value for name, value in given.items() if value != (ours or {}).get(name)}
    model = config.student.model
    if model != base_name(config):
        text = text.replace(model, base_name(config))
    return f"{front_matter({**metadata, **theirs})}{text}"


def metadata_of(card: str) -> dict[str, Any]:
    """The metadata of a card; empty without any that can be read."""
    return _taken_apart(card)[0]


def _taken_apart(card: str) -> tuple[dict[str, Any], str]:
    """The metadata and the text of a card."""
    head, found, text = card.removeprefix("---\n").partition("\n---\n")
    if not card.startswith("---\n") or not found:
        return {}, card
    try:
        given = read_yaml(head)
    except yaml.YAMLError:
        return {}, card
    return (cast(dict[str, Any], given), text) if isinstance(given, dict) else ({}, card)


def data_card(config: RunConfig, written: Written, model: str) -> str:
    """The card of a run's data: two configurations, so that `datasets` reads rationales and pairs apart."""
    splits = [name.removesuffix(".jsonl") for name in written if name not in (PAIRS,)]
    configs = [
        {
            "config_name": "rationales",
            "default": True,
            "data_files": [{"split": split, "path": f"{split}.jsonl"} for split in splits],
        }
    ]
    if PAIRS in written:
        configs.append({"config_name": "pairs", "data_files": [{"split": "train", "path": PAIRS}]})
    metadata = {"tags": ["tutelage", "reasoning"], "task_categories": ["text-generation"], "configs": configs}
    rows = "\n".join(f"- `{name}`: {count:,} rows" for name, count in written.items())
    return f"""{front_matter(metadata)}
# What {model} was taught with

Rationales for the problems of `{task_title(config)}`, and the student's mistakes beside them, from a run of Tutelage.

{rows}
"""
