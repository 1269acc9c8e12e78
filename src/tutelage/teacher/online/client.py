"""The HTTP client of an OpenAI-compatible endpoint, through the openai library; nothing else in the house imports it.

The key comes from the environment variable `teacher.key_env` and goes nowhere but into the request's header.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from ssl import SSLContext
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx2
import openai

from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError, TeacherError
from tutelage.teacher.online.client_bounds import ENCODINGS, bound_body
from tutelage.teacher.online.completion import ErrorInReply, LatestReplies, Reply, read_completion
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.refusal import read_refusal
from tutelage.teacher.online.retry_after import retry_after
from tutelage.teacher.online.status import explain_status
from tutelage.teacher.prompts import Message

Client = openai.AsyncOpenAI
OPENAI = "https://api.openai.com/v1"
_MOST_SAID = 4096
"""Characters of an endpoint's message that are looked at."""
_TEXTS = ("text", "finish_reason", "reasoning", "served", "provider")
"""What of a reply is kept as the endpoint wrote it."""
_SHORTEST_KEY = 8
"""Characters; what is shorter is no secret but a word, such as EMPTY, that may stand in any reply."""


@cache
def _certificates() -> SSLContext:
    """Those of the authorities, read once: that takes half the time of a short session."""
    return httpx2.create_ssl_context()


class Endpoint:
    """Where and how to ask, and what its failures mean. No message ever holds the key.

    Raises:
        ConfigError: `teacher.base_url` is no URL.
        TeacherError: the key is not set, or cannot be one.
    """

    def __init__(self, config: TeacherConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._url = (config.base_url or OPENAI).rstrip("/")
        try:
            httpx2.URL(self._url)
        except httpx2.InvalidURL as error:
            raise ConfigError(f"teacher.base_url: {error}; write a URL such as http://localhost:8000/v1") from None
        self.shown = _without_credentials(self._url)
        self._key = _read_key(config.key_env, environ, needed=not _is_loopback(self._url))
        self._latest = LatestReplies()

    def connect(self) -> Client:
        """A client; to be used as an asynchronous context manager within one event loop."""
        at_once = self._config.concurrency
        return openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self._key,
            max_retries=0,  # whether and when to try again is for the session to say, with all workers in view
            timeout=openai.Timeout(self._config.timeout, connect=self._config.connect_timeout),
            http_client=openai.DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once),
                headers={"accept-encoding": ", ".join(ENCODINGS)},
                event_hooks={"response": [bound_body]},
                verify=_certificates(),
                follow_redirects=False,  # prompts and money go where `base_url` says, nowhere else
            ),
        )

    async def ask(self, client: Client, messages: list[Message]) -> Reply:
        """One reply. Raises RequestFailed or Refused."""
        try:
            async with asyncio.timeout(self._config.timeout):  # the library's own limits the pauses, not the whole
                # The raw body: the library lets HTML and other garbage pass as if it were a completion.
                response = await client.post("/chat/completions", cast_to=httpx2.Response, body=self.body(messages))
        except (openai.APIError, TimeoutError) as error:
            raise self.explain(error) from None
        reply = self.read(response.content, response.headers.get("content-type", ""))
        if self._latest.is_repeat(reply, messages):
            # The connection is out of step: what comes next on it would be taken for the answer to something else.
            await response.extensions["network_stream"].aclose()
            raise RequestFailed("broken reply", "the reply is that to another request, sent again", charged=True)
        return reply

    def body(self, messages: list[Message]) -> dict[str, object]:
        """What is sent to be answered."""
        # OpenAI's newer models know the limit by its new name only, many other endpoints by its old one only.
        limit = "max_completion_tokens" if self._url == OPENAI else "max_tokens"
        config = self._config
        return {
            "model": config.model,
            "messages": messages,
            "temperature": config.temperature,
            limit: config.max_tokens,
        }

    def read(self, body: bytes, content_type: str = "") -> Reply:
        """The reply in the body of a good answer. Raises RequestFailed or Refused if there is none in it."""
        text = self.scrub(body.decode(errors="surrogateescape"))
        try:
            reply = read_completion(text.encode(errors="surrogateescape"), content_type)
        except ErrorInReply as error:
            said = error.said
            wait = retry_after(said.reset or {}, time.time(), said.wait)
            failure = self.refusal(said.meant, said.code, said.text, wait)
            if isinstance(failure, RequestFailed):
                failure.charged = False  # no gateway gave up on it: who wrote this says that there is no reply
            raise failure from None
        # Once more, where it is no longer JSON, in which the same key may be written in many ways.
        texts = {name: self.scrub(getattr(reply, name)) for name in _TEXTS}
        return replace(reply, **texts)

    def refusal(self, status: int, code: str, text: str, wait: float | None = None) -> RequestFailed | Refused:
        """What a status means; `text` is the endpoint's own and may be anything."""
        text = self.scrub(text)[:_MOST_SAID]
        text = " ".join(re.sub(r"<[^<>]*>", " ", text).split())[:300] or "no message"
        return explain_status(status, code, text, wait, self.shown, self._config)

    def explain(self, error: openai.APIError | httpx2.HTTPError | TimeoutError) -> RequestFailed | Refused:
        """What went wrong with a call."""
        if isinstance(error, openai.APIStatusError):
            return self._status(error)
        cause = error.__cause__
        if isinstance(cause, httpx2.ConnectTimeout | httpx2.ConnectError):
            said = self.scrub(str(cause)) or f"no connection within {self._config.connect_timeout:g} s"
            return RequestFailed("unreachable", f"cannot reach {self.shown} ({said})")
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException | TimeoutError):
            return RequestFailed(
                "time-out", f"no reply within {self._config.timeout:g} s (teacher.timeout)", charged=True
            )
        said = self.scrub(str(cause or error)) or type(cause or error).__name__
        return RequestFailed("broken reply", f"the connection to {self.shown} broke ({said})", charged=True)

    def scrub(self, text: str) -> str:
        """The text without the key: there are endpoints that echo it."""
        return text.replace(self._key, "[key]") if len(self._key) >= _SHORTEST_KEY else text

    def _status(self, error: openai.APIStatusError) -> RequestFailed | Refused:
        response = error.response
        if response.is_redirect:
            return Refused("rejected request", self._redirected(response))
        said = read_refusal(response.content)
        wait = retry_after({**(said.reset or {}), **response.headers}, time.time(), said.wait)
        return self.refusal(response.status_code, said.code, said.text, wait)

    def _redirected(self, response: httpx2.Response) -> str:
        """Why a redirect is refused: where it points, and what to set."""
        asked, location = str(response.request.url), response.headers.get("location", "")
        try:
            target = _without_credentials(urljoin(asked, location)) if location else "nowhere"
        except ValueError:
            target = repr(location)
        target, path = self.scrub(target)[:300], asked.removeprefix(self._url)
        there = target.removesuffix(path) if path != asked and target.endswith(path) else target
        return (
            f"the endpoint {self.shown} redirects ({response.status_code}) to {target}; redirects are not followed: if "
            f"you trust that place, set teacher.base_url to {there}"
        )


def _read_key(variable: str, environ: Mapping[str, str], *, needed: bool) -> str:
    key = environ.get(variable, "").strip()
    if not key:
        if needed:
            raise TeacherError(f"the environment variable {variable} is not set; put the endpoint's key into it")
        return "none"
    if not key.isascii() or not key.isprintable() or " " in key:
        raise TeacherError(f"the environment variable {variable} holds characters that no key has; set it afresh")
    return key


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_credentials(url: str) -> str:
    """The URL as it may be shown and stored: no user, password or query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
