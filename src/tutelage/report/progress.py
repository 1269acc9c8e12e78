"""Progress of the current stage on standard error: a bar in a terminal, else a line from time to time.

round 1: exam: 1,200 of 4,000 in 4 min 10 s
round 1: feedback: 310 of 900 in 5 min 00 s; 8 in flight, 3 waiting; 4 wrong answer, 1 time-out; 0.0213 USD
round 1: feedback: 310 of 900 in 5 min 40 s; nothing has arrived for 25 s; 8 in flight, the oldest for 25 s; …
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from tutelage.activity import Activity
from tutelage.money import sum_usd
from tutelage.records import Feedback
from tutelage.report.format import clock
from tutelage.report.now import NowFile
from tutelage.text.printable import printable

EVERY = 60.0
"""Minimum seconds between two lines."""
QUIET = 25.0
"""Seconds without a reply, after which the line says why."""
TICK = 1.0
"""Seconds between two checks for something to report."""


class Advance:
    """The progress of a stage: call it with the number of newly finished units, and `heard` with each reply."""

    def __init__(
        self, show: Callable[[int], None], activity: Activity | None = None, done: int = 0, total: float = math.inf
    ) -> None:
        self._show, self._activity, self._total = show, activity, total
        self.done, self._tokens = done, 0
        self.failures = Counter[str]()
        self.usd = 0.0

    def __call__(self, units: int, tokens: int = 0) -> None:
        """Count `units` more units as done, for which so many tokens were written."""
        self.done += units
        self._tokens += tokens
        self._show(units)

    def heard(self, feedback: Feedback) -> None:
        """Count a teacher's reply as one unit, with its failure and cost."""
        self.failures.update([feedback.failure] if feedback.failure else [])
        self.usd = sum_usd((self.usd, feedback.usage.cost_usd))
        self(1, feedback.usage.completion_tokens)

    @property
    def tokens(self) -> int:
        """Tokens written so far."""
        return self._activity.tokens if self._activity else self._tokens

    def told(self) -> dict[str, Any]:
        """Activity, failures and cost as fields of `Now`."""
        activity = self._activity
        told = {"failures": dict(self.failures.copy()), "usd": self.usd, **(activity.figures() if activity else {})}
        if activity and self.is_quiet:
            told["note"] = activity.why()
        return told

    @property
    def is_quiet(self) -> bool:
        """Whether units are missing and no reply has arrived for QUIET seconds."""
        return self._activity is not None and self.done < self._total and self._activity.silence >= QUIET

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
        self._now: NowFile | None = None

    @property
    def quiet(self) -> bool:
        """Whether it prints nothing."""
        return self._console.quiet

    def say(self, text: str) -> None:
        """Print a line as plain text, without markup."""
        self._console.print(printable(text, lines=True), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def noted(self, path: Path) -> Generator[None]:
        """Also write what is going on to the file `path`, inside the `with` block; it is gone after it."""
        with NowFile(path) as now:
            self._now = now
            try:
                yield
            finally:
                self._now = None

    @contextmanager
    def bar(
        self, title: str, total: int, done: int = 0, activity: Activity | None = None, units: str = "problems"
    ) -> Generator[Advance]:
        """A progress bar (or lines) over `total` units; call the yielded Advance with newly finished units.

        `activity` is the activity of the stage's teacher.
        """
        if activity:
            activity.begin()
        with ExitStack() as shown:
            advance = shown.enter_context(self._shown(title, total, done, activity))
            if self._now is not None:
                shown.enter_context(self._now.stage(title, units, total, advance))
            yield advance

    @contextmanager
    def _shown(self, title: str, total: int, done: int, activity: Activity | None) -> Generator[Advance]:
        if not self._bars:
            yield Advance(lambda _: None, activity, done, total)
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
        advance = Advance(lambda units: progress.advance(task, units), activity, done, total)
        if activity is None:
            with progress:
                yield advance
            return

        def drawn() -> Group:
            return Group(progress, Text(printable(str(advance).removeprefix("; ")), style="dim"))

        with Live(console=self._console, get_renderable=drawn, refresh_per_second=4):
            yield advance


class _Lines:
    """Progress in lines: one per minute, and one at once when the teacher goes silent."""

    def __init__(
        self,
        title: str,
        total: int,
        done: int,
        activity: Activity | None,
        say: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._title, self._total = title, total
        self._say, self._clock = say, clock
        self._begun = self._told = clock()
        self._was_quiet = False
        self.advance = Advance(self._show, activity, done, total)

    def look(self) -> None:
        """Print a line if one is due."""
        now, quiet = self._clock(), self.advance.is_quiet
        if now - self._told >= EVERY or (quiet and not self._was_quiet):
            self._tell(now)
        self._was_quiet = quiet

    def _show(self, _: int) -> None:
        now = self._clock()
        if now - self._told >= EVERY or (self.advance.done >= self._total and self._told > self._begun):
            self._tell(now)

    def _tell(self, now: float) -> None:
        self._told = now
        self._say(
            f"{self._title}: {self.advance.done:,} of {self._total:,} in {clock(now - self._begun)}{self.advance}"
        )


@contextmanager
def _looking(look: Callable[[], None]) -> Generator[None]:
    """Call `look` regularly from a thread inside the `with` block."""
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
