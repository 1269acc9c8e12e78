"""The test endpoint: a real HTTP server on 127.0.0.1 that answers as scripted, with latency, limits and faults.

POST /v1/chat/completions  {"model": "test", "messages": [{"role": "user", "content": "Question:\\n…"}], …}
200  {"choices": [{"message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}], "usage": {…}, …}
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Self

from tutelage.testing.batches import Batches, Like
from tutelage.testing.completions import Body, Completion, Reply, complete, look_up, read_request
from tutelage.testing.faults import Fault
from tutelage.testing.forms import FORMS
from tutelage.testing.limits import Limits, Ruling
from tutelage.testing.log import Seen, request_key
from tutelage.testing.script import Faults, script_of
from tutelage.testing.server import Request, Response, Send, Server, refusal

_ADMITTED = Ruling(0.0, {})


@dataclass(eq=False, repr=False)
class TeacherEndpoint:
    """Serves `/v1/chat/completions`, `/v1/files` and `/v1/batches` while the context lasts.

    Raises OSError or OverflowError on creation, if the port is not available.
    """

    reply: Reply | Mapping[str, str]
    """Writes the text of a completion from the request's body, or maps questions to rationales: the longest question
    that the prompt contains is answered. Several threads may call it at once."""
    faults: Faults = ()
    """Faults of the first requests in order (None: no fault), or a function of a request's number (from 0) and body."""
    key: str | None = None
    """The required API key; any other gets a 401. None: any key is accepted."""
    port: int = 0
    """Port to listen on; 0: a free one."""
    latency: float = 0.0
    """Seconds before every completion."""
    requests_per_minute: int | None = None
    """Requests admitted in any 60 s; further ones get a 429. None: no limit. Batches are not limited."""
    tokens_per_minute: int | None = None
    """The same for prompt and completion tokens together; they count from the arrival of their request."""
    clock_offset: float = 0.0
    """Seconds by which the endpoint's clock is fast: in the Date header, in dates of Retry-After, in batches."""
    like: str = "openai"
    """The server whose form the replies have: one of `tutelage.testing.forms.FORMS`."""
    keep: bool = True
    """Keep the bodies of all requests. If false, only the log grows, by some 350 bytes a request."""
    batch_seconds: float = 0.0
    """Seconds that a batch takes."""
    batch_expires_after: int | None = None
    """Answered lines after which a batch expires. None: never."""
    batch_faults: Mapping[str, Iterable[Fault | None]] = field(default_factory=dict[str, Iterable[Fault | None]])
    """Faults of file and batch calls, by pattern of the call, such as `POST /v1/batches` or `GET /v1/files/*`."""

    batch_tokens: int | None = None
    """The most prompt tokens queued at once; a batch that would exceed them fails. None: no limit."""
    batch_like: Like = "openai"
    """The vendor whose form batches have."""

    def __post_init__(self) -> None:
        self.requests: list[Body] = []
        """The bodies of all chat requests, in order of arrival, lines of batches included."""
        self.received: list[Request] = []
        """The chat requests outside batches, with path, query and headers; empty without `keep`."""
        self.log: list[Seen] = []
        """A record of every chat request, lines of batches included."""
        self.most_at_once = 0
        """The most requests in flight at once."""
        self._at_once = 0
        self._last: Completion | None = None
        self._write = self.reply if callable(self.reply) else look_up(self.reply)
        self._form = FORMS[self.like]
        self._script = script_of(self.faults)
        self._limits = Limits(self.requests_per_minute, self.tokens_per_minute)
        self._lock = threading.Condition()
        self._batches = Batches(
            self._answer_line,
            self.clock,
            self.batch_seconds,
            self.batch_expires_after,
            self.batch_faults,
            self.batch_tokens,
            self.batch_like,
        )
        self._server = Server(self.port, self._handle, self.clock)

    @property
    def base_url(self) -> str:
        """The URL for `teacher.base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def batch_calls(self) -> Sequence[str]:
        """The file and batch calls, such as `GET /v1/batches/batch_1`, in order of arrival."""
        return self._batches.calls

    def forget_batches(self) -> None:
        """Forget all batches and files, like a newly installed endpoint."""
        self._batches.forget()

    def clock(self) -> float:
        """Unix seconds by the endpoint's clock."""
        return time.time() + self.clock_offset

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._batches.stop()
        self._server.stop()
        with self._lock:  # so that the log is complete; a `reply` that hangs is not waited for
            self._lock.wait_for(lambda: self._at_once == 0, 1.0)

    def _handle(self, request: Request, send: Send) -> None:
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            send(refusal(401, "Incorrect API key provided", "invalid_api_key"))
        elif (request.method, request.path) != ("POST", "/v1/chat/completions"):
            response = self._batches.handle(request)
            self._server.pause(response.fault.seconds)
            send(response)
        elif (body := read_request(request.body)) is None:
            send(refusal(400, "the body is no chat request"))
        else:
            if self.keep:
                self.received.append(request)
            self._chat(body, send)

    def _chat(self, body: Body, send: Send) -> None:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            number, fault, completion = self._draw(body)
            ruling = self._limits.admit(self.log[number].arrival, completion.tokens) if completion else _ADMITTED
            if ruling.wait:
                response, completion = _too_many(ruling), None
            else:
                response = self._response(fault, completion, ruling.headers)
            self._charge(number, response, completion)
            self._server.pause(fault.seconds + (self.latency if completion else 0.0))
            if send(response):
                self.log[number] = self.log[number]._replace(finished=time.monotonic())
        finally:
            with self._lock:
                self._at_once -= 1
                self._lock.notify_all()

    def _answer_line(self, body: Body) -> Response:
        """The answer to a line of a batch, without limits and latency."""
        number, fault, completion = self._draw(body)
        response = self._response(fault, completion, {})
        self._charge(number, response, completion)
        self.log[number] = self.log[number]._replace(finished=time.monotonic())
        return response

    def _draw(self, body: Body) -> tuple[int, Fault, Completion | None]:
        """A request's index in the log, its fault, and its completion, if it gets one."""
        seen = Seen(time.monotonic(), None, request_key(body), 0, 0, 0)
        with self._lock:
            number = len(self.log)
            self.log.append(seen)
            if self.keep:
                self.requests.append(body)
        fault = self._script(number, body) or Fault()
        if fault.body is not None or fault.hang_up:
            return number, fault, None
        completion = self._last if fault.stale else None
        if completion is None:
            completion = complete(number, self.clock(), body, self._write(body), fault, self._form)
        self._last = completion
        return number, fault, completion

    def _response(self, fault: Fault, completion: Completion | None, headers: Mapping[str, str]) -> Response:
        body = completion.data if completion else fault.body or b""
        headers = {**(self._form.headers if completion else {}), **headers, **fault.headers}
        if fault.retry_date is not None:
            headers["retry-after"] = formatdate(self.clock() + fault.retry_date, usegmt=True)
        return Response(fault.status, body, headers, fault)

    def _charge(self, number: int, response: Response, completion: Completion | None) -> None:
        """Log the charge before the answer is sent: a client that has disconnected pays, too."""
        status = 0 if response.fault.hang_up else response.status
        charged = (completion.prompt_tokens, completion.completion_tokens) if completion else (0, 0)
        arrival, finished, key, *_ = self.log[number]
        self.log[number] = Seen(arrival, finished, key, status, *charged)


def _too_many(ruling: Ruling) -> Response:
    body = Fault.rate_limited().body or b""
    retry = {"retry-after": str(math.ceil(ruling.wait)), "retry-after-ms": str(math.ceil(ruling.wait * 1000))}
    return Response(429, body, retry | dict(ruling.headers))
