"""The plots of a study, as PNG files.

    test.png                    a dot with its interval for every arm
    validation-by-round.png     a line for every arm over rounds, teacher replies or USD, with a band over seeds
    mistakes.png                the share of each kind of mistake over rounds

Up to seven lines share a panel; more get a panel each, with the others in grey. An arm has the same colour, marker and
dash in all plots. matplotlib is imported only when a plot is drawn.
"""
# pyright: reportUnknownMemberType=false
# matplotlib does not type its keyword arguments.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from tutelage.errors import ConfigError
from tutelage.metrics.intervals import SeedMean, mistake_shares, over_seeds, rounds_of
from tutelage.report.format import counted
from tutelage.runs.files import disk_errors
from tutelage.study_records import RoundFigures, StudyFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
"""Safe for colour-blind readers (Okabe and Ito 2008, without yellow, which is faint on white)."""
KIND_COLOURS = ("#332288", "#DDAA33", "#44AA99", "#CC6677", "#88CCEE", "#999933")
"""Colours of kinds of mistake: not those of arms, also safe for colour-blind readers (after Tol 2021, muted)."""
SHAPES = (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."))
"""Markers and dashes; the next pair is used when the colours are used up."""
REACH, DODGE = 0.15, 0.03
"""How far an interval may widen the scale; horizontal distance between lines of one panel, in rounds."""
STEPS = (1, 2, 5, 10)
"""Tick distances, times a power of ten."""
GREY, TEXT = "#D4D4D4", "#444444"
STYLE: dict[Any, object] = {
    "font.size": 9,
    "text.parse_math": False,  # an arm may have a dollar in its name
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#AAAAAA",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#EEEEEE",
    "xtick.color": "#AAAAAA",
    "ytick.color": "#AAAAAA",
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class Look:
    """The style of a line or a dot."""

    colour: str
    marker: str
    dash: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A line: means over seeds with intervals, by x."""

    points: tuple[tuple[float, SeedMean], ...]
    look: Look


Panel = tuple[str, Mapping[str, Curve]]
"""A panel: its title (empty if it is the only one) and its lines by name."""


def need_matplotlib() -> None:
    """Check early that plots can be drawn. Raises ConfigError if matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise ConfigError('the plots of a study need the package matplotlib: pip install "tutelage[plots]"')


def plot_names(figures: StudyFigures) -> list[str]:
    """The files that `plot_study` writes: USD only if money was spent, mistakes only if their kinds are known."""
    rows = [row for arm in figures.arms.values() for run in arm.runs for row in run.rounds]
    there = {
        "test.png": bool(figures.arms),
        "validation-by-round.png": bool(rows),
        "validation-by-replies.png": any(row.replies for row in rows),
        "validation-by-usd.png": any(row.usd > 0 for row in rows),
        "mistakes.png": any(sum(row.mistakes.values()) for row in rows),
    }
    return [name for name, wanted in there.items() if wanted]


def plot_study(figures: StudyFigures, folder: Path) -> list[Path]:
    """Draw the plots into `folder`; returns the files. Raises RunError on a full disk."""
    import matplotlib

    draw: dict[str, Callable[[StudyFigures], Figure]] = {
        "test.png": _test,
        "validation-by-round.png": lambda study: _validation(study, "round", lambda row: row.round),
        "validation-by-replies.png": lambda study: _validation(study, "teacher replies", lambda row: row.replies),
        "validation-by-usd.png": lambda study: _validation(study, "USD", lambda row: row.usd),
        "mistakes.png": _mistakes,
    }
    paths = [folder / name for name in plot_names(figures)]
    with matplotlib.rc_context(STYLE):
        for path in paths:
            with disk_errors(path):
                folder.mkdir(parents=True, exist_ok=True)
                draw[path.name](figures).savefig(path, dpi=150)
    return paths


def _look(place: int, colours: Sequence[str] = COLOURS) -> Look:
    """The style of the arm (or kind of mistake) at this index."""
    return Look(colours[place % len(colours)], *SHAPES[place // len(colours) % len(SHAPES)])


def _validation(figures: StudyFigures, axis: str, x: Callable[[RoundFigures], float]) -> Figure:
    arms = {name: (_look(place), rounds_of(arm)) for place, (name, arm) in enumerate(figures.arms.items())}
    arms = {name: (look, rounds) for name, (look, rounds) in arms.items() if rounds}
    together = len(arms) <= len(COLOURS)
    curves: dict[str, Curve] = {}
    for order, (name, (look, rounds)) in enumerate(arms.items()):
        aside = DODGE * (order - (len(arms) - 1) / 2) if together and axis == "round" else 0.0
        at = (aside + fmean(x(row) for row in rows) for rows in rounds)
        means = (over_seeds(row.validation for row in rows) for rows in rounds)
        curves[name] = Curve(tuple((where, mean) for where, mean in zip(at, means, strict=True) if mean), look)
    panels: list[Panel] = [(name, {name: curve}) for name, curve in curves.items()]
    if together:
        panels = [("", dict(sorted(curves.items(), key=lambda named: -named[1].points[-1][1].mean)))]
    figure = _frames(panels, list(curves.values()), (axis, "validation accuracy"))
    _entitle(figure, f"{figures.name}: validation accuracy by {axis}")
    return figure


def _mistakes(figures: StudyFigures) -> Figure:
    shares = {
        name: [(rows[0].round, mistake_shares(rows)) for rows in rounds_of(arm)] for name, arm in figures.arms.items()
    }
    kinds = sorted({kind for of_arm in shares.values() for _, of_round in of_arm for kind in of_round})
    looks = {kind: _look(place, KIND_COLOURS) for place, kind in enumerate(kinds)}
    panels: list[Panel] = []
    for name, of_arm in shares.items():
        points = {kind: tuple((at, share[kind]) for at, share in of_arm if kind in share) for kind in kinds}
        curves = {kind: Curve(points[kind], look) for kind, look in looks.items() if points[kind]}
        if curves:
            panels.append((name, curves))
    figure = _frames(panels, (), ("round", "share of validation's mistakes"))
    _entitle(figure, f"{figures.name}: kinds of mistake by round")
    return figure


def _test(figures: StudyFigures) -> Figure:
    """A row for every arm, in the study's order from the top, with the figures as text on the right."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, max(2.0, 0.3 * len(figures.arms) + 1.2)), layout="constrained")
    axes = figure.subplots()
    for place, arm in enumerate(figures.arms.values()):
        test, look = arm.test, _look(place)
        axes.plot((test.low, test.high), (place, place), color=look.colour, linewidth=2, solid_capstyle="round")
        axes.plot(test.mean, place, color=look.colour, marker=look.marker, markersize=6)
        words = f"{test.mean:.1%}  ({test.low:.1%} to {test.high:.1%}), {counted(arm.seeds, 'seed')}"
        axes.text(1.02, place, words, transform=axes.get_yaxis_transform(), va="center", color=TEXT, fontsize=8)
    axes.set_yticks(range(len(figures.arms)), list(figures.arms))
    axes.set_ylim(len(figures.arms) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(_percent)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    axes.set_xlabel(f"test accuracy, {figures.test_problems} problems, with 95 % interval", color=TEXT)
    _entitle(figure, f"{figures.name}: test accuracy")
    return figure


def _frames(panels: Sequence[Panel], behind: Sequence[Curve], labels: tuple[str, str]) -> Figure:
    """The panels in a grid, all on one scale; lines that share a panel get a legend on the right."""
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    columns = next(columns for columns, most in ((1, 1), (2, 4), (3, 9), (4, len(panels))) if len(panels) <= most)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(8, max(5, 1.6 * rows + 0.8)), layout="constrained")
    places = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes, (title, curves) in zip(places, panels, strict=False):
        if title and behind:
            others = [[(x, mean.mean) for x, mean in curve.points] for curve in behind]
            axes.add_collection(LineCollection(others, colors=GREY, linewidths=0.8))
        for name, curve in curves.items():
            _draw(axes, name, curve)
        axes.set_title(title, loc="left", fontsize=8, color=TEXT)
    for axes in places[max(0, len(panels) - columns) : len(panels)]:
        axes.tick_params(axis="x", labelbottom=True)  # there may be no panel below
    places[0].yaxis.set_major_formatter(_percent)
    places[0].yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    places[0].xaxis.set_major_locator(MaxNLocator(7 - columns, steps=STEPS, integer=labels[0] == "round"))
    places[0].set_ylim(*_limits([curve for _, curves in panels for curve in curves.values()]))
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(f"{labels[0]}{_spread(panels)}", fontsize=9, color=TEXT)
    figure.supylabel(labels[1], fontsize=9, color=TEXT)
    named = {name: line for axes in places for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if not (behind and len(panels) > 1):
        figure.legend(named.values(), named.keys(), loc="outside right upper", labelcolor=TEXT)
    return figure


def _draw(axes: Axes, name: str, curve: Curve) -> None:
    """Draw a line with its band; a single point is a dot with an error bar."""
    look = curve.look
    x, y = [at for at, _ in curve.points], [mean for _, mean in curve.points]
    means, (low, high) = [mean.mean for mean in y], zip(*map(_band, y), strict=True)
    axes.plot(x, means, look.dash, color=look.colour, marker=look.marker, markersize=4, label=name, zorder=3)
    if len(x) == 1:
        axes.vlines(x, low, high, color=look.colour, linewidth=1.5, alpha=0.5)
    else:
        axes.fill_between(x, low, high, color=look.colour, alpha=0.13, linewidth=0)


def _band(mean: SeedMean) -> tuple[float, float]:
    """The interval to draw. With two seeds it would be twelve times as wide as their scatter and hide all others."""
    return (mean.low, mean.high) if mean.seeds > 2 else (mean.mean, mean.mean)


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Limits of the y axis. All means are visible; a wide interval of few seeds may be cut off."""
    means = [mean for curve in curves for _, mean in curve.points]
    low = min(max(_band(mean)[0], mean.mean - REACH) for mean in means)
    high = max(min(_band(mean)[1], mean.mean + REACH) for mean in means)
    return max(-0.01, low - 0.02), min(1.01, high + 0.02)


def _spread(panels: Sequence[Panel]) -> str:
    most = max((mean.seeds for _, curves in panels for line in curves.values() for _, mean in line.points), default=1)
    if most < 3:
        return " (one seed)" if most == 1 else " (means over two seeds)"
    return " (means over seeds, with 95 % t intervals of three or more)"


def _percent(share: float, _: object) -> str:
    return f"{100 * share:.3g}%"


def _entitle(figure: Figure, title: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
