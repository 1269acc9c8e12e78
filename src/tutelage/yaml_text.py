"""Reads and writes YAML: plain data with size limits, no duplicate keys, and 1e-4 as a number."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, cast

import yaml

DEEPEST, MOST_VALUES = 50, 100_000
"""The most levels and values of a file; an aliased value counts each time."""


def read_yaml(text: str) -> object:
    """The plain data of a YAML text. Raises yaml.YAMLError."""
    try:
        data = yaml.load(text, Loader=Loader)  # a SafeLoader
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # PyYAML's own, such as of !!bool x
        raise yaml.YAMLError(f"a value is not what its form or tag says ({error})") from None
    _within_bounds(data)
    return data


def _within_bounds(data: object) -> None:
    """Refuse data that contain themselves or grow beyond the limits through aliases. Raises yaml.YAMLError."""
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
    """A loader that reads 1e-4 as a number, which YAML 1.1 does not, and refuses duplicate keys."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Limit the depth: PyYAML would recurse to the limit of the call stack, which takes seconds."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested too deep: more than {DEEPEST} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse duplicate keys; PyYAML would take the last one."""
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
    """A dumper that quotes texts which Loader would read as numbers, such as a folder named 1e4."""


Dumper.yaml_implicit_resolvers = Loader.yaml_implicit_resolvers
