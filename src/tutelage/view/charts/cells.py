"""Drawings in the cells of a table, beside the figures that they show: they need no words."""

from __future__ import annotations

from markupsafe import Markup

from tutelage.view.charts.base import tag


def bar(share: float, kind: str = "k0") -> Markup:
    """A horizontal bar over `share` (0 to 1) of its cell."""
    width = 100 * min(max(share, 0.0), 1.0)
    filled = tag("rect", class_=f"fill {kind}", width=width, height=10)
    return _cell(tag("rect", class_="track", width=100, height=10), filled)


def whisker(value: float, low: float, high: float, least: float, most: float) -> Markup:
    """A value with its interval on a scale from `least` to `most`; a line at 0 if the scale has negative numbers."""
    spread = (most - least) or 1.0

    def at(number: float) -> float:
        return 100 * min(max((number - least) / spread, 0.0), 1.0)

    parts = [tag("rect", class_="rail", y=4.5, width=100, height=1)]
    if least < 0 < most:
        parts.append(tag("rect", class_="zero", x=at(0) - 0.25, width=0.5, height=10))
    parts.append(tag("rect", class_="span", x=at(low), y=3.5, width=max(at(high) - at(low), 0.5), height=3))
    parts.append(tag("rect", class_="dot", x=min(max(at(value) - 0.6, 0), 98.8), y=1, width=1.2, height=8))
    return _cell(*parts)


def _cell(*parts: Markup) -> Markup:
    return tag("svg", *parts, class_="in-cell", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")
