"""The `openai` teacher: any OpenAI-compatible endpoint, asked asynchronously through the openai client library.

    OpenAITeacher(config.teacher, kind="number", grade=task.grade, ledger="runs/a/ledger.sqlite", run_id="a")

The key comes from the environment variable `teacher.key_env` and goes nowhere but into the request's header.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit, urlunsplit

import openai
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field, ValidationError

from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError, TeacherError
from tutelage.records import AnswerKind, FeedbackRequest, Grade
from tutelage.teacher.budget import Budget
from tutelage.teacher.ledger import Ledger
from tutelage.teacher.lesson import Lesson, Reply, RequestFailed, Settings
from tutelage.teacher.prompts import Message
from tutelage.teacher.teacher import Deliver

OPENAI = "https://api.openai.com/v1"
_CONNECT_SECONDS = 10.0
_REJECTED = (400, 405, 413, 415, 422)
_OF_ONE_REQUEST = ("content_filter", "content_policy_violation", "context_length_exceeded")
"""Error codes that say nothing about the next request."""


class OpenAITeacher:
    """Asks an endpoint for rationales; every reply is in the ledger before it is used, and no reply is paid for twice.

    `run_id` names the run in the ledger: its budget covers all that this run has paid, in this process or before.

    Raises:
        ConfigError: no model is named, or a cap in US dollars has no price.
        TeacherError: the key is not set.
        RunError: the ledger cannot be used.
    """

    def __init__(
        self,
        config: TeacherConfig,
        *,
        kind: AnswerKind,
        grade: Grade,
        ledger: str | Path,
        run_id: str,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if not config.model:
            raise ConfigError("teacher.model is not set: name the teacher as the endpoint does, such as gpt-4.1-mini")
        self._config, self._ledger = config, Path(ledger)
        self._endpoint = _Endpoint(config, environ)
        self._settings = Settings(
            endpoint=self._endpoint.shown,
            model=config.model,
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            concurrency=config.concurrency,
            kind=kind,
            grade=grade,
            run_id=run_id,
        )
        Budget(config.budget, config.price)
        Ledger(self._ledger).close()  # what is wrong with it is said before the student sits an exam

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request, `concurrency` at a time, and deliver the replies as they come.

        Raises:
            BudgetSpent: a cap is reached; all that was bought, now or before, has been delivered.
            TeacherError: the key is refused, the quota spent, the model unknown, or the endpoint keeps failing.
            RunError: the ledger cannot be written.
        """
        with Ledger(self._ledger) as ledger:
            spent = ledger.spent(self._settings.run_id)
            _run(self._hold(ledger, Budget(self._config.budget, self._config.price, spent), requests, deliver))

    async def _hold(
        self, ledger: Ledger, budget: Budget, requests: Iterable[FeedbackRequest], deliver: Deliver
    ) -> None:
        async with self._endpoint.connect() as client:
            lesson = Lesson(
                lambda messages: self._endpoint.ask(client, messages), ledger, budget, self._settings, deliver
            )
            await lesson.hold(requests)


