"""Faults of single requests, as data.

Fault.rate_limited(3)     429, retry-after: 3
Fault.slow_body(2)        200, the headers at once, the body in pieces over 2 s
Fault.half_body()         200, the connection is closed in the middle of the body
Fault.flood()             200, gzip, 4 MB that unpack to 4 GB
"""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tutelage.testing.limits import duration

RetryForm = Literal["seconds", "date", "ms", "reset"]
"""How a 429 states the wait: Retry-After in seconds or as a date, retry-after-ms, or x-ratelimit-reset-*."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The fault of one request. Create it with the class methods below; all times are in seconds."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    """The body sent in place of a completion; None: a completion."""
    finish_reason: str = "stop"
    seconds: float = 0.0
    """Delay before the answer, on top of the endpoint's latency."""
    hang_up: bool = False
    """Reset the connection instead of answering."""
    parts: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields of the completion to replace, such as choices or usage; None: the field is left out."""
    before: bytes = b""
    """Bytes before the completion, such as a byte order mark or comments."""
    events: bool = False
    """Send the completion as server-sent events."""
    stale: bool = False
    """Send the previous completion again, whatever was asked."""
    retry_date: float | None = None
    """Send Retry-After as the date this many seconds ahead, by the endpoint's clock."""
    drip: float = 0.0
    """Seconds over which the body is sent, after the headers."""
    cut: bool = False
    """Close the connection in the middle of the body."""
    times: int = 1
    """Number of times that the response is sent, back to back."""
    size: int = 0
    """MiB of an endless completion to send in place of a body; 0: none."""
    packed: bool = False
    """Send these as gzip."""

    @classmethod
    def http(cls, status: int, message: str = "scripted fault", *, code: str | None = None, **headers: str) -> Fault:
        """An HTTP error in the API's form; headers are written with underscores: `retry_after="1"`."""
        body = json.dumps({"error": {"message": message, "type": code, "code": code, "param": None}}).encode()
        return cls(status=status, headers={key.replace("_", "-"): value for key, value in headers.items()}, body=body)

    @classmethod
    def rate_limited(cls, after: float | None = None, form: RetryForm = "seconds") -> Fault:
        """A 429 that asks to wait `after` seconds; None: it states no wait."""
        body = cls.http(429, "Rate limit reached", code="rate_limit_exceeded").body
        if after is None:
            return cls(429, body=body)
        if form == "date":
            return cls(429, body=body, retry_date=after)
        headers = {
            "seconds": {"retry-after": str(math.ceil(after))},
            "ms": {"retry-after-ms": str(round(after * 1000))},
            "reset": {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": duration(after)},
        }
        return cls(429, headers[form], body)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """A web page, as from a proxy or a wrong address."""
        return cls(status, {"content-type": "text/html"}, b"<!doctype html><title>Welcome</title><h1>It works</h1>")

    @classmethod
    def empty(cls) -> Fault:
        """Status 200 and no body."""
        return cls(body=b"")

    @classmethod
    def garbage(cls) -> Fault:
        """A body of truncated JSON."""
        return cls(body=b'{"choices": [{"message": {"con')

    @classmethod
    def wrong_json(cls) -> Fault:
        """Valid JSON that is no completion."""
        return cls(body=b'{"detail": "pong"}')

    @classmethod
    def empty_choices(cls) -> Fault:
        """A completion with `"choices": []`."""
        return cls(parts={"choices": []})

    @classmethod
    def byte_order_mark(cls) -> Fault:
        """A good completion after a byte order mark."""
        return cls(before=b"\xef\xbb\xbf")

    @classmethod
    def comments(cls) -> Fault:
        """A good completion after keep-alive comments."""
        return cls(before=b": keep-alive\n\n: keep-alive\n\n")

    @classmethod
    def as_events(cls) -> Fault:
        """A good completion as server-sent events, though none were asked for."""
        return cls(events=True)

    @classmethod
    def only_thoughts(cls) -> Fault:
        """A completion with reasoning and no text."""
        message = {"role": "assistant", "content": "", "reasoning_content": "Let me see. The boxes …"}
        return cls(parts={"choices": [{"index": 0, "message": message, "finish_reason": "length"}]})

    @classmethod
    def null_message(cls) -> Fault:
        """A completion withheld by policy, whose message is null."""
        return cls(parts={"choices": [{"index": 0, "message": None, "finish_reason": "content_filter"}]})

    @classmethod
    def error_inside(cls, status: int = 429, message: str = "scripted fault") -> Fault:
        """Status 200 with an error of another status in the body."""
        return cls(body=json.dumps({"error": {"code": status, "message": message}}).encode())

    @classmethod
    def missing_choices(cls) -> Fault:
        """A completion without its choices."""
        return cls(parts={"choices": None})

    @classmethod
    def missing_usage(cls) -> Fault:
        """A completion without its usage."""
        return cls(parts={"usage": None})

    @classmethod
    def content_filter(cls) -> Fault:
        """An empty completion, withheld by policy."""
        return cls(finish_reason="content_filter")

    @classmethod
    def length(cls) -> Fault:
        """A completion cut halfway at the token limit."""
        return cls(finish_reason="length")

    @classmethod
    def repeat(cls) -> Fault:
        """The previous completion again: same id and text, whatever was asked. The first request gets its own."""
        return cls(stale=True)

    @classmethod
    def reset(cls) -> Fault:
        """The connection is reset before an answer."""
        return cls(hang_up=True)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """A good answer, late."""
        return cls(seconds=seconds)

    @classmethod
    def slow_body(cls, seconds: float) -> Fault:
        """The headers at once, then the body in pieces."""
        return cls(drip=seconds)

    @classmethod
    def half_body(cls) -> Fault:
        """Half of the body that content-length announces, then the connection is closed."""
        return cls(cut=True)

    @classmethod
    def flood(cls, size: int = 4096, *, packed: bool = True, status: int = 200) -> Fault:
        """A body of `size` MiB, a thousandth of that as gzip; it fills the memory of a client that reads it all."""
        return cls(status, {"content-encoding": "gzip"} if packed else {}, b"", size=size, packed=packed)

    def pieces(self) -> Iterator[bytes]:
        """A flood's body, in pieces."""
        packer = zlib.compressobj(wbits=31)
        start = b'{"choices": [{"message": {"content": "'
        for piece in itertools.chain([start], itertools.repeat(b"a" * 2**20, self.size)):
            yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if self.packed else piece

    @classmethod
    def twice(cls) -> Fault:
        """The whole response twice on the wire; the second copy answers no request."""
        return cls(times=2)
