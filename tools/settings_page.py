"""Makes docs/settings.md from the fields of RunConfig: one table for each section.

python -m tools.settings_page > docs/settings.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tutelage.config import RunConfig
from tutelage.report.format import markdown_table

INTRODUCTION = """\
# Settings

Every setting of a run, made from the code (`RunConfig`) by `make docs`. A configuration file is YAML with one key for
each section; what it leaves out has the default. `--set section.key=value` on the command line wins over the file.
`config.yaml` in the run directory holds all settings as they were used. The default none, and None in a text, is `null`
in YAML; `none` among the types is that word."""

UNITS = {
    "seconds": "seconds",
    "us dollars for a million tokens": "US dollars a million tokens",
    "us dollars": "US dollars",
    "upper bound on the tokens": "tokens",
    "prompt and completion tokens": "tokens",
    "tokens": "tokens",
    "nats per token": "nats per token",
    "share": "share",
    "requests": "requests",
    "rationales": "rationales",
    "(answered |validation )?problems": "problems",
    "examples": "examples",
    "attempts": "attempts",
    "passes": "passes",
    "rounds": "rounds",
    "checks": "checks",
    "replies": "replies",
}
"""What a sentence begins with, and the unit that it says."""

BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
NAMES: Mapping[Any, str] = {int: "integer", float: "number", str: "text", bool: "`true` or `false`", NoneType: "none"}


def settings_page(config: type[BaseModel] = RunConfig) -> str:
    """The page, as Markdown: a heading, a sentence and a table for every section."""
    return "\n\n".join([INTRODUCTION, *_section("", config)]) + "\n"


def _section(name: str, section: type[BaseModel]) -> Iterator[str]:
    inner = {key: kind for key, field in section.model_fields.items() if (kind := _nested(field))}
    prefix, about = f"{name}." if name else "", " ".join((section.__doc__ or "").split())
    rows = [_row(f"{prefix}{key}", field, about) for key, field in section.model_fields.items() if key not in inner]
    if name:
        yield from (f"## {name}", about)
    sections = [part for key, kind in inner.items() for part in _section(f"{prefix}{key}", kind)]
    table = markdown_table(("setting", "type", "unit", "default", "bounds", "what it is"), rows)
    yield from (
        [table, *sections]
        if name
        else [*sections, f"## {', '.join(key for key in section.model_fields if key not in inner)}", table]
    )


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _row(key: str, field: FieldInfo, about: str) -> list[str]:
    sentence = field.description or ""
    default = "required" if field.is_required() else _value(field.get_default(call_default_factory=True))
    unit = _unit(field, sentence) or _unit(field, about)
    return [f"`{key}`", _type(field.annotation), unit, default, _bounds(field), sentence]


def _type(annotation: Any) -> str:  # noqa: ANN401 - whatever a field is annotated with
    """A field's type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"list of {_type(arguments[0])}"
    return NAMES.get(annotation) or getattr(annotation, "__name__", str(annotation))


def _unit(field: FieldInfo, sentence: str) -> str:
    """The unit that the sentence begins with, of a number alone."""
    if not {int, float} & {field.annotation, *map(_plain, get_args(field.annotation))}:
        return ""
    return next((unit for words, unit in UNITS.items() if re.match(rf"{words}\b", sentence, re.IGNORECASE)), "")


def _bounds(field: FieldInfo) -> str:
    return ", ".join(
        f"{sign} {_number(getattr(bound, name))}"
        for bound in (*field.metadata, *_metadata_within(field))
        for name, sign in BOUNDS.items()
        if getattr(bound, name, None) is not None
    )


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - as above
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _metadata_within(field: FieldInfo) -> Iterator[object]:
    """Bounds of a number that is one of several types, as in `integer or auto`."""
    for part in get_args(field.annotation):
        if get_origin(part) is Annotated:
            for inner in get_args(part)[1:]:
                yield from getattr(inner, "metadata", ())


def _number(value: float) -> str:
    """`10,000`, and `2^63` for what is only bounded by its size."""
    power = int(abs(value)).bit_length() - 1
    if isinstance(value, int) and power >= 20 and abs(value) == 1 << power:
        return f"{'-' if value < 0 else ''}2^{power}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.12g}"


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "`{}`" if value == {} else f"`{value}`"


if __name__ == "__main__":
    print(settings_page(), end="")
