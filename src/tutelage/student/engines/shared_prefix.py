"""Our own engine: shared prefixes are computed once, with continuous batching.

    N  prompts that enter     L  tokens of the longest one     R  active rows     V  vocabulary     D  hidden width

The few-shot prefix is computed once. The rest of a prompt, the question, is computed once for all its samples. Then
every row (an unfinished answer) gets one token per step. A finished row frees its slot at once, and the last row moves
into it. When enough slots are free, the next questions enter (continuous batching: Yu et al. 2022, "Orca"). The KV
cache is in kv_cache.py.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import PreTrainedModel

from tutelage.student.attention import attending
from tutelage.student.encoding import Tokens, shared_prefix
from tutelage.student.engines.decode_attention import DecodeAttention
from tutelage.student.engines.kv_cache import KVCache
from tutelage.student.engines.packed_weights import packed
from tutelage.student.engines.token_sampling import sample_token, stream
from tutelage.student.sampler import Deliver, Sampled, SamplingSettings, StopCriteria

REFILL = 1 / 8
"""New prompts enter when this share of the slots is free. Lower: many small passes. Higher: more idle slots."""

ENTER_TOKENS = 16384
"""Maximum tokens of questions computed at once; it limits the memory for their activations."""


@dataclass(slots=True)
class _Row:
    """One unfinished answer."""

    prompt: int
    sample: int
    keys: np.ndarray
    tokens: list[int] = field(default_factory=list)


class SharedPrefixSampler:
    """Samples with the student's own model, `rows` answers at once; `kernel` is the compiled attention, if there is."""

    def __init__(
        self, model: PreTrainedModel, ends: StopCriteria, rows: int, kernel: DecodeAttention | None = None
    ) -> None:
        self.model, self.ends, self.rows, self.kernel = model, ends, rows, kernel

    @torch.inference_mode()
    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler."""
        if not prompts:
            return Sampled(0, 0)
        self.model.eval()
        cache = KVCache(
            max(self.rows, settings.samples),
            settings.samples,
            question_tokens=max(map(len, prompts)) - shared_prefix(prompts),
            answer_tokens=settings.max_new_tokens,
            device=self.model.device,
            kernel=self.kernel,
        )
        with packed(self.model), attending(self.model, cache) as keywords:
            return _Sitting(self.model, keywords, cache, prompts, seeds, settings, self.ends, deliver).run()


class _Sitting:
    """The state of one call of `sample`: waiting prompts, active rows, finished answers."""

    def __init__(
        self,
        model: PreTrainedModel,
        keywords: dict[str, object],
        cache: KVCache,
        prompts: Sequence[Tokens],
        seeds: Sequence[int],
        settings: SamplingSettings,
        ends: StopCriteria,
        deliver: Deliver,
    ) -> None:
        self.model, self.keywords, self.cache = model, keywords, cache
        self.prompts, self.seeds, self.settings = prompts, seeds, settings
        self.ends, self.deliver = ends, deliver
        self.shared = shared_prefix(prompts)
        self.owed = deque(sorted(range(len(prompts)), key=lambda n: len(prompts[n]), reverse=True))
        self.rows: list[_Row] = []  # in the order of their slots; so are the questions
        self.questions: list[int] = []
        self.done = defaultdict[int, dict[int, list[int]]](dict)
        self.computed = self.padded = 0

    def run(self) -> Sampled:
        """Compute the prefix, then step until the last row is finished."""
        if self.shared:
            self._hidden([self.prompts[0][: self.shared]], self.cache.begin_prefix(self.shared))
        while self.owed or self.rows:
            self._enter()
            if self.rows:
                position_R1 = self.cache.begin_step(len(self.rows), len(self.questions))
                hidden_RD = self._hidden([row.tokens[-1:] for row in self.rows], position_R1)[:, 0]
                self._extend(self.rows, hidden_RD)
        return Sampled(self.computed, self.padded)

    def _enter(self) -> None:
        """Compute the next prompts and draw the first token of their rows, if enough slots are free."""
        samples, free = self.settings.samples, self.cache.rows - len(self.rows)
        room = min(free // samples, self.cache.questions - len(self.questions), len(self.owed))
        if not room or (self.rows and free < REFILL * self.cache.rows):
            return
        room = min(room, max(1, ENTER_TOKENS // len(self.prompts[self.owed[0]])))  # the longest is first
        entering = [self.owed.popleft() for _ in range(room)]
        tails = [self.prompts[n][self.shared :] for n in entering]
        position_1L = self.cache.begin_questions([len(tail) for tail in tails], len(self.questions), len(self.rows))
        self.questions.extend(entering)
        hidden_NLD = self._hidden(tails, position_1L)
        last_N = torch.tensor([len(tail) - 1 for tail in tails], device=hidden_NLD.device)
        hidden_ND = hidden_NLD[torch.arange(len(tails), device=hidden_NLD.device), last_N]
        limit = self.settings.max_new_tokens
        rows = [_Row(n, k, stream(self.seeds[n], k, limit)) for n in entering for k in range(samples)]
        self.rows.extend(rows)
        self._extend(rows, hidden_ND, samples)

    def _hidden(self, rows: Sequence[Sequence[int]], position: torch.Tensor) -> torch.Tensor:
        """Last hidden states of new tokens, given the cache; rows are padded on the right."""
        width = max(map(len, rows))
        self.computed += sum(map(len, rows))
        self.padded += sum(width - len(row) for row in rows)
        inputs = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.model.device)
        position_ids = position.expand(len(rows), -1)
        output = self.model.base_model(input_ids=inputs, position_ids=position_ids, use_cache=False, **self.keywords)
        return output.last_hidden_state

    def _extend(self, rows: Sequence[_Row], hidden_ND: torch.Tensor, samples: int = 1) -> None:
        """Draw the next token of each row from its last hidden state; finished rows leave."""
        logits_NV = self.model.get_output_embeddings()(hidden_ND)  # pyright: ignore[reportOptionalCall]
        keys = [int(row.keys[len(row.tokens)]) for row in rows]
        token_R = sample_token(logits_NV.repeat_interleave(samples, dim=0), keys, self.settings.temperature)
        for row, token in zip(rows, token_R.tolist(), strict=True):
            row.tokens.append(token)
        over = [row for row in rows if len(row.tokens) == self.settings.max_new_tokens or self.ends(row.tokens)]
        if over:
            self._leave({id(row) for row in over})

    def _leave(self, over: set[int]) -> None:
        """Remove finished rows; the last active rows move into their slots."""
        left = len(self.rows) - len(over)
        holes = [n for n in range(left) if id(self.rows[n]) in over]
        movers = [n for n in range(left, len(self.rows)) if id(self.rows[n]) not in over]
        finished = [row for row in self.rows if id(row) in over]
        if movers:
            self.cache.move_rows(movers, holes)
            for hole, mover in zip(holes, movers, strict=True):
                self.rows[hole] = self.rows[mover]
        del self.rows[left:]
        for row in finished:
            samples = self.done[row.prompt]
            samples[row.sample] = row.tokens
            if len(samples) == self.settings.samples:
                self._answered(row.prompt, self.done.pop(row.prompt))

    def _answered(self, prompt: int, samples: dict[int, list[int]]) -> None:
        """Remove a finished question, move the last one into its slot, and deliver its answers."""
        place, last = self.questions.index(prompt), self.questions.pop()
        if last != prompt:
            self.cache.move_question(len(self.questions), place)
            self.questions[place] = last
        self.deliver(prompt, [samples[k] for k in range(len(samples))])
