"""Tells the trackers of `report_to` while a run is at work, each from a thread of its own.

A tracker that fails is named in one line and tried again, with longer and longer pauses. It never ends the run, and
what it has missed is told when it is there again, or when the same command is started again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tutelage.config.places import without_passwords
from tutelage.errors import ConfigError
from tutelage.run_records import RunResult
from tutelage.text.printable import printable
from tutelage.trackers.follow import Follower, Open, is_whole

TRACKERS = {
    "tensorboard": ("tutelage.trackers.to_tensorboard", "TensorBoard"),
    "trackio": ("tutelage.trackers.to_trackio", "Trackio"),
    "mlflow": ("tutelage.trackers.to_mlflow", "MLflow"),
    "wandb": ("tutelage.trackers.to_wandb", "WandB"),
}
TICK = 2.0
"""Seconds between two looks at the run's files."""
PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds before a tracker that failed is tried again; they double."""
PATIENCE, HURRY = 120.0, 5.0
"""Seconds that a tracker gets for the rest, at the end of a run and when it is stopped."""

Say = Callable[[str], None]


def check_trackers(names: Sequence[str]) -> None:
    """Raise ConfigError if a tracker is not installed, or would ask for a key."""
    for name in names:
        spec = find_spec(name)
        if spec is None or spec.origin is None:  # a folder wandb/ is no package
            raise ConfigError(
                f'report_to: {name} is not installed: pip install "tutelage[{name}]", or leave it out of report_to'
            )
        if name == "wandb":
            from tutelage.trackers.to_wandb import check_key

            check_key()


@contextmanager
def tracked(names: Sequence[str], run: Path, say: Say) -> Generator[None]:
    """Tell trackers of a run inside the `with` block, and of its end after it."""
    told = [_Telling(name, run, say) for name in names]
    for each in told:
        each.start()
    patience = HURRY
    try:
        yield
        patience = PATIENCE
    finally:
        until = time.monotonic() + patience
        for each in told:
            each.ended.set()
        for each in told:
            each.join(max(0.0, until - time.monotonic()))
            if each.is_alive() and patience == PATIENCE:  # a run that is stopped goes on, and then so does this
                each.failed("it does not answer")


def catch_up(names: Sequence[str], run: Path, result: RunResult, say: Say) -> None:
    """Tell trackers what they have missed of a finished run."""
    behind = [name for name in names if not is_whole(run, name, result)]
    check_trackers(behind)
    with tracked(behind, run, say):
        pass


class _Telling(threading.Thread):
    def __init__(self, name: str, run: Path, say: Say) -> None:
        super().__init__(name=f"tracker {name}", daemon=True)
        self.ended = threading.Event()
        self._tracker, self._run, self._say = name, run, say
        self._follower: Follower | None = None
        self._has_failed, self._has_said = False, False

    def run(self) -> None:
        pause = PAUSE
        while True:
            ended = self.ended.is_set()  # before the look, which then sees all
            try:
                self._look(ended)
                wait = TICK
            except Exception as error:
                self.failed(f"{type(error).__name__}: {error}")
                self._drop()
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            if ended:
                return
            self.ended.wait(wait)

    def _look(self, ended: bool) -> None:
        if self._follower is None:
            self._follower = Follower(self._run, self._tracker, _opening(self._tracker))
            if not self._has_said:
                self._say(f"{self._tracker}: {self._follower.tracker.where}")
                self._has_said = True
        self._follower.tell()
        if ended:
            self._follower.close()

    def _drop(self) -> None:
        follower, self._follower = self._follower, None
        if follower is not None:
            with suppress(Exception):
                follower.tracker.close(False)

    def failed(self, why: str) -> None:
        """Say once that it does not get through."""
        if not self._has_failed:
            self._has_failed = True
            line = printable(without_passwords(" ".join(why.split())))[:300]
            self._say(
                f"{self._tracker} could not be told ({line}); the run goes on, and the same command tells it later"
            )


def _opening(name: str) -> Open:
    module, kind = TRACKERS[name]
    return getattr(import_module(module), kind)
