"""Where two rationales differ, token by token. Pure.

right   3 × 4 = 12 pens .     unshared: 12
wrong   3 × 4 = 13 pens .     unshared: 13
"""

from __future__ import annotations

from difflib import SequenceMatcher

from tutelage.student.encoding import Tokens


def unshared(tokens: Tokens, other: Tokens) -> list[int]:
    """The places of the tokens that `other` has not, both aligned as a diff does; the last place if it has all."""
    blocks = SequenceMatcher(None, tokens, other, autojunk=False).get_matching_blocks()
    shared = {place for block in blocks for place in range(block.a, block.a + block.size)}
    return [place for place in range(len(tokens)) if place not in shared] or [len(tokens) - 1]
