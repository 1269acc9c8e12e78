"""What can go wrong with one request, as data.

Fault.rate_limited(3)     429, retry-after: 3
Fault.slow_body(2)        200, the headers at once, the body in drops over 2 s
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
"""How a 429 says when to come back: Retry-After in seconds or as a date, retry-after-ms, or x-ratelimit-reset-*."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request. Make it with the functions below; all times are in seconds."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    """Sent in place of a completion; None: a completion."""
    finish_reason: str = "stop"
    seconds: float = 0.0
    """Waited before answering, on top of the endpoint's latency."""
    hang_up: bool = False
    parts: Mapping[str, object] = field(default_factory=dict[str, object])
    """Parts of the completion that differ, such as choices or usage; None: left out."""
    before: bytes = b""
    """Sent before the completion, such as a byte order mark or comments."""
    events: bool = False
    """The completion comes as server-sent events."""
    stale: bool = False
    """The previous completion once more, whatever was asked."""
    retry_date: float | None = None
    """Retry-After is the date so far ahead, by the endpoint's clock."""
    drip: float = 0.0
    """The body takes so long, after the headers."""
    cut: bool = False
    """The connection is closed in the middle of the body."""
    times: int = 1
    """So often is the response sent, one straight after the other."""
    size: int = 0
    """So many MiB of a completion that does not end are sent in place of a body."""
    packed: bool = False
    """They are sent as gzip."""

    @classmethod
    def http(cls, status: int, message: str = "scripted fault", *, code: str | None = None, **headers: str) -> Fault:
        """An HTTP error in the API's form; headers are written with underscores: `retry_after="1"`."""
        body = json.dumps({"error": {"message": message, "type": code, "code": code, "param": None}}).encode()
        return cls(status=status, headers={key.replace("_", "-"): value for key, value in headers.items()}, body=body)

    @classmethod
    def rate_limited(cls, after: float | None = None, form: RetryForm = "seconds") -> Fault:
        """A 429 that says to come back `after` so many seconds, or with None says nothing of it."""
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
    def wrong_json(cls) -> Fault:
        """Sound JSON that is no completion."""
        return cls(body=b'{"detail": "pong"}')

    @classmethod
    def empty_choices(cls) -> Fault:
        """A completion with `"choices": []`."""
        return cls(parts={"choices": []})

    @classmethod
    def byte_order_mark(cls) -> Fault:
        """A good completion behind a byte order mark."""
        return cls(before=b"\xef\xbb\xbf")

    @classmethod
    def comments(cls) -> Fault:
        """A good completion behind comments that kept the connection alive."""
        return cls(before=b": keep-alive\n\n: keep-alive\n\n")

    @classmethod
    def as_events(cls) -> Fault:
        """A good completion as server-sent events, though none were asked for."""
        return cls(events=True)

    @classmethod
    def only_thoughts(cls) -> Fault:
        """A completion that holds reasoning, and no text."""
        message = {"role": "assistant", "content": "", "reasoning_content": "Let me see. The boxes …"}
        return cls(parts={"choices": [{"index": 0, "message": message, "finish_reason": "length"}]})

    @classmethod
    def null_message(cls) -> Fault:
        """A completion withheld by policy, whose message is null."""
        return cls(parts={"choices": [{"index": 0, "message": None, "finish_reason": "content_filter"}]})

    @classmethod
    def error_inside(cls, status: int = 429, message: str = "scripted fault") -> Fault:
        """Status 200, and an error of another one in the body."""
        return cls(body=json.dumps({"error": {"code": status, "message": message}}).encode())

    @classmethod
    def missing_choices(cls) -> Fault:
        """A completion without its choices."""
        return cls(parts={"choices": None})

    @classmethod
    def missing_usage(cls) -> Fault:
        """A completion that does not say what it took."""
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
        """The previous completion again: same id, same text, whatever was asked. The very first one is its own."""
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
        """The headers at once, then the body in drops."""
        return cls(drip=seconds)

    @classmethod
    def half_body(cls) -> Fault:
        """Content-length promises the whole body; half of it comes, then the connection is closed."""
        return cls(cut=True)

    @classmethod
    def flood(cls, size: int = 4096, *, packed: bool = True, status: int = 200) -> Fault:
        """So many MiB, packed to a thousandth; an answer that fills the memory of whoever reads it all."""
        return cls(status, {"content-encoding": "gzip"} if packed else {}, b"", size=size, packed=packed)

    def pieces(self) -> Iterator[bytes]:
        """A flood's body, a piece at a time."""
        packer = zlib.compressobj(wbits=31)
        start = b'{"choices": [{"message": {"content": "'
        for piece in itertools.chain([start], itertools.repeat(b"a" * 2**20, self.size)):
            yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if self.packed else piece

    @classmethod
    def twice(cls) -> Fault:
        """The whole response two times on the wire; the second answers nothing that was asked."""
        return cls(times=2)
