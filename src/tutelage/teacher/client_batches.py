"""The HTTP side of OpenAI's Batch API: files go up, batches are made and looked at, results come down line by line.

POST /v1/files  POST /v1/batches  GET /v1/batches/{id}  GET /v1/files/{id}/content
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import IO, TypeVar

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, ValidationError

from tutelage.teacher.client import Client, Endpoint
from tutelage.teacher.completion import Reply, read_completion
from tutelage.teacher.failures import Refused, RequestFailed

_MARK = "tutelage"
"""The batch's metadata hold our token under this name, so that a batch can be found whose id we never learnt."""
_TRIES = 6
_Answer = TypeVar("_Answer")


class _Fault(BaseModel):
    code: str | None = None
    message: str | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow")
    error: _Fault | None = None


class _Response(BaseModel):
    status_code: int
    body: _Body | None = None


class _Line(BaseModel):
    """One request's result: a response with its status, or an error, such as `batch_expired`."""

    custom_id: str
    response: _Response | None = None
    error: _Fault | None = None


Outcome = Reply | RequestFailed | Refused


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands. `ended` batches have the ids of their files, and `errors` in words if they were refused."""

    id: str
    ended: bool
    done: int
    total: int
    files: tuple[str, ...]
    errors: str


class BatchDesk:
    """Hands batches in and fetches what became of them. Calls raise Refused, or RequestFailed after some tries."""

    def __init__(self, endpoint: Endpoint, client: Client) -> None:
        self._endpoint, self._client = endpoint, client

    async def submit(self, lines: IO[bytes], token: str) -> str:
        """Upload a file of requests and make a batch of it under our token; returns the endpoint's id of the batch."""

        async def upload() -> str:
            lines.seek(0)
            return (await self._client.files.create(file=("requests.jsonl", lines), purpose="batch")).id

        file_id = await self._persist(upload)
        # Not tried again: a batch that was made and whose answer was lost is found by its token.
        batch = await self._once(
            lambda: self._client.batches.create(
                completion_window="24h",
                endpoint="/v1/chat/completions",
                input_file_id=file_id,
                metadata={_MARK: token},
            )
        )
        return batch.id

    async def find(self, token: str) -> str | None:
        """The batch that was made under our token, if it was."""

        async def look() -> str | None:
            async for batch in self._client.batches.list(limit=100):
                if batch.metadata and batch.metadata.get(_MARK) == token:
                    return batch.id
            return None

        return await self._persist(look)

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands now."""
        batch = await self._persist(lambda: self._client.batches.retrieve(batch_id))
        counts = batch.request_counts
        return BatchState(
            id=batch.id,
            ended=batch.status in ("completed", "failed", "expired", "cancelled"),
            done=counts.completed + counts.failed if counts else 0,
            total=counts.total if counts else 0,
            files=tuple(name for name in (batch.output_file_id, batch.error_file_id) if name),
            errors="; ".join(error.message or "" for error in (batch.errors and batch.errors.data) or ()),
        )

    async def results(self, file_id: str) -> AsyncGenerator[tuple[str, Outcome]]:
        """The custom ids and outcomes in a file, line by line: only one is held at a time.

        Raises RequestFailed if the connection breaks on the way.
        """
        try:
            async with self._client.files.with_streaming_response.content(file_id) as response:
                async for line in response.iter_lines():
                    if line.strip():
                        yield self._read(line)
        except (openai.APIError, httpx2.HTTPError) as error:
            raise self._endpoint.explain(error) from None

    def _read(self, text: str) -> tuple[str, Outcome]:
        try:
            line = _Line.model_validate_json(text)
        except ValidationError:
            return "", RequestFailed("broken reply", f"a line of the batch is broken: {text[:80]!r}", charged=True)
        response = line.response
        if response is not None and response.status_code == 200:
            try:
                return line.custom_id, read_completion((response.body or _Body()).model_dump_json().encode())
            except RequestFailed as failure:
                return line.custom_id, failure
        if response is not None:
            fault = (response.body and response.body.error) or _Fault()
            return line.custom_id, self._endpoint.refusal(response.status_code, fault.code or "", fault.message or "")
        fault = line.error or _Fault()
        return line.custom_id, RequestFailed("time-out", f"not answered in the batch: {fault.message or fault.code}")

    async def _persist(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Try again after what may pass: a batch can take a day, and a network fails at times."""
        for pause in range(_TRIES):
            try:
                return await self._once(call)
            except RequestFailed as failure:
                if pause == _TRIES - 1:
                    raise
                await asyncio.sleep(failure.wait if failure.wait is not None else 0.5 * 2**pause)
        raise AssertionError("the loop returns or raises")

    async def _once(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            return await call()
        except openai.APIError as error:
            raise self._endpoint.explain(error) from None
