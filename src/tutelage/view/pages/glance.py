"""A run at a glance, and its pulse, by which open pages see that it has moved."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tutelage.run_records import Accuracy
from tutelage.view.charts import Chart, accuracies
from tutelage.view.glance import Glance, glance_of
from tutelage.view.pulse import pulse_of
from tutelage.view.site import page, site_of


def glance(request: Request) -> Response:
    """How far the run is, what it is doing, what it has cost, how it goes on."""
    site, name = site_of(request), request.path_params["name"]
    found = glance_of(site.reader(name))
    return page(request, "glance.html", glance=found, charts=charts_of(found))


def charts_of(glance: Glance) -> list[Chart]:
    """Validation by round, and test before and after, as far as there are some."""
    found: list[Chart] = []
    if glance.rounds:
        rounds = [_point(str(row.round), row.validation) for row in glance.rounds]
        found.append(accuracies("Right in validation, by round", rounds))
    if glance.test is not None:
        pair = [_point("before", glance.test.before), _point("after", glance.test.after)]
        found.append(accuracies("Right in test", pair))
    return found


def _point(label: str, result: Accuracy) -> tuple[str, float, float, float]:
    return label, result.accuracy, result.low, result.high


def pulse(request: Request) -> Response:
    """`live 3f2a…` or `still 3f2a…`: whether the run is at work or being indexed, and a text that changes with it."""
    site, name = site_of(request), request.path_params["name"]
    reader, index = site.reader(name), site.index(name)
    progress = index.progress()
    state = "still" if reader.now is None and progress.done else "live"
    return PlainTextResponse(f"{state} {pulse_of(site.run(name), index.version, progress)}")


ROUTES: list[BaseRoute] = [Route("/run/{name}/", glance), Route("/run/{name}/pulse", pulse)]
