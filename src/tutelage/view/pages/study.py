"""A study: its arms by accuracy, by replies and by dollars, the pairs, and down to the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.report.format import TRUSTED_SEEDS
from tutelage.view import figures
from tutelage.view.charts import Chart, scatter
from tutelage.view.site import page, site_of
from tutelage.view.study import StudyArm, StudyFacts, read_study


def study(request: Request) -> Response:
    """The page of a study."""
    site = site_of(request)
    folder = site.study(request.path_params["name"])
    facts = read_study(folder)
    names = {path: name for name, path in site.shelf.runs_of(folder).items()}
    shown: dict[str, Any] = {"facts": facts, "charts": charts_of(facts.arms), "names": names, "scale": scale_of(facts)}
    return page(request, "study.html", **shown, trusted=TRUSTED_SEEDS)


def charts_of(arms: Sequence[StudyArm]) -> list[Chart]:
    """Accuracy for replies and for dollars, where arms differ in them."""
    tested = [(arm, arm.test) for arm in arms if arm.test]
    charts = list[Chart]()
    for title, label in (("replies", figures.count), ("dollars", figures.usd)):
        found = [
            (arm.name, (arm.replies if title == "replies" else arm.usd) or 0.0, test.mean, test.low, test.high)
            for arm, test in tested
        ]
        if found and max(at for _, at, *_ in found) > 1.05 * min(at for _, at, *_ in found):
            name = "replies of the teacher" if title == "replies" else "dollars"
            charts.append(scatter(f"Test accuracy by {name}", found, name, label))
    return charts


def scale_of(facts: StudyFacts) -> tuple[float, float, float]:
    """The largest accuracy of the arms, and the smallest and the largest difference, for bars in the tables."""
    ends = [arm.test.high for arm in facts.arms if arm.test]
    spread = max([abs(end) for pair in facts.pairs for end in (pair.low, pair.high)], default=0.1)
    return max(ends, default=1.0), -spread, spread


ROUTES: list[BaseRoute] = [Route("/study/{name}/", study)]
