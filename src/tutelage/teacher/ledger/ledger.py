"""The ledger: every request that may cost money, in SQLite, from before it is sent until its reply is on disk.

    Sent      token "a3…" key "5f1c…" run "demo-7" bound 320 + 512 tokens, 0.00036 USD
    Answered  token "a3…" the reply: key "5f1c…" run "demo-7" model "gpt-4.1-mini" request {"messages": […], …}
              text "Each box holds 4 pens, so …" finish_reason "stop" prompt_tokens 212 completion_tokens 41 …

The key is a hash of all that shapes a reply. Several processes and several runs may share one file.
A reply is committed before anyone sees it. What is sent and never answered counts as spent at its upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from tutelage.errors import RunError
from tutelage.money import PICO
from tutelage.records import FailureReason, Usage
from tutelage.teacher.ledger.file import explained, open_ledger
from tutelage.teacher.ledger.schema import transaction


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One reply. `created` is in seconds since 1970, `request` JSON of what was sent, without the API key.

    `reasoning` is what the model thought beside the text, `served_model` and `provider` who answered by the endpoint's
    own word, `cached_tokens` those of the prompt that were read from a cache, `seconds` from sending to the reply. All
    are empty in ledgers of before, and where nothing was said.
    """

    key: str
    run_id: str
    created: float
    endpoint: str
    model: str
    request: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    cached_tokens: int = 0
    reasoning: str = ""
    served_model: str = ""
    provider: str = ""
    seconds: float = 0.0

    @property
    def usage(self) -> Usage:
        """What the reply cost whoever bought it."""
        return Usage(1, self.prompt_tokens, self.completion_tokens, self.cost_usd)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request about to be sent, alone or as a line of `batch`. `bound` is the most that this one request can cost.

    `token` names this sending: the same request sent again has the same key and another token. A line of a batch keeps
    its `request` too: its reply may come to another process, which has no other way to know it.
    """

    token: str
    key: str
    run_id: str
    created: float
    bound: Usage
    batch: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply to what was sent under `token`."""

    token: str
    row: LedgerRow


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What was sent under `token` was refused: nothing was charged."""

    token: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that ended without a reply to learn from; `detail` is the reason in words."""

    key: str
    run_id: str
    created: float
    endpoint: str
    model: str
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What was handed to an endpoint's Batch API; `batch_id` is the endpoint's name for it, empty until it is known."""

    token: str
    run_id: str
    created: float
    endpoint: str
    model: str
    batch_id: str = ""
    done: bool = False


Entry = Sent | Answered | Unpaid | Failed | Batch
"""What can be written; a Batch takes the place of the one with the same token."""

_TEXTS = (
    *("key", "run_id", "endpoint", "model", "request", "text", "finish_reason"),
    *("reasoning", "served_model", "provider"),
)
REPLY_COLUMNS = ", ".join(field.name for field in fields(LedgerRow))
SUMS = (
    "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), "
    f"coalesce(sum(CAST(round(cost_usd * {PICO}.0) AS INTEGER)), 0) / {PICO}.0"
)
"""The figures of a Usage, in SQL; money is summed as `sum_usd` does."""


class Ledger:
    """An open ledger; a context manager. One thread at a time may write through it.

    Raises:
        RunError: on opening and on every use, if the file is no ledger, is broken, is of a newer version, cannot be
            written or the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._connection = open_ledger(self._path)

    def write(self, *entries: Entry) -> None:
        """Write all entries or none; on return they are on disk."""
        if not entries:
            return
        with explained(self._path), transaction(self._connection):
            for entry in entries:
                for statement, values in _statements(entry):
                    self._connection.execute(statement, values)

    def find(self, key: str, run_id: str) -> LedgerRow | None:
        """The reply to a request, whichever run bought it; `run_id`'s own first, so that going on changes nothing."""
        query = f"SELECT {REPLY_COLUMNS} FROM replies WHERE key = ? ORDER BY run_id <> ?, id LIMIT 1"
        with explained(self._path):
            found = self._connection.execute(query, (key, run_id)).fetchone()
        if found is None:
            return None
        row = LedgerRow(*found)
        if fault := next(faults_of_row(row), None):
            raise RunError(
                f"the ledger {self._path} is damaged: of the reply {key!r} {fault}; `tutelage ledger verify` says all, "
                "restore it or name another file as teacher.ledger"
            )
        return row

    def spent(self, run_id: str) -> Usage:
        """What a run has paid at most so far: its replies, and what was sent and perhaps charged, at its bound."""
        columns = "prompt_tokens, completion_tokens, cost_usd"
        query = f"""SELECT {SUMS} FROM (SELECT {columns} FROM replies WHERE run_id = :run
            UNION ALL SELECT {columns} FROM sent WHERE run_id = :run)"""
        with explained(self._path):
            return Usage(*self._connection.execute(query, {"run": run_id}).fetchone())

    def lost(self, run_id: str) -> Usage:
        """What a run has sent that is neither answered nor refused, at its bound."""
        with explained(self._path):
            return Usage(*self._connection.execute(f"SELECT {SUMS} FROM sent WHERE run_id = ?", (run_id,)).fetchone())

    def has_reply(self, endpoint: str, model: str) -> bool:
        """Whether this model has ever answered, whichever run asked."""
        query = "SELECT EXISTS (SELECT 1 FROM replies WHERE endpoint = ? AND model = ?)"
        with explained(self._path):
            return bool(self._connection.execute(query, (endpoint, model)).fetchone()[0])

    def overrun(self, run_id: str) -> int | None:
        """By how many completion tokens a run's replies passed their limit at most, below 0 if none did.

        None if the run has no reply that says so.
        """
        query = """SELECT max(completion_tokens - json_extract(request, '$.max_tokens')) FROM replies
            WHERE run_id = ? AND json_valid(request)"""
        with explained(self._path):
            found = self._connection.execute(query, (run_id,)).fetchone()[0]
        return int(found) if isinstance(found, int | float) else None

    def sent(self, batch: str) -> list[Sent]:
        """The requests of a batch that are neither answered nor refused, in the order of sending."""
        query = """SELECT token, key, run_id, created, request, prompt_tokens, completion_tokens, cost_usd FROM sent
            WHERE batch = ? ORDER BY rowid"""
        with explained(self._path):
            rows = self._connection.execute(query, (batch,)).fetchall()
        return [Sent(*row[:4], bound=Usage(1, *row[5:]), batch=batch, request=row[4]) for row in rows]

    def open_batches(self, run_id: str) -> list[Batch]:
        """A run's batches that are not done, oldest first."""
        query = """SELECT token, run_id, created, endpoint, model, batch_id FROM batches
            WHERE run_id = ? AND NOT done ORDER BY created, token"""
        with explained(self._path):
            return [Batch(*row) for row in self._connection.execute(query, (run_id,))]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def faults_of_row(row: LedgerRow) -> Iterator[str]:
    """What of a reply cannot be; SQLite keeps any type in any column, so it has to be asked."""
    for name in _TEXTS:
        if not isinstance(getattr(row, name), str):
            yield f"its {name} is no text"
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens"):
        tokens: object = getattr(row, name)
        if not isinstance(tokens, int) or tokens < 0:
            yield f"its {name} are {tokens!r}"
    for name in ("cost_usd", "seconds"):
        if not is_amount(getattr(row, name)):
            yield f"its {name} is {getattr(row, name)!r}"


def is_amount(value: object) -> bool:
    """Whether this is a number of dollars or seconds."""
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _statements(entry: Entry) -> Iterator[tuple[str, Sequence[object]]]:
    """What an entry is in SQL."""
    match entry:
        case Sent(bound=bound):
            row = _columns(entry) | _columns(bound)
            del row["bound"], row["requests"]
            yield _insert("sent", row)
        case Answered(token, reply):
            yield "DELETE FROM sent WHERE token = ?", (token,)
            yield _insert("replies", _columns(reply))
        case Unpaid(token):
            yield "DELETE FROM sent WHERE token = ?", (token,)
        case Failed():
            yield _insert("failures", _columns(entry))
        case Batch():
            yield _insert("batches", _columns(entry), "INSERT OR REPLACE")


def _columns(record: Entry | LedgerRow | Usage) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _insert(table: str, row: dict[str, object], verb: str = "INSERT") -> tuple[str, Sequence[object]]:
    statement = f"{verb} INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    return statement, [_storable(value) for value in row.values()]


def _storable(value: object) -> object:
    """Half a surrogate pair, which an endpoint may send and SQLite cannot hold, becomes `?`."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
