"""The class book's filter in an address: `?course=learnt&q=apples&sort=-gain`. What it can't mean is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import urlencode

from tutelage.view.facts import COURSES, Filter, Sort

LONGEST = 400
"""Characters of a search, or of a kind."""


def read_filter(query: Mapping[str, str]) -> Filter:
    """The filter that an address names."""
    course, sort = query.get("course", ""), query.get("sort", "")
    return Filter(
        course=course if course in COURSES else None,
        kind=query.get("kind", "")[:LONGEST] or None,
        taught=_yes_or_no(query.get("taught")),
        rejected=_yes_or_no(query.get("rejected")),
        search=" ".join(query.get("q", "")[:LONGEST].split()),
        sort=sort if sort.removeprefix("-") in get_args(Sort) else "order",
    )


def read_page(query: Mapping[str, str]) -> int:
    """The number of a page in an address, from 1."""
    page = query.get("page", "")
    return max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 9 else 1


def written(filter: Filter, page: int = 1, **changes: Any) -> str:  # noqa: ANN401 - of any field
    """A filter with changes as the query of an address, with its `?`; empty if it excludes nothing."""
    filter = replace(filter, **changes)
    fields = {
        "course": filter.course,
        "kind": filter.kind,
        "taught": _as_word(filter.taught),
        "rejected": _as_word(filter.rejected),
        "q": filter.search,
        "sort": filter.sort if filter.sort != "order" else None,
        "page": str(page) if page > 1 else None,
    }
    query = urlencode({name: value for name, value in fields.items() if value}, errors="replace")
    return f"?{query}" if query else ""


def is_filtered(filter: Filter) -> bool:
    """Whether a filter excludes anything."""
    return replace(filter, sort="order") != Filter()


def _yes_or_no(word: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(word or "")


def _as_word(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
