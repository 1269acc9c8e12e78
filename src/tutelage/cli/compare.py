"""`tutelage compare`: two students on the same problems. The page of a run has their answers beside each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli.machine_readable import Json, print_json
from tutelage.errors import ConfigError, RunError
from tutelage.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tutelage.view.facts import Sitting
    from tutelage.view.index.index import RunIndex
    from tutelage.view.pair import Pair

_PATIENCE = 3600.0
"""Seconds that the index of a large run is waited for."""
_OF_A_PAGE = {"rows", "found", "page", "pages"}
"""What of a comparison is of the page that shows it."""
_HELP = "A run's folder, or RUN:ANSWERS, such as runs/demo:evaluation-1."


def compare(
    left: Annotated[str, typer.Argument(help=_HELP, metavar="LEFT")],
    right: Annotated[str | None, typer.Argument(help="As LEFT; without it, another of the same run.")] = None,
    json: Json = False,
) -> None:
    """Compare two students on the same problems: two runs, two rounds, or before and after (the default of one run).

    Answers are test-before, test-after, evaluation-1, exam-1, …

    Example: `tutelage compare runs/demo` or `tutelage compare runs/a:evaluation-1 runs/b:evaluation-1`
    """
    from tutelage.runs.reader import open_run
    from tutelage.view.index.index import RunIndex
    from tutelage.view.pair import Side, pair

    (one, first), (other, second) = _named(left), _named(right or _named(left)[0])
    for run in (one, other):
        open_run(Path(run))
    with RunIndex.open(Path(one)) as mine, RunIndex.open(Path(other)) as theirs:
        before, after = _chosen(mine, first, theirs, second, one == other)
        found = pair(Side(mine, before), Side(theirs, after))
    if not found.problems:
        raise RunError(
            f"{one}:{before} and {other}:{after} have no problem in common; name answers to the same split of one task"
        )
    if json:
        print_json({name: value for name, value in asdict(found).items() if name not in _OF_A_PAGE})
    else:
        _show(found, f"{one}:{before}", f"{other}:{after}")


def _named(side: str) -> tuple[str, str]:
    """A run's folder and the name of its answers, empty if none is named."""
    if Path(side).is_dir() or ":" not in side:
        return side, ""
    run, _, name = side.rpartition(":")
    return run, name


def _chosen(mine: RunIndex, first: str, theirs: RunIndex, second: str, same: bool) -> tuple[str, str]:
    """Which answers are compared. What is not named: before and after of one run, the same answers of two."""
    from tutelage.view.pair import usual

    for index in (mine, theirs):
        if not (state := index.wait(_PATIENCE)).done:
            raise RunError(f"cannot read all of {index.run}: {state.doing}; try again")
    has, others = ([sitting.name for sitting in index.sittings()] for index in (mine, theirs))
    before, after = usual(mine.sittings())
    if same and (named := first or second):
        other = _last_beside(named, mine.sittings())
        first, second = first or other, second or other
    elif same:
        first, second = before, after
    else:
        last = next((name for name in (after, *reversed(has)) if name in others), "")
        first, second = first or second or last, second or first or last
    for index, name, names in ((mine, first, has), (theirs, second, others)):
        if name not in names:
            lacks = f"no answers {name!r}" if name else "no two answers to the same problems yet"
            raise ConfigError(f"{index.run} has {lacks}; it has: {', '.join(names) or 'none'}")
    return first, second


def _last_beside(name: str, sittings: Sequence[Sitting]) -> str:
    """The last other answers to the split of those that are named; their own name if there are none."""
    split = next((sitting.split for sitting in sittings if sitting.name == name), None)
    return next((each.name for each in reversed(sittings) if each.split == split and each.name != name), name)


def _show(found: Pair, left: str, right: str) -> None:
    from tutelage.report.format import p_value

    shares = ((found.both + found.only_left) / found.problems, (found.both + found.only_right) / found.problems)
    width = max(len(printable(left)), len(printable(right)))
    for name, share, alone in ((left, shares[0], found.only_left), (right, shares[1], found.only_right)):
        print(f"{printable(name):<{width}}  {share:.1%} of {found.problems:,}; right here alone: {alone:,}")
    if found.unshared:
        print(f"on the problems that both have; {found.unshared:,} more are in one alone, and do not count")
    difference, low, high = (100 * value for value in (found.difference, found.low, found.high))
    print(f"difference {difference:+.1f} points ({low:+.1f} to {high:+.1f}), McNemar's p {p_value(found.p)}")
