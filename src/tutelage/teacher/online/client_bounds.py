"""How much of an answer is read: it is counted as it arrives, unpacked, so that no endpoint can fill the memory.

200, gzip, 4 MB that unpack to 4 GB       RequestFailed("broken reply", "the reply is longer than 4 MiB …")
401, a page without an end                its first 64 KiB are read; the status says the rest
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from tutelage.teacher.online.failures import RequestFailed

MOST_OF_A_REPLY = 4 * 2**20
"""Bytes of one reply, some million tokens, and of one line of a batch's results."""
MOST_OF_AN_ERROR = 2**16
MOST_OF_A_FILE = 2**31
"""Bytes of a file of results: 50,000 replies of 40 kB."""
ENCODINGS = ("gzip", "deflate")
"""What is asked for: the library unpacks these a piece at a time, others (brotli) at once."""


async def bound_body(response: httpx2.Response) -> None:
    """Let no more of a response be read than it may have; a hook of the client, called before any of it is read.

    Raises:
        RequestFailed: here if it is packed in a way that was not asked for; while it is read, if it is too long.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "", *ENCODINGS):
        raise RequestFailed(
            "broken reply", f"the reply is packed as {packing[:40]!r}, which was not asked for", charged=True
        )
    packed = httpx2.Response(response.status_code, headers={"content-encoding": packing}, stream=response.stream)
    response.stream = _Counted(packed, _most_of(response), cut=not response.is_success)
    response.headers.pop("content-encoding", None)  # it comes unpacked from here


def _most_of(response: httpx2.Response) -> int:
    if not response.is_success:
        return MOST_OF_AN_ERROR
    return MOST_OF_A_FILE if response.request.url.path.endswith("/content") else MOST_OF_A_REPLY


class _Counted(httpx2.AsyncByteStream):
    """The unpacked body of a response: what is longer than `most` is `cut` there, or refused."""

    def __init__(self, packed: httpx2.Response, most: int, *, cut: bool) -> None:
        self._packed, self._most, self._cut = packed, most, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for part in self._packed.aiter_bytes():
            if len(part) > left:
                if not self._cut:
                    said = f"the reply is longer than {self._most >> 20:,} MiB; none is read further than that"
                    raise RequestFailed("broken reply", said, charged=True)
                yield part[:left]
                return
            left -= len(part)
            yield part

    async def aclose(self) -> None:
        """Let the connection go; one with something left to read is closed."""
        await self._packed.aclose()
