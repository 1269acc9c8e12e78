"""The test endpoint's Batch API, as OpenAI's: requests in one file, answers in another.

in    {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …, "messages": […]}}
out   {"id": "batch_req_1", "custom_id": "a", "response": {"status_code": 200, "body": {…}, …}, "error": null}
fault {"POST /v1/batches": [Fault.reset()], "GET /v1/files/*/content": [None, Fault.half_body()]}

With `like="together"` batches have Together's form: {"job": {"id": "batch_1", "status": "IN_PROGRESS", …}}
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

from tutelage.testing.batch_job import ENDPOINT, Answer, Job, Shown, count_tokens
from tutelage.testing.completions import Body
from tutelage.testing.faults import Fault
from tutelage.testing.server import Request, Response, not_found, ok, refusal
from tutelage.testing.uploads import Files

Like = Literal["openai", "together"]
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")


class Batches:
    """The files and batches of one endpoint. Each batch runs in a thread of its own, which calls `answer` per line.

    A batch takes `seconds`; after `expires_after` lines it expires (None: never). `faults` are applied in order to the
    calls that match their pattern. A batch fails if it would raise the queued prompt tokens above `enqueued_tokens`.
    """

    def __init__(
        self,
        answer: Answer,
        clock: Callable[[], float],
        seconds: float,
        expires_after: int | None,
        faults: Mapping[str, Iterable[Fault | None]],
        enqueued_tokens: int | None = None,
        like: Like = "openai",
    ) -> None:
        self._enqueued_tokens, self._like = enqueued_tokens, like
        self._answer, self._clock = answer, clock
        self._seconds, self._expires_after = seconds, expires_after
        self._faults = {pattern: iter(spent) for pattern, spent in faults.items()}
        self.calls: list[str] = []
        """All calls, such as `GET /v1/batches/batch_1`, in order of arrival."""
        self._files = self._no_files()
        self._jobs: dict[str, Job] = {}
        self._forgotten = set[str]()
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer a call. A fault with a body replaces the call's effect; other faults only affect the response."""
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
        """Route calls of files and batches; anything else is not found."""
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

    def forget(self) -> None:
        """Forget all batches and files."""
        self.stop()
        with self._lock:
            self._forgotten.update(self._jobs)
            self._files = self._no_files()

    def _no_files(self) -> Files:
        return Files(self._clock, "batch-api" if self._like == "together" else "batch")

    def stop(self) -> None:
        """Stop all running batches."""
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
            job = Job(shown, file.data, self._answer, self._files, self._clock, self._fault_of)
            self._jobs[shown["id"]] = job
        shown = self._seen(job)
        created = ok({"job": shown, "warning": ""} if self._like == "together" else shown)
        job.start(self._seconds, self._expires_after)
        return created

    def _list(self, request: Request) -> Response:
        """A page of batches, the newest first, after the batch `after`."""
        identities = [name for name in reversed(list(self._jobs)) if name not in self._forgotten]
        after, limit = request.query.get("after"), request.query.get("limit", "20")
        if after is not None and after not in identities:
            return not_found("batch", after)
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            return refusal(400, f"limit is {limit!r}; it must be from 1 to 100", "invalid_value")
        if self._like == "together":
            return ok([self._seen(self._jobs[identity]) for identity in identities])
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
        job = None if identity in self._forgotten else self._jobs.get(identity)
        return ok(self._seen(job)) if job else not_found("batch", identity)

    def _cancel(self, identity: str) -> Response:
        job = self._jobs.get(identity)
        if job is None:
            return not_found("batch", identity)
        if not job.cancel():
            return refusal(409, f"the batch {identity} is {job.shown()['status']}; it cannot be cancelled")
        return ok(job.shown())

    def _seen(self, job: Job) -> Shown:
        """A batch in the vendor's form."""
        shown = job.shown()
        if self._like == "openai":
            return shown
        counts = shown["request_counts"]
        faults = cast(Body, shown["errors"] or {}).get("data", [])
        return {
            "id": shown["id"],
            "user_id": "user_1",
            "input_file_id": shown["input_file_id"],
            "status": shown["status"].upper(),
            "endpoint": ENDPOINT,
            "progress": 100 * (counts["completed"] + counts["failed"]) / (counts["total"] or 1),
            "output_file_id": shown["output_file_id"] or "",
            "error_file_id": shown["error_file_id"] or "",
            "error": "; ".join(fault["message"] for fault in faults),
        }

    def _fault_of(self, lines: Sequence[Body]) -> Body | None:
        """OpenAI's error if a batch would exceed the limit of queued tokens; None if it does not."""
        limit = self._enqueued_tokens
        under_way = sum(job.tokens for job in self._jobs.values() if job.shown()["status"] in _UNDER_WAY)
        if limit is None or under_way + count_tokens(lines) <= limit:
            return None
        message = (
            f"Enqueued token limit reached for test in organization org-1. Limit: {limit:,} enqueued tokens. Please "
            "try again once some in_progress batches have been completed."
        )
        return {"code": "token_limit_exceeded", "message": message, "param": None, "line": None}


def _read_object(data: bytes) -> Body:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}
