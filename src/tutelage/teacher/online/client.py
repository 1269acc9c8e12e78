"""The HTTP client of an OpenAI-compatible endpoint, through the openai library.

The key comes from the environment variable `teacher.key_env` and is sent in the request's header only. The same holds
for values that `teacher.extra_headers` and the query of `teacher.base_url` take from the environment.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from ssl import SSLContext
from typing import cast
from urllib.parse import urljoin

import httpx2
import openai

from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError
from tutelage.teacher.online.address import OPENAI, Address, fault_of_proxies, without_credentials
from tutelage.teacher.online.client_bounds import ENCODINGS, bound_body
from tutelage.teacher.online.completion import ErrorInReply, LatestReplies, Reply, read_completion, stated_in
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.parameters import AskAgain, Form, Parameters
from tutelage.teacher.online.refusal import read_refusal
from tutelage.teacher.online.retry_after import retry_after
from tutelage.teacher.online.status import explain_status
from tutelage.teacher.online.stream import parsed, plain_body
from tutelage.teacher.prompts import Message

# If httpx is loaded, the openai library looks into it at any time, also while a tracker's thread still imports it.
with suppress(ImportError):
    import_module("httpx")

Client = openai.AsyncOpenAI
_MOST_SAID = 4096
"""Characters of an endpoint's message that are searched for known phrases."""
_TEXTS = ("text", "finish_reason", "reasoning", "served", "provider")
"""The fields of a reply that hold the endpoint's own text."""


@cache
def _certificates() -> SSLContext:
    """The certificate authorities, read once: reading them takes half the time of a short session."""
    return httpx2.create_ssl_context()


