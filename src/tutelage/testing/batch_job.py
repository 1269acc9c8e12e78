"""One batch of the test endpoint: validating, in_progress, finalizing, then completed, expired, cancelled or failed.

{"id": "batch_1", "status": "in_progress", "request_counts": {"total": 9, "completed": 4, "failed": 1}, …}
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from tutelage.testing.completions import Body, is_request
from tutelage.testing.server import Response, refusal
from tutelage.testing.uploads import Files

ENDPOINT = "/v1/chat/completions"
Shown = dict[str, Any]
"""A batch as the API shows it."""
Answer = Callable[[Body], Response]
_VALIDATED, _ANSWERED = 0.1, 0.9
"""The shares of a batch's time after which validation and answering end."""
_UNDONE = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}


class Job:
    """A batch; it runs in a thread of its own."""

    def __init__(
        self,
        shown: Shown,
        data: bytes,
        answer: Answer,
        files: Files,
        clock: Callable[[], float],
        find_fault: Callable[[Sequence[Body]], Body | None],
    ) -> None:
        self._shown, self._data, self._answer, self._files, self._clock = shown, data, answer, files, clock
        self._fault_of = find_fault
        self._rows = Rows()
        self.tokens = 0
        """Prompt tokens, counted as words; 0 until the batch is admitted."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._begun = self._seconds = 0.0
        self._expires_after: int | None = None

    def start(self, seconds: float, expires_after: int | None) -> None:
        """Start; the batch takes `seconds` and expires after `expires_after` lines (None: never)."""
        self._begun, self._seconds, self._expires_after = time.monotonic(), seconds, expires_after
        self._thread.start()

    def shown(self) -> Shown:
        """The current state, as the API shows it."""
        with self._lock:
            return dict(self._shown)

    def cancel(self) -> bool:
        """Stop answering lines; False if the batch is already finalizing or has ended."""
        with self._lock:
            if self._shown["status"] not in ("validating", "in_progress"):
                return False
            self._shown |= {"status": "cancelling", "cancelling_at": int(self._clock())}
        self._stop.set()
        return True

    def abandon(self) -> None:
        """Stop because the endpoint stops."""
        self._stop.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        self._wait(_VALIDATED)
        lines, faults = read_lines(self._data)
        if not faults and (fault := self._fault_of(lines)):
            faults = [fault]
        if faults:
            self._enter("failed", errors={"object": "list", "data": faults})
            return
        self.tokens = count_tokens(lines)
        self._enter("in_progress", request_counts={"total": len(lines), "completed": 0, "failed": 0})
        done = self._answer_lines(lines)
        self._enter("finalizing")
        self._wait(1.0)
        end = "completed" if done == len(lines) else "cancelled" if self._stop.is_set() else "expired"
        for line in lines[done:]:
            self._rows.add_error(line, *_UNDONE[end])
        output, errors = (
            self._files.add(
                f"{self._shown['id']}_{name}.jsonl", "".join(rows).encode(errors="replace"), "batch_output"
            ).shown["id"]
            if rows
            else None
            for name, rows in (("output", self._rows.output), ("error", self._rows.errors))
        )
        self._enter(end, output_file_id=output, error_file_id=errors, **self._rows.summary(len(lines)))

    def _answer_lines(self, lines: Sequence[Body]) -> int:
        """Answer the lines; returns how many were answered before the batch ended."""
        last = len(lines) if self._expires_after is None else min(self._expires_after, len(lines))
        for place, line in enumerate(lines[:last]):
            self._wait(_VALIDATED + (_ANSWERED - _VALIDATED) * (place + 1) / len(lines))
            if self._stop.is_set():
                return place
            body = line["body"]
            response = self._answer(body) if is_request(body) else refusal(400, "the body is no chat request")
            self._rows.add(line, response)
            with self._lock:
                self._shown |= self._rows.summary(len(lines))
        return last

    def _wait(self, share: float) -> None:
        """Wait until this share of the batch's time has passed, or the batch is stopped."""
        self._stop.wait(max(0.0, self._begun + share * self._seconds - time.monotonic()))

    def _enter(self, status: str, **changes: object) -> None:
        with self._lock:
            passing = status in ("in_progress", "finalizing")
            if not (passing and self._shown["status"] == "cancelling"):
                self._shown |= {"status": status, f"{status}_at": int(self._clock())}
            self._shown |= changes


