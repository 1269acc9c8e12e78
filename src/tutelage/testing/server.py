"""An HTTP/1.1 server on 127.0.0.1 with a thread per connection, which applies faults on the wire.

Request("POST", "/v1/chat/completions", {}, headers, b'{"model": …}')
Response(200, b'{"choices": …}', fault=Fault.half_body())    the headers, half of the body, then a closed connection
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tutelage.testing.faults import Fault

_DROPS = 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of zero: the connection ends with RST in place of FIN."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read completely."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A response, and the `fault` that affects it on the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fault: Fault = field(default_factory=Fault)


Send = Callable[[Response], bool]
"""Sends a response; returns whether all of it was sent. Raises OSError if the client has disconnected."""


def ok(value: object) -> Response:
    """A response with status 200 and this JSON."""
    return Response(200, json.dumps(value).encode())


def refusal(status: int, message: str, code: str | None = None, **headers: str) -> Response:
    """An error in the API's form."""
    fault = Fault.http(status, message, code=code, **headers)
    return Response(status, fault.body or b"", fault.headers)


def not_found(what: str, identity: str) -> Response:
    """A 404: there is no file or batch with this id."""
    return refusal(404, f"no {what} {identity!r}", "not_found")


class Server(ThreadingHTTPServer):
    """Passes every request to `handle`, with a function to answer it. `clock` gives the time of the Date header."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, handle: Callable[[Request, Send], None], clock: Callable[[], float]) -> None:
        self.handle, self.clock = handle, clock
        self._closing = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def start(self) -> None:
        """Start serving, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more connections; unfinished answers are dropped."""
        self._closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def pause(self, seconds: float) -> None:
        """Sleep. Raises ConnectionAbortedError if the server stops meanwhile."""
        if self._closing.wait(seconds) if seconds > 0 else self._closing.is_set():
            raise ConnectionAbortedError("the endpoint is stopped")

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect, as killed runs do; show the error of a `reply` that raises."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # pyright: ignore[reportArgumentType]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """The same as any other request."""
        self._serve()

    def do_DELETE(self) -> None:
        """The same as any other request."""
        self._serve()

    def do_POST(self) -> None:
        """The same as any other request."""
        self._serve()

    def _serve(self) -> None:
        """Read the whole request and pass it to `handle`."""
        self.server.pause(0)
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or self.headers.get("transfer-encoding"):
            self.close_connection = True  # the start of the next request is unknown
            self._send(refusal(411, "send the body with its content-length"))
            return
        url = urlsplit(self.path)
        body = self.rfile.read(int(length))
        self.server.handle(Request(self.command, url.path, dict(parse_qsl(url.query)), self.headers, body), self._send)

    def _send(self, response: Response) -> bool:
        fault, body = response.fault, response.body
        if fault.hang_up:
            self._hang_up()
        elif fault.cut:
            self.close_connection = True
            self.wfile.write(self._head(response) + body[: len(body) // 2])
        elif fault.drip:
            self.wfile.write(self._head(response))
            size = -(-len(body) // _DROPS) or 1
            for start in range(0, len(body), size):
                self.server.pause(fault.drip / _DROPS)
                self.wfile.write(body[start : start + size])
        elif fault.size:
            self.close_connection = True  # this ends a body without a length
            self.wfile.write(self._head(response, "connection: close"))
            for piece in fault.pieces():
                self.server.pause(0)
                self.wfile.write(piece)
        else:  # headers and body together: one packet and one system call
            self.wfile.write((self._head(response) + body) * fault.times)
        return not (fault.hang_up or fault.cut)

    def _head(self, response: Response, length: str | None = None) -> bytes:
        """Status line and headers; `length` is the header that defines the end of the body."""
        headers = {"date": formatdate(self.server.clock(), usegmt=True), "content-type": "application/json"}
        headers |= response.headers
        lines = [
            f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('',))[0]}",
            *(f"{name}: {value}" for name, value in headers.items()),
            length or f"content-length: {len(response.body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()  # effective once the base class has closed `rfile`, which it does next

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""
