"""What a run's own words say that the index needs: the kind of its answers, where its ledger is, its cap, its id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tutelage.config.file import read_written
from tutelage.errors import ConfigError, RunError, TutelageError
from tutelage.runs.files import read_json
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.teacher.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class About:
    """Of a run. `id` is empty, and the others are None, if no file says it."""

    id: str = ""
    kind: str | None = None
    cap_usd: float | None = None
    ledger: Path | None = None


def about_run(run: Path) -> About:
    """What is known of a run. A relative ledger is looked for where the command is, then above the run's folder."""
    try:
        identity = str(read_json(run / "run.json").get("id", ""))
    except RunError:
        identity = ""
    try:
        config = read_written(run / "config.yaml")
    except ConfigError:
        return About(identity, ledger=run / "ledger.sqlite")
    named = Path(config.teacher.ledger or run / "ledger.sqlite")
    places = [named, *(folder / named for folder in run.absolute().parents)]
    ledger = next((place for place in places if place.is_file()), run / "ledger.sqlite")
    return About(identity, config.task.kind, config.teacher.budget.usd, ledger)


def replies_of(ledger: Path | None, keys: Iterable[str]) -> dict[str, LedgerRow]:
    """The replies under some keys; none if there is no ledger, or it can't be read."""
    wanted = set(keys)
    if not wanted or ledger is None or not ledger.is_file():
        return {}
    try:
        with LedgerReader(ledger, whole=False) as reader:
            return reader.find(wanted)
    except TutelageError:
        return {}
