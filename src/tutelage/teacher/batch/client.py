"""HTTP calls of OpenAI's Batch API: upload a file, create, list and poll batches, download results line by line.

up    {"custom_id": "a3…-0", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …, "messages": […]}}
down  {"custom_id": "a3…-0", "response": {"status_code": 200, "body": {"choices": […], …}}, "error": null}
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import IO, Literal, Protocol, TypeVar, cast

import httpx2
import openai
from pydantic import BaseModel
from pydantic_core import from_json

from tutelage.teacher.batch.shapes import (
    MARK,
    BatchFault,
    BatchState,
    fault_in,
    is_too_much,
    read_id,
    read_list,
    read_state,
)
from tutelage.teacher.online.client import Client, Endpoint
from tutelage.teacher.online.client_bounds import MOST_OF_A_REPLY
from tutelage.teacher.online.completion import Reply, stated_in
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.parameters import Form
from tutelage.teacher.online.refusal import said_in
from tutelage.teacher.online.stream import parsed, plain_body
from tutelage.teacher.prompts import Message

_MOST_LINES = 200_000
"""The most lines of a result file that are read; a batch has one for each of at most 50,000 requests."""
_SLOWEST = 10_000
"""Slowest upload that is waited for, in bytes a second."""
_NONE_HERE = (404, 405, 501)
"""Statuses of an endpoint without a Batch API."""
_GONE = (404, 410)
_PURPOSES = ("batch", "batch-api")
"""A file's purpose, as OpenAI and as Together names it."""
_Answer = TypeVar("_Answer")
_Call = Literal["hand in", "look", "fetch", "list"]
Outcome = Reply | RequestFailed | Refused


class TooMuch(Refused):
    """A batch is larger than the endpoint takes at the moment; a smaller one may succeed."""


class Gone(Refused):
    """The endpoint does not know the batch or the file (any more)."""