class Rows:
    """The rows of a batch's output and error files, and the usage of its answers."""

    def __init__(self) -> None:
        self.output: list[str] = []
        self.errors: list[str] = []
        self._completed = self._failed = self._input_tokens = self._output_tokens = 0

    def add(self, line: Body, response: Response) -> None:
        """Add the answer to a line. A wire fault applies to its row, which is lost, torn or doubled."""
        if response.fault.hang_up:
            return self.add_error(line, "server_error", "The connection to the model was lost.")
        data = response.body[: len(response.body) // 2] if response.fault.cut else response.body
        body = _read(data)
        answer = {"status_code": response.status, "request_id": f"req_{self._done + 1}", "body": body}
        row = self._row(line, answer, None)
        if response.status < 400:
            self._completed += 1
            self.output += [row] * response.fault.times
        else:
            self._failed += 1
            self.errors += [row] * response.fault.times
        usage = cast(Body, cast(Body, body).get("usage") or {}) if isinstance(body, dict) else {}
        self._input_tokens += usage.get("prompt_tokens", 0)
        self._output_tokens += usage.get("completion_tokens", 0)
        return None

    def add_error(self, line: Body, code: str, message: str) -> None:
        """Add a line without an answer."""
        self.errors.append(self._row(line, None, {"code": code, "message": message}))
        self._failed += 1

    def summary(self, total: int) -> Shown:
        """The counts and usage that the batch shows."""
        return {
            "request_counts": {"total": total, "completed": self._completed, "failed": self._failed},
            "usage": {
                "input_tokens": self._input_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": self._output_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": self._input_tokens + self._output_tokens,
            },
        }

    @property
    def _done(self) -> int:
        return self._completed + self._failed

    def _row(self, line: Body, response: Body | None, error: Body | None) -> str:
        row = {"id": f"batch_req_{self._done + 1}", "custom_id": line["custom_id"], "response": response}
        # Not escaped to ASCII: a text may hold U+2028, which some readers take for a line end.
        return json.dumps(row | {"error": error}, ensure_ascii=False) + "\n"


def count_tokens(lines: Sequence[Body]) -> int:
    """The prompts' tokens, counted as words."""
    bodies = [line["body"] for line in lines if is_request(line["body"])]
    return sum(len(message["content"].split()) for body in bodies for message in body["messages"])


def read_lines(data: bytes) -> tuple[list[Body], list[Body]]:
    """The valid requests of a batch's file, and its faults: code, message and line, counted from 1."""
    lines: list[Body] = []
    faults: list[Body] = []
    seen: set[str] = set()
    for number, text in enumerate(data.splitlines(), start=1):
        if not text.strip():
            continue
        line = _read(text)
        fault = _find_fault(line, seen)
        if fault is None:
            lines.append(cast(Body, line))
            seen.add(cast(Body, line)["custom_id"])
        else:
            faults.append({"code": fault[0], "message": fault[1], "line": number, "param": None})
    if not lines and not faults:
        faults = [{"code": "empty_file", "message": "The file has no requests.", "line": None, "param": None}]
    return lines, faults


def _find_fault(line: object, seen: set[str]) -> tuple[str, str] | None:
    if not isinstance(line, dict):
        return "invalid_json_line", "This line is no JSON object."
    request = cast(Body, line)
    if not isinstance(request.get("custom_id"), str):
        return "missing_required_parameter", "custom_id is missing or no string."
    if request["custom_id"] in seen:
        return "duplicate_custom_id", f"custom_id {request['custom_id']!r} stands in an earlier line."
    if (request.get("method"), request.get("url")) != ("POST", ENDPOINT) or not isinstance(request.get("body"), dict):
        return "invalid_request", f"method must be POST, url {ENDPOINT}, and body an object."
    return None


def _read(data: bytes) -> object:
    """The JSON value, or the text if it is not JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
