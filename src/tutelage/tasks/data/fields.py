"""What `task.field` says: our field names to the user's columns, or to templates of them.

    field: {question: "{context}\n\n{query}", answer: answers.text.0}

A column of a column is `a.b`, an item of a list `a.0`; `{{` and `}}` in a template stand for braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError
from tutelage.tasks.rows import Row

FIELDS = ("question", "answer", "choices", "rationale", "equation", "system", "messages")
_TEMPLATES = ("question", "answer", "rationale", "equation", "system")
_BRACES = re.compile(r"[{}]")


def check_fields(mapping: Mapping[str, str]) -> None:
    """Refuse names that we don't have, and templates that are none. Raises ConfigError."""
    for ours, yours in mapping.items():
        if ours not in FIELDS:
            remedy = did_you_mean(ours, FIELDS, f"our fields are {', '.join(FIELDS)}")
            raise ConfigError(f"unknown field task.field.{ours}; {remedy} (write it as ours: yours)")
        if is_template(yours):
            if fault := _fault(ours, yours):
                raise ConfigError(f"task.field.{ours}, {yours!r}: {fault}")
        elif not yours.strip():
            raise ConfigError(f"task.field.{ours} is empty; name one of your columns, or leave it out")
    if "messages" in mapping and "question" in mapping:
        raise ConfigError(
            "task.field names a column of conversations (messages) and one of questions; leave one of them out, since "
            "a conversation has its question"
        )


def is_template(yours: str) -> bool:
    """Whether this is no column's name."""
    return _BRACES.search(yours) is not None


def columns_in(yours: str) -> set[str]:
    """The columns that a template names, or the one that this is."""
    return {column for _, column, _, _ in Formatter().parse(yours) if column} if is_template(yours) else {yours}


def filled(row: Row, template: str, ours: str) -> str:
    """The template with the row's values. Raises DataError if a column is missing, nested or, alone, empty."""
    parts: list[str] = []
    for text, column, _, _ in Formatter().parse(template):
        parts.append(text)
        if column is not None:
            value = row.value(column)
            empty = value is None or (isinstance(value, str) and not value.strip())
            parts.append("" if empty else row.scalar(column))
    return row.checked(ours, "".join(parts))


def _fault(ours: str, template: str) -> str | None:
    if ours not in _TEMPLATES:
        return f"{ours} takes the name of a column, not a template"
    try:
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        return f"a brace stands alone ({error}); write {{{{ or }}}} for one that is meant as such"
    if not parts:
        return "it holds no column; write a column in single braces, such as {question}"
    for _, column, form, conversion in parts:
        if not column or form or conversion:
            return f"{{{column}}} is no column; write its name alone in braces, such as {{question}}"
    return None
