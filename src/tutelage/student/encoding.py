"""From texts to tokens.

A row is a prompt, a rationale and the end token. A row that is too long is cut at the end. It then has no end token, so
the student does not learn to stop in the middle, and self-reflection leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from tutelage.student.prompts import PromptFormat

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of a prompt and of the rationale after it."""

    prompt: Tokens
    completion: Tokens
    truncated: bool

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def encode(format: PromptFormat, question: str, rationale: str, max_tokens: int) -> Encoded:
    """Prompt and rationale as tokens, at most `max_tokens` together.

    The completion is empty if no token of it fits, or if both together exceed the model's context.
    """
    prompt = format.prompt_ids(format.prompt(question))
    whole = format.completion_ids(rationale)
    completion = whole[: max(0, max_tokens - len(prompt))]
    if format.positions is not None and len(prompt) + len(completion) > format.positions:
        completion = []
    return Encoded(tuple(prompt), tuple(completion), truncated=len(completion) < len(whole))


def shared_prefix(rows: Sequence[Tokens]) -> int:
    """Length of the common prefix of all rows, always shorter than each row; 0 for a single row."""
    if len(rows) < 2:
        return 0
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return min(sum(1 for _ in columns), min(map(len, rows)) - 1)
