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
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from tutelage.errors import RunError
from tutelage.json_lines import shortened
from tutelage.records import Usage
from tutelage.teacher.ledger.file import explained, migrated_copy, open_read_only
from tutelage.teacher.ledger.ledger import REPLY_COLUMNS, LedgerRow, faults_of_row
from tutelage.teacher.ledger.schema import MIGRATIONS, expected_of, faults_of_shape, version_of
from tutelage.teacher.ledger.values import DAY, SUMS, checked, damaged, is_sound, usage_of
from tutelage.teacher_records import FailureCount, Pace, Spending

_KINDS = {str: "text", bytes: "blob", type(None): "null"}


class LedgerReader:
    """A snapshot of a ledger, read-only; a context manager. `path` is the file or the run's folder.

    If not `whole`, a ledger with unexpected tables opens, too; `faults` lists them.

    Raises:
        RunError: on opening and on every use, if there is no ledger, it is broken or has a newer version.
    """

    def __init__(self, path: str | Path, *, whole: bool = True) -> None:
        self.path = Path(path) / "ledger.sqlite" if Path(path).is_dir() else Path(path)
        self._connection = open_read_only(self.path, whole=whole)

    def rows(self) -> Iterator[LedgerRow]:
        """Every reply, oldest first, read lazily. Raises RunError at a reply that is damaged."""
        with explained(self.path):
            for values in self._connection.execute(f"SELECT {REPLY_COLUMNS} FROM replies ORDER BY id"):
                row = LedgerRow(*values)
                _request_of(row)
                yield row

    def find(self, keys: Iterable[str], *, skip_damaged: bool = False) -> dict[str, LedgerRow]:
        """The first reply to each of these requests, as far as there is one.

        Raises RunError at a reply that is damaged; with `skip_damaged` such replies are left out.
        """
        query = f"SELECT {REPLY_COLUMNS} FROM replies WHERE key = ? ORDER BY id LIMIT 1"
        with explained(self.path):
            found = [self._connection.execute(query, (key,)).fetchone() for key in keys]
        rows = [LedgerRow(*values) for values in found if values]
        if skip_damaged:
            return {row.key: row for row in rows if not any(faults_of_row(row))}
        for row in rows:
            _request_of(row)
        return {row.key: row for row in rows}

    def since(self, number: int, run_id: str) -> list[tuple[int, float, str, float]]:
        """The replies that a run bought after the reply of this number: number, time, model, seconds."""
        query = "SELECT id, created, model, seconds FROM replies WHERE run_id = ? AND id > ? ORDER BY id"
        with explained(self.path):
            return [
                (place, created, model, seconds)
                for place, created, model, seconds in self._connection.execute(query, (run_id, number))
                if is_sound("created", created) and is_sound("model", model) and is_sound("seconds", seconds)
            ]

    def spending(self) -> list[Spending]:
        """What was paid, by day and model."""
        rows = self._select("replies", f"{DAY}, model, {SUMS}", "GROUP BY day, model")
        return [Spending(day, model, usage_of(self.path, "replies", sums)) for day, model, *sums in rows]

    def pace(self) -> list[Pace]:
        """How fast each model answered, from the replies whose time is known."""
        columns = "model, created, seconds, completion_tokens"
        rows = self._select("replies", columns, "WHERE seconds IS NOT 0 ORDER BY model")
        return [pace_of(model, [row[1:] for row in group]) for model, group in groupby(rows, itemgetter(0))]

    def failures(self) -> list[FailureCount]:
        """Requests that ended without a usable reply, by model and reason, the most frequent first."""
        order = "GROUP BY model, reason ORDER BY count(*) DESC, model, reason"
        return [FailureCount(*row) for row in self._select("failures", "model, reason, count(*)", order)]

    def lost(self) -> Usage:
        """The bounds of all requests, of any run, that are neither answered nor refused: they may have been charged."""
        [sums] = self._select("sent", SUMS)
        return usage_of(self.path, "sent", sums)

    def _select(self, table: str, columns: str, order: str = "") -> list[tuple[Any, ...]]:
        with explained(self.path):
            return checked(self.path, table, self._connection.execute(f"SELECT {columns} FROM {table} {order}"))

    @property
    def replies(self) -> int:
        """The number of replies."""
        with explained(self.path):
            return self._connection.execute("SELECT count(*) FROM replies").fetchone()[0]

    def faults(self) -> Iterator[str]:
        """Every fault of the file and its rows, one line each."""
        with explained(self.path):
            for (report,) in self._connection.execute("PRAGMA integrity_check"):
                yield from (f"the file: {line}" for line in str(report).splitlines() if line != "ok")
            misshapen = [f"the file: {fault}" for fault in faults_of_shape(self._connection)]
            yield from misshapen
            if misshapen:
                return  # the queries below need the expected tables
            if version_of(self._connection) < len(MIGRATIONS):
                self._connection = migrated_copy(self._connection)
            twice = "SELECT key FROM replies GROUP BY key HAVING min(request) <> max(request)"
            for (key,) in self._connection.execute(twice):
                yield f"key {key!r} stands for more than one request"
            for number, *row in self._connection.execute(f"SELECT id, {REPLY_COLUMNS} FROM replies ORDER BY id"):
                yield from (f"reply {number}: {fault}" for fault in _faults_of(LedgerRow(*row)))
            for table, columns in expected_of(len(MIGRATIONS))[0].items():
                yield from self._faults_of_values(table, list(columns)) if table != "replies" else ()
            yield from self._faults_of_lines()

    def _faults_of_values(self, table: str, columns: Sequence[str]) -> Iterator[str]:
        """Values that their columns may not hold."""
        for number, *row in self._connection.execute(f"SELECT rowid, {', '.join(columns)} FROM {table}"):
            for name, value in zip(columns, row, strict=True):
                if name != "id" and not is_sound(name, value):
                    found = value if isinstance(value, int | float) else _KINDS[type(value)]
                    yield f"{table}, row {number}: its {name} is {found}"

    def _faults_of_lines(self) -> Iterator[str]:
        """Lines of batches that their replies would not find, or that would be paid for again."""
        of_batches = self._connection.execute("SELECT token, run_id, endpoint, model FROM batches")
        batches = {token: about for token, *about in of_batches}
        lines = self._connection.execute("SELECT rowid, token, batch, key, run_id, request FROM sent")
        for number, token, batch, key, run_id, request in lines:
            if str(token).rpartition("-")[0] != batch:
                yield f"sent, row {number}: its token {token!r} is none of its batch {batch!r}"
            elif batch and batch not in batches:
                yield f"sent, row {number}: its batch {batch!r} is not in the table 'batches'"
            elif batch:
                said = _json_object(request) or {}
                if batches[batch] != [run_id, said.get("endpoint"), said.get("model")] or _key_of(request) != key:
                    yield f"sent, row {number}: its run, its key or its request are not those of its batch {batch!r}"

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
    busy = max(busy, seconds[-1])  # a time of arrival may be too large to tell the moments apart
    tokens = sum(written for *_, written in replies)
    slow = seconds[math.ceil(0.95 * len(seconds)) - 1]
    return Pace(model, len(seconds), statistics.median(seconds), slow, tokens / busy)


