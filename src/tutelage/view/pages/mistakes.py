"""The mistakes of a run: their kinds by exam, how problems move between exams, and what is wrong most often."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.view.charts import flows, stacked
from tutelage.view.charts.base import Chart
from tutelage.view.facts import Mistakes
from tutelage.view.mistakes import mistakes as read_mistakes
from tutelage.view.site import index_of, page


def mistakes(request: Request) -> Response:
    """The page of the mistakes."""
    index, progress = index_of(request)
    facts = read_mistakes(index)
    charts = charts_of(facts, [sitting.name for sitting in index.sittings() if sitting.split == "train"])
    return page(request, "mistakes.html", facts=facts, charts=charts, progress=progress)


def charts_of(facts: Mistakes, exams: Sequence[str]) -> list[Chart]:
    """Kinds by exam, and the flow of problems from exam to exam, as far as there are any."""
    charts = list[Chart]()
    if any(facts.kinds.values()):
        charts.append(stacked("Wrong attempts by kind", [(words(exam), facts.kinds.get(exam, {})) for exam in exams]))
    if len(exams) > 1 and any(facts.flows.values()):
        between = [facts.flows.get(exam, ()) for exam in exams[:-1]]
        charts.append(flows("Problems by their attempts, from exam to exam", [words(exam) for exam in exams], between))
    return charts


def words(sitting: str) -> str:
    """The name of a sitting for people: `exam 1`."""
    return sitting.replace("-", " ")


ROUTES: list[BaseRoute] = [Route("/run/{name}/mistakes", mistakes)]
