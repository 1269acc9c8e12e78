"""Tree attention: every token of a pack attends to its path (see packing.py).

    T  tokens of the pack     S  segments of a group     Q  their tokens     K  tokens of their paths
    H  heads     G  heads of keys and values     d  width of a head     X  all heads of a token side by side

There are two implementations with the same result. PathAttention turns each segment into a row of queries and its path
into the keys, for PyTorch's scaled_dot_product_attention; it runs anywhere. FlexTreeAttention gives a mask to
FlexAttention (Dong et al. 2024, arXiv 2412.05496), which compiles a kernel that skips masked blocks; for GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)

from tutelage.student.attention import AttentionArgs, AttentionFn
from tutelage.student.training.packing import Tree
from tutelage.student.wide import widened

ALIKE = 0.7
"""Segments computed together have at least this share of the longest one's length. A larger share means more calls, a
smaller one more padding. Only attention is padded: about a tenth of a step."""


def tree_attention(tree: Tree, device: torch.device) -> AttentionFn:
    """The implementation for the device."""
    return FlexTreeAttention(tree, device) if device.type == "cuda" else PathAttention(tree, device)


class PathAttention:
    """Each segment is a row of queries, its path the keys; segments of similar length are computed together.

    On the CPU it computes in float32 at least: PyTorch's backward pass in bfloat16 takes 1.7 times as long there.
    """

    def __init__(self, tree: Tree, device: torch.device) -> None:
        self._groups = [_Group(tree, members, device) for members in _alike(tree)]
        found = torch.cat([group.place_SQ.flatten() for group in self._groups])  # -1 where padded
        self._order_T = found.argsort()[(found < 0).sum() :].to(device)

    def __call__(
        self, layer: int, q_RHTd: torch.Tensor, k_RGTd: torch.Tensor, v_RGTd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        """See AttentionFn; a pack is one row."""
        q_TX, k_TX, v_TX = (x[0].transpose(0, 1).flatten(1) for x in (q_RHTd, k_RGTd, v_RGTd))
        if q_TX.device.type == "cpu":
            q_TX, k_TX, v_TX = widened(q_TX), widened(k_TX), widened(v_TX)
        d = q_RHTd.shape[-1]
        seen = [group.attention_fn(q_TX, k_TX, v_TX, d, args) for group in self._groups]
        return torch.cat(seen).index_select(0, self._order_T).transpose(0, 1)[None].to(q_RHTd.dtype)


class _Group:
    """Segments padded to the longest one: the indices of their queries and keys, and the masks."""

    def __init__(self, tree: Tree, members: Sequence[int], device: torch.device) -> None:
        paths = [tree.path(member) for member in members]
        queries = [list(range(path[-1].start, path[-1].end)) for path in paths]
        keys = [[n for step in path for n in range(step.start, step.end)] for path in paths]
        self.place_SQ, key_SK = _padded(queries), _padded(keys)
        # Positions of a path count from 0, so the column of a key is its position. Age: distance from key to query.
        before_S = torch.tensor([len(path) - len(own) for path, own in zip(keys, queries, strict=True)])
        position_SQ = before_S[:, None] + torch.arange(self.place_SQ.shape[1])
        self._age_SQK = (position_SQ[:, :, None] - torch.arange(key_SK.shape[1])).to(device)
        # The output of a padded query is dropped, but a query without any key would give NaN.
        self._padded_SQ1 = (self.place_SQ < 0)[:, :, None].to(device)
        self._query_SQ, self._key_SK = self.place_SQ.clamp(min=0).to(device), key_SK.clamp(min=0).to(device)
        self._masks: dict[int | None, torch.Tensor] = {}

    def attention_fn(
        self, q_TX: torch.Tensor, k_TX: torch.Tensor, v_TX: torch.Tensor, d: int, args: AttentionArgs
    ) -> torch.Tensor:
        """The attention output of the group's queries, with padding: [S * Q, H, d]."""
        q_SHQd, k_SGKd, v_SGKd = (
            _rows(x_TX, index_SN, d)
            for x_TX, index_SN in ((q_TX, self._query_SQ), (k_TX, self._key_SK), (v_TX, self._key_SK))
        )
        out_SHQd = F.scaled_dot_product_attention(
            q_SHQd,
            k_SGKd,
            v_SGKd,
            attn_mask=self._mask(args.window)[:, None],
            dropout_p=args.dropout,
            scale=args.scale,
            enable_gqa=q_SHQd.shape[1] != k_SGKd.shape[1],
        )
        return out_SHQd.transpose(1, 2).flatten(0, 1)

    def _mask(self, window: int | None) -> torch.Tensor:
        if window not in self._masks:
            seen_SQK = self._age_SQK >= 0 if window is None else (self._age_SQK >= 0) & (self._age_SQK < window)
            self._masks[window] = seen_SQK | self._padded_SQ1
        return self._masks[window]


