"""The HTTP side of OpenAI's Batch API: files go up, batches are made and looked at, results come down line by line.

up    {"custom_id": "a3…-0", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …, "messages": […]}}
down  {"custom_id": "a3…-0", "response": {"status_code": 200, "body": {"choices": […], …}}, "error": null}
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import IO, Protocol, TypeVar, cast

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from tutelage.teacher.online.client import Client, Endpoint
from tutelage.teacher.online.client_bounds import MOST_OF_A_REPLY
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.prompts import Message

_MARK = "tutelage"
"""The batch's metadata hold our token under this name, so that a batch can be found whose id we never learnt."""
_MOST_ERRORS = 3
"""So many of a failed batch's errors are told; it may have one for every line."""
_MOST_LINES = 200_000
"""Lines of a file of results that are read: it has one for each request, of which a file takes 50,000."""
_SLOWEST = 10_000
"""Bytes a second at which a file goes up at the least."""
_Answer = TypeVar("_Answer", bound=BaseModel)
Outcome = Reply | RequestFailed | Refused


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands. `files` hold its results; `errors` says in words what the endpoint had against it."""

    status: str
    done: int
    total: int
    files: tuple[str, ...]
    errors: str

    @property
    def ended(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.status in ("completed", "failed", "expired", "cancelled")


class BatchDesk:
    """One HTTP call a method, tried once; `timeout` is the seconds for it, or for a line of a file.

    Raises:
        Refused: this call would be refused again; it had no effect.
        RequestFailed: this may pass. A call whose answer was lost may have had its effect.
    """

    def __init__(self, endpoint: Endpoint, client: Client, timeout: float) -> None:
        self._endpoint, self._client, self._timeout = endpoint, client, timeout

    def line(self, name: str, messages: list[Message]) -> bytes:
        """The line that asks this; its result comes back under the name."""
        body = self._endpoint.body(messages)
        line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(line).encode() + b"\n"

    async def upload(self, lines: IO[bytes]) -> str:
        """Upload a file of lines; returns its id."""
        within = self._timeout + lines.seek(0, io.SEEK_END) / _SLOWEST
        lines.seek(0)
        call = self._client.files.with_raw_response.create(file=("requests.jsonl", lines), purpose="batch")
        return (await self._read(_Named, call, within)).id

    async def create(self, file_id: str, token: str) -> str:
        """Make a batch of an uploaded file under our token; returns its id."""
        call = self._client.batches.with_raw_response.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=file_id,
            metadata={_MARK: token},
        )
        return (await self._read(_Named, call)).id

    async def find(self, token: str) -> str | None:
        """The id of the batch that was made under our token, if it was."""
        last: str | openai.Omit = openai.omit
        while True:
            page = await self._read(_Page, self._client.batches.with_raw_response.list(limit=100, after=last))
            for batch in page.data:
                if batch.metadata and batch.metadata.get(_MARK) == token:
                    return batch.id
            if not page.has_more or not page.data:
                return None
            last = page.data[-1].id

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands now."""
        batch = await self._read(_Batch, self._client.batches.with_raw_response.retrieve(batch_id))
        counts = batch.request_counts or _Counts()
        faults = (batch.errors and batch.errors.data) or []
        told = [fault.message or fault.code or "no message" for fault in faults[:_MOST_ERRORS]]
        more = [f"and {len(faults) - _MOST_ERRORS:,} more"] if len(faults) > _MOST_ERRORS else []
        return BatchState(
            status=batch.status,
            done=counts.completed + counts.failed,
            total=counts.total,
            files=tuple(name for name in (batch.output_file_id, batch.error_file_id) if name),
            errors=self._endpoint.scrub("; ".join(told + more)),
        )

    async def results(self, file_id: str) -> AsyncGenerator[tuple[str, Outcome]]:
        """The names and outcomes in a file, one line held at a time. Broken lines are left out."""
        found = False
        try:
            async with self._client.files.with_streaming_response.content(file_id) as response:
                lines = split_lines(response.iter_bytes())
                for _ in range(_MOST_LINES):
                    async with asyncio.timeout(self._timeout):
                        line = await anext(lines, None)
                    if line is None:
                        break
                    if result := read_result(line, self._endpoint):
                        found = True
                        yield result
        except (openai.APIError, httpx2.HTTPError, TimeoutError) as error:
            raise self._endpoint.explain(error) from None
        if not found:  # a page of a proxy's, perhaps: taken for the file, it would lose every reply
            raise RequestFailed("broken reply", f"the file {file_id} at {self._endpoint.shown} holds no results")

    async def _read(self, kind: type[_Answer], call: Awaitable[_Raw], within: float | None = None) -> _Answer:
        """The answer to a call, read strictly: the library lets HTML and other garbage pass."""
        try:
            async with asyncio.timeout(within or self._timeout):
                body = (await call).content
        except (openai.APIError, TimeoutError) as error:
            raise self._endpoint.explain(error) from None
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            start = self._endpoint.scrub(" ".join(body.decode(errors="replace").split()))[:80]
            raise RequestFailed(
                "broken reply", f"{self._endpoint.shown} answered what is no part of the Batch API: {start!r}"
            ) from None


