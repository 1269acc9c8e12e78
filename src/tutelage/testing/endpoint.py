"""A chat-completions endpoint on 127.0.0.1: a real HTTP server, with faults on demand.

POST /v1/chat/completions  {"model": "test", "messages": [{"role": "user", "content": "Question:\\n…"}], …}
200  {"choices": [{"message": {"role": "assistant", "content": "…"}, "finish_reason": "stop"}], "usage": {…}, …}
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]
Reply = Callable[[Body], str]
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request. Make it with the functions below."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    """Sent in place of a completion; None: a completion."""
    finish_reason: str = "stop"
    seconds: float = 0.0
    """Waited before answering."""
    hang_up: bool = False
    without: str | None = None
    """Part of the completion that is left out: choices or usage."""

    @classmethod
    def http(cls, status: int, message: str = "scripted fault", *, code: str | None = None, **headers: str) -> Fault:
        """An HTTP error in the API's form; headers are written with underscores: `retry_after="1"`."""
        body = json.dumps({"error": {"message": message, "type": code, "code": code, "param": None}}).encode()
        return cls(status=status, headers={key.replace("_", "-"): value for key, value in headers.items()}, body=body)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """A web page, as a proxy or a wrong address answers."""
        return cls(status, {"content-type": "text/html"}, b"<!doctype html><title>Welcome</title><h1>It works</h1>")

    @classmethod
    def empty(cls) -> Fault:
        """Status 200 and no body."""
        return cls(body=b"")

    @classmethod
    def garbage(cls) -> Fault:
        """A body that breaks off within its JSON."""
        return cls(body=b'{"choices": [{"message": {"con')

    @classmethod
    def missing_choices(cls) -> Fault:
        """A completion without its choices."""
        return cls(without="choices")

    @classmethod
    def missing_usage(cls) -> Fault:
        """A completion that does not say what it took."""
        return cls(without="usage")

    @classmethod
    def content_filter(cls) -> Fault:
        """An empty completion, withheld by policy."""
        return cls(finish_reason="content_filter")

    @classmethod
    def length(cls) -> Fault:
        """A completion cut halfway at the token limit."""
        return cls(finish_reason="length")

    @classmethod
    def reset(cls) -> Fault:
        """The connection is dropped without an answer."""
        return cls(hang_up=True)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """A good answer, late."""
        return cls(seconds=seconds)


class TeacherEndpoint:
    """Serves `/v1/chat/completions` while the context lasts.

    `reply` makes the text of a completion from the request's body, or maps questions to rationales (the question
    that stands in the prompt is answered). `faults` are spent on the first requests in order, None for none, or are a
    function of the request's number (from 0) and body. With `key`, other keys get a 401. Tokens are counted as words.
    """

    def __init__(
        self,
        reply: Reply | Mapping[str, str],
        *,
        faults: Sequence[Fault | None] | Callable[[int, Body], Fault | None] = (),
        key: str | None = None,
        port: int = 0,
    ) -> None:
        self.requests: list[Body] = []
        """The bodies of all requests, in the order in which they came."""
        self.most_at_once = 0
        """The most requests that were in flight at one moment."""
        self._at_once = 0
        self._reply = reply if callable(reply) else _look_up(reply)
        self._faults, self._key = faults, key
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        """What to put into `teacher.base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def admits(self, authorization: str | None) -> bool:
        """Whether the header holds the key that is asked for."""
        return self._key is None or authorization == f"Bearer {self._key}"

    def answer(self, body: Body) -> tuple[Fault, bytes]:
        """What goes wrong with a request (perhaps nothing), and the bytes to send."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            fault = self._fault(number, body) or Fault()
            time.sleep(fault.seconds)
            return fault, _completion(number, body, self._reply, fault) if fault.body is None else fault.body
        finally:
            with self._lock:
                self._at_once -= 1

    def _fault(self, number: int, body: Body) -> Fault | None:
        if callable(self._faults):
            return self._faults(number, body)
        return self._faults[number] if number < len(self._faults) else None


def _look_up(rationales: Mapping[str, str]) -> Reply:
    def reply(body: Body) -> str:
        prompt = str(body["messages"][-1]["content"])
        found = [question for question in rationales if question in prompt]
        return rationales[max(found, key=len)] if found else "This question is not known here."

    return reply


def _completion(number: int, body: Body, reply: Reply, fault: Fault) -> bytes:
    text = "" if fault.finish_reason == "content_filter" else reply(body)
    if fault.finish_reason == "length":
        text = text[: len(text) // 2]
    prompt = sum(len(message["content"].split()) + _TOKENS_PER_MESSAGE for message in body["messages"])
    completion: Body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", "test"),
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": fault.finish_reason}
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": len(text.split()),
            "total_tokens": prompt + len(text.split()),
        },
    }
    if fault.without:
        del completion[fault.without]
    return json.dumps(completion).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], endpoint: TeacherEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of ours: killed runs do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        """A chat completion."""
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/v1/chat/completions":
            return self._send(Fault.http(404, f"no such address: {self.path}"))
        if not self.server.endpoint.admits(self.headers.get("authorization")):
            return self._send(Fault.http(401, "Incorrect API key provided", code="invalid_api_key"))
        try:
            body = json.loads(data)
            body["messages"][0]["content"].split()
        except (ValueError, LookupError, TypeError, AttributeError):
            return self._send(Fault.http(400, "the body is no chat request"))
        fault, payload = self.server.endpoint.answer(body)
        return self._send(fault, payload)

    def do_GET(self) -> None:
        """Nothing is served but completions."""
        self._send(Fault.http(404, "POST to /v1/chat/completions"))

    def _send(self, fault: Fault, payload: bytes | None = None) -> None:
        if fault.hang_up:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        payload = payload if payload is not None else fault.body or b""
        self.send_response(fault.status)
        for name, value in ({"content-type": "application/json"} | dict(fault.headers)).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
