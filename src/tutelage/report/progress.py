"""Progress of the current stage on standard error: a bar in a terminal, else a line from time to time.

round 1: exam: 1,200 of 4,000 in 4 min 10 s
round 1: feedback: 310 of 900 in 5 min 00 s; 8 in flight, 3 waiting; 4 wrong answer, 1 time-out; 0.0213 USD
round 1: feedback: 310 of 900 in 5 min 40 s; nothing has arrived for 25 s; 8 in flight, the oldest for 25 s; …
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from tutelage.activity import Activity
from tutelage.money import sum_usd
from tutelage.records import Feedback
from tutelage.report.format import clock
from tutelage.text.printable import printable

EVERY = 60.0
"""Minimum seconds between two lines."""
QUIET = 25.0
"""Seconds without a reply, after which the line says why."""
TICK = 1.0
"""Seconds between two checks for something to report."""


class Advance:
    """The progress of a stage: call it with the number of newly finished units, and `heard` with each reply."""

    def __init__(self, show: Callable[[int], None], activity: Activity | None = None) -> None:
        self._show, self._activity = show, activity
        self.failures = Counter[str]()
        self.usd = 0.0

    def __call__(self, units: int) -> None:
        """Count `units` more units as done."""
        self._show(units)

    def heard(self, feedback: Feedback) -> None:
        """Count a teacher's reply as one unit, with its failure and cost."""
        self.failures.update([feedback.failure] if feedback.failure else [])
        self.usd = sum_usd((self.usd, feedback.usage.cost_usd))
        self._show(1)

    @property
    def is_quiet(self) -> bool:
        """Whether the teacher has not been heard of for long."""
        return self._activity is not None and self._activity.silence >= QUIET

    def __str__(self) -> str:
        """Activity, failures and cost in words, empty if there are none; after a long silence, its reason."""
        failed = ", ".join(f"{count:,} {reason}" for reason, count in self.failures.most_common())
        spent, doing = f"{self.usd:.4f} USD" if self.usd else "", ""
        if self._activity is not None:
            spent = self._activity.spent or spent
            doing = self._activity.why() if self.is_quiet else str(self._activity)
        return "".join(f"; {part}" for part in (doing, failed, spent) if part)


class Show:
    """Prints progress and messages. With `quiet` it prints nothing; without `bars` only lines.

    `clock` returns seconds.
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
        """Whether it prints nothing."""
        return self._console.quiet

    def say(self, text: str) -> None:
        """Print a line as plain text, without markup."""
        self._console.print(printable(text, lines=True), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0, activity: Activity | None = None) -> Generator[Advance]:
        """A progress bar (or lines) over `total` units; call the yielded Advance with newly finished units.

        `activity` is the activity of the stage's teacher.
        """
        if activity:
            activity.begin()
        if not self._bars:
            yield Advance(lambda _: None)
        elif self._console.is_terminal:
            with self._drawn(title, total, done, activity) as advance:
                yield advance
        else:
            lines = _Lines(title, total, done, activity, self.say, self._clock)
            with _looking(lines.look) if activity else nullcontext():
                yield lines.advance

    @contextmanager
    def _drawn(self, title: str, total: int, done: int, activity: Activity | None) -> Generator[Advance]:
        columns = (
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        progress = Progress(*columns, console=self._console)
        task = progress.add_task(printable(title), total=total, completed=done)
        advance = Advance(lambda units: progress.advance(task, units), activity)
        if activity is None:
            with progress:
                yield advance
            return

        def drawn() -> Group:
            return Group(progress, Text(printable(str(advance).removeprefix("; ")), style="dim"))

        with Live(console=self._console, get_renderable=drawn, refresh_per_second=4):
            yield advance


class _Lines:
    """Progress in lines: one a minute, and in a teacher's silence at once."""

    def __init__(
        self,
        title: str,
        total: int,
        done: int,
        activity: Activity | None,
        say: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._title, self._total, self._done = title, total, done
        self._say, self._clock = say, clock
        self._begun = self._told = clock()
        self._was_quiet = False
        self.advance = Advance(self._show, activity)

    def look(self) -> None:
        """Say how far it is, if it is time."""
        now, quiet = self._clock(), self.advance.is_quiet
        if now - self._told >= EVERY or (quiet and not self._was_quiet):
            self._tell(now)
        self._was_quiet = quiet

    def _show(self, units: int) -> None:
        self._done, now = self._done + units, self._clock()
        if now - self._told >= EVERY or (self._done >= self._total and self._told > self._begun):
            self._tell(now)

    def _tell(self, now: float) -> None:
        self._told = now
        self._say(f"{self._title}: {self._done:,} of {self._total:,} in {clock(now - self._begun)}{self.advance}")


@contextmanager
def _looking(look: Callable[[], None]) -> Generator[None]:
    """Within, `look` is called every now and then, whatever else goes on."""
    ended = threading.Event()

    def look_on() -> None:
        while not ended.wait(TICK):
            look()

    thread = threading.Thread(target=look_on, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
