"""One problem's story: what was said about it, round after round."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.query import read_filter, written
from tutelage.view.site import index_of, page
from tutelage.view.story import story as read_story
from tutelage.view.telling import told


def story(request: Request) -> Response:
    """The story of a problem, with its neighbours in the filtered list."""
    index, progress = index_of(request)
    wanted = read_filter(request.query_params)
    found = read_story(index, request.path_params["problem"], wanted)
    if found is None:
        raise HTTPException(404, "this run holds no such problem" + ("" if progress.done else " so far"))
    facts: dict[str, Any] = {"story": found, "rounds": told(found), "suffix": written(wanted), "anchor": ""}
    asked = [reply for round in found.rounds for reply in round.replies if reply.prompt_tokens]
    sought = index.about.ledger_places if any(not reply.raw for reply in asked) else ()
    return page(request, "story.html", **facts, progress=progress, sought=sought, ledger=index.about.ledger)


ROUTES: list[BaseRoute] = [Route("/run/{name}/problems/{problem:path}", story)]
