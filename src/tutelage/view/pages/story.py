"""One problem's story: what was said about it, round after round."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.query import read_filter, written
from tutelage.view.site import page, site_of
from tutelage.view.story import story as read_story
from tutelage.view.telling import told


def story(request: Request) -> Response:
    """The story of a problem, with its neighbours in the filtered list."""
    index = site_of(request).index(request.path_params["name"])
    wanted = read_filter(request.query_params)
    found = read_story(index, request.path_params["problem"], wanted)
    if found is None:
        raise HTTPException(404, "this run holds no such problem" + ("" if index.progress().done else " so far"))
    facts: dict[str, Any] = {"story": found, "rounds": told(found), "suffix": written(wanted), "anchor": ""}
    return page(request, "story.html", **facts, progress=index.progress())


ROUTES: list[BaseRoute] = [Route("/run/{name}/problems/{problem:path}", story)]
