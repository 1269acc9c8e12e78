"""Parses Batch API responses in the shapes of several vendors: batch state, lists, ids and errors. Pure.

OpenAI    {"id": "batch_1", "status": "in_progress", "request_counts": {"total": 9, "completed": 4, "failed": 1}, …}
Together  {"job": {"id": "0f…", "status": "IN_PROGRESS", "progress": 44.4, "output_file_id": "", "error": "", …}}
Mistral   {"id": "7c…", "status": "RUNNING", "total_requests": 9, "completed_requests": 5, "output_file": null, …}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pydantic_core import from_json

MARK = "tutelage"
"""The metadata field with our token: by it a batch is found whose id was lost."""
_MOST_ERRORS = 3
"""Errors of a failed batch that are shown; it may have one for every line."""
_ENDS = {
    "completed": "completed complete succeeded success successful done finished ended partially_completed",
    "failed": "failed failure error errored invalid rejected validation_failed",
    "expired": "expired timeout timed_out timeout_exceeded",
    "cancelled": "cancelled canceled aborted stopped terminated",
}
_GOING = (
    "validating in_progress progress finalizing cancelling canceling cancellation_requested queued pending running "
    "processing created submitted scheduled active in_queue unspecified"
)
_STATUS = {word: status for status, words in _ENDS.items() for word in words.split()}
_WRAPPERS = ("job", "batch", "file", "data", "result")
_TOO_MUCH = re.compile(
    r"enqueued|token_limit_exceeded|too (large|big)|too many (requests|lines|tokens|batches|enqueued)|queue is full"
    r"|batch.{0,30}limit|(file|batch).{0,20}exceeds?|maximum (number|size)",
    re.IGNORECASE,
)
"""A batch beyond the limit on size or on queued requests, as OpenAI, Azure, LiteLLM and others report it."""


@dataclass(frozen=True, slots=True)
class BatchFault:
    """An endpoint's error about a batch, or about its line number `line`, counted from 1."""

    code: str
    message: str
    line: int | None

    def __str__(self) -> str:
        return self.message or self.code or "no message"


@dataclass(frozen=True, slots=True)
class BatchState:
    """The state of a batch. `files` are the ids of its result files.

    `status` is OpenAI's word if the batch has ended, else the endpoint's own; `known` tells whether its meaning is
    known. If the endpoint counts no requests, `total` is 0 and `percent` is the progress that it states, or None.
    """

    status: str
    done: int = 0
    total: int = 0
    files: tuple[str, ...] = ()
    faults: tuple[BatchFault, ...] = ()
    percent: float | None = None
    known: bool = True

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.status in _ENDS

    @property
    def owes_files(self) -> bool:
        """Whether it has answered requests and names no file yet: some endpoints name it after the status."""
        return self.status == "completed" and not self.files and self.done > 0

    @property
    def errors(self) -> str:
        """The first errors as one line."""
        told = [str(fault) for fault in self.faults[:_MOST_ERRORS]]
        more = [f"and {len(self.faults) - _MOST_ERRORS:,} more"] if len(self.faults) > _MOST_ERRORS else []
        return "; ".join(told + more)

    @property
    def too_much(self) -> bool:
        """Whether it failed because it is larger than the endpoint takes at the moment."""
        return self.status == "failed" and any(is_too_much(f"{fault.code} {fault.message}") for fault in self.faults)

    @property
    def progress(self) -> str:
        """The progress, in words."""
        if self.total:
            return f"{self.done:,} of {self.total:,} done"
        return f"{self.percent:.0f} % done" if self.percent is not None else f"it is {self.status}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A batch in a list: its id, our token (empty if the endpoint keeps no metadata), and its input file."""

    id: str
    token: str
    file: str


def is_too_much(text: str) -> bool:
    """Whether an error's text says that a batch or its file is too large."""
    return bool(_TOO_MUCH.search(text))


