"""OpenAI's Batch API: requests in one file, answers in another, after a while.

in    {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …, "messages": […]}}
out   {"id": "batch_req_1", "custom_id": "a", "response": {"status_code": 200, "body": {…}, …}, "error": null}
fault {"POST /v1/batches": [Fault.reset()], "GET /v1/files/*/content": [None, Fault.half_body()]}
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, cast

from tutelage.testing.batch_job import ENDPOINT, Answer, Job, Shown
from tutelage.testing.completions import Body
from tutelage.testing.faults import Fault
from tutelage.testing.server import Request, Response, not_found, ok, refusal
from tutelage.testing.uploads import Files


class Batches:
    """The files and batches of one endpoint. Each batch runs in a thread of its own, which asks `answer` line by line.

    `seconds` is how long a batch takes; after `expires_after` lines it expires (None: never). `faults` are spent on the
    calls that match their pattern.
    """

    def __init__(
        self,
        answer: Answer,
        clock: Callable[[], float],
        seconds: float,
        expires_after: int | None,
        faults: Mapping[str, Iterable[Fault | None]],
    ) -> None:
        self._answer, self._clock = answer, clock
        self._seconds, self._expires_after = seconds, expires_after
        self._faults = {pattern: iter(spent) for pattern, spent in faults.items()}
        self.calls: list[str] = []
        """All calls, such as `GET /v1/batches/batch_1`, in the order in which they came."""
        self._files = Files(clock)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer a call. A fault with a body of its own stands in place of its effect, others befall its answer."""
        fault = self._draw(f"{request.method} {request.path}") or Fault()
        if fault.body is not None:
            return Response(fault.status, fault.body, fault.headers, fault)
        return replace(self._respond(request), fault=fault)

    def _draw(self, call: str) -> Fault | None:
        with self._lock:
            self.calls.append(call)
            matching = [faults for pattern, faults in self._faults.items() if fnmatchcase(call, pattern)]
            return next(matching[0], None) if matching else None

    def _respond(self, request: Request) -> Response:
        """Whatever is asked of files and batches; anything else is not found."""
        match [request.method, *request.path.split("/")[1:]]:
            case ["POST", "v1", "files"]:
                response = self._files.upload(request)
            case ["GET", "v1", "files", identity]:
                response = self._files.show(identity)
            case ["GET", "v1", "files", identity, "content"]:
                response = self._files.read(identity)
            case ["DELETE", "v1", "files", identity]:
                response = self._files.delete(identity)
            case ["POST", "v1", "batches"]:
                response = self._create(request.body)
            case ["GET", "v1", "batches"]:
                response = self._list(request)
            case ["GET", "v1", "batches", identity]:
                response = self._show(identity)
            case ["POST", "v1", "batches", identity, "cancel"]:
                response = self._cancel(identity)
            case _:
                response = refusal(404, f"no such address: {request.method} {request.path}")
        return response

    def stop(self) -> None:
        """Give up what is still running."""
        for job in list(self._jobs.values()):
            job.abandon()

    def _create(self, data: bytes) -> Response:
        asked = _read_object(data)
        if asked.get("endpoint") != ENDPOINT or asked.get("completion_window") != "24h":
            return refusal(400, f"a batch needs endpoint={ENDPOINT} and completion_window=24h", "invalid_value")
        file = self._files.find(str(asked.get("input_file_id")))
        if file is None:
            return refusal(400, f"no file {asked.get('input_file_id')!r}", "invalid_value")
        with self._lock:
            shown: Shown = {
                "id": f"batch_{len(self._jobs) + 1}",
                "object": "batch",
                "endpoint": ENDPOINT,
                "errors": None,
                "input_file_id": file.shown["id"],
                "completion_window": "24h",
                "status": "validating",
                "output_file_id": None,
                "error_file_id": None,
                "created_at": int(self._clock()),
                "expires_at": int(self._clock()) + 24 * 3600,
                "request_counts": {"total": 0, "completed": 0, "failed": 0},
                "metadata": asked.get("metadata"),
            }
            job = Job(shown, file.data, self._answer, self._files, self._clock)
            self._jobs[shown["id"]] = job
        created = ok(job.shown())
        job.start(self._seconds, self._expires_after)
        return created

    def _list(self, request: Request) -> Response:
        """The newest first, from the one that comes after the batch `after`."""
        identities = list(reversed(list(self._jobs)))
        after, limit = request.query.get("after"), request.query.get("limit", "20")
        if after is not None and after not in identities:
            return not_found("batch", after)
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            return refusal(400, f"limit is {limit!r}; it must be from 1 to 100", "invalid_value")
        start = identities.index(after) + 1 if after is not None else 0
        page = identities[start : start + int(limit)]
        return ok(
            {
                "object": "list",
                "data": [self._jobs[identity].shown() for identity in page],
                "first_id": page[0] if page else None,
                "last_id": page[-1] if page else None,
                "has_more": start + len(page) < len(identities),
            }
        )

    def _show(self, identity: str) -> Response:
        job = self._jobs.get(identity)
        return ok(job.shown()) if job else not_found("batch", identity)

    def _cancel(self, identity: str) -> Response:
        job = self._jobs.get(identity)
        if job is None:
            return not_found("batch", identity)
        if not job.cancel():
            return refusal(409, f"the batch {identity} is {job.shown()['status']}; it cannot be cancelled")
        return ok(job.shown())


def _read_object(data: bytes) -> Body:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
