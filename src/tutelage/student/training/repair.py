"""Learning repairs: the loss of the right tokens, which no number of repairs makes outweigh L_LM, and their encoding.

    own      3 × 4 = 12. 2 × 4 =       the student's, without a loss
    right     8.                       learnt: from the first token at which the right step parts from the student's
    wrong     9                        made less likely, if the settings say so: the word at which they part

The idea: Dai et al. 2024 (EDIT, arXiv 2405.19737) and Lai et al. 2024 (Step-DPO, arXiv 2406.18629) set the loss to
where right and wrong part; in Lyu et al. 2025 (SCoRe, arXiv 2509.14257) the student goes on from its own right prefix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from tutelage.config import TrainingConfig
from tutelage.mistakes.repair import Repair
from tutelage.student.encoding import Tokens
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.losses import unlikelihood_loss
from tutelage.student.training.packing import RepairBranch
from tutelage.text.in_common import in_common

_WORD = re.compile(r"\s*(?:\S+?(?=[.,;:!?]*(?:\s|$))|\S)")
"""A word, or the mark that stands in its place."""


@dataclass(frozen=True, slots=True)
class RepairLoss:
    """L_SR of repairs: the NLL of right tokens and, weighted by `unlikelihood`, what wrong ones cost.

    `weight` is lambda: the most that all these tokens weigh together, as a part of the weight of L_LM's tokens.
    """

    weight: float
    unlikelihood: float = 0.0

    def of_tokens(
        self, right_N: torch.Tensor, wrong_N: torch.Tensor, weights: tuple[torch.Tensor, ...]
    ) -> torch.Tensor:
        """The sum over tokens, from their cross-entropies in nats and their weights; a scalar."""
        right, wrong = (right_N * weights[0]).sum(), unlikelihood_loss(wrong_N, weights[1])
        return right + self.unlikelihood * wrong

    def divisor(self, targets: int, lm_weight: float, repairs_weight: float) -> float:
        """What the sum over a batch is divided by, so that lambda * L_SR is a part of L_LM's own mean over `targets`.

        A repaired token then weighs as much as a token of a rationale, unless all of them together would weigh more
        than lambda times all tokens of L_LM.
        """
        if not repairs_weight:
            return 1.0
        return max(1, targets) / min(1 / self.weight, (lm_weight or 1.0) / repairs_weight)


def repair_loss_of(config: TrainingConfig) -> RepairLoss | None:
    """The loss that the settings name; None if they name another, or it weighs nothing."""
    if config.reflection != "repair" or config.reflection_weight == 0:
        return None
    return RepairLoss(config.reflection_weight, config.unlikelihood)


def encode_repair(
    format: PromptFormat, prompt: Tokens, repair: Repair, max_tokens: int, *, against: bool
) -> RepairBranch | None:
    """A repair as tokens after its prompt; None if it is too long, or no token of it differs.

    With `against` it has its wrong tokens, too: the first word that differs, or the end token of an answer that
    ended too early.
    """
    mended = f"{repair.before}{repair.right}{repair.rest}"
    (right,) = [format.completion_ids(mended)] if repair.ends else format.all_beginning_ids([mended])
    (own,) = (
        format.all_beginning_ids([repair.before + _parting(repair)])
        if repair.wrong
        else [format.completion_ids(repair.before)]
    )
    shared = in_common(right, own)
    most = min(max_tokens, format.positions or max_tokens)
    if shared == len(right) or len(prompt) + max(len(right), len(own)) > most:
        return None
    wrong = tuple(own[shared:]) if against else ()
    return RepairBranch(tuple(right[:shared]), tuple(right[shared:]), wrong, repair.weight)


def _parting(repair: Repair) -> str:
    """The wrong text up to the end of the first word that differs from the right one, without the mark behind it."""
    same = in_common(repair.wrong, repair.right + repair.rest)
    word = _WORD.match(repair.wrong, same)
    return repair.wrong[: word.end()] if word else repair.wrong