class BatchClient:
    """One HTTP call per method, without retries; `timeout` is in seconds, for a call or for a line of a file.

    Raises:
        Refused: the call had no effect and would be refused again.
        RequestFailed: transient. A call whose response was lost may have had its effect.
    """

    def __init__(self, endpoint: Endpoint, client: Client, timeout: float) -> None:
        self._endpoint, self._client, self._timeout = endpoint, client, timeout
        self._purpose = _PURPOSES[0]
        self._forms: dict[str, Form] = {}
        self._made_of: dict[str, str] = {}

    def line(self, name: str, messages: list[Message], seed: int | None = None) -> bytes:
        """The JSON line of one request; its result has the same name, which begins with the batch's token."""
        self._forms[name.rpartition("-")[0]] = self._endpoint.parameters.form
        body = self._endpoint.parameters.body(messages, seed)
        line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(line).encode() + b"\n"

    def learn(self, token: str, state: BatchState) -> bool:
        """Adapt the form of later lines to a failed batch; True if it failed for the form of its lines alone."""
        form = self._forms.get(token, self._endpoint.parameters.first)
        return any(self._endpoint.parameters.learn(400, str(fault), form) for fault in state.faults)

    async def upload(self, lines: IO[bytes]) -> str:
        """Upload a file of lines; returns its id. Raises TooMuch if it is too large."""
        try:
            return await self._upload(lines)
        except Refused as refusal:
            if "purpose" not in str(refusal) or self._purpose == _PURPOSES[1]:
                raise
        self._purpose = _PURPOSES[1]
        return await self._upload(lines)

    async def _upload(self, lines: IO[bytes]) -> str:
        within = self._timeout + lines.seek(0, io.SEEK_END) / _SLOWEST
        lines.seek(0)
        purpose = cast(Literal["batch"], self._purpose)
        call = self._client.files.with_raw_response.create(file=("requests.jsonl", lines), purpose=purpose)
        return await self._read(read_id, call, "hand in", within)

    async def create(self, file_id: str, token: str) -> str:
        """Create a batch of an uploaded file, marked with our token; returns its id. Raises TooMuch."""
        self._made_of[token] = file_id
        call = self._client.batches.with_raw_response.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=file_id,
            metadata={MARK: token},
        )
        return await self._read(read_id, call, "hand in")

    async def find(self, token: str) -> str | None:
        """The id of the batch with our token, or our file if the endpoint keeps no metadata; None if there is none."""
        last: str | openai.Omit = openai.omit
        seen = set[str]()
        while True:
            call = self._client.batches.with_raw_response.list(limit=100, after=last)
            page, has_more = await self._read(read_list, call, "list")
            for batch in page:
                if batch.token == token or batch.file == self._made_of.get(token, token):
                    return batch.id
            new = [batch.id for batch in page if batch.id not in seen]
            if not has_more or not new:
                return None
            seen.update(new)
            last = page[-1].id

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands now. Raises Gone if the endpoint does not know it."""
        return await self._read(self._state_in, self._client.batches.with_raw_response.retrieve(batch_id), "look")

    def _state_in(self, body: bytes) -> BatchState:
        return read_state(self._endpoint.scrub(body.decode(errors="replace")).encode())

    async def results(self, file_id: str) -> AsyncGenerator[tuple[str, Outcome]]:
        """The names and outcomes in a file, read line by line; broken lines are left out. Raises Gone."""
        found = False
        try:
            async with self._client.files.with_streaming_response.content(file_id) as response:
                lines = split_lines(response.iter_bytes())
                for _ in range(_MOST_LINES):
                    async with asyncio.timeout(self._timeout):
                        line = await anext(lines, None)
                    if line is None:
                        break
                    if result := read_result(line, self._endpoint, self._form_of):
                        found = True
                        yield result
        except (openai.APIError, httpx2.HTTPError, TimeoutError) as error:
            raise self._explain(error, "fetch") from None
        if not found:  # perhaps a proxy's error page: taking it for the file would lose every reply
            raise RequestFailed("broken reply", f"the file {file_id} at {self._endpoint.shown} holds no results")

    def _form_of(self, name: str) -> Form:
        """The form of a line; lines of an earlier process count as written in the first form."""
        return self._forms.get(name.rpartition("-")[0], self._endpoint.parameters.first)

    async def _read(
        self, read: Callable[[bytes], _Answer], call: Awaitable[_Raw], kind: _Call, within: float | None = None
    ) -> _Answer:
        """The parsed response of a call. The body is parsed here: the library accepts HTML and other garbage."""
        try:
            async with asyncio.timeout(within or self._timeout):
                body = (await call).content
        except (openai.APIError, TimeoutError) as error:
            raise self._explain(error, kind) from None
        try:
            return read(body)
        except ValueError:
            with suppress(ValueError):  # LM Studio answers calls that it does not know with 200 and an error
                if said := said_in(from_json(body)):
                    failure = self._endpoint.refusal(said.meant, said.code, said.text)
                    raise self._of_batches(failure, said.meant, said.text.lower(), kind) from None
            start = self._endpoint.scrub(" ".join(body.decode(errors="replace").split()))[:80]
            raise RequestFailed(
                "broken reply", f"{self._endpoint.shown} answered what is no part of the Batch API: {start!r}"
            ) from None

    def _explain(
        self, error: openai.APIError | httpx2.HTTPError | TimeoutError, kind: _Call
    ) -> RequestFailed | Refused:
        """The exception for a failed call."""
        failure = self._endpoint.explain(error)
        if not isinstance(error, openai.APIStatusError):
            return failure
        words = ""
        with suppress(httpx2.ResponseNotRead):
            words = error.response.text.lower()
        return self._of_batches(failure, error.status_code, words, kind)

    def _of_batches(
        self, failure: RequestFailed | Refused, status: int, words: str, kind: _Call
    ) -> RequestFailed | Refused:
        """The failure, or what its status and words mean in the Batch API."""
        if kind == "hand in" and (status == 413 or (status in (400, 403, 422, 429) and is_too_much(words))):
            return TooMuch(failure.reason, str(failure))
        if "model" in words:
            return failure
        if kind == "hand in" and (status in _NONE_HERE or "unexpected endpoint" in words):
            said = " ".join(self._endpoint.scrub(words).split())[:100]
            return Refused(
                "rejected request",
                f"the endpoint {self._endpoint.shown} has no Batch API ({status}: {said}); set teacher.batch to false",
            )
        if kind in ("look", "fetch") and status in _GONE:
            return Gone(failure.reason, str(failure))
        return failure


async def split_lines(chunks: AsyncIterator[bytes], most: int = MOST_OF_A_REPLY) -> AsyncGenerator[bytes]:
    """Split bytes at \\n alone: replies may hold U+2028 and the like. A line of over `most` bytes becomes empty."""
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


def read_result(
    text: bytes, endpoint: Endpoint, form_of: Callable[[str], Form] | None = None
) -> tuple[str, Outcome] | None:
    """The name and outcome of a result line; None if it is broken. `form_of` gives the form of the request's line."""
    try:
        line = _Line.model_validate(parsed(plain_body(endpoint.scrub(text.decode(errors="replace")).encode())))
    except ValueError:
        return None
    return line.custom_id, _outcome(line, endpoint, form_of(line.custom_id) if form_of else None)


def _outcome(line: _Line, endpoint: Endpoint, form: Form | None) -> Outcome:
    response = line.response
    if response is None:
        fault = fault_in(line.error)
        if fault.code.isascii() and fault.code.isdigit() and 400 <= int(fault.code) <= 599:
            return _refusal(int(fault.code), BatchFault("", fault.message, None), endpoint, form)
        reason = "time-out" if fault.code == "batch_expired" else "server error"
        return RequestFailed(reason, f"not answered in the batch: {fault.message or fault.code or 'no reason given'}")
    status, body = response.status_code, response.body
    if status is None:  # the response is the completion itself
        status, body = 200, response.model_extra if body is None else body
    if 200 <= status < 300:
        try:
            return endpoint.read(body.encode() if isinstance(body, str) else json.dumps(body).encode())
        except (RequestFailed, Refused) as failure:  # a body with status 200 may hold an error
            return failure
    said = said_in(body, surely=True)
    failure = _refusal(status, BatchFault(said.code, said.text, None) if said else fault_in(body), endpoint, form)
    failure.taken = stated_in(body)
    return failure


def _refusal(status: int, fault: BatchFault, endpoint: Endpoint, form: Form | None) -> RequestFailed | Refused:
    return endpoint.refusal(status, fault.code, fault.message, form=form)


class _Raw(Protocol):
    """A raw HTTP response."""

    @property
    def content(self) -> bytes: ...


class _Response(BaseModel, extra="allow"):
    status_code: int | None = None
    body: object = None


class _Line(BaseModel):
    """One request's result: a response with its status, or an error such as `batch_expired`."""

    custom_id: str
    response: _Response | None = None
    error: object = None
