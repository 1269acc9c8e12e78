"""The KV cache of the shared-prefix engine, and the attention over it.

    R  rows (unfinished answers)     B  blocks of the cache     W  rows that share a block     X  their queries
    U  tokens of the fullest block     N  questions that enter     L  tokens of the longest one
    H  heads     G  heads of keys and values     M  H / G     d  width of a head

The context of a row has three parts: the prefix (one block for all rows), the question (one block for all its samples)
and the answer so far (one block per row). Attention is computed for each part separately, so the keys of a shared block
are read once for all its rows. The three results are merged by their log-sum-exps into one softmax (cascade attention:
Ye et al. 2024; the merging: Milakov & Gimelshein 2018, arXiv 1805.02867).

Active rows and questions always occupy the first blocks of their part: the last one moves into a freed block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)

from tutelage.student.attention import AttentionArgs
from tutelage.student.wide import widened

Layer = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, AttentionArgs], torch.Tensor]


class KVCache:
    """An AttentionFn with a KV cache. Call one of the `begin_…` methods before each forward pass.

    The cache has room for `rows` answers and `questions` questions; `samples` rows share a question.
    """

    def __init__(
        self, rows: int, samples: int, *, question_tokens: int, answer_tokens: int, device: torch.device
    ) -> None:
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
        self._answer.put(layer, self._row_R, self._last_R, k_RG1d[:, :, 0], v_RG1d[:, :, 0])
        rows, groups, d = len(q_RH1d), k_RG1d.shape[1], q_RH1d.shape[-1]
        q_RGMd = q_RH1d.view(rows, groups, -1, d)
        age_R = self._before_R + self._last_R  # distance from the newest token to the first one
        seen = [
            self._answer.see(layer, q_RGMd, None, 1, age_R - self._before_R, args),
            self._question.see(layer, q_RGMd, self._alive_R, self.samples, age_R - self._prefix.tokens, args),
        ]
        if self._prefix.tokens:
            seen.append(self._prefix.see(layer, q_RGMd, None, rows, age_R, args))
        return merge(seen).to(q_RH1d.dtype).reshape(rows, -1, 1, d)


class KVBlocks:
    """Blocks of keys and values for every layer; `length_B` counts the tokens of a block."""

    def __init__(self, blocks: int, tokens: int, device: torch.device) -> None:
        self.blocks, self.tokens = blocks, tokens
        self.length_B = torch.zeros(blocks, dtype=torch.long, device=device)
        self.kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def put(
        self,
        layer: int,
        block: slice | torch.Tensor,
        place: slice | torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
    ) -> None:
        """Store keys and values of a layer at places of blocks."""
        if layer not in self.kept:
            shape = (self.blocks, k.shape[1], self.tokens, k.shape[-1])
            # Zeros, not uninitialised memory: a weight of 0 times NaN would be NaN.
            self.kept[layer] = k.new_zeros(shape), v.new_zeros(shape)
        for kept, new in zip(self.kept[layer], (k, v), strict=True):
            kept[block, :, place] = new

    def move(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """Copy blocks over others."""
        self.length_B[target] = self.length_B[source]
        used = int(self.length_B[source].max())
        for layer in self.kept.values():
            for kept in layer:
                kept[target, :, :used] = kept[source, :, :used]

    def use(self, blocks: int) -> None:
        """Use only the first `blocks` blocks in the next pass."""
        self._blocks, self._used = blocks, int(self.length_B[:blocks].max())
        place_U = torch.arange(self._used, device=self.length_B.device)
        self._real_BU = place_U < self.length_B[:blocks, None]
        self._masks: dict[int | None, torch.Tensor | None] = {}

    def see(
        self,
        layer: int,
        q_RGMd: torch.Tensor,
        place_R: torch.Tensor | None,
        width: int,
        age_R: torch.Tensor,
        args: AttentionArgs,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention of rows over these blocks, and the log-sum-exps of the scores: out_RGMd, lse_RGM.

        The place of a row is block * width + its index among the rows that share the block (None: rows are in the order
        of their places). `age` is the distance from the row's token to the block's first token.
        """
        m = q_RGMd.shape[2]
        q_PGMd = _placed(q_RGMd, place_R, self._blocks * width)
        q_BGXd = q_PGMd.unflatten(0, (self._blocks, width)).transpose(1, 2).flatten(2, 3)
        k_BGUd, v_BGUd = (kept[: self._blocks, :, : self._used] for kept in self.kept[layer])
        if args.window not in self._masks:
            self._masks[args.window] = self._mask(place_R, width, m, age_R, args.window, q_RGMd.dtype)
        out_BGXd, lse_BGX = attention_with_lse(
            q_BGXd, k_BGUd, v_BGUd, self._masks[args.window], args.scale, windowed=args.window is not None
        )
        out_PGMd = out_BGXd.unflatten(2, (width, m)).transpose(1, 2).flatten(0, 1)
        lse_PGM = lse_BGX.unflatten(2, (width, m)).transpose(1, 2).flatten(0, 1)
        if place_R is None:
            return out_PGMd, lse_PGM
        return out_PGMd.index_select(0, place_R), lse_PGM.index_select(0, place_R)

    def _mask(
        self,
        place_R: torch.Tensor | None,
        width: int,
        m: int,
        age_R: torch.Tensor,
        window: int | None,
        dtype: torch.dtype,
    ) -> torch.Tensor | None:
        """The additive mask, 0 or -inf: [B, 1, X, U]; None if nothing is masked."""
        if window is None and bool(self._real_BU.all()):
            return None
        seen_BWU = self._real_BU[:, None].expand(-1, width, -1)
        if window is not None:
            age_P = _placed(age_R, place_R, self._blocks * width)
            near_PU = age_P[:, None] - torch.arange(self._used, device=age_R.device) < window
            seen_BWU = seen_BWU & near_PU.view(self._blocks, width, -1)
        seen_B1XU = seen_BWU.repeat_interleave(m, dim=1)[:, None]
        return torch.zeros_like(seen_B1XU, dtype=dtype).masked_fill(~seen_B1XU, -torch.inf)


