"""Limits the size of a response body: bytes are counted as they arrive, decompressed, so none can exhaust memory.

200, gzip, 4 MB that unpack to 4 GB       RequestFailed("broken reply", "the reply is longer than 4 MiB …")
401, a page without an end                its first 64 KiB are read; the status says the rest
200, whole JSON, and no last chunk        the JSON
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from tutelage.teacher.online.completion import is_whole
from tutelage.teacher.online.failures import RequestFailed

MOST_OF_A_REPLY = 4 * 2**20
"""Bytes of one reply (about a million tokens), and of one line of a batch's results."""
MOST_OF_AN_ERROR = 2**16
MOST_OF_A_FILE = 2**31
"""Bytes of a file of results: 50,000 replies of 40 kB."""
ENCODINGS = ("gzip", "deflate")
"""The accepted encodings: the library decompresses these in pieces, others (brotli) at once."""
_NONE = ("", "identity", "utf-8", "utf8", "none", "aws-chunked")
"""What some servers send for a body that is not packed."""


async def bound_body(response: httpx2.Response) -> None:
    """Limit a response's body; a response hook of the client, called before the body is read.

    Raises:
        RequestFailed: the encoding of a reply was not asked for; later, while the body is read, if it is too long.
    """
    packing = response.headers.get("content-encoding", "").strip().lower().removeprefix("x-")  # x-gzip: RFC 9110
    if packing in _NONE:
        packing = "identity"
    if packing not in ("identity", *ENCODINGS):
        if response.is_success:
            said = f"the reply is packed as {packing[:40]!r}, which was not asked for"
            raise RequestFailed("broken reply", said, charged=True)
        response.stream, packing = httpx2.ByteStream(b""), "identity"  # the status says the rest
    packed = httpx2.Response(response.status_code, headers={"content-encoding": packing}, stream=response.stream)
    response.stream = _Counted(packed, _most_of(response), cut=not response.is_success)
    response.headers.pop("content-encoding", None)  # the stream is decompressed already


def _most_of(response: httpx2.Response) -> int:
    if not response.is_success:
        return MOST_OF_AN_ERROR
    return MOST_OF_A_FILE if response.request.url.path.endswith("/content") else MOST_OF_A_REPLY


class _Counted(httpx2.AsyncByteStream):
    """The decompressed body of a response; one of more than `most` bytes is cut if `cut`, else refused."""

    def __init__(self, packed: httpx2.Response, most: int, *, cut: bool) -> None:
        self._packed, self._most, self._cut = packed, most, cut
        self._read = bytearray()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._parts():
                self._read += part if self._most == MOST_OF_A_REPLY else b""
                yield part
        except httpx2.TransportError:
            # Servers close without a last chunk, or break off after `[DONE]`. Of an error the status says the rest.
            if not (self._cut or is_whole(bytes(self._read))):
                raise

    async def _parts(self) -> AsyncIterator[bytes]:
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
        """Release the connection; it is closed if something is left to read."""
        await self._packed.aclose()
