"""What all charts share: their frame, the scale of an axis, and elements as text.

<svg viewBox="0 0 460 220" role="img" class="plot"><title>…</title><desc>…</desc> axes, marks </svg>
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from tutelage.text.printable import printable

WIDTH, HEIGHT = 460.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 14.0, 10.0, 38.0
"""Margins: for the labels of the axes."""
KINDS = 8
"""Colours that are told apart (k0 to k7 of view.css)."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, what it shows in words, and its figures as a table. `legend` has (class, label)."""

    title: str
    description: str
    svg: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[tuple[str, str]] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """From values between `low` and `high` to coordinates between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    marks: Sequence[float] = field(default=())

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        return self.start + (self.end - self.start) * (value - self.low) / ((self.high - self.low) or 1)


def across(low: float, high: float, about: int = 5, whole: bool = False) -> Axis:
    """The horizontal axis for these values; `whole` has whole numbers as marks alone."""
    marks = ticks(low, high, about, whole)
    return Axis(low, high, LEFT, WIDTH - RIGHT, [mark for mark in marks if low <= mark <= high])


def upright(low: float, high: float, about: int = 4) -> Axis:
    """The vertical axis, extended to round numbers."""
    marks = ticks(low, high, about)
    return Axis(marks[0], marks[-1], HEIGHT - BOTTOM, TOP, marks)


def ticks(low: float, high: float, about: int = 4, whole: bool = False) -> list[float]:
    """Round numbers from at most `low` to at least `high`, `about` so many steps apart."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = (0.0, high) if high > 0 else (low, 0.0) if low < 0 else (0.0, 1.0)
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * index, 12) + 0.0 for index in range(first, last + 1)]


def tag(name: str, *inside: str | Markup, **attributes: object) -> Markup:
    """An element. Attributes are escaped, `class_` is `class`, `_` is a hyphen; numbers are written short."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(short(value) if isinstance(value, float) else str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(part if isinstance(part, Markup) else printable(part) for part in inside)
    return Markup(f"<{name}{written}>{content}</{name}>")


def short(number: float) -> str:
    """A coordinate with two digits at most."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def drawn(
    title: str, description: str, parts: Iterable[Markup], width: float = WIDTH, height: float = HEIGHT
) -> Markup:
    """The picture: an image to readers of screens, with a title and a description."""
    inside = [tag("title", title), tag("desc", description), *parts]
    return tag("svg", *inside, class_="plot", viewBox=f"0 0 {short(width)} {short(height)}", role="img")


def axes(
    x: Axis, y: Axis, x_label: Callable[[float], str], y_label: Callable[[float], str], x_title: str = ""
) -> list[Markup]:
    """Hairlines at the marks of the vertical axis, labels at both, and what the horizontal one counts."""
    parts: list[Markup] = []
    for mark in y.marks:
        parts.append(tag("line", class_="grid", x1=x.start, x2=x.end, y1=y(mark), y2=y(mark)))
        parts.append(tag("text", y_label(mark), class_="axis", x=x.start - 6, y=y(mark) + 4, text_anchor="end"))
    bottom = y.start + 15
    parts += [tag("text", x_label(mark), class_="axis", x=x(mark), y=bottom, text_anchor="middle") for mark in x.marks]
    if x_title:
        parts.append(tag("text", x_title, class_="axis", x=x.end, y=bottom + 17, text_anchor="end"))
    return parts


def plain_number(value: float) -> str:
    """A number as an axis writes it: `0.25`, `1,500`."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