def check_whole(path: Path) -> None:
    """Raise RunError if a ledger has any fault: a reply could be missed and paid for again, or a cap be passed."""
    with LedgerReader(path, whole=False) as reader:
        if fault := next(reader.faults(), None):
            raise damaged(path, fault)


def export_row(row: LedgerRow) -> dict[str, object]:
    """A reply as JSON-ready data for other tools; `created` is ISO 8601 in UTC. Raises RunError if it is damaged."""
    request = _request_of(row)
    created = datetime.fromtimestamp(row.created, UTC).isoformat(timespec="milliseconds")
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


def _request_of(row: LedgerRow) -> dict[str, object]:
    """The request of a reply. Raises RunError if the reply is damaged."""
    request = _json_object(row.request)
    if request is None or any(_faults_of(row)):
        raise RunError(f"the reply {shortened(row.key)} is damaged; `tutelage ledger verify` says how")
    return request


def _faults_of(row: LedgerRow) -> Iterator[str]:
    if _key_of(row.request) != row.key:
        yield f"its key {row.key!r} is not the hash of its request"
    request = _json_object(row.request)
    if request is None:
        yield "its request is not a JSON object"
    else:
        yield from (f"its request has no {name!r}" for name in ("model", "messages") if not request.get(name))
        if request.get("endpoint", row.endpoint) != row.endpoint:
            yield f"its endpoint {row.endpoint!r} is not that of its request"
    yield from faults_of_row(row)


def _key_of(request: object) -> str:
    return hashlib.sha256(str(request).encode()).hexdigest()[:32]


def _json_object(text: str) -> dict[str, object] | None:
    try:
        value: object = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return cast(dict[str, object], value) if isinstance(value, dict) else None