async def split_lines(chunks: AsyncIterator[bytes], most: int = MOST_OF_A_REPLY) -> AsyncGenerator[bytes]:
    """Lines end with \\n alone: replies may hold U+2028 and its like as they are. One over `most` bytes comes empty."""
    rest, overlong = b"", False
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        overlong = overlong or len(rest) + len(first) > most
        rest = b"" if overlong else rest + first
        for piece in others:
            yield rest
            overlong = len(piece) > most
            rest = b"" if overlong else piece
    yield rest


def read_result(text: bytes, endpoint: Endpoint) -> tuple[str, Outcome] | None:
    """The name and outcome in a line of results; None if it is none."""
    try:
        line = _Line.model_validate_json(endpoint.scrub(text.decode(errors="replace")))
    except ValidationError:
        return None
    return line.custom_id, _outcome(line, endpoint)


def _outcome(line: _Line, endpoint: Endpoint) -> Outcome:
    if line.response is None:
        fault = _fault_in(line.error)
        reason = "time-out" if fault.code == "batch_expired" else "server error"
        return RequestFailed(reason, f"not answered in the batch: {fault.message or fault.code or 'no reason given'}")
    status, body = line.response.status_code, line.response.body
    if status == 200:
        try:
            return endpoint.read(body.encode() if isinstance(body, str) else json.dumps(body).encode())
        except (RequestFailed, Refused) as failure:  # a good status may hold the error of another
            return failure
    fault = _fault_in(cast(dict[str, object], body).get("error") if isinstance(body, dict) else body)
    return endpoint.refusal(status, fault.code or fault.type or "", fault.message or "")


def _fault_in(error: object) -> _Fault:
    try:
        return _Fault.model_validate(error or {})
    except ValidationError:
        return _Fault(message=str(error))


class _Raw(Protocol):
    """An answer as it came."""

    @property
    def content(self) -> bytes: ...


class _Fault(BaseModel):
    code: str | None = None
    type: str | None = None
    message: str | None = None


class _Named(BaseModel):
    id: str = Field(min_length=1)


class _Marked(_Named):
    metadata: dict[str, object] | None = None


class _Page(BaseModel):
    data: list[_Marked]
    has_more: bool = False


class _Counts(BaseModel):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Faults(BaseModel):
    data: list[_Fault] | None = None


class _Batch(_Named):
    status: str
    request_counts: _Counts | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Faults | None = None


class _Response(BaseModel):
    status_code: int
    body: object = None


class _Line(BaseModel):
    """One request's result: a response with its status, or an error, such as `batch_expired`."""

    custom_id: str
    response: _Response | None = None
    error: object = None
