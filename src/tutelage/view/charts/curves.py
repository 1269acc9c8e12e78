"""Lines over steps or time, such as losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tutelage.view import figures
from tutelage.view.charts.base import KINDS, Axis, Chart, across, axes, drawn, plain_number, tag, upright

Curve = tuple[str, Sequence[tuple[float, float]]]
"""A label and its points."""
IN_TABLE = 12
"""Rows of the table: points in between are left out."""


def lines(
    title: str,
    curves: Sequence[Curve],
    x_title: str,
    *,
    from_zero: bool = True,
    x_label: Callable[[float], str] = plain_number,
) -> Chart:
    """Curves over a common axis, told apart by colour and by dashes. Values that are not finite are gaps."""
    finite = [(label, [point for point in points if all(map(math.isfinite, point))]) for label, points in curves]
    xs = [x for _, points in finite for x, _ in points] or [0.0, 1.0]
    ys = [y for _, points in finite for _, y in points] or [0.0, 1.0]
    x = across(min(xs), max(xs))
    y = upright(min(0.0, *ys) if from_zero else min(ys), max(ys))
    parts = axes(x, y, x_label, plain_number, x_title)
    if y.low < 0 < y.high:
        parts.append(tag("line", class_="zero", x1=x.start, x2=x.end, y1=y(0), y2=y(0)))
    for place, (label, points) in enumerate(finite):
        kind = f"k{place % KINDS} d{place % 4}"
        if len(points) == 1:
            parts.append(
                tag("circle", tag("title", label), class_=f"fill {kind}", cx=x(points[0][0]), cy=y(points[0][1]), r=3)
            )
        elif points:
            parts.append(tag("polyline", tag("title", label), class_=f"line {kind}", points=_path(points, x, y)))
    ends = [f"{label} from {_number(points[0][1])} to {_number(points[-1][1])}" for label, points in finite if points]
    described = f"{title}, by {x_title}: " + ("; ".join(ends) or "no points yet")
    legend = [(f"line k{place % KINDS} d{place % 4}", label) for place, (label, _) in enumerate(finite)]
    head = (x_title, *(label for label, _ in finite))
    return Chart(title, described, drawn(title, described, parts), head, _table(finite, x_label), legend)


def _path(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    return " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)


def _table(curves: Sequence[Curve], x_label: Callable[[float], str]) -> list[tuple[str, ...]]:
    """Some of the steps, first and last among them."""
    steps = sorted({at for _, points in curves for at, _ in points})
    if len(steps) > IN_TABLE:
        steps = [steps[round(place * (len(steps) - 1) / (IN_TABLE - 1))] for place in range(IN_TABLE)]
    values = [dict(points) for _, points in curves]
    return [(x_label(step), *(_number(each.get(step)) for each in values)) for step in steps]


def _number(value: float | None) -> str:
    return figures.decimal(value, 0 if value is not None and value == int(value) else 3)
