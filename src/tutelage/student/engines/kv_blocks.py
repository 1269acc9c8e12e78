"""Blocks of the KV cache that rows share, and the attention over them.

R  rows     B  blocks     W  rows that share a block     X  their queries     U  tokens of the fullest block
P  places: B * W     S  parts     H  heads     G  heads of keys and values     M  H / G     d  width of a head
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tutelage.student.attention import AttentionArgs
from tutelage.student.wide import widened


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
        for kept, new in zip(self.blocks_of(layer, k), (k, v), strict=True):
            kept[block, :, place] = new

    def blocks_of(self, layer: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of a layer, [B, G, tokens, d] each; made at first use, for keys `like` these."""
        if layer not in self.kept:
            shape = (self.blocks, like.shape[1], self.tokens, like.shape[-1])
            # Zeros, not uninitialised memory: a weight of 0 times NaN would be NaN.
            self.kept[layer] = like.new_zeros(shape), like.new_zeros(shape)
        return self.kept[layer]

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
