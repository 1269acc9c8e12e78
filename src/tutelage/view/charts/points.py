"""Points with intervals: an accuracy by round, and what several got for what it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from tutelage.view import figures
from tutelage.view.charts.base import KINDS, Axis, Chart, across, axes, drawn, plain_number, tag, upright

Point = tuple[str, float, float, float]
"""A label, a share from 0 to 1, and its interval."""


def accuracies(title: str, points: Sequence[Point], note: str = "") -> Chart:
    """Accuracies in order, each with its 95 % interval, joined by a line. `note` is of the table's last column."""
    x = across(-0.4, max(len(points) - 1, 1) + 0.4)
    y = upright(0.0, min(max([high for *_, high in points], default=1.0) * 1.05, 1.0))
    labels = [label for label, *_ in points]
    every = -(-len(labels) // 8) or 1
    parts = axes(Axis(x.low, x.high, x.start, x.end), y, str, _in_percent)
    parts += [
        tag("text", label, class_="axis", x=x(place), y=y.start + 15, text_anchor="middle")
        for place, label in enumerate(labels)
        if place % every == 0
    ]
    if len(points) > 1:
        path = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, (_, value, *_) in enumerate(points))
        parts.append(tag("polyline", class_="line k0", points=path))
    for place, (label, value, low, high) in enumerate(points):
        parts.append(_whisker(x(place), y, low, high, "k0"))
        words = f"{label}: {figures.percent(value)} ({figures.percent(low)} to {figures.percent(high)})"
        parts.append(_marker(0, x(place), y(value), words))
        parts.append(
            tag("text", figures.percent(value), class_="value", x=x(place), y=y(high) - 5, text_anchor="middle")
        )
    described = f"{title}: " + "; ".join(f"{label} {figures.percent(value)}" for label, value, *_ in points)
    rows = [
        (label, figures.percent(value), f"{figures.percent(low)} to {figures.percent(high)}")
        for label, value, low, high in points
    ]
    return Chart(title, described, drawn(title, described, parts), ("", "right", note or "95 % interval"), rows)


def scatter(
    title: str,
    points: Sequence[tuple[str, float, float, float, float]],
    x_title: str,
    x_label: Callable[[float], str] = plain_number,
) -> Chart:
    """Points of (label, x, share, low, high): what several students reach for what it took."""
    x = across(0.0, max([at for _, at, *_ in points], default=1.0) * 1.05 or 1.0)
    y = upright(0.0, min(max([high for *_, high in points], default=1.0) * 1.05, 1.0))
    parts = axes(x, y, x_label, _in_percent, x_title)
    for place, (label, at, value, low, high) in enumerate(points):
        parts.append(_whisker(x(at), y, low, high, f"k{place % KINDS}"))
        words = f"{label}: {figures.percent(value)} at {x_label(at)} {x_title}"
        parts.append(_marker(place, x(at), y(value), words))
    described = f"{title}, by {x_title}: " + "; ".join(
        f"{label} {figures.percent(value)} at {x_label(at)}" for label, at, value, *_ in points
    )
    rows = [
        (label, x_label(at), figures.percent(value), f"{figures.percent(low)} to {figures.percent(high)}")
        for label, at, value, low, high in points
    ]
    legend = [(f"point k{place % KINDS} m{place % 4}", label) for place, (label, *_) in enumerate(points)]
    head = ("", x_title, "right", "95 % interval")
    return Chart(title, described, drawn(title, described, parts), head, rows, legend)


def _in_percent(share: float) -> str:
    return figures.percent(share, 0 if round(100 * share, 6) == int(round(100 * share, 6)) else 1)


def _whisker(x: float, y: Axis, low: float, high: float, kind: str) -> Markup:
    return tag("line", class_=f"whisker {kind}", x1=x, x2=x, y1=y(low), y2=y(high))


SHAPES = ("M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z", "M-4,-4H4V4H-4Z", "M0,-5L5,4H-5Z", "M0,-5.5L5.5,0L0,5.5L-5.5,0Z")
"""Circle, square, triangle, diamond: colours alone don't tell points apart."""


def _marker(place: int, x: float, y: float, words: str) -> Markup:
    move = f"translate({x:.1f} {y:.1f})"
    return tag("path", tag("title", words), class_=f"fill k{place % KINDS}", d=SHAPES[place % 4], transform=move)
