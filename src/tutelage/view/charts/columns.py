"""Stacked columns, such as the kinds of mistakes by exam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tutelage.view.charts.base import HEIGHT, KINDS, WIDTH, Axis, Chart, across, axes, drawn, plain_number, tag, upright


def stacked(title: str, columns: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """A column for each (label, counts by kind). The commonest kind of all stands lowest, and first in the legend."""
    totals: dict[str, int] = {}
    for _, counts in columns:
        for kind, number in counts.items():
            totals[kind] = totals.get(kind, 0) + number
    kinds = sorted(totals, key=lambda kind: (-totals[kind], kind))
    most = max((sum(counts.values()) for _, counts in columns), default=1)
    x = across(-0.5, max(len(columns), 3) - 0.5)
    y = upright(0.0, most or 1)
    width = min((x(1) - x(0)) * 0.62, 76)
    parts = axes(Axis(x.low, x.high, x.start, x.end), y, str, plain_number)
    for place, (label, counts) in enumerate(columns):
        parts.append(tag("text", label, class_="axis", x=x(place), y=y.start + 15, text_anchor="middle"))
        below = 0
        for order, kind in enumerate(kinds):
            if not (number := counts.get(kind, 0)):
                continue
            top, height = y(below + number), y(below) - y(below + number)
            hover = tag("title", f"{label}: {number:,} {kind}")
            box = {"x": x(place) - width / 2, "y": top, "width": width, "height": max(height - 0.6, 0.4)}
            parts.append(tag("rect", hover, class_=f"fill {_kind(order)}", **box))
            if height >= 14:
                middle = top + height / 2 + 4
                parts.append(
                    tag("text", f"{number:,}", class_=f"on {_kind(order)}", x=x(place), y=middle, text_anchor="middle")
                )
            below += number
    described = f"{title}: " + "; ".join(f"{label} {sum(counts.values()):,}" for label, counts in columns)
    rows = [(kind, *(f"{counts.get(kind, 0):,}" for _, counts in columns)) for kind in kinds]
    legend = [(f"fill {_kind(order)}", kind) for order, kind in enumerate(kinds)]
    picture = drawn(title, described, parts, WIDTH, HEIGHT)
    return Chart(title, described, picture, ("", *(label for label, _ in columns)), rows, legend)


def _kind(order: int) -> str:
    """Its colour, and a pattern of its own from the ninth kind on would be none: they share the last."""
    return f"k{min(order, KINDS - 1)}"
