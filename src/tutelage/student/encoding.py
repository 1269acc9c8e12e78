"""From texts to tokens.

A row is a prompt, a rationale and the end token. What does not fit is cut at the end: then the end token is not there,
so the student never learns to stop in the middle, and the row's last hidden state, which is no rationale's end, takes
no part in self-reflection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from tutelage.student.prompts import PromptFormat

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of one prompt and of one rationale after it."""

    prompt: Tokens
    completion: Tokens
    truncated: bool

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def encode(format: PromptFormat, question: str, rationale: str, max_tokens: int) -> Encoded:
    """Prompt and rationale as tokens, at most `max_tokens` together.

    The completion is empty where none fits, or where both together are more than the model can look at.
    """
    prompt = format.prompt_ids(format.prompt(question))
    whole = format.completion_ids(rationale)
    completion = whole[: max(0, max_tokens - len(prompt))]
    if format.positions is not None and len(prompt) + len(completion) > format.positions:
        completion = []
    return Encoded(tuple(prompt), tuple(completion), truncated=len(completion) < len(whole))


def shared_prefix(rows: Sequence[Tokens]) -> int:
    """How many tokens all rows begin with, at least one of each row left over; 0 for a single row."""
    if len(rows) < 2:
        return 0
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return min(sum(1 for _ in columns), min(map(len, rows)) - 1)
