"""A real server of a tiny student, on loopback: /v1/completions by token ids, and what vLLM and SGLang have beside it.

    with StudentHost(folder, ways={"reload"}) as host:
        ...  # host.url; host.faults says what goes wrong, host.asked what was asked

As a command: python -m tests.student.engines.student_server FOLDER PORT [WAY …]
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tutelage.student.folder import UNTRUSTED
from tutelage.testing.faults import Fault
from tutelage.testing.server import Request, Response, Send, Server, ok, refusal

NOT_FOUND = Response(404, b'{"detail": "Not Found"}')


@dataclass
class StudentHost:
    """Serves the model in a folder while the context lasts. `ways` are how it takes weights: adapter, reload, disk.

    `fault` gets the number of a completion request, from 0, and its body, and returns a Response in place of the
    answer, or None. `forgets`: it says that it has taken weights, and has not. `prompts`: changes what it reads.
    """

    folder: Path
    ways: frozenset[str] | set[str] = frozenset()
    port: int = 0
    fault: Callable[[int, dict[str, Any]], Response | None] = lambda number, body: None
    forgets: bool = False
    prompts: Callable[[list[int]], list[int]] = lambda prompt: prompt
    token_ids: bool = True
    delay: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.adapters: dict[str, Any] = {}
        self.most_at_once = self._at_once = 0
        self._load(self.folder)
        self._server = Server(self.port, self._handle, time)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "StudentHost":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _load(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **UNTRUSTED).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **UNTRUSTED)

    def _handle(self, request: Request, send: Send) -> None:
        body = json.loads(request.body) if request.body else {}
        if request.path == "/v1/completions":
            with self._lock:
                number = len(self.asked)
                self.asked.append(body)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                self._server.pause(self.delay)
                send(self.fault(number, body) or self._complete(body))
            finally:
                with self._lock:
                    self._at_once -= 1
            return
        self.calls.append(f"{request.method} {request.path}")
        send(self._managed(request.path, body))

    def _managed(self, path: str, body: dict[str, Any]) -> Response:  # noqa: PLR0911
        match path:
            case "/v1/models":
                own = [{"id": "tiny", "parent": None}]
                return ok({"data": [*own, *({"id": name, "parent": "tiny"} for name in self.adapters)]})
            case "/collective_rpc" if "reload" in self.ways:
                return self._take(Path(body["kwargs"]["weights_path"]))
            case "/reset_prefix_cache" if "reload" in self.ways:
                return ok({"success": True})
            case "/update_weights_from_disk" if "disk" in self.ways:
                taken = self._take(Path(body["model_path"]))
                return ok({"success": taken.status == 200, "message": taken.body.decode()})
            case "/v1/load_lora_adapter" if "adapter" in self.ways:
                from peft import PeftModel

                base = AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32, **UNTRUSTED)
                self.adapters[body["lora_name"]] = PeftModel.from_pretrained(base, body["lora_path"]).eval()
                return Response(200, b"Success")
            case "/v1/unload_lora_adapter" if "adapter" in self.ways:
                del self.adapters[body["lora_name"]]
                return Response(200, b"Success")
        return NOT_FOUND

    def _take(self, folder: Path) -> Response:
        if not (folder / "config.json").is_file():
            return refusal(500, f"no model in {folder}")
        if not self.forgets:
            with self._lock:
                self._load(folder)
        return ok({"results": [None]})

    def _complete(self, body: dict[str, Any]) -> Response:
        prompt, model = body["prompt"], self.adapters.get(body["model"], self.model)
        if not isinstance(prompt, list) or (body["model"] != "tiny" and body["model"] not in self.adapters):
            return refusal(404, f"the model {body['model']!r} does not exist")
        read = self.prompts(prompt)
        with self._lock:
            tokens, log_probs, finish = self._write(model, read, body)
        choice = {"index": 0, "text": self.tokenizer.decode(tokens), "finish_reason": finish}
        if self.token_ids and body.get("return_token_ids"):
            choice |= {"token_ids": tokens, "prompt_token_ids": prompt}
        if body.get("logprobs") is not None:
            choice["logprobs"] = {"token_logprobs": log_probs, "tokens": [str(token) for token in tokens]}
        return ok({"choices": [choice], "usage": {"prompt_tokens": len(prompt), "completion_tokens": len(tokens)}})

    @torch.inference_mode()
    def _write(self, model: Any, prompt: list[int], body: dict[str, Any]) -> tuple[list[int], list[float], str]:
        """Token by token, each row by its own seed."""
        noise, tokens, log_probs = torch.Generator().manual_seed(body["seed"]), list[int](), list[float]()
        while len(tokens) < body["max_tokens"]:
            logits_V = model(input_ids=torch.tensor([[*prompt, *tokens]]), use_cache=False).logits[0, -1].float()
            if body["temperature"]:
                chance_V = (logits_V / body["temperature"]).softmax(-1)
                token = int(torch.multinomial(chance_V, 1, generator=noise))
            else:
                token = int(logits_V.argmax())
            tokens.append(token)
            log_probs.append(float(logits_V.log_softmax(-1)[token]))
            if token in body["stop_token_ids"] or any(stop in self.tokenizer.decode(tokens) for stop in body["stop"]):
                return tokens, log_probs, "stop"
        return tokens, log_probs, "length"


def broken_off() -> Response:
    """In place of an answer: the connection breaks off."""
    return Response(200, b"", fault=Fault(hang_up=True))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with StudentHost(Path(sys.argv[1]), port=int(sys.argv[2]), ways={*sys.argv[3:]}):
        threading.Event().wait()
