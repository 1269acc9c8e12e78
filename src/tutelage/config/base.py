"""The base class of the configuration's sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]
"""A name or a path that is not empty."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_groups(cls, data: object) -> object:
        """Settings of which no line is left below their key are null in YAML: they have their defaults."""
        if not isinstance(data, dict):
            return data
        given = cast(dict[str, Any], data)
        return {name: value for name, value in given.items() if value is not None or not cls._is_group(name)}

    @classmethod
    def _is_group(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and isinstance(
            field.get_default(call_default_factory=True, validated_data={}), Section | Mapping | list
        )
