"""The pulse of a run, by which open pages see that it has moved."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tutelage.view.pulse import pulse_of
from tutelage.view.site import site_of


def pulse(request: Request) -> Response:
    """`live 3f2a…` or `still 3f2a…`: whether the run is at work or being indexed, and a text that changes with it."""
    site, name = site_of(request), request.path_params["name"]
    reader, index = site.reader(name), site.index(name)
    progress = index.progress()
    state = "still" if reader.now is None and progress.done else "live"
    return PlainTextResponse(f"{state} {pulse_of(reader.root, index.version, progress)}")


ROUTES: list[BaseRoute] = [Route("/run/{name}/pulse", pulse)]
