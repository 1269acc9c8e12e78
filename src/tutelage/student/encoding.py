"""From examples to padded tensors.

    R  rows of one forward pass     L  tokens of a row

A row is a prompt, a rationale and the end token. What does not fit is cut at the end: then the end token is not there,
so the student never learns to stop in the middle, and the row's last hidden state, which is no rationale's end, takes
no part in self-reflection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tutelage.student.losses import IGNORE
from tutelage.student.prompts import PromptFormat


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of one prompt and of one rationale after it."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    truncated: bool

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def encode(format: PromptFormat, question: str, rationale: str, max_tokens: int) -> Encoded:
    """Prompt and rationale as tokens, at most `max_tokens` together. The completion is empty where none fits."""
    prompt = format.prompt_ids(format.prompt(question))
    completion = format.completion_ids(rationale)
    room = max(0, max_tokens - len(prompt))
    return Encoded(tuple(prompt), tuple(completion[:room]), truncated=len(completion) > room)


@dataclass(frozen=True, slots=True)
class Padded:
    """Rows padded on the right. `tokens_RL` holds IGNORE at padding; `last_R` is the place of each row's last token."""

    input_RL: torch.Tensor
    mask_RL: torch.Tensor
    tokens_RL: torch.Tensor
    weights_RL: torch.Tensor
    last_R: torch.Tensor

    def to(self, device: torch.device) -> Padded:
        """The same rows on a device."""
        return Padded(*(getattr(self, name).to(device) for name in self.__slots__))


def pad(rows: Sequence[Encoded], prompt_weight: float) -> Padded:
    """Stack rows; tokens of the prompt weigh `prompt_weight` as targets, those of the rationale 1, padding 0."""
    shape = (len(rows), max(len(row) for row in rows))
    input_RL = torch.zeros(shape, dtype=torch.long)
    mask_RL = torch.zeros(shape, dtype=torch.long)
    weights_RL = torch.zeros(shape)
    for r, row in enumerate(rows):
        input_RL[r, : len(row)] = torch.tensor(row.prompt + row.completion)
        mask_RL[r, : len(row)] = 1
        weights_RL[r, : len(row.prompt)] = prompt_weight
        weights_RL[r, len(row.prompt) : len(row)] = 1.0
    tokens_RL = input_RL.masked_fill(mask_RL == 0, IGNORE)
    last_R = torch.tensor([len(row) - 1 for row in rows])
    return Padded(input_RL, mask_RL, tokens_RL, weights_RL, last_R)
