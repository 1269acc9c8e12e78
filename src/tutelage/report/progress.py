"""Progress bars of the stages, one at a time, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int], None]


class Show:
    """Tells a person what is going on; with `quiet` it says nothing, without `bars` only what is worth a line."""

    def __init__(self, console: Console | None = None, *, quiet: bool = False, bars: bool = True) -> None:
        self._bars = bars
        self._console = console or Console(stderr=True, quiet=quiet, highlight=False)

    @property
    def quiet(self) -> bool:
        """Whether it says nothing."""
        return self._console.quiet

    def say(self, text: str) -> None:
        """Print a line; what stands in it is text, never markup."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Generator[Advance]:
        """A bar over `total` units; call what it yields with the number of units that have got done."""
        columns = (
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=self._console, disable=not self._bars) as progress:
            task = progress.add_task(title, total=total, completed=done)
            yield lambda units: progress.advance(task, units)
