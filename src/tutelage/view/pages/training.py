"""The training of a run, round by round and step by step."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.charts import Chart, lines
from tutelage.view.site import page, site_of
from tutelage.view.training import RoundTraining, training


def show(request: Request) -> Response:
    """Losses, what self-reflection compares, what stages cost, what the guard did."""
    facts = training(site_of(request).reader(request.path_params["name"]))
    rounds = [(each, charts_of(each)) for each in facts.rounds]
    most = max((cost.work.seconds for cost in facts.costs), default=1.0) or 1.0
    return page(request, "training.html", facts=facts, rounds=rounds, most=most)


def charts_of(each: RoundTraining) -> list[Chart]:
    """The curves of a round; those that it has."""
    found = [
        ("Losses", each.losses, True),
        ("What self-reflection compares", each.compared, False),
        ("Gradient norms", each.gradients, True),
    ]
    return [
        lines(f"{title}, round {each.round}", [(curve.label, curve.points) for curve in curves], "step", from_zero=zero)
        for title, curves, zero in found
        if any(curve.points for curve in curves)
    ]


ROUTES: list[BaseRoute] = [Route("/run/{name}/training", show)]
