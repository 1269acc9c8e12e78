"""The test endpoint's Files API: multipart upload, and download of the same bytes.

{"id": "file-1", "object": "file", "bytes": 1432, "filename": "in.jsonl", "purpose": "batch", …}
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tutelage.testing.server import Request, Response, not_found, ok, refusal


@dataclass(frozen=True, slots=True)
class File:
    """A file as the API shows it, and its content."""

    shown: dict[str, Any]
    data: bytes


class Files:
    """The files of one endpoint; `clock` gives Unix seconds, `purpose` is the required purpose of a batch's file."""

    def __init__(self, clock: Callable[[], float], purpose: str = "batch") -> None:
        self._clock, self._purpose = clock, purpose
        self._files: dict[str, File] = {}
        self._added = 0
        self._lock = threading.Lock()

    def find(self, identity: str) -> File | None:
        """The file with this id; None if there is none."""
        return self._files.get(identity)

    def add(self, filename: str, data: bytes, purpose: str) -> File:
        """Keep a file under a new id."""
        with self._lock:
            self._added += 1
            shown = {
                "id": f"file-{self._added}",
                "object": "file",
                "bytes": len(data),
                "created_at": int(self._clock()),
                "filename": filename,
                "purpose": purpose,
                "status": "processed",
            }
            return self._files.setdefault(str(shown["id"]), File(shown, data))

    def show(self, identity: str) -> Response:
        """GET /v1/files/{id}."""
        file = self._files.get(identity)
        return ok(file.shown) if file else not_found("file", identity)

    def read(self, identity: str) -> Response:
        """GET /v1/files/{id}/content."""
        file = self._files.get(identity)
        if file is None:
            return not_found("file", identity)
        return Response(200, file.data, {"content-type": "application/octet-stream"})

    def delete(self, identity: str) -> Response:
        """DELETE /v1/files/{id}."""
        if self._files.pop(identity, None) is None:
            return not_found("file", identity)
        return ok({"id": identity, "object": "file", "deleted": True})

    def upload(self, request: Request) -> Response:
        """POST /v1/files: a form with `purpose` and `file`."""
        fields = read_form(request.headers.get("content-type", ""), request.body)
        filename, data = fields.get("file", (None, b""))
        _, purpose = fields.get("purpose", (None, b""))
        if filename is None or purpose.decode(errors="replace") != self._purpose:
            said = f"send a form with a file and with purpose={self._purpose}"
            return refusal(400, said, "invalid_request_error")
        return ok(self.add(filename, data, self._purpose).shown)


def read_form(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """The fields of a multipart form: by name, the file name (None if it is no file) and the content."""
    whole = b"content-type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    message = BytesParser(policy=HTTP).parsebytes(whole)
    fields: dict[str, tuple[str | None, bytes]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            fields[name] = (part.get_filename(), data)
    return fields
