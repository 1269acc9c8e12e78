"""The ledger: a write-ahead record in SQLite of every request that may cost money, and of its reply.

    Sent      token "a3…" key "5f1c…" run "demo-7" bound 320 + 512 tokens, 0.00036 USD
    Answered  token "a3…" the reply: key "5f1c…" run "demo-7" model "gpt-4.1-mini" request {"messages": […], …}
              text "Each box holds 4 pens, so …" finish_reason "stop" prompt_tokens 212 completion_tokens 41 …

The key is a hash of all that a reply depends on. A request is committed before it is sent, and a reply before it is
used. A request that was sent and never answered counts as spent, at its upper bound. Several processes and several
runs may share one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from tutelage.records import FailureReason, Usage
from tutelage.teacher.ledger.file import explained, open_ledger
from tutelage.teacher.ledger.schema import transaction
from tutelage.teacher.ledger.values import SUMS, checked, damaged, is_sound, usage_of


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One reply. `created` is a Unix time in seconds; `request` is the request as JSON, without the API key.

    `reasoning` is the model's thinking beside the text. `served_model` and `provider` are as the endpoint names them.
    `cached_tokens` of the prompt were read from a cache. `seconds` is the time from sending to the reply. These are
    empty in ledgers of older versions, and if the endpoint does not state them.
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
        """What the reply cost the run that bought it."""
        return Usage(1, self.prompt_tokens, self.completion_tokens, self.cost_usd)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request about to be sent, alone or as a line of `batch`. `bound` is the most that it can cost.

    `token` identifies this attempt: a retry has the same key and another token. A line of a batch stores its `request`
    too, since another process may receive the reply.
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
    """The request sent under `token` was refused: nothing was charged."""

    token: str


@dataclass(frozen=True, slots=True)
class Charged:
    """The request sent under `token` failed, and counts at `paid` from now on, in place of its bound."""

    token: str
    paid: Usage


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that ended without a usable reply; `detail` is the reason in words."""

    key: str
    run_id: str
    created: float
    endpoint: str
    model: str
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch at an endpoint's Batch API; `batch_id` is the endpoint's id, empty until it is known."""

    token: str
    run_id: str
    created: float
    endpoint: str
    model: str
    batch_id: str = ""
    done: bool = False


Entry = Sent | Answered | Unpaid | Charged | Failed | Batch
"""What can be written; a Batch replaces the one with the same token."""

_TEXTS = (
    *("key", "run_id", "endpoint", "model", "request", "text", "finish_reason"),
    *("reasoning", "served_model", "provider"),
)
REPLY_COLUMNS = ", ".join(field.name for field in fields(LedgerRow))


class Ledger:
    """An open ledger; a context manager. One thread at a time may write through it.

    Raises:
        RunError: on opening and on every use, if the file is no ledger, is broken, has a newer version or cannot be
            written, or the disk is full.
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
        """The reply to a request, of any run; `run_id`'s own comes first, so a resumed run reads the same reply."""
        query = f"SELECT {REPLY_COLUMNS} FROM replies WHERE key = ? ORDER BY run_id <> ?, id LIMIT 1"
        with explained(self._path):
            found = self._connection.execute(query, (key, run_id)).fetchone()
        if found is None:
            return None
        row = LedgerRow(*found)
        if fault := next(faults_of_row(row), None):
            raise damaged(self._path, f"of the reply {key!r} {fault}")
        return row

    def spent(self, run_id: str) -> Usage:
        """The most that a run has paid so far: its replies, and at their bounds the requests that may be charged."""
        # One statement sees one state: a reply that another thread writes meanwhile counts once.
        query = f"""SELECT * FROM (SELECT {SUMS} FROM replies WHERE run_id = :run),
            (SELECT {SUMS} FROM sent WHERE run_id = :run)"""
        with explained(self._path):
            sums = self._connection.execute(query, {"run": run_id}).fetchone()
        paid, lost = sums[: len(sums) // 2], sums[len(sums) // 2 :]
        return usage_of(self._path, "replies", paid) + usage_of(self._path, "sent", lost)

    def lost(self, run_id: str) -> Usage:
        """The bounds of a run's requests that are neither answered nor refused."""
        with explained(self._path):
            sums = self._connection.execute(f"SELECT {SUMS} FROM sent WHERE run_id = ?", (run_id,)).fetchone()
        return usage_of(self._path, "sent", sums)

    def asked_alike(self, endpoint: str, model: str, request: str) -> str | None:
        """A request that was answered, in any run, and differs from this one only in its messages and sample."""
        shape = "json_remove({}, '$.messages', '$.sample')"
        query = f"""SELECT request FROM replies WHERE endpoint = ? AND model = ? AND json_valid(request)
            AND {shape.format("request")} = {shape.format("?")} LIMIT 1"""
        with explained(self._path):
            found = self._connection.execute(query, (endpoint, model, request)).fetchone()
        return found[0] if found else None

    def overrun(self, run_id: str) -> int | None:
        """The most completion tokens by which a run's replies exceeded `max_tokens`; below 0 if none did.

        None if the run has no reply with a limit.
        """
        query = """SELECT max(completion_tokens - json_extract(request, '$.max_tokens')) FROM replies
            WHERE run_id = ? AND json_valid(request)"""
        with explained(self._path):
            found = self._connection.execute(query, (run_id,)).fetchone()[0]
        return found if isinstance(found, int) else None

    def replies(self, run_id: str, endpoint: str, model: str) -> int:
        """How many replies of this model a run has paid for."""
        query = "SELECT count(*) FROM replies WHERE run_id = ? AND endpoint = ? AND model = ?"
        with explained(self._path):
            return self._connection.execute(query, (run_id, endpoint, model)).fetchone()[0]

    def latest(self, run_id: str, most: int) -> list[LedgerRow]:
        """A run's latest replies, oldest first."""
        query = f"SELECT {REPLY_COLUMNS} FROM replies WHERE run_id = ? AND json_valid(request) ORDER BY id DESC LIMIT ?"
        with explained(self._path):
            return [LedgerRow(*row) for row in self._connection.execute(query, (run_id, most))][::-1]

    def sent(self, batch: str) -> list[Sent]:
        """The requests of a batch that are neither answered nor refused, in the order of sending."""
        query = """SELECT token, key, run_id, created, request, prompt_tokens, completion_tokens, cost_usd FROM sent
            WHERE batch = ? ORDER BY rowid"""
        with explained(self._path):
            rows = checked(self._path, "sent", self._connection.execute(query, (batch,)))
        return [Sent(*row[:4], bound=Usage(1, *row[5:]), batch=batch, request=row[4]) for row in rows]

    def open_batches(self, run_id: str) -> list[Batch]:
        """A run's batches that are not done, oldest first."""
        query = """SELECT token, run_id, created, endpoint, model, batch_id FROM batches
            WHERE run_id = ? AND NOT done ORDER BY created, token"""
        with explained(self._path):
            return [Batch(*row) for row in checked(self._path, "batches", self._connection.execute(query, (run_id,)))]

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
    """Invalid values in a reply. SQLite stores any type in any column, so each is checked."""
    for name in _TEXTS:
        if not is_sound(name, getattr(row, name)):
            yield f"its {name} is no text"
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens"):
        if not is_sound(name, getattr(row, name)):
            yield f"its {name} are {getattr(row, name)!r}"
    for name in ("cost_usd", "seconds"):
        if not is_sound(name, getattr(row, name)):
            yield f"its {name} is {getattr(row, name)!r}"
    if not is_sound("created", row.created):
        yield f"its time, created, is {row.created!r}"


def _statements(entry: Entry) -> Iterator[tuple[str, Sequence[object]]]:
    """The SQL statements that write an entry."""
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
        case Charged(token, paid):
            figures = "prompt_tokens = ?, completion_tokens = ?, cost_usd = ?"
            values = (paid.prompt_tokens, paid.completion_tokens, paid.cost_usd, token)
            yield f"UPDATE sent SET {figures} WHERE token = ?", values
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
    """The value; in texts `?` replaces a lone surrogate, which an endpoint may send and SQLite cannot store."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
