"""What a run's own words say that the index needs: its id, the kind of its answers, its ledger and its cap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tutelage.errors import TutelageError
from tutelage.runs.reader import RunReader
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.teacher.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class About:
    """Of a run. `id` is empty, and the others are None, if no file says it."""

    id: str = ""
    kind: str | None = None
    cap_usd: float | None = None
    ledger: Path | None = None
    ledger_places: tuple[Path, ...] = ()


def about_run(run: Path) -> About:
    """What is known of a run; it may be broken."""
    reader = RunReader(run)
    config, identity = reader.config, str(reader.mark.get("id", ""))
    if config is None:
        return About(identity, ledger=reader.ledger, ledger_places=reader.ledger_places)
    return About(identity, config.task.kind, config.teacher.budget.usd, reader.ledger, reader.ledger_places)


def replies_of(ledger: Path | None, keys: Iterable[str]) -> dict[str, LedgerRow]:
    """The replies under some keys; none if there is no ledger, or it can't be read."""
    wanted = set(keys)
    if not wanted or ledger is None:
        return {}
    try:
        with LedgerReader(ledger) as reader:
            return reader.find(wanted, skip_damaged=True)
    except TutelageError:
        return {}


def paid_since(ledger: Path | None, run_id: str, number: int) -> Iterator[tuple[int, float, str, float]]:
    """The replies that a run bought after one of the ledger's: number, Unix time, model, seconds."""
    if ledger is None:
        return
    try:
        with LedgerReader(ledger) as reader:
            yield from reader.since(number, run_id)
    except TutelageError:
        return