def read_id(body: bytes) -> str:
    """The id of the created file or batch. Raises ValueError."""
    identity = _section(body).get("id")
    if not isinstance(identity, str) or not identity:
        raise ValueError("no id")
    return identity


def read_list(body: bytes) -> tuple[list[Listed], bool]:
    """The batches on a page of a list, and whether there are more. Raises ValueError."""
    value: object = from_json(body)
    whole = cast(dict[str, object], value) if isinstance(value, dict) else {"data": value}
    rows = next((whole[name] for name in ("data", "batches", "jobs") if isinstance(whole.get(name), list)), None)
    if not isinstance(rows, list):
        raise ValueError("no list")
    found: list[Listed] = []
    for row in cast(list[object], rows):
        batch = cast(dict[str, object], row) if isinstance(row, dict) else {}
        metadata = batch.get("metadata")
        token = cast(dict[str, object], metadata).get(MARK) if isinstance(metadata, dict) else None
        if isinstance(batch.get("id"), str):
            found.append(Listed(str(batch["id"]), str(token or ""), str(batch.get("input_file_id") or "")))
    return found, whole.get("has_more") is True


def read_state(body: bytes) -> BatchState:
    """The state of a batch. Raises ValueError."""
    batch = _section(body)
    if not isinstance(batch.get("status"), str):
        raise ValueError("no status")
    word = re.sub(r"[\s-]+", "_", str(batch["status"]).strip().lower())
    word = re.sub(r"^(job|batch)_(state|status)_", "", word)
    counts = batch.get("request_counts")
    counted = cast(dict[str, object], counts) if isinstance(counts, dict) else batch
    total = _count(counted, "total", "total_requests")
    done = _count(counted, "completed", "completed_requests", "succeeded_requests") + _count(
        counted, "failed", "failed_requests"
    )
    files = [
        name
        for names in (("output_file_id", "output_file"), ("error_file_id", "error_file"))
        if (name := next((batch[key] for key in names if batch.get(key)), None))
    ]
    percent = batch.get("progress")
    return BatchState(
        status=_STATUS.get(word, word),
        done=min(done, total),
        total=total,
        files=tuple(name for name in files if isinstance(name, str)),
        faults=tuple(fault for name in ("errors", "error") for fault in _faults(batch.get(name))),
        percent=float(percent) if isinstance(percent, int | float) and 0 <= percent <= 100 else None,
        known=word in _STATUS or word in _GOING.split(),
    )


def fault_in(error: object) -> BatchFault:
    """The error of a line or a batch, from an object or a text."""
    if not isinstance(error, dict):
        return BatchFault("", "" if error is None else str(error), None)
    found = cast(dict[str, object], error)
    code = next((str(found[name]) for name in ("code", "type") if found.get(name) not in (None, "")), "")
    message, line = found.get("message"), found.get("line")
    return BatchFault(
        code, message if isinstance(message, str) else "", line if isinstance(line, int) and line > 0 else None
    )


def _faults(said: object) -> list[BatchFault]:
    if isinstance(said, dict):
        data = cast(dict[str, object], said).get("data")
        said = cast(list[object], data) if isinstance(data, list) else [cast(dict[str, object], said)]
    if isinstance(said, str):
        said = [said] if said.strip() else []
    return [fault_in(item) for item in cast(list[object], said)] if isinstance(said, list) else []


def _section(body: bytes) -> Mapping[str, object]:
    """The object with the id in a body, without the wrapper of some vendors. Raises ValueError."""
    value: object = from_json(body)
    if not isinstance(value, dict):
        raise ValueError("no object")
    whole = cast(dict[str, object], value)
    if "id" not in whole:
        for name in _WRAPPERS:
            inner = whole.get(name)
            if isinstance(inner, dict) and "id" in inner:
                return cast(dict[str, object], inner)
    return whole


def _count(counts: Mapping[str, object], *names: str) -> int:
    value = next((counts[name] for name in names if isinstance(counts.get(name), int)), 0)
    return max(0, cast(int, value))
