"""The stylesheet: text stands out from what is behind it (WCAG AA), in both themes."""

import re
from pathlib import Path

import pytest

import tutelage.view

CSS = (Path(tutelage.view.__file__).parent / "static" / "view.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part))
    for part in CSS.split("@media print")[0].split("prefers-color-scheme: dark")
)

TEXT = [(ink, paper) for ink in ("ink", "quiet", "accent", "right", "wrong", "alarm") for paper in ("paper", "raised")]
TEXT += [("ink", soft) for soft in ("accent-soft", "right-soft", "wrong-soft", "alarm-soft")]
TEXT += [("quiet", "accent-soft"), ("on-accent", "accent")] + [(f"on-s{level}", f"s{level}") for level in range(5)]
MARKS = [(f"k{kind}", "paper") for kind in range(7)] + [("line-strong", "paper")]


def contrast(one, other):
    first, second = sorted((light_of(one), light_of(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def light_of(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out(theme):
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in TEXT}
    assert {pair: found for pair, found in weak.items() if found < 4.5} == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_and_borders_stand_out(theme):
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in MARKS}
    assert {pair: found for pair, found in weak.items() if found < 3} == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_shares_of_cells_are_in_order_without_colour_too(theme):
    lights = [light_of(theme[f"s{level}"]) for level in range(5)]
    assert lights in (sorted(lights), sorted(lights, reverse=True))
