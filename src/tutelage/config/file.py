"""Reads and writes a RunConfig as YAML; an unknown key is an error that names the nearest key.

load_config("my-task.yaml", ["rounds.max=5"])
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tutelage.config.base import Section
from tutelage.config.places import DATA_SUFFIXES
from tutelage.config.run_config import RunConfig
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError
from tutelage.json_lines import NotJson, parse_json, shortened
from tutelage.renamed import RETIRED, differing, modern, new_name, new_values, retired_in, without
from tutelage.yaml_text import Dumper, read_yaml

Kind = TypeVar("Kind", bound=Section)

_LONGEST_FILE = 1_000_000
"""The most characters that are read; a device such as /dev/zero has no end."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a YAML file; each override `section.key=value` (the value in YAML) replaces a setting of it.

    Relative paths in the file are relative to the working directory.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value has the wrong type or range.
    """
    return parse_config(read_settings(path), overrides, origin=str(path))


def read_written(path: Path) -> RunConfig:
    """Read the config.yaml of a run, of this or an earlier version, without retired settings. Raises ConfigError."""
    return parse_written(read_yaml_file(path), origin=str(path))


def parse_written(data: object, *, origin: str) -> RunConfig:
    """The same from its plain data."""
    settings = modern(data)
    retired = retired_in(settings)
    return parse_config(without(cast(dict[str, Any], settings), retired) if retired else settings, origin=origin)


def read_settings(path: str | Path) -> object:
    """The plain data of a run's file, which need not be whole. Raises ConfigError, which says how one is made."""
    if is_data_file(path) and Path(path).exists():
        raise ConfigError(f"{path} is data, and a configuration is needed; `tutelage init {path}` writes one")
    return _parse_yaml(_text_of(path, f"; `tutelage init DATA --out {path}` writes one"), str(path))


def is_data_file(path: str | Path) -> bool:
    """Whether a path names data and no settings: by its ending, else by its content; settings have one task."""
    suffix = Path(path).suffix.lower()
    is_bare = not suffix and not os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long
    if is_bare or suffix in (".yaml", ".yml") or (suffix in DATA_SUFFIXES and suffix != ".json"):
        return suffix in DATA_SUFFIXES  # what is bare may be a pipe, which is read once
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LONGEST_FILE + 1)
    except (OSError, ValueError):  # whoever reads it says why
        return False
    if len(text) > _LONGEST_FILE:
        return True
    text = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    with suppress(NotJson):
        value = parse_json(text)
        return not isinstance(value, dict) or "task" not in value or isinstance(value["task"], list)
    with suppress(NotJson):
        parse_json(text.partition(b"\n")[0])
        return True  # JSON Lines
    return b"task" not in text  # broken, or YAML


def read_yaml_file(path: str | Path) -> object:
    """The plain data of a YAML file. Raises ConfigError."""
    return _parse_yaml(_text_of(path), str(path))


