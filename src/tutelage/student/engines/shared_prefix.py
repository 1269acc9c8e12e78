"""Our own engine: what prompts share is computed once, each prompt once for all its samples, rows come and go.

    N  prompts that enter     L  their longest     R  rows alive     V  vocabulary     D  width of the hidden state

The few-shot prefix is computed alone, once. A prompt's rest, the question, is computed once for all its samples. From
then on every row, an answer in the making, adds a token a step. A row that is done leaves its slot at once to the last
one; when enough slots are free, the next questions enter (continuous batching: Yu et al. 2022, "Orca"). kv_cache.py
keeps the keys and values.
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
from tutelage.student.engines.kv_cache import KVCache
from tutelage.student.engines.token_sampling import sample_token, stream
from tutelage.student.sampler import Deliver, Sampled, SamplingSettings, StopCriteria

REFILL = 1 / 8
"""New prompts enter when this share of the slots is free: one by one is dear, and slots that wait are idle."""

ENTER_TOKENS = 16384
"""Tokens of questions computed at once, at most: what they need while they are computed is not small."""


@dataclass(slots=True)
class _Row:
    """One answer in the making."""

    prompt: int
    sample: int
    keys: np.ndarray
    tokens: list[int] = field(default_factory=list)


class SharedPrefixSampler:
    """Samples with the student's own model, `rows` answers at once."""

    def __init__(self, model: PreTrainedModel, ends: StopCriteria, rows: int) -> None:
        self.model, self.ends, self.rows = model, ends, rows

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
        )
        with attending(self.model, cache) as keywords:
            return _Sitting(self.model, keywords, cache, prompts, seeds, settings, self.ends, deliver).run()


class _Sitting:
    """One call of `sample`: the prompts still owed, the rows alive, and what is done."""

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
        self.rows: list[_Row] = []  # in the order of their slots, as the questions are
        self.questions: list[int] = []
        self.done = defaultdict[int, dict[int, list[int]]](dict)
        self.computed = self.padded = 0

    def run(self) -> Sampled:
        """From the prefix to the last row of the last prompt."""
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
        room = min(room, max(1, ENTER_TOKENS // len(self.prompts[self.owed[0]])))  # the longest comes first
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
        """Last hidden states of tokens that follow what the slots hold, padded on the right."""
        width = max(map(len, rows))
        self.computed += sum(map(len, rows))
        self.padded += sum(width - len(row) for row in rows)
        inputs = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.model.device)
        position_ids = position.expand(len(rows), -1)
        output = self.model.base_model(input_ids=inputs, position_ids=position_ids, use_cache=False, **self.keywords)
        return output.last_hidden_state

    def _extend(self, rows: Sequence[_Row], hidden_ND: torch.Tensor, samples: int = 1) -> None:
        """Draw the next token of rows from the states of their last ones; those that are done leave."""
        logits_NV = self.model.get_output_embeddings()(hidden_ND)  # pyright: ignore[reportOptionalCall]
        keys = [int(row.keys[len(row.tokens)]) for row in rows]
        token_R = sample_token(logits_NV.repeat_interleave(samples, dim=0), keys, self.settings.temperature)
        for row, token in zip(rows, token_R.tolist(), strict=True):
            row.tokens.append(token)
        over = [row for row in rows if len(row.tokens) == self.settings.max_new_tokens or self.ends(row.tokens)]
        if over:
            self._leave({id(row) for row in over})

    def _leave(self, over: set[int]) -> None:
        """Rows that are done leave their slots to the last ones of those alive."""
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
        """A question leaves its slot to the last one, and its answers go out."""
        place, last = self.questions.index(prompt), self.questions.pop()
        if last != prompt:
            self.cache.move_question(len(self.questions), place)
            self.questions[place] = last
        self.deliver(prompt, [samples[k] for k in range(len(samples))])
