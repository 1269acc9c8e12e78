"""The flow of problems between states from exam to exam: a small Sankey diagram."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from tutelage.view.charts.base import WIDTH, Chart, drawn, tag
from tutelage.view.facts import Flow

STATES = ("right", "sometimes", "wrong")
"""From top to bottom."""

HEIGHT, TOP, BLOCK, GAP, SIDE = 250.0, 26.0, 16.0, 12.0, 92.0
WIDE = 950.0
"""Of a chart over two columns of a page, so that its letters are as large as those of the others."""
MOST = 4
"""Exams that one column takes."""


def flows(title: str, exams: Sequence[str], between: Sequence[Sequence[Flow]]) -> Chart:
    """Problems by state in each exam; `between` has the flows from each exam to the next, one fewer than exams."""
    wide = len(exams) > MOST
    width = WIDE if wide else WIDTH
    step = (width - 2 * SIDE - BLOCK) / max(1, len(exams) - 1)
    heights = [_in_states(between, place) for place in range(len(exams))]
    total = max((sum(each.values()) for each in heights), default=1) or 1
    scale = (HEIGHT - TOP - 8 - GAP * (len(STATES) - 1)) / total
    tops = [_tops(each, scale) for each in heights]
    parts: list[Markup] = []
    for place, links in enumerate(between):
        parts += _ribbons(
            links, (SIDE + step * place + BLOCK, SIDE + step * (place + 1)), tops[place], tops[place + 1], scale
        )
    for place, exam in enumerate(exams):
        left = SIDE + step * place
        parts.append(tag("text", exam, class_="axis", x=left + BLOCK / 2, y=14, text_anchor="middle"))
        for state in STATES:
            if number := heights[place].get(state, 0):
                parts += _block(state, number, left, tops[place][state], number * scale, last=place == len(exams) - 1)
    rows = [
        (f"{exams[place]} → {exams[place + 1]}", link.before, link.after, f"{link.problems:,}")
        for place, links in enumerate(between)
        for link in links
        if link.problems
    ]
    described = f"{title}: " + "; ".join(
        f"{exam} " + ", ".join(f"{each.get(state, 0):,} {state}" for state in STATES)
        for exam, each in zip(exams, heights, strict=True)
    )
    picture = drawn(title, described, parts, width, HEIGHT)
    legend = [("ribbon better", "better than before"), ("ribbon same", "as before"), ("ribbon worse", "worse")]
    return Chart(title, described, picture, ("between", "from", "to", "problems"), rows, legend, wide=wide)


def _in_states(between: Sequence[Sequence[Flow]], place: int) -> dict[str, int]:
    """How many problems are in each state in one exam: what leaves it, or at the last what comes to it."""
    found: dict[str, int] = {}
    if place < len(between):
        for link in between[place]:
            found[link.before] = found.get(link.before, 0) + link.problems
    elif place:
        for link in between[place - 1]:
            found[link.after] = found.get(link.after, 0) + link.problems
    return found


def _tops(heights: dict[str, int], scale: float) -> dict[str, float]:
    tops: dict[str, float] = {}
    y = TOP
    for state in STATES:
        tops[state] = y
        y += heights.get(state, 0) * scale + (GAP if heights.get(state) else 0)
    return tops


def _ribbons(
    links: Sequence[Flow], between: tuple[float, float], starts: dict[str, float], ends: dict[str, float], scale: float
) -> list[Markup]:
    """Ribbons from the blocks of an exam to those of the next; they lie in the order of the states at both ends."""
    order = {state: place for place, state in enumerate(STATES)}
    out, into = dict(starts), dict(ends)
    (left, right), bend = between, (between[1] - between[0]) / 2
    parts: list[Markup] = []
    for link in sorted(links, key=lambda link: (order.get(link.before, 9), order.get(link.after, 9))):
        if not link.problems or link.before not in order or link.after not in order:
            continue
        thick = link.problems * scale
        a, b = out[link.before], into[link.after]
        out[link.before], into[link.after] = a + thick, b + thick
        path = (
            f"M{left:.1f},{a:.1f}"
            f"C{left + bend:.1f},{a:.1f} {right - bend:.1f},{b:.1f} {right:.1f},{b:.1f}v{thick:.1f}"
            f"C{right - bend:.1f},{b + thick:.1f} {left + bend:.1f},{a + thick:.1f} {left:.1f},{a + thick:.1f}Z"
        )
        change = order[link.after] - order[link.before]
        kind = "same" if change == 0 else "better" if change < 0 else "worse"
        words = f"{link.problems:,} from {link.before} to {link.after}"
        parts.append(tag("path", tag("title", words), class_=f"ribbon {kind}", d=path))
    return parts


def _block(state: str, number: int, left: float, top: float, height: float, last: bool) -> list[Markup]:
    """A state of an exam, with its number, and its name at the first and the last exam."""
    hover = tag("title", f"{number:,} {state}")
    block = tag("rect", hover, class_=f"state {state}", x=left, y=top, width=BLOCK, height=max(height, 1))
    first = left == SIDE
    x, anchor = (left + BLOCK + 6, "start") if last and not first else (left - 6, "end")
    middle = top + height / 2 + 4
    words = f"{state} {number:,}" if first or last else f"{number:,}"
    return [block, tag("text", words, class_="value", x=x, y=middle, text_anchor=anchor)]