def _text_of(path: str | Path, remedy: str = "") -> str:
    """The text of a file; `remedy` is told where there is none. Raises ConfigError."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(_LONGEST_FILE + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}{remedy}") from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or NUL in the path
        raise ConfigError(f"cannot read {path}: {error}") from None
    if len(text) > _LONGEST_FILE:
        raise ConfigError(f"{path} has more than {_LONGEST_FILE:,} characters, more than any settings have")
    return text


def read_config(text: str, *, origin: str) -> RunConfig:
    """Parse what this version or an earlier one wrote with `dump_config`. Raises ConfigError."""
    return parse_config(modern(_parse_yaml(text, origin)), origin=origin)


def parse_config(data: object, overrides: Sequence[str] = (), *, origin: str = "configuration") -> RunConfig:
    """A RunConfig from plain data, such as a parsed YAML file. Raises ConfigError."""
    return parse_section(RunConfig, data, overrides, origin=origin)


def parse_section(kind: type[Kind], data: object, overrides: Sequence[str] = (), *, origin: str) -> Kind:
    """Settings of this kind from plain data. Raises ConfigError."""
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        raise ConfigError(f"{origin}: expected sections such as `{next(iter(kind.model_fields))}:`, found {found}")
    merged = dict(cast(dict[str, Any], data))
    for override in overrides:
        _apply(merged, override)
    retired = retired_in(merged)
    merged = without(merged, retired.keys() - differing(retired))
    if unwritable := [
        f"{key}: {text!r} holds characters that no name has" for key, text in _texts(merged) if _odd(text)
    ]:
        raise ConfigError(f"{origin}: {unwritable[0]}")
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        faults = dict.fromkeys(_explain(item, merged, kind) for item in error.errors())
        raise ConfigError(f"{origin}: " + "; ".join(list(faults)[:3])) from None


def dump_config(config: RunConfig) -> str:
    """The whole configuration as YAML, defaults included."""
    return yaml.dump(config.model_dump(mode="json"), Dumper=Dumper, sort_keys=False, allow_unicode=True)


def flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted keys, such as `training.epochs`."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= flat(cast(dict[str, Any], value), f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _parse_yaml(text: str, origin: str) -> object:
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        said = " ".join(str(error).split()).replace('in "<unicode string>", ', "at ")
        raise ConfigError(f"{origin} is not YAML: {said}") from None


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r}: write it as section.key=value, such as rounds.max=5")
    *sections, last = key.strip().split(".")
    target = data
    for section in sections:
        inner: Any = target.get(section)
        target[section] = dict(cast(dict[str, Any], inner)) if isinstance(inner, dict) else {}
        target = target[section]
    try:
        target[last] = read_yaml(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override!r}: the value is not YAML") from None


def _texts(data: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in plain data, with its key."""
    if isinstance(data, str):
        yield key, data
    elif isinstance(data, dict):
        for name, value in cast(dict[object, object], data).items():
            inner = f"{key}.{name}" if key else str(name)
            yield from _texts(name, inner)
            yield from _texts(value, inner)
    elif isinstance(data, list):
        for value in cast(list[object], data):
            yield from _texts(value, key)


def _odd(text: str) -> bool:
    """Whether a text has NUL, which no path may have, or a lone surrogate, which cannot be encoded."""
    return "\0" in text or any("\ud800" <= char <= "\udfff" for char in text)


def _explain(error: ErrorDetails, data: dict[str, Any], kind: type[Section]) -> str:
    """One pydantic error as a message for the user."""
    if error["type"] == "value_error":  # a contradiction; its message names the settings
        return error["msg"].removeprefix("Value error, ")
    location = _in_the_file(error, data)
    key = ".".join(location)
    if error["type"] == "model_type":
        first = _known_keys(kind, location)[0]
        return f"{key}: expected settings below it such as `{first}:` (found {shortened(error['input'])})"
    if error["type"] != "extra_forbidden":
        found = "" if error["type"] == "missing" else f" (found {shortened(error['input'])})"
        return f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}{found}"
    if new := new_name(key):
        values = new_values(key)
        return f"{key} is now called {new}; write that{values and f', with {values}'}"
    if key in RETIRED:
        return f"{key} is retired: {RETIRED[key][1]}; remove the line"
    known = _known_keys(kind, location[:-1])
    remedy = did_you_mean(location[-1], known, f"the keys here are {', '.join(known)}")
    if homes := list(_homes(kind, location[-1])):
        remedy = f"its place is {' or '.join(homes)}"
    return f"unknown key {key!r}; {remedy}"


def _homes(model: type[Section], name: str, above: str = "") -> Iterator[str]:
    """The settings of this name in all sections, such as training.learning_rate."""
    for field, info in model.model_fields.items():
        if field == name:
            yield above + name
        for section in _sections_in(info.annotation):
            yield from _homes(section, name, f"{above}{field}.")


def _in_the_file(error: ErrorDetails, data: dict[str, Any]) -> list[str]:
    """The path of an error, without the parts that pydantic appends for members of a union."""
    location: list[str] = []
    here: object = data
    for part in error["loc"]:
        inside: object = dict(enumerate(cast(list[object], here))) if isinstance(here, list) else here
        if not isinstance(inside, dict) or (part not in inside and error["type"] != "missing"):
            break
        location.append(str(part))
        here = cast(dict[int | str, object], inside).get(part)
    return location


def _known_keys(model: type[Section], location: Sequence[str]) -> list[str]:
    for part in location:
        model = next(_sections_in(model.model_fields[part].annotation))
    return list(model.model_fields)


def _sections_in(annotation: object) -> Iterator[type[Section]]:
    """The section that a setting's type is, or those that it may be."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            yield candidate
