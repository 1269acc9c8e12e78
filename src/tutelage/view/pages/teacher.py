"""The teacher of a run, and its refused replies to read through."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.charts import Chart, lines
from tutelage.view.figures import moment
from tutelage.view.query import LONGEST, read_page
from tutelage.view.site import index_of, page
from tutelage.view.teacher import refused_page, teacher_facts


def teacher(request: Request) -> Response:
    """What was asked, what came of it, what it took."""
    index, progress = index_of(request)
    facts = teacher_facts(index)
    return page(request, "teacher.html", facts=facts, charts=charts_of(facts.over_time), progress=progress)


def charts_of(over_time: Sequence[tuple[float, int]]) -> list[Chart]:
    """Replies over time, summed up; nothing where the ledger holds fewer than two moments."""
    if len(over_time) < 2:
        return []
    sums: list[tuple[float, float]] = []
    total, first = 0, over_time[0][0]
    for at, replies in over_time:
        total += replies
        sums.append((at - first, float(total)))
    longest = sums[-1][0]
    unit, name = (3600.0, "hours") if longest > 7200 else (60.0, "minutes") if longest > 180 else (1.0, "seconds")
    began = moment(first)
    points = [(at / unit, value) for at, value in sums]
    return [lines("Replies, summed up", [("replies", points)], f"{name} since {began}")]


def refused(request: Request) -> Response:
    """Refused replies of a kind, or of all kinds, page by page."""
    index, progress = index_of(request)
    kind = request.query_params.get("kind", "")[:LONGEST] or None
    found = refused_page(index, kind, read_page(request.query_params))

    def address(number: int) -> str:
        return "?" + urlencode({"kind": kind or "", "page": number}, errors="replace")

    return page(request, "refused.html", found=found, kind=kind, address=address, progress=progress)


ROUTES: list[BaseRoute] = [Route("/run/{name}/teacher", teacher), Route("/run/{name}/teacher/refused", refused)]