class FlexTreeAttention:
    """A mask over the flat pack for FlexAttention, which skips fully masked blocks."""

    def __init__(self, tree: Tree, device: torch.device) -> None:
        count = len(tree.segments)
        sees_SS = torch.zeros(count, count, dtype=torch.bool)
        segment_T = torch.empty(len(tree.tokens), dtype=torch.long)
        for s, segment in enumerate(tree.segments):
            segment_T[segment.start : segment.end] = s
            if segment.parent is not None:  # parents come before their children
                sees_SS[s] = sees_SS[segment.parent]
            sees_SS[s, s] = True
        self._segment_T, self._sees_SS = segment_T.to(device), sees_SS.to(device)
        self._position_T = torch.tensor(tree.positions, device=device)
        self._masks: dict[int | None, Any] = {}

    def __call__(
        self, layer: int, q_RHTd: torch.Tensor, k_RGTd: torch.Tensor, v_RGTd: torch.Tensor, args: AttentionArgs
    ) -> torch.Tensor:
        """See AttentionFn; a pack is one row. FlexAttention has no dropout, so none is applied."""
        return _flex(q_RHTd.is_cuda)(
            q_RHTd.contiguous(),
            k_RGTd.contiguous(),
            v_RGTd.contiguous(),
            block_mask=self._mask(args.window),
            scale=args.scale,
            enable_gqa=q_RHTd.shape[1] != k_RGTd.shape[1],
        )

    def _mask(self, window: int | None) -> Any:
        if window not in self._masks:
            from torch.nn.attention.flex_attention import create_block_mask

            tokens = len(self._position_T)
            device = self._position_T.device
            make: Any = torch.compile(create_block_mask) if device.type == "cuda" else create_block_mask
            self._masks[window] = make(self._sees(window), None, None, tokens, tokens, device=device.type)
        return self._masks[window]

    def _sees(self, window: int | None) -> Callable[..., torch.Tensor]:
        segment_T, position_T = self._segment_T, self._position_T

        def sees(b: torch.Tensor, h: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            age = position_T[query] - position_T[key]
            seen = self._sees_SS[segment_T[query], segment_T[key]] & (age >= 0)
            return seen if window is None else seen & (age < window)

        return sees


@cache
def _flex(compiled: bool) -> Callable[..., Any]:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True) if compiled else flex_attention


def _alike(tree: Tree) -> list[list[int]]:
    """Groups of segments of similar length, the longest first."""
    groups: list[list[int]] = []
    longest = 0
    for member in sorted(range(len(tree.segments)), key=lambda s: len(tree.segments[s]), reverse=True):
        if not groups or len(tree.segments[member]) < ALIKE * longest:
            groups.append([])
            longest = len(tree.segments[member])
        groups[-1].append(member)
    return groups


def _padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Rows as one tensor, padded with -1."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[-1] * (width - len(row))] for row in rows])


def _rows(x_TX: torch.Tensor, index_SN: torch.Tensor, d: int) -> torch.Tensor:
    """Tokens picked for every segment, heads before tokens: [S, heads, N, d]."""
    picked_NX = x_TX.index_select(0, index_SN.flatten())
    return picked_NX.view(*index_SN.shape, -1, d).transpose(1, 2)
