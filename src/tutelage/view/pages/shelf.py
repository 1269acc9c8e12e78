"""The first page: on to the only run or the study; else the list of what is in the folder."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tutelage.view.listed import listed
from tutelage.view.query import read_page
from tutelage.view.site import page, site_of

ON_A_PAGE = 50
"""Runs whose figures are read for one page."""


def first(request: Request) -> Response:
    """The address that `tutelage view` opens."""
    shelf = site_of(request).shelf
    if shelf.kind == "run":
        return RedirectResponse(f"/run/{next(iter(shelf.runs))}/")
    if shelf.kind == "study" and (name := shelf.name_of(shelf.place)):
        return RedirectResponse(f"/study/{name}/")
    in_studies = {name for folder in shelf.studies.values() for name in shelf.runs_of(folder)}
    alone = {name: folder for name, folder in shelf.runs.items() if name not in in_studies}
    pages = max(1, -(-len(alone) // ON_A_PAGE))
    number = min(read_page(request.query_params), pages)
    runs = [listed(*named) for named in [*alone.items()][(number - 1) * ON_A_PAGE : number * ON_A_PAGE]]
    studies = {name: len(shelf.runs_of(folder)) for name, folder in shelf.studies.items()}
    return page(request, "shelf.html", runs=runs, studies=studies, number=number, pages=pages, address=_address)


def _address(number: int) -> str:
    return f"?page={number}"


ROUTES: list[BaseRoute] = [Route("/", first)]
