"""Read-only queries on a ledger, for the commands: costs, failures, pace, all replies, and an integrity check.

spending   2026-05-17  gpt-4.1-mini  812 replies, 172,144 + 33,292 tokens, 0.122 USD
failures   gpt-4.1-mini  wrong answer  31
faults     "reply 17: its key '5f1c…' is not the hash of its request"
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.run_records import FailureCount, Pace, Spending
from tutelage.teacher.ledger.file import explained, migrated_copy, open_read_only
from tutelage.teacher.ledger.ledger import REPLY_COLUMNS, SUMS, LedgerRow, faults_of_row
from tutelage.teacher.ledger.schema import MIGRATIONS, expected_shape, faults_of_shape, version_of


class LedgerReader:
    """A snapshot of a ledger, read-only; a context manager. `path` is the file or the run's folder.

    If not `whole`, a ledger with unexpected tables opens, too; `faults` lists them.

    Raises:
        RunError: on opening and on every use, if there is no ledger, it is broken or has a newer version.
    """

    def __init__(self, path: str | Path, *, whole: bool = True) -> None:
        self.path = Path(path) / "ledger.sqlite" if Path(path).is_dir() else Path(path)
        self._connection = open_read_only(self.path, whole=whole)
        self._connection.text_factory = _decode

    def rows(self) -> Iterator[LedgerRow]:
        """Every reply, oldest first, read lazily."""
        with explained(self.path):
            for row in self._connection.execute(f"SELECT {REPLY_COLUMNS} FROM replies ORDER BY id"):
                yield LedgerRow(*row)

    def spending(self) -> list[Spending]:
        """What was paid, by day and model."""
        query = f"SELECT date(created, 'unixepoch') AS day, model, {SUMS} FROM replies GROUP BY day, model"
        with explained(self.path):
            return [Spending(day or "?", model, Usage(*sums)) for day, model, *sums in self._connection.execute(query)]

    def pace(self) -> list[Pace]:
        """How fast each model answered, from the replies whose time is known."""
        query = "SELECT model, created, seconds, completion_tokens FROM replies WHERE seconds > 0 ORDER BY model"
        with explained(self.path):
            rows = self._connection.execute(query)
            return [pace_of(model, [row[1:] for row in group]) for model, group in groupby(rows, itemgetter(0))]

    def failures(self) -> list[FailureCount]:
        """Requests that ended without a usable reply, by model and reason, the most frequent first."""
        query = (
            "SELECT model, reason, count(*) FROM failures GROUP BY model, reason ORDER BY count(*) DESC, model, reason"
        )
        with explained(self.path):
            return [FailureCount(*row) for row in self._connection.execute(query)]

    def lost(self) -> Usage:
        """The bounds of all requests, of any run, that are neither answered nor refused: they may have been charged."""
        with explained(self.path):
            return Usage(*self._connection.execute(f"SELECT {SUMS} FROM sent").fetchone())

    @property
    def replies(self) -> int:
        """The number of replies."""
        with explained(self.path):
            return self._connection.execute("SELECT count(*) FROM replies").fetchone()[0]

    def faults(self) -> Iterator[str]:
        """Every fault of the file and its rows, one line each."""
        with explained(self.path):
            for (report,) in self._connection.execute("PRAGMA integrity_check"):
                if report != "ok":
                    yield f"the file: {report}"
            misshapen = [f"the file: {fault}" for fault in faults_of_shape(self._connection)]
            yield from misshapen
            if misshapen:
                return  # the queries below need the expected tables
            if version_of(self._connection) < len(MIGRATIONS):
                self._connection = migrated_copy(self._connection)
                self._connection.text_factory = _decode
            twice = "SELECT key FROM replies GROUP BY key HAVING min(request) <> max(request)"
            for (key,) in self._connection.execute(twice):
                yield f"key {key!r} stands for more than one request"
            for number, *row in self._connection.execute(f"SELECT id, {REPLY_COLUMNS} FROM replies ORDER BY id"):
                yield from (f"reply {number}: {fault}" for fault in _faults_of(LedgerRow(*row)))
            for table, columns in expected_shape(len(MIGRATIONS)).items():
                yield from self._faults_of_types(table, columns) if table != "replies" else ()

    def _faults_of_types(self, table: str, columns: Mapping[str, str]) -> Iterator[str]:
        """Rows with a value of another type than their column's."""
        for name, kind in columns.items():
            stored = {"REAL": "'real', 'integer'"}.get(kind.split()[0], f"'{kind.split()[0].lower()}'")
            query = f"SELECT rowid, typeof({name}) FROM {table} WHERE typeof({name}) NOT IN ({stored}) ORDER BY rowid"
            for number, found in self._connection.execute(query):
                yield f"{table}, row {number}: its {name} is {found}"

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def pace_of(model: str, replies: Sequence[tuple[float, float, int]]) -> Pace:
    """The pace of replies, each given as its time of arrival, the seconds that it took, and its completion tokens."""
    seconds = sorted(took for _, took, _ in replies)
    busy, until = 0.0, -math.inf
    for start, end in sorted((arrived - took, arrived) for arrived, took, _ in replies):
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    tokens = sum(written for *_, written in replies)
    slow = seconds[math.ceil(0.95 * len(seconds)) - 1]
    return Pace(model, len(seconds), statistics.median(seconds), slow, tokens / busy)


def export_row(row: LedgerRow) -> dict[str, object]:
    """A reply as JSON-ready data for other tools; `created` is ISO 8601 in UTC. Raises RunError if it is damaged."""
    request = _request_of(row)
    created = _iso_time(row.created)
    if request is None or created is None or any(faults_of_row(row)):
        raise RunError(f"the reply {row.key!r} is damaged; `tutelage ledger verify` says how")
    return {
        "key": row.key,
        "run_id": row.run_id,
        "created": created,
        "endpoint": row.endpoint,
        "model": row.model,
        **{name: request.get(name) for name in ("messages", "temperature", "max_tokens", "sample")},
        "text": row.text,
        "reasoning": row.reasoning,
        "finish_reason": row.finish_reason,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "cached_tokens": row.cached_tokens,
        "cost_usd": row.cost_usd,
        "served_model": row.served_model,
        "provider": row.provider,
        "seconds": row.seconds,
    }


def _faults_of(row: LedgerRow) -> Iterator[str]:
    if hashlib.sha256(str(row.request).encode()).hexdigest()[:32] != row.key:
        yield f"its key {row.key!r} is not the hash of its request"
    request = _request_of(row)
    if request is None:
        yield "its request is not a JSON object"
    else:
        yield from (f"its request has no {name!r}" for name in ("model", "messages") if not request.get(name))
    yield from faults_of_row(row)
    if _iso_time(row.created) is None:
        yield f"its time, created, is {row.created!r}"


def _request_of(row: LedgerRow) -> dict[str, object] | None:
    try:
        request: object = json.loads(row.request)
    except (ValueError, TypeError, RecursionError):
        return None
    return cast(dict[str, object], request) if isinstance(request, dict) else None


def _iso_time(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _decode(text: bytes) -> str:
    """Decode a text; invalid UTF-8 is replaced, so that `faults` can report its row."""
    return text.decode(errors="replace")