def _run(work: Coroutine[None, None, None]) -> None:
    """`asyncio.run`, also where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(BaseModel):
    """What of a chat completion is used. Endpoints differ in the rest, so nothing else is asked for."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _Endpoint:
    """Where and how to ask, and what its failures mean."""

    def __init__(self, config: TeacherConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._url = (config.base_url or OPENAI).rstrip("/")
        if urlsplit(self._url).scheme not in ("http", "https") or not urlsplit(self._url).hostname:
            raise ConfigError(f"teacher.base_url is {self._url!r}; write a URL such as http://localhost:8000/v1")
        self.shown = _without_credentials(self._url)
        self._key = _read_key(config.key_env, environ, needed=not _is_loopback(self._url))

    def connect(self) -> openai.AsyncOpenAI:
        """A client; to be used as an asynchronous context manager within one event loop."""
        timeout = openai.Timeout(self._config.timeout, connect=min(self._config.timeout, _CONNECT_SECONDS))
        return openai.AsyncOpenAI(
            base_url=self._url, api_key=self._key, max_retries=self._config.retries, timeout=timeout
        )

    async def ask(self, client: openai.AsyncOpenAI, messages: list[Message]) -> Reply:
        """One reply. Raises RequestFailed or TeacherError, never with the key in the message."""
        # OpenAI's newer models know the limit by its new name only, many other endpoints by its old one only.
        limit = "max_completion_tokens" if self._url == OPENAI else "max_tokens"
        try:
            # The raw body: the library lets HTML and other garbage pass as if it were a completion.
            response = await client.chat.completions.with_raw_response.create(
                model=self._config.model or "",
                messages=cast(list[ChatCompletionMessageParam], messages),
                temperature=self._config.temperature,
                extra_body={limit: self._config.max_tokens},
            )
        except openai.APIStatusError as error:
            raise self._explain(error) from None
        except openai.APITimeoutError:
            raise RequestFailed(f"no reply within {self._config.timeout:g} s (teacher.timeout)") from None
        except openai.APIConnectionError as error:
            cause = self._scrub(str(error.__cause__ or error)) or type(error.__cause__).__name__
            raise RequestFailed(f"cannot reach {self.shown} ({cause})") from None
        return self._read(response.http_response.content, response.http_response.headers.get("content-type", ""))

    def _read(self, body: bytes, content_type: str) -> Reply:
        if not body.strip():
            raise RequestFailed("the reply has an empty body")
        try:
            completion = _Completion.model_validate_json(body)
        except ValidationError as error:
            what = "HTML" if "html" in content_type or body.lstrip()[:1] == b"<" else "no chat completion"
            place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the body"
            start = self._scrub(" ".join(body[:80].decode(errors="replace").split()))
            raise RequestFailed(f"the reply is {what}: {place} is wrong or missing; it begins {start!r}") from None
        choice, usage = completion.choices[0], completion.usage
        refused = choice.message.content is None and choice.message.refusal is not None
        return Reply(
            text=_storable(choice.message.content or choice.message.refusal or ""),
            finish_reason="content_filter" if refused else choice.finish_reason or "stop",
            prompt_tokens=usage and usage.prompt_tokens,
            completion_tokens=usage and usage.completion_tokens,
        )

    def _explain(self, error: openai.APIStatusError) -> TeacherError | RequestFailed:
        """What an HTTP status means: whether all requests would fare alike, and what to do."""
        status, code = error.status_code, error.code or error.type or ""
        said = f"({status}): {self._said(error)}"
        if status in (401, 403):
            return TeacherError(f"the endpoint {self.shown} refused the key ({status}); check ${self._config.key_env}")
        if status == 404:
            return TeacherError(
                f"the endpoint {self.shown} does not know the model {self._config.model!r} or the address {said}; "
                "check teacher.model and teacher.base_url (it usually ends in /v1)"
            )
        if status == 402 or code == "insufficient_quota":
            return TeacherError(f"the account at {self.shown} has no quota left {said}; add credit, then go on")
        if status in _REJECTED and code not in _OF_ONE_REQUEST:
            return TeacherError(f"the endpoint {self.shown} rejected the request {said}; check the settings of teacher")
        return RequestFailed(f"the endpoint failed {said}")

    def _said(self, error: openai.APIStatusError) -> str:
        """The endpoint's own words, on one line, without tags and cut to a readable length."""
        body = error.body
        message = cast(dict[str, object], body).get("message") if isinstance(body, dict) else None
        text = message if isinstance(message, str) else error.response.text
        text = " ".join(re.sub(r"<[^>]*>", " ", text).split())
        return self._scrub(text[:300]) or "no message"

    def _scrub(self, text: str) -> str:
        return text.replace(self._key, "[key]") if len(self._key) > 4 else text


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


def _storable(text: str) -> str:
    """Without lone surrogates and NUL, which SQLite's text cannot hold."""
    return text.replace("\x00", "").encode(errors="replace").decode()
