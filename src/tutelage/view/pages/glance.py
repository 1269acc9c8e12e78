"""A run at a glance."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.run_records import Accuracy
from tutelage.view.charts import Chart, accuracies
from tutelage.view.glance import Glance, glance
from tutelage.view.site import page, site_of


def show(request: Request) -> Response:
    """How far the run is, what it is doing, what it has cost, how it goes on."""
    site, name = site_of(request), request.path_params["name"]
    found = glance(site.reader(name))
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


ROUTES: list[BaseRoute] = [Route("/run/{name}/", show)]
