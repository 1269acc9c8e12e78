"""The server that samples a run's students: how it gets the weights of the next one, and how that is checked.

    as it is            for the untrained student, which a server is usually started with
    an adapter          vLLM's /v1/load_lora_adapter, for a student that is its base with adapters
    its own reload      vLLM's /collective_rpc (reload_weights), SGLang's /update_weights_from_disk
    the command         student.server_command, ended and started anew

The ways are tried in this order. After each, a few attempts are compared with our own log-probabilities (check.py);
only a server that agrees is asked for more. This happens once for a student, so once or twice a round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.stopping import run_stoppable
from tutelage.student.engines.server.command import ServerProcess
from tutelage.student.engines.server.http import Refused, ServerHttp, Unreachable
from tutelage.student.sampler import Say

_NOT_READY = frozenset((404, 425, 429, 500, 502, 503))
_POLL = 0.25
"""Seconds between two looks at whether a server is up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The student that a server should have.

    `whole` gives the folder with all of its weights, and writes it if need be. `adapter` is the folder of its adapters
    to the untrained student, if it has some. `untrained`: nothing was learnt yet.
    """

    key: str
    whole: Callable[[], Path]
    adapter: Path | None
    untrained: bool


Verify = Callable[[str], str | None]
"""What is wrong with the model of this name on the server, in words; None if it is the student."""


class StudentServer:
    """The server of `student.server`. It holds one student at a time, known by its key."""

    def __init__(self, config: StudentConfig, say: Say = lambda text: None) -> None:
        assert config.server is not None, "the configuration has been checked"
        self.say = say
        self.process = ServerProcess(config.server_command) if config.server_command else None
        self.http = ServerHttp(config.server, config.server_timeout, config.server_key_env, self._gone)
        self._key: str | None = None
        self._model = ""
        self._is_untrained = True
        """Whether the server's own model is the untrained student, as far as we know: others were not loaded."""

    def bring(self, wanted: Wanted, verify: Verify) -> str:
        """Give the server this student, unless it has it; returns the name to ask for.

        Raises StudentError: it can't be reached, can take no weights, or samples from another student afterwards.
        """
        if wanted.key == self._key and self._gone() is None:
            return self._model
        self._key, faults = None, list[str]()
        started = self._reach(wanted)
        for name, way in self._ways(wanted, started):
            try:
                model = way()
                fault = verify(model)
            except Refused as error:
                if error.status not in (405, 501) and error.said != "Not Found":  # it has no such way
                    faults.append(f"{name}: {error.said} ({error.status})")
                continue
            if fault is None:
                self._key, self._model = wanted.key, model
                return model
            faults.append(f"{name}: it {fault}")
        raise self._refusal(wanted, faults)

    def close(self) -> None:
        """End the server if it was started here."""
        if self.process is not None:
            self.process.stop()
        self._key = None

    def _gone(self) -> str | None:
        return None if self.process is None else self.process.gone

    def _reach(self, wanted: Wanted) -> bool:
        """Start the command if nothing answers at the address; whether it did. Raises StudentError."""
        if self.process is not None and self.process.gone is not None:
            self.process.stop()
        try:
            self._served()
        except Unreachable:
            if self.process is None:
                raise
            self._start(wanted)
            return True
        return False

    def _ways(self, wanted: Wanted, started: bool) -> Iterator[tuple[str, Callable[[], str]]]:
        if started or (wanted.untrained and self._is_untrained):
            yield "as it is", self._served
        if (adapter := wanted.adapter) is not None and self._is_untrained:
            yield "/v1/load_lora_adapter", lambda: self._load_adapter(adapter, wanted.key)
        yield "/update_weights_from_disk", lambda: self._update_weights(wanted)
        yield "/collective_rpc reload_weights", lambda: self._reload_weights(wanted)
        if self.process is not None and self.process.started:
            yield "student.server_command", lambda: self._start(wanted)

    def _served(self) -> str:
        """The name of the server's own model."""
        return next(name for name, parent in self._models() if parent is None)

    def _models(self) -> list[tuple[str, str | None]]:
        """The names of its models, and of what they are adapters of; there is one that is none."""
        listed = self._call(f"{self.http.url}/models").get("data")
        models = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        named = [(str(each["id"]), each.get("parent")) for each in models if isinstance(each.get("id"), str)]
        if all(parent is not None for _, parent in named):
            raise StudentError(f"the student's server {self.http.shown} names no model at /v1/models; restart it")
        return named

    def _load_adapter(self, adapter: Path, key: str) -> str:
        name = f"tutelage-{key}"  # each has a name of its own: what the server has cached is known by it
        ours = [each for each, parent in self._models() if parent is not None and each.startswith("tutelage-")]
        if name not in ours:
            path = str(adapter.absolute())
            self._call(f"{self.http.url}/load_lora_adapter", lora_name=name, lora_path=path)
        for old in ours:
            if old != name:
                self._call(f"{self.http.url}/unload_lora_adapter", lora_name=old)
        return name

    def _update_weights(self, wanted: Wanted) -> str:
        url, path = f"{self.http.root}/update_weights_from_disk", str(wanted.whole().absolute())
        found = self._call(url, model_path=path)
        if found.get("success") is False:
            raise Refused(400, str(found.get("message")), "")
        self._is_untrained = wanted.untrained
        return self._served()

    def _reload_weights(self, wanted: Wanted) -> str:
        url, path = f"{self.http.root}/collective_rpc", str(wanted.whole().absolute())
        self._call(url, method="reload_weights", kwargs={"weights_path": path})
        self._is_untrained = wanted.untrained
        # The keys and values in its cache are of the old student.
        if self._call(f"{self.http.root}/reset_prefix_cache", reset=True).get("success") is False:
            raise Refused(500, "its prefix cache could not be reset", "")
        return self._served()

    def _start(self, wanted: Wanted) -> str:
        """End the server and start it anew with these weights; returns when it answers."""
        assert self.process is not None
        folder = wanted.whole()
        self.process.stop()
        self.say(f"starting the student's server with {folder}")
        self.process.start(folder)
        until = time.monotonic() + self.http.timeout
        while True:
            try:
                name = self._served()
            except Unreachable:
                pass
            except Refused as error:  # up, and not ready yet
                if error.status not in _NOT_READY:
                    raise
            else:
                self._is_untrained = wanted.untrained
                return name
            if time.monotonic() > until:
                self.process.stop()
                raise StudentError(
                    f"the server of student.server_command does not answer at {self.http.shown} after"
                    f" {self.http.timeout:g} s; raise student.server_timeout, or let student.server name its address"
                )
            time.sleep(_POLL)

    def _call(self, place: str, **body: Any) -> dict[str, Any]:
        """GET a place of the server, or POST something to it."""

        async def call() -> dict[str, Any]:
            async with self.http.connected() as client:
                return await self.http.ask(client, "POST" if body else "GET", place, body or None)

        return run_stoppable(call())

    def _refusal(self, wanted: Wanted, faults: list[str]) -> StudentError:
        which = "the untrained student" if wanted.untrained else "the student of this round"
        if self.process is not None and not self.process.started:
            faults.append("student.server_command: a server that this run has not started answers there; end it")
        told = "; ".join(faults) or "it has no way to take new weights"
        return StudentError(
            f"the student's server {self.http.shown} does not sample {which}: {told}; set student.server_command, or"
            " start vLLM with the student's model and VLLM_SERVER_DEV_MODE=1 (for adapters with --enable-lora,"
            " --max-lora-rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1), where it sees the run's folder"
        )
