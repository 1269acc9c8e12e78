"""The KV cache of the shared-prefix engine, and the attention over it.

    R  rows (unfinished answers)     N  questions that enter     L  tokens of the longest one
    H  heads     G  heads of keys and values     M  H / G     d  width of a head

The context of a row has three parts: the prefix (one block for all rows), the question (one block for all its samples)
and the answer so far (one block per row). Attention is computed for each part separately, so the keys of a shared block
are read once for all its rows (kv_blocks.py). The three results are merged by their log-sum-exps into one softmax
(cascade attention: Ye et al. 2024; the merging: Milakov & Gimelshein 2018, arXiv 1805.02867).

Where there is a compiled kernel (decode_attention.py), it computes question and answer and merges them with the prefix.

Active rows and questions always occupy the first blocks of their part: the last one moves into a freed block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)

from tutelage.student.attention import AttentionArgs
from tutelage.student.engines.decode_attention import DecodeAttention, Shelves
from tutelage.student.engines.kv_blocks import KVBlocks, merge

SHORT = 32
"""Tokens of a prefix that the kernel takes row by row; over a longer one, PyTorch multiplies matrices."""

Layer = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, AttentionArgs], torch.Tensor]


class KVCache:
    """An AttentionFn with a KV cache. Call one of the `begin_…` methods before each forward pass.

    The cache has room for `rows` answers and `questions` questions; `samples` rows share a question.
    """

    def __init__(
        self,
        rows: int,
        samples: int,
        *,
        question_tokens: int,
        answer_tokens: int,
        device: torch.device,
        kernel: DecodeAttention | None = None,
    ) -> None:
        self._kernel = kernel
        self.rows, self.samples, self.device = rows, samples, device
        self.questions = min(rows, -(-2 * rows // samples))  # twice as many as full ones: some have few rows left
        self._prefix = KVBlocks(1, 0, device)
        self._question = KVBlocks(self.questions, question_tokens, device)
        self._answer = KVBlocks(rows, answer_tokens, device)
        self._place_R = torch.zeros(rows, dtype=torch.long, device=device)  # question * samples + sample
        self._masks: dict[int | None, torch.Tensor | None] = {}
        self._layer: Layer = self._fill_prefix

    def __call__(
        self, layer: int, q_RHTd: torch.Tensor, k_RGTd: torch.Tensor, v_RGTd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        """See AttentionFn."""
        return self._layer(layer, q_RHTd, k_RGTd, v_RGTd, args)

    def begin_prefix(self, tokens: int) -> torch.Tensor:
        """The next pass computes the shared prefix, one row. Returns the positions of its tokens, [1, P]."""
        self._begin(self._fill_prefix)
        self._prefix = KVBlocks(1, tokens, self.device)
        self._prefix.length_B[0] = tokens
        return torch.arange(tokens, device=self.device)[None]

    def begin_questions(self, lengths: Sequence[int], question: int, row: int) -> torch.Tensor:
        """The next pass computes N questions, padded on the right, and stores them in the blocks from `question` on.

        Their samples are the rows from `row` on. Returns the positions of the tokens, [1, L].
        """
        self._begin(self._fill_questions)
        self._entering = slice(question, question + len(lengths))
        self._question.length_B[self._entering] = torch.tensor(lengths, device=self.device)
        entered = slice(row, row + len(lengths) * self.samples)
        first = question * self.samples
        self._answer.length_B[entered] = 0
        self._place_R[entered] = torch.arange(first, first + len(lengths) * self.samples, device=self.device)
        return self._prefix.tokens + torch.arange(max(lengths), device=self.device)[None]

    def begin_step(self, rows: int, questions: int) -> torch.Tensor:
        """The next pass adds a token to each of the first `rows` rows. Returns their positions, [R, 1]."""
        self._begin(self._step)
        self._row_R = torch.arange(rows, device=self.device)
        self._alive_R = self._place_R[:rows]
        self._last_R = self._answer.length_B[:rows].clone()
        self._answer.length_B[:rows] += 1
        self._before_R = self._prefix.tokens + self._question.length_B[self._alive_R // self.samples]
        self._answer.use(rows)
        self._question.use(questions)
        self._prefix.use(1)
        return (self._before_R + self._last_R)[:, None]

    def move_rows(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Move rows to the places of others; no target is a source."""
        source, target = (torch.tensor(rows, device=self.device) for rows in (sources, targets))
        self._answer.move(source, target)
        self._place_R[target] = self._place_R[source]

    def move_question(self, source: int, target: int) -> None:
        """Move a question to the place of another, with its rows."""
        self._question.move(torch.tensor([source], device=self.device), torch.tensor([target], device=self.device))
        follows_R = self._place_R // self.samples == source
        self._place_R[follows_R] += (target - source) * self.samples

    def _begin(self, layer: Layer) -> None:
        self._layer = layer
        self._masks.clear()

    def _fill_prefix(
        self, layer: int, q_1HPd: torch.Tensor, k_1GPd: torch.Tensor, v_1GPd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        self._prefix.put(layer, slice(0, 1), slice(None), k_1GPd, v_1GPd)
        return self._causal(q_1HPd, k_1GPd, v_1GPd, args)

    def _fill_questions(
        self, layer: int, q_NHLd: torch.Tensor, k_NGLd: torch.Tensor, v_NGLd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        self._question.put(layer, self._entering, slice(k_NGLd.shape[2]), k_NGLd, v_NGLd)
        if self._prefix.tokens:
            k_1GPd, v_1GPd = self._prefix.kept[layer]
            k_NGLd = torch.cat([k_1GPd.expand(len(k_NGLd), -1, -1, -1), k_NGLd], dim=2)
            v_NGLd = torch.cat([v_1GPd.expand(len(v_NGLd), -1, -1, -1), v_NGLd], dim=2)
        return self._causal(q_NHLd, k_NGLd, v_NGLd, args)

    def _causal(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, args: AttentionArgs) -> torch.Tensor:
        """Causal attention of new tokens; only padding attends to padding on the right."""
        if args.window not in self._masks:
            asking = torch.arange(k.shape[2] - q.shape[2], k.shape[2], device=q.device)
            age = asking[:, None] - torch.arange(k.shape[2], device=q.device)
            self._masks[args.window] = (age >= 0) & (age < (args.window or k.shape[2]))
        gqa = q.shape[1] != k.shape[1]
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=self._masks[args.window], scale=args.scale, enable_gqa=gqa
        )

    def _step(
        self, layer: int, q_RH1d: torch.Tensor, k_RG1d: torch.Tensor, v_RG1d: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        rows, groups, d = len(q_RH1d), k_RG1d.shape[1], q_RH1d.shape[-1]
        q_RGMd = q_RH1d.reshape(rows, groups, -1, d)
        if self._kernel is not None and self._kernel.takes(q_RH1d, k_RG1d, v_RG1d):
            return self._compiled_step(self._kernel, layer, q_RGMd, k_RG1d, v_RG1d, args).view(rows, -1, 1, d)
        self._answer.put(layer, self._row_R, self._last_R, k_RG1d[:, :, 0], v_RG1d[:, :, 0])
        age_R = self._before_R + self._last_R  # distance from the newest token to the first one
        seen = [
            self._answer.see(layer, q_RGMd, None, 1, age_R - self._before_R, args),
            self._question.see(layer, q_RGMd, self._alive_R, self.samples, age_R - self._prefix.tokens, args),
        ]
        if self._prefix.tokens:
            seen.append(self._prefix.see(layer, q_RGMd, None, rows, age_R, args))
        return merge(seen).to(q_RH1d.dtype).reshape(rows, -1, 1, d)

    def _compiled_step(
        self,
        kernel: DecodeAttention,
        layer: int,
        q_RGMd: torch.Tensor,
        k_RG1d: torch.Tensor,
        v_RG1d: torch.Tensor,
        args: AttentionArgs,
    ) -> torch.Tensor:
        prefix = seen = None
        if 0 < self._prefix.tokens <= SHORT:
            prefix = self._prefix.kept[layer]
        elif self._prefix.tokens:
            seen = self._prefix.see(layer, q_RGMd, None, len(q_RGMd), self._before_R + self._last_R, args)
        return kernel(
            q_RGMd,
            (k_RG1d[:, :, 0], v_RG1d[:, :, 0]),
            self._question.blocks_of(layer, k_RG1d),
            self._answer.blocks_of(layer, k_RG1d),
            prefix,
            seen,
            Shelves(self._alive_R, self._question.length_B, self._last_R, self.samples, self._prefix.tokens),
            args,
        )