def _placed(x_R: torch.Tensor, place_R: torch.Tensor | None, places: int) -> torch.Tensor:
    """Rows at their places, zeros elsewhere."""
    return x_R if place_R is None else x_R.new_zeros(places, *x_R.shape[1:]).index_copy(0, place_R, x_R)


def attention_with_lse(
    q_BGXd: torch.Tensor,
    k_BGUd: torch.Tensor,
    v_BGUd: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float | None,
    *,
    windowed: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention and the log-sum-exp of its scores, out_BGXd and lse_BGX, under an additive mask.

    With `windowed`, a query may have no visible key; it gets 0 and -inf.
    """
    if q_BGXd.device.type == "cpu":  # scaled_dot_product_attention's kernel: it returns the log-sum-exp, too
        flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        out_BGXd, lse_BGX = flash(q_BGXd, k_BGUd, v_BGUd, attn_mask=mask, scale=scale)
    else:
        score_BGXU = widened(q_BGXd @ k_BGUd.transpose(-1, -2)) * (scale or q_BGXd.shape[-1] ** -0.5)
        if mask is not None:
            score_BGXU = score_BGXU + mask
        lse_BGX = score_BGXU.logsumexp(dim=-1)
        out_BGXd = (score_BGXU - lse_BGX[..., None]).exp().to(v_BGUd.dtype) @ v_BGUd
    if not windowed or mask is None:
        return out_BGXd, lse_BGX
    blind_BGX = (mask == -torch.inf).all(dim=-1).expand(lse_BGX.shape)
    return out_BGXd.masked_fill(blind_BGX[..., None], 0), lse_BGX.masked_fill(blind_BGX, -torch.inf)


def merge(seen: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Merge attention over several parts into one softmax; each part is (out_RGMd, lse_RGM)."""
    lse_SRGM = torch.stack([lse for _, lse in seen])
    share_SRGM = (lse_SRGM - lse_SRGM.logsumexp(dim=0)).exp()
    return sum((share[..., None] * out for share, (out, _) in zip(share_SRGM, seen, strict=True)), torch.zeros(()))
