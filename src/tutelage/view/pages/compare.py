"""Two students side by side: two runs, two rounds, or before and after, on the same problems.

/compare?left=demo:test-before&right=demo:test-after&only=right&page=2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.beside import Sides, sides
from tutelage.view.facts import Sitting
from tutelage.view.pair import ONLY, Only, Pair, PairRow, Side, pair, usual
from tutelage.view.query import read_page
from tutelage.view.site import Site, page, site_of, tabs

MOST_RUNS = 200
"""Runs that the form offers."""

ONLY_WORDS: Mapping[str, str] = {
    "": "all",
    "differ": "only one is right",
    "left": "only the first is right",
    "right": "only the second is right",
    "both": "both are right",
    "neither": "neither is right",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One side as it is chosen in the form: a run and one of its sittings, empty if none is."""

    run: str = ""
    sitting: str = ""
    sittings: Sequence[Sitting] = ()

    def __str__(self) -> str:
        return f"{self.run}:{self.sitting}"


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A problem of the comparison, with the texts beside each other."""

    row: PairRow
    sides: Sides


def compare(request: Request) -> Response:
    """The form, and what it asks for once both sides are chosen."""
    site, query = site_of(request), request.query_params
    left, right = chosen(site, query.get("left", ""), query.get("right", ""))
    only = cast(Only, query.get("only", "")) if query.get("only", "") in ONLY else None
    found, rows, trouble = None, list[ShownRow](), ""
    if left.sitting and right.sitting:
        ends = Side(site.index(left.run), left.sitting), Side(site.index(right.run), right.sitting)
        found = pair(*ends, only, read_page(query))
        rows = [ShownRow(row, sides(row.left.text, row.right.text)) for row in found.rows]
        if not found.problems:
            trouble = "They have no problem in common: choose two sittings of the same problems."

    def address(number: int = 1, chosen: str | None = None) -> str:
        wanted = only or "" if chosen is None else chosen
        fields = {"left": str(left), "right": str(right), "only": wanted, "page": number if number > 1 else ""}
        return "?" + urlencode({name: value for name, value in fields.items() if value}, errors="replace")

    facts: dict[str, Any] = {
        "left": left,
        "right": right,
        "only": only or "",
        "words": ONLY_WORDS,
        "counts": counts_of(found),
    }
    facts["names"] = names_of(left, right)
    facts["tabs"] = tabs(left.run, request.url.path)
    return page(request, "compare.html", **facts, pair=found, rows=rows, trouble=trouble, address=address)


def names_of(left: Choice, right: Choice) -> tuple[str, str]:
    """What both sides are called: by their sittings, and by their runs where those differ."""
    one, other = (side.sitting.replace("-", " ") for side in (left, right))
    return (one, other) if left.run == right.run else (f"{left.run}, {one}", f"{right.run}, {other}")


def counts_of(found: Pair | None) -> Mapping[str, int]:
    """How many problems each choice of `only` leaves."""
    if found is None:
        return {}
    one, other = found.only_left, found.only_right
    sizes = {"both": found.both, "neither": found.neither, "left": one, "right": other}
    return {"": found.problems, "differ": one + other, **sizes}


def chosen(site: Site, left: str, right: str) -> tuple[Choice, Choice]:
    """Both sides. What an address leaves open is filled: the same run, test before and after or the outer rounds."""
    one = _choice(site, left or next(iter(site.shelf.runs), ""))
    other = _choice(site, right or one.run)
    if one.run == other.run and not (one.sitting or other.sitting):
        before, after = usual(one.sittings)
        return Choice(one.run, before, one.sittings), Choice(other.run, after, other.sittings)
    if not other.sitting and one.sitting in {sitting.name for sitting in other.sittings}:
        other = Choice(other.run, one.sitting, other.sittings)
    if not one.sitting and other.sitting in {sitting.name for sitting in one.sittings}:
        one = Choice(one.run, other.sitting, one.sittings)
    return one, other


def _choice(site: Site, text: str) -> Choice:
    """A side by `RUN:SITTING`; the name of a run may hold a colon no more than an address of it."""
    run, _, sitting = text.partition(":")
    if run not in site.shelf.runs:
        return Choice()
    sittings = site.index(run).sittings()
    return Choice(run, sitting if any(each.name == sitting for each in sittings) else "", sittings)


ROUTES: list[BaseRoute] = [Route("/compare", compare)]
