"""The class book: every training problem, one cell an exam."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.class_book import book_page
from tutelage.view.facts import COURSES, Filter
from tutelage.view.mistakes import mistakes
from tutelage.view.query import is_filtered, read_filter, read_page, written
from tutelage.view.site import index_of, page

COLUMNS = (("question", "Problem"), ("first", "first"), ("last", "last"), ("gain", "gain"))


def class_book(request: Request) -> Response:
    """A page of the problems that the filter of the address finds."""
    index, progress = index_of(request)
    wanted = read_filter(request.query_params)
    book = book_page(index, wanted, read_page(request.query_params))
    kinds = sorted({kind for counts in mistakes(index).kinds.values() for kind in counts} | {wanted.kind or ""} - {""})
    return page(
        request,
        "class_book.html",
        book=book,
        wanted=wanted,
        kinds=kinds,
        courses=COURSES,
        filtered=is_filtered(wanted),
        progress=progress,
        written=partial(written, wanted),
        turned=partial(turned, wanted),
    )


def turned(wanted: Filter, column: str, first: str = "") -> tuple[str, str | None]:
    """The address for sorting by a column, and how it is sorted now: a second click turns the order round.

    `first` is `-` for columns whose large values are of interest.
    """
    here = wanted.sort.removeprefix("-") == column
    down = wanted.sort.startswith("-")
    order = None if not here else "descending" if down else "ascending"
    sign = ("" if down else "-") if here else first
    return written(wanted, sort=sign + column) or "?", order


ROUTES: list[BaseRoute] = [Route("/run/{name}/problems", class_book)]
