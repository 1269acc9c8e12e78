"""HTTP to a student's server: one request, tried again where that helps, and its errors in one line.

503, 429, a broken connection, an answer that is no JSON      tried again, some seconds in all
no answer within `student.server_timeout`                     StudentError
any other status                                              Refused, with what the server says
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tutelage.errors import StudentError
from tutelage.text.printable import printable

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries of a request."""
MOST_BYTES = 64 * 2**20
"""The most that is read of one answer: a million tokens with their log-probabilities have less."""
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
_CONNECT = 10.0
"""Seconds until a server must have accepted a connection."""


class Refused(StudentError):
    """The server has answered with another status than 200; `said` is its own message."""

    def __init__(self, status: int, said: str, message: str) -> None:
        super().__init__(message)
        self.status, self.said = status, said


class ServerHttp:
    """Sends requests to the server at `url` (up to /v1), as many at once as are awaited.

    `gone` says why the server can't answer any more, such as that its process has ended; None: it may. The key is
    taken from the environment variable `key_env`. Raises StudentError if that is not set.
    """

    def __init__(
        self,
        url: str,
        timeout: float,
        key_env: str | None = None,
        gone: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.url, self.timeout, self.gone = url.rstrip("/"), timeout, gone
        parts = urlsplit(self.url)
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._secret = None if key_env is None else _key(key_env)
        self._headers = {} if self._secret is None else {"authorization": f"Bearer {self._secret}"}

    @property
    def root(self) -> str:
        """The URL of what stands beside /v1."""
        return self.url.removesuffix("/v1")

    @asynccontextmanager
    async def connected(self, at_once: int = 1) -> AsyncGenerator[httpx2.AsyncClient]:
        """A client for one event loop, with so many connections."""
        limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        timeout = httpx2.Timeout(self.timeout, connect=_CONNECT, pool=None)
        try:
            async with httpx2.AsyncClient(headers=self._headers, limits=limits, timeout=timeout) as client:
                yield client
        finally:
            await asyncio.sleep(0)  # connections that were closed end in the loop's next step, before it is closed

    async def complete(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a completion request, tried again after each of WAITS. Raises StudentError."""
        return await self._ask(client, "POST", f"{self.url}/completions", body, _as_object, WAITS)

    async def ask(
        self, client: httpx2.AsyncClient, method: str, url: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The answer to a request of another kind; what is no object is left out.

        Raises StudentError; Refused for a status other than 200.
        """
        return await self._ask(client, method, url, body, _if_object)

    async def _ask(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: str,
        body: dict[str, Any] | None,
        read: Callable[[bytes], dict[str, Any]],
        waits: Sequence[float] = (),
    ) -> dict[str, Any]:
        for wait in (*waits, None):
            try:
                return read(await self._once(client, method, url, body))
            except (httpx2.RequestError, ValueError, Refused) as error:
                if (why := self.gone()) is not None:
                    raise StudentError(f"the student's server {self.shown} {why}") from error
                if isinstance(error, httpx2.TimeoutException) and not isinstance(error, httpx2.ConnectTimeout):
                    raise self._too_slow() from error
                if wait is None or (isinstance(error, Refused) and error.status not in _PASSING):
                    raise self._failed(error, len(waits) + 1) from error
                await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _once(self, client: httpx2.AsyncClient, method: str, url: str, body: dict[str, Any] | None) -> bytes:
        try:
            async with asyncio.timeout(self.timeout), client.stream(method, url, json=body) as response:
                content = bytearray()
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise ValueError(f"its answer is longer than {MOST_BYTES >> 20} MiB")
        except TimeoutError as error:
            raise self._too_slow() from error
        if response.status_code != 200:
            said = _said(bytes(content)).replace(self._secret or "\0", "[key]")  # some servers repeat it
            raise Refused(response.status_code, said, f"{self.shown} answers {response.status_code}: {said}")
        return bytes(content)

    def _failed(self, error: Exception, tries: int) -> StudentError:
        if isinstance(error, Refused):
            return error
        told = printable(str(error).strip()) or type(error).__name__
        times = f" (tried {tries} times)" if tries > 1 else ""
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Unreachable(
                f"the student's server {self.shown} can't be reached{times}: {told}; start it, or set"
                " student.server_command; the same command then goes on"
            )
        if isinstance(error, httpx2.RequestError):
            return StudentError(
                f"the student's server {self.shown} broke off{times}: {told}; look at its output and start it again;"
                " the same command then goes on"
            )
        return StudentError(
            f"the student's server {self.shown} answers with what is no completion{times}: {told}; check that"
            " student.server is the address of an OpenAI-compatible server, up to /v1"
        )

    def _too_slow(self) -> StudentError:
        return StudentError(
            f"the student's server {self.shown} has not answered within {self.timeout:g} s; raise"
            " student.server_timeout, or lower exam.batch_size"
        )


class Unreachable(StudentError):
    """Nothing listens at the server's address."""


def _as_object(content: bytes) -> dict[str, Any]:
    answer: object = json.loads(content)
    if not isinstance(answer, dict):
        raise ValueError("it is no object")
    return answer


def _if_object(content: bytes) -> dict[str, Any]:
    try:
        return _as_object(content)
    except ValueError:
        return {}


def _key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise StudentError(
            f"the environment variable {variable} is not set; put the key of the student's server into it, or leave"
            " student.server_key_env out if it takes none"
        )
    return key


def _said(content: bytes) -> str:
    """The message in the body of a refusal, in a line."""
    text = content.decode(errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = text
    for name in ("error", "message", "detail"):
        if isinstance(told, dict) and name in told:
            told = told[name]
    return " ".join(printable(str(told)).split())[:300] or "no message"
