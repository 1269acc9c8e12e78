"""The first page: on to the only run or the study; else the list of what is in the folder."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tutelage.view.site import page, site_of


def first(request: Request) -> Response:
    """The address that `tutelage view` opens."""
    shelf = site_of(request).shelf
    if shelf.kind == "run":
        return RedirectResponse(f"/run/{next(iter(shelf.runs))}/")
    if shelf.kind == "study" and (name := shelf.name_of(shelf.place)):
        return RedirectResponse(f"/study/{name}/")
    return page(request, "shelf.html")


ROUTES: list[BaseRoute] = [Route("/", first)]
