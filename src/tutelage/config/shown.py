"""Settings as they are shown: by their dotted keys, without secrets; and those that differ from their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from tutelage.config.file import flat
from tutelage.config.places import without_secrets
from tutelage.config.run_config import RunConfig
from tutelage.config.sections import TaskConfig
from tutelage.yaml_text import Dumper

_ADDRESSES = ("teacher.base_url",)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting by its dotted key, with its default (empty if it has none); values are YAML."""

    key: str
    value: str
    usual: str


def shown(config: RunConfig) -> dict[str, Any]:
    """All settings by their dotted keys; addresses are without secrets."""
    settings = flat(config.model_dump(mode="json"))
    return {key: without_secrets(value) if key in _ADDRESSES and value else value for key, value in settings.items()}


def changed(config: RunConfig) -> tuple[Setting, ...]:
    """The settings that differ from their defaults, in their order."""
    usual = flat(RunConfig(task=TaskConfig(name=config.task.name)).model_dump(mode="json"))
    del usual["task.name"]
    return tuple(
        Setting(key, _yaml(value), _yaml(usual[key]) if key in usual else "")
        for key, value in shown(config).items()
        if key not in usual or value != usual[key]
    )


def _yaml(value: object) -> str:
    text = yaml.dump(value, Dumper=Dumper, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
