"""Draws the README's picture: accuracy by round of one run, with 95 % intervals.

python -m tools.picture docs/images/demo.json docs/images/demo.png     from the run's result.json
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tutelage.report.plots import COLOURS, STYLE, TEXT
from tutelage.run_records import Accuracy, RunResult
from tutelage.runs.files import read_record

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(result: RunResult, out: Path) -> None:
    """Validation by round as a line, test before and after as diamonds."""
    import matplotlib
    from matplotlib.figure import Figure

    rounds = [row.round for row in result.rounds]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.subplots()
        seen = [row.validation for row in result.rounds]
        axes.plot(rounds, [one.accuracy for one in seen], color=COLOURS[0], alpha=0.5)
        _points(axes, rounds, seen, (COLOURS[0], "o", f"validation, {seen[0].n} problems"), (-6, "right"))
        test = [result.test.before, result.test.after]
        where = [-1, result.best_round + 0.12]
        _points(axes, where, test, (COLOURS[1], "D", f"test, {test[0].n} problems"), (7, "left"))
        axes.set_xticks([-1, *rounds], ["untrained", *map(str, rounds)])
        axes.set_ylim(-0.02, 1)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.set_xlabel("round", color=TEXT)
        axes.set_ylabel("right answers, with 95 % interval", color=TEXT)
        axes.legend(loc="upper left", labelcolor=TEXT)
        figure.savefig(out, dpi=150)


def _points(
    axes: Axes, x: Sequence[float], seen: list[Accuracy], look: tuple[str, str, str], beside: tuple[int, str]
) -> None:
    """Dots with intervals; `look` is colour, marker and label, `beside` where a dot's figure stands."""
    (colour, marker, label), (aside, towards) = look, beside
    axes.vlines(x, [one.low for one in seen], [one.high for one in seen], color=colour, linewidth=1.5, alpha=0.5)
    axes.plot(x, [one.accuracy for one in seen], marker, color=colour, markersize=6, label=label)
    for at, one in zip(x, seen, strict=True):
        words = {"xytext": (aside, 3), "textcoords": "offset points", "ha": towards, "fontsize": 8, "color": TEXT}
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.annotate(f"{one.accuracy:.1%}", (at, one.accuracy), **words, bbox=paper)


def main(arguments: list[str]) -> None:
    """Read a result.json and write the picture."""
    source, out = map(Path, arguments)
    draw(read_record(source, RunResult), out)


if __name__ == "__main__":
    main(sys.argv[1:])
