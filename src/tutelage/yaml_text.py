"""YAML as we read and write it: plain data, within bounds, no key twice, and 1e-4 is a number."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, cast

import yaml

DEEPEST, MOST_VALUES = 50, 100_000
"""Levels and values of a file, where what an alias repeats counts as often as it stands there."""


def read_yaml(text: str) -> object:
    """The plain data that a text holds. Raises yaml.YAMLError."""
    try:
        data = yaml.load(text, Loader=Loader)  # a SafeLoader
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # PyYAML's own, such as of !!bool x
        raise yaml.YAMLError(f"a value is not what its form or tag says ({error})") from None
    _within_bounds(data)
    return data


def _within_bounds(data: object) -> None:
    """Refuse what holds itself, or grows without end when its aliases are written out."""
    waiting, seen = [(data, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_VALUES:
            raise yaml.YAMLError(f"it has more than {MOST_VALUES:,} values or {DEEPEST} levels, or holds itself")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in cast(dict[object, object], value).items() for each in pair]
        elif isinstance(value, list | tuple | set):
            waiting += [(each, depth + 1) for each in cast(list[object], value)]


class Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number: YAML 1.1 wants a point in it, and users don't write one. No key stands twice."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Called by PyYAML for every value; it would go as deep as the stack of calls allows, which takes seconds."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested too deep: more than {DEEPEST} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Called by PyYAML, which would take the last of several."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$")), *resolvers]
    if first in "-+0123456789"
    else resolvers
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Dumper(yaml.SafeDumper):
    """Quotes what Loader would take for a number, such as a folder named 1e4."""


Dumper.yaml_implicit_resolvers = Loader.yaml_implicit_resolvers
