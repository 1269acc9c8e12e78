"""What stands around every page: who may ask, what may be asked, and what a browser may do with the answer.

The server listens on loopback. A page of another site can still reach it through the user's browser: by its address, or
by a name that is made to lead here. Neither gets an answer: Host must be ours, and so must Origin where there is one.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""The names under which the server answers."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content-Security-Policy: our own files alone, nothing inline. What a model wrote is text, whatever it looks like."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer, the ask box would be sent with the origin `null`
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
}

POSTED = "/ask"
"""The end of the only paths that take a POST."""


class Guard:
    """Lets through what `refusal` allows, and puts HEADERS on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        server = scope.get("server") or ("", 0)
        found = refusal(scope["method"], scope["path"], Headers(scope=scope), server[1])
        if found is None:
            return await self.app(scope, receive, guarded)
        status, words = found
        allowed = {"allow": "GET, HEAD"} if status == 405 else {}
        return await PlainTextResponse(words + "\n", status, allowed)(scope, receive, guarded)


def refusal(method: str, path: str, headers: Headers, port: int | None) -> tuple[int, str] | None:
    """Why a request gets no answer, as status and words; None if it gets one. `port` is the one that we listen on."""
    ours = [f"{host}:{port}" for host in HOSTS] + [*(HOSTS if port == 80 else ())]
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].lower() not in ours:
        return 403, "this page is served to this machine alone, by the address that `tutelage view` has printed"
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
        return 403, "other sites may not ask here"
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_followed_link(method, headers):
        return 403, "other sites may not ask here"
    if method not in ("GET", "HEAD") and not (method == "POST" and path.endswith(POSTED) and origin is not None):
        return 405, "this page is only read"
    return None


def _is_followed_link(method: str, headers: Headers) -> bool:
    return (method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("GET", "navigate", "document")