class Endpoint:
    """One endpoint: sends chat requests, reads replies and explains failures. No message ever holds the key.

    Raises:
        ConfigError: `teacher.base_url` is no URL, or the environment names another endpoint or an unusable proxy.
        TeacherError: the key is not set, or cannot be a key.
    """

    def __init__(self, config: TeacherConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._address = Address(config, environ)
        try:
            httpx2.URL(self._address.url)
        except httpx2.InvalidURL as error:
            raise ConfigError(f"teacher.base_url: {error}; write a URL such as http://localhost:8000/v1") from None
        self.shown, self.query = self._address.shown, self._address.kept_query
        # OpenAI's newer models take the new name alone, many other endpoints the old name alone.
        self.parameters = Parameters(config, "max_completion_tokens" if self._address.url == OPENAI else "max_tokens")
        self._latest = LatestReplies()
        self._connection()  # an unusable proxy is reported before anything is asked

    def connect(self) -> Client:
        """A client: an asynchronous context manager for one event loop."""
        address, headers = self._address, dict[str, str | openai.Omit](self._address.headers)
        if address.url != OPENAI:  # headers that the library takes from the environment are for OpenAI alone
            known = {name.lower() for name in headers}
            headers |= {name: openai.omit for name in address.library_headers if name.lower() not in known}
        return openai.AsyncOpenAI(
            base_url=address.url,
            api_key=address.key or "none",
            default_headers=cast(dict[str, str], headers),
            default_query=address.query,
            max_retries=0,  # the session retries: it sees all workers
            timeout=openai.Timeout(self._config.timeout, connect=self._config.connect_timeout),
            http_client=self._connection(),
        )

    def _connection(self) -> httpx2.AsyncClient:
        """The HTTP client below the library's. Raises ConfigError if the environment names an unusable proxy."""
        at_once = self._config.concurrency
        try:
            return openai.DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once),
                headers={"accept-encoding": ", ".join(ENCODINGS)},
                event_hooks={"request": [self._without_key], "response": [bound_body]},
                verify=_certificates(),
                follow_redirects=False,  # prompts and the key go to `base_url` and nowhere else
            )
        except (ImportError, ValueError, httpx2.InvalidURL):  # no package for it, no such scheme, no URL
            raise ConfigError(fault_of_proxies()) from None

    async def _without_key(self, request: httpx2.Request) -> None:
        """The library sends a key, come what may."""
        if self._address.key is None and "Authorization" not in self._address.headers:
            request.headers.pop("authorization", None)

    async def ask(self, client: Client, messages: list[Message], seed: int | None = None) -> Reply:
        """One reply. Raises RequestFailed or Refused."""
        form = self.parameters.form
        try:
            async with asyncio.timeout(self._config.timeout):  # the library's own limits each read, not the whole call
                # The raw body: the library lets HTML and other garbage pass as if it were a completion.
                body = self.parameters.body(messages, seed)
                response = await client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except (openai.APIError, TimeoutError) as error:
            raise self.explain(error, form) from None
        reply = self.read(response.content, response.headers.get("content-type", ""))
        if self._latest.is_repeat(reply, messages):
            # The connection is out of step: the next reply on it would answer another request, too. Close it.
            await response.extensions["network_stream"].aclose()
            raise RequestFailed("broken reply", "the reply is that to another request, sent again", charged=True)
        return reply

    def read(self, body: bytes, content_type: str = "") -> Reply:
        """The reply in the body of a response with status 200. Raises RequestFailed or Refused if it holds none."""
        text = self.scrub(body.decode(errors="surrogateescape"))
        try:
            reply = read_completion(text.encode(errors="surrogateescape"), content_type)
        except ErrorInReply as error:
            said = error.said
            wait = retry_after(said.reset or {}, time.time(), said.wait)
            failure = self.refusal(said.meant, said.code, said.text, wait)
            failure.taken = error.taken
            if isinstance(failure, RequestFailed):
                # The endpoint itself says so; no gateway gave up on it.
                failure.charged = error.taken is not None
            raise failure from None
        # Scrubbed again after decoding: JSON has several ways to escape the same key.
        texts = {name: self.scrub(getattr(reply, name)) for name in _TEXTS}
        return replace(reply, **texts)

    def refusal(
        self, status: int, code: str, text: str, wait: float | None = None, form: Form | None = None
    ) -> RequestFailed | Refused:
        """The exception for a status; `text` is the endpoint's own message, `form` that of a chat request."""
        text = self.scrub(text)[:_MOST_SAID]
        text = " ".join(re.sub(r"<[^<>]*>", " ", text).split())
        if form is not None and self.parameters.learn(status, text, form):
            return AskAgain(f"the endpoint wants requests written otherwise ({status}): {text[:300]}")
        remedy = self.parameters.remedy(text) if form is not None else ""
        text = (text[:300] or "no message") + (f" ({remedy})" if remedy else "")
        refusal = explain_status(status, code, text, wait, self.shown, self._config)
        if remedy and isinstance(refusal, Refused):
            refusal.alone = None  # every request holds the refused parameter
        return refusal

    def explain(
        self, error: openai.APIError | httpx2.HTTPError | TimeoutError, form: Form | None = None
    ) -> RequestFailed | Refused:
        """The exception for a failed call; `form` is that of a chat request."""
        if isinstance(error, openai.APIStatusError):
            return self._status(error, form)
        cause = error.__cause__
        if isinstance(cause, httpx2.ProxyError):  # it opened no way to the endpoint, so nothing was asked
            said = self.scrub(str(cause))
            if said.startswith("407"):
                return self.refusal(407, "", said[3:].strip())
            return RequestFailed("unreachable", f"the proxy does not reach {self.shown} ({said})")
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
        """The text without the key: some endpoints echo it."""
        return self._address.scrub(text)

    def _status(self, error: openai.APIStatusError, form: Form | None) -> RequestFailed | Refused:
        response = error.response
        if response.is_redirect:
            message = self._redirected(response)
            return Refused("rejected request", message, alone=RequestFailed("server error", message), of_all=True)
        said = read_refusal(response.content)
        # What a chat request needs of a limit on tokens: no token is shorter than a byte.
        tokens = len(response.request.content) + self._config.max_tokens if form else 1
        wait = retry_after({**(said.reset or {}), **response.headers}, time.time(), said.wait, tokens)
        failure = self.refusal(response.status_code, said.code, said.text, wait, form)
        with suppress(ValueError):
            failure.taken = stated_in(parsed(plain_body(response.content)))
        return failure

    def _redirected(self, response: httpx2.Response) -> str:
        """The message for a redirect: where it points, and what to set."""
        asked, location = str(response.request.url), response.headers.get("location", "")
        if not location:
            told = f"the endpoint {self.shown} redirects ({response.status_code}) and does not say where to"
            return f"{told}; redirects are not followed: check teacher.base_url (it usually ends in /v1)"
        try:
            target = without_credentials(urljoin(asked, location))
        except ValueError:
            target = repr(location)
        target, path = self.scrub(target)[:300], asked.partition("?")[0].removeprefix(self._address.url)
        there = target.removesuffix(path) if path != asked and target.endswith(path) else target
        return (
            f"the endpoint {self.shown} redirects ({response.status_code}) to {target}; redirects are not followed: if "
            f"you trust that place, set teacher.base_url to {there}"
        )
