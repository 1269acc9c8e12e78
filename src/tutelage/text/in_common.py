"""How far two texts, or two rows of tokens, go along. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def in_common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((count for count, (here, there) in pairs if here != there), min(len(one), len(other)))
