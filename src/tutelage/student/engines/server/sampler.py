"""Samples a student on its server, through /v1/completions: one request an attempt, by token ids and a seed of its own.

    {"model": "student", "prompt": [504, 28, …], "max_tokens": 256, "temperature": 1.0, "seed": 1693125408465869867, …}
    {"choices": [{"token_ids": [216, 34, …, 2], "finish_reason": "stop", "prompt_token_ids": [504, …], …}], …}

The server never sees a text: its chat template and its tokenizer are not used, except that it may look for stop strings
itself, to end sooner. Where an answer ends is decided here, as by every other engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.errors import StudentError
from tutelage.stopping import run_stoppable
from tutelage.student.encoding import Tokens
from tutelage.student.engines.server.http import Refused, ServerHttp
from tutelage.student.engines.vllm import attempt_seed
from tutelage.student.sampler import Deliver, Sampled, SamplingSettings, StopCriteria


@dataclass(frozen=True, slots=True)
class Attempted:
    """One answer of the server: its tokens, the tokens that it computed for it, its text and log-probabilities."""

    tokens: list[int]
    computed: int
    text: str
    log_probs: list[float]


class ServerSampler:
    """A Sampler that asks the server's `model`, at most `settings.rows` attempts at once.

    `vocabulary` is the number of the student's tokens. Attempts are the same as in another run only as far as the
    server's arithmetic does not depend on what it computes beside them.
    """

    def __init__(self, http: ServerHttp, model: str, ends: StopCriteria, vocabulary: int) -> None:
        self.http, self.model, self.ends, self.vocabulary = http, model, ends, vocabulary

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler. Raises StudentError; what was delivered before is whole."""
        return run_stoppable(self._sample(prompts, seeds, settings, deliver)) if prompts else Sampled(0, 0)

    def attempts(self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings) -> list[Attempted]:
        """One attempt at each prompt, with its text and log-probabilities. Raises StudentError."""

        async def ask() -> list[Attempted]:
            async with self.http.connected(len(prompts)) as client:
                asked = (
                    self._attempt(client, prompt, seed, 0, settings, log_probs=True)
                    for prompt, seed in zip(prompts, seeds, strict=True)
                )
                return await asyncio.gather(*asked)

        return run_stoppable(ask())

    async def _sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        drawn = settings.samples if settings.temperature > 0 else 1  # greedy: all attempts are the same
        order = sorted(range(len(prompts)), key=lambda n: len(prompts[n]), reverse=True)
        owed = iter([(n, k) for n in order for k in range(drawn)])
        written: dict[int, dict[int, list[int]]] = {}
        computed = 0

        async def work(client: Any) -> None:
            nonlocal computed
            for n, k in owed:  # shared by all workers
                attempt = await self._attempt(client, prompts[n], seeds[n], k, settings)
                computed += attempt.computed
                done = written.setdefault(n, {})
                done[k] = attempt.tokens
                if len(done) == drawn:
                    deliver(n, [list(done[k % drawn]) for k in range(settings.samples)])
                    del written[n]

        at_once = min(settings.rows, len(prompts) * drawn)
        async with self.http.connected(at_once) as client:
            workers = [asyncio.create_task(work(client)) for _ in range(at_once)]
            try:
                await asyncio.gather(*workers)
            finally:  # the first error ends the others
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return Sampled(computed, 0)

    async def _attempt(
        self,
        client: Any,
        prompt: Tokens,
        seed: int,
        sample: int,
        settings: SamplingSettings,
        log_probs: bool = False,
    ) -> Attempted:
        asked = self._body(prompt, attempt_seed(seed, sample), settings, log_probs)
        try:
            answer = await self.http.complete(client, asked)
        except Refused as error:
            if error.status in (400, 404, 422):
                raise StudentError(
                    f"{error}; the server must serve {self.model!r} and take prompts of token ids, up to"
                    f" {len(prompt) + settings.max_new_tokens} tokens with their answer: vLLM and SGLang do, if they"
                    " are started with so long a context"
                ) from error
            raise
        return self._read(answer, prompt, settings, log_probs)

    def _body(self, prompt: Tokens, seed: int, settings: SamplingSettings, log_probs: bool) -> dict[str, Any]:
        """What is asked. All that a server may take from the student's generation settings is named."""
        return {
            "model": self.model,
            "prompt": list(prompt),
            "n": 1,
            "max_tokens": settings.max_new_tokens,
            "temperature": settings.temperature,
            "seed": seed,
            "top_p": 1.0,
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "stop_token_ids": sorted(self.ends.tokens),
            "ignore_eos": True,  # only `stop_token_ids` end an answer
            "stop": list(self.ends.strings),
            "include_stop_str_in_output": True,
            "no_stop_trim": True,  # the same, as SGLang calls it
            "skip_special_tokens": False,  # stop strings are matched in the full text
            "return_token_ids": True,
            **({"logprobs": 0} if log_probs else {}),
        }

    def _read(self, answer: dict[str, Any], prompt: Tokens, settings: SamplingSettings, log_probs: bool) -> Attempted:
        """The attempt in an answer. Raises StudentError if there is none, or not of this student."""
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
        if not isinstance(choice, dict):
            raise self._fault("answers without a completion", "is student.server a server with /v1/completions?")
        tokens = choice.get("token_ids")
        if not isinstance(tokens, list):
            raise self._fault("gives no token_ids", "take vLLM from 0.10.2 on, or a newer SGLang")
        if not all(type(token) is int and 0 <= token < self.vocabulary for token in tokens):
            raise self._fault(
                f"gives tokens beyond the student's {self.vocabulary}, or none", "it serves another model; restart it"
            )
        read = choice.get("prompt_token_ids")
        if isinstance(read, list) and read != list(prompt):
            raise self._fault(
                f"reads a prompt of {len(read)} tokens where {len(prompt)} were sent",
                "it must add nothing to a prompt of token ids",
            )
        return Attempted(
            self._ended(tokens, choice, settings),
            _computed(answer, len(prompt), len(tokens)),
            str(choice.get("text", "")),
            self._log_probs(choice, len(tokens)) if log_probs else [],
        )

    def _ended(self, tokens: list[int], choice: dict[str, Any], settings: SamplingSettings) -> list[int]:
        """The tokens up to the answer's end. Raises StudentError if the server has ended it elsewhere."""
        limit = settings.max_new_tokens
        for n in range(1, min(len(tokens), limit) + 1):
            if self.ends(tokens[:n]):
                return tokens[:n]
        if len(tokens) < limit:
            why = choice.get("finish_reason")
            raise self._fault(
                f"has ended an answer after {len(tokens)} of {limit} tokens, where the student has no end"
                f" (finish_reason {why!r:.40})",
                "it has another tokenizer, a shorter context (vLLM's --max-model-len), or ends answers by settings of"
                " its own (vLLM's --generation-config vllm)",
            )
        return tokens[:limit]

    def _log_probs(self, choice: dict[str, Any], tokens: int) -> list[float]:
        told = choice.get("logprobs")
        found = told.get("token_logprobs") if isinstance(told, dict) else None
        if not isinstance(found, list) or len(found) != tokens or not all(isinstance(p, int | float) for p in found):
            raise self._fault("gives no log-probabilities", "without them, what it samples can't be checked")
        return [float(p) for p in found]

    def _fault(self, what: str, remedy: str) -> StudentError:
        return StudentError(f"the student's server {self.http.shown} {what}; {remedy}")


def _computed(answer: dict[str, Any], prompt: int, tokens: int) -> int:
    """Tokens that the server computed for an attempt, without those of the prompt that it had already."""
    usage = answer.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return prompt - (cached if isinstance(cached, int) and 0 <= cached <= prompt else 0) + tokens
