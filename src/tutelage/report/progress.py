"""Progress of the stages, one at a time, on standard error: a bar, or where none can be drawn a line now and then.

round 1: exam: 1,200 of 4,000 in 4 min 10 s
round 1: feedback: 310 of 900 in 5 min 00 s; 4 wrong answer, 1 time-out; 0.0213 USD
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tutelage.money import sum_usd
from tutelage.records import Feedback
from tutelage.report.format import clock
from tutelage.text.printable import printable

EVERY = 60.0
"""Seconds between two lines, at the least."""


class Advance:
    """Told how far a stage is: called with the number of units that have got done, `heard` with each reply."""

    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show
        self.failures = Counter[str]()
        self.usd = 0.0

    def __call__(self, units: int) -> None:
        """So many units more are done."""
        self._show(units)

    def heard(self, feedback: Feedback) -> None:
        """A teacher's reply has come: count what failed and what it cost. It is one unit."""
        self.failures.update([feedback.failure] if feedback.failure else [])
        self.usd = sum_usd((self.usd, feedback.usage.cost_usd))
        self._show(1)

    def __str__(self) -> str:
        """What failed, and what was paid; empty if nothing."""
        failed = ", ".join(f"{count:,} {reason}" for reason, count in self.failures.most_common())
        return "".join(f"; {part}" for part in (failed, f"{self.usd:.4f} USD" if self.usd else "") if part)


class Show:
    """Tells a person what is going on; with `quiet` it says nothing, without `bars` only what is worth a line.

    `clock` counts seconds.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        quiet: bool = False,
        bars: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bars, self._clock = bars, clock
        self._console = console or Console(stderr=True, quiet=quiet, highlight=False)

    @property
    def quiet(self) -> bool:
        """Whether it says nothing."""
        return self._console.quiet

    def say(self, text: str) -> None:
        """Print a line; what stands in it is text, never markup."""
        self._console.print(printable(text, lines=True), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Generator[Advance]:
        """A bar over `total` units, or lines; call what it yields with the number of units that have got done."""
        if not self._bars:
            yield Advance(lambda _: None)
        elif self._console.is_terminal:
            with self._drawn(title, total, done) as advance:
                yield advance
        else:
            yield self._lines(title, total, done)

    @contextmanager
    def _drawn(self, title: str, total: int, done: int) -> Generator[Advance]:
        columns = (
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(printable(title), total=total, completed=done)
            yield Advance(lambda units: progress.advance(task, units))

    def _lines(self, title: str, total: int, done: int) -> Advance:
        begun = told = self._clock()

        def show(units: int) -> None:
            nonlocal done, told
            done, now = done + units, self._clock()
            if now - told >= EVERY or (done >= total and told > begun):
                told = now
                self.say(f"{title}: {done:,} of {total:,} in {clock(now - begun)}{advance}")

        advance = Advance(show)
        return advance
