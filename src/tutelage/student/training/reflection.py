"""Self-reflection: how a row's anchor is compared with the student's mistake. One interface, two losses.

The rationales of a row, behind its question:

    anchor     3 × 4 = 12 pens. …    learnt by L_LM, whatever it is compared with
    positive   Each box holds …      for the triplet: its end should be nearer to the anchor's
    mistake    3 + 4 = 7 pens. …     than this one's; for a preference, the anchor should gain more likelihood than it

S  questions with a pair     E  rationales of each: the anchor first, the mistake last     D  width of the hidden state
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

from tutelage.config import TrainingConfig
from tutelage.records import TrainingExample
from tutelage.student.encoding import Tokens
from tutelage.student.training.differences import unshared
from tutelage.student.training.losses import preference_loss, triplet_loss
from tutelage.student.wide import widened


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pass shows of its pairs: the last hidden states of the rationales' ends (or what a Triplet looks at) and,
    where a loss looks at likelihoods, how many nats of it each rationale has gained since the round began.
    """

    end_SED: torch.Tensor
    gain_SE: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """L_SR summed over the pairs of a pass, and what it compared: see StepRecord."""

    loss: torch.Tensor
    near_S: torch.Tensor
    far_S: torch.Tensor


class Reflection(Protocol):
    """One self-reflection loss: one of the four plug-in points."""

    @property
    def key(self) -> str:
        """Stands for what it computes, such as "my-loss 2": a run goes on under the same one alone (contracts.py)."""
        ...

    @property
    def likelihoods(self) -> bool:
        """Whether it looks at likelihoods, as they are and as they were when the round began."""
        ...

    def draw(self, example: TrainingExample, rng: random.Random) -> tuple[str, ...]:
        """What a row's anchor is compared with, the mistake last, always as many; nothing where something is lacking.

        All that is random is drawn from `rng`, so that a training that goes on draws the same.
        """
        ...

    def compare(self, seen: Seen) -> Compared:
        """The loss of a pass with pairs."""
        ...


@dataclass(frozen=True, slots=True)
class Triplet:
    """The paper's: the anchor's state should be nearer to a positive's than to the mistake's, by a margin.

    The state is that of the end token in the last layer or, `at` the differences, the mean over the tokens that a right
    rationale and the mistake do not share, in the layer at this share of the layers.
    """

    margin: float
    at: Literal["end", "differences"] = "end"
    layer: float = 1.0

    @property
    def key(self) -> str:
        """See Reflection."""
        elsewhere = "" if (self.at, self.layer) == ("end", 1.0) else f" at {self.at} in {self.layer:g}"
        return f"triplet {self.margin:g}{elsewhere}"

    def places(self, branches: Sequence[Tokens]) -> list[list[int]]:
        """For each rationale of a pair, anchor first and mistake last, the tokens whose states are compared."""
        if self.at == "end":
            return [[len(branch) - 1] for branch in branches]
        mistake = branches[-1]
        return [*(unshared(branch, mistake) for branch in branches[:-1]), unshared(mistake, branches[0])]

    @property
    def likelihoods(self) -> bool:
        """See Reflection."""
        return False

    def draw(self, example: TrainingExample, rng: random.Random) -> tuple[str, ...]:
        """See Reflection."""
        if not example.positives or not example.negatives:
            return ()
        return rng.choice(example.positives), rng.choice(example.negatives)

    def compare(self, seen: Seen) -> Compared:
        """See Reflection."""
        anchor_SD, positive_SD, negative_SD = widened(seen.end_SED).unbind(1)
        near_S, far_S = (torch.cosine_similarity(anchor_SD, other_SD) for other_SD in (positive_SD, negative_SD))
        return Compared(triplet_loss(near_S, far_S, self.margin), near_S.detach(), far_S.detach())


@dataclass(frozen=True, slots=True)
class Preference:
    """DPO: the anchor should gain more log-likelihood since the round began than the mistake.

    What keeps the anchor itself from falling is L_LM, as in Pang et al. 2024 (arXiv 2404.19733).
    """

    beta: float

    @property
    def key(self) -> str:
        """See Reflection."""
        return f"preference {self.beta:g}"

    @property
    def likelihoods(self) -> bool:
        """See Reflection."""
        return True

    def draw(self, example: TrainingExample, rng: random.Random) -> tuple[str, ...]:
        """See Reflection."""
        return (rng.choice(example.negatives),) if example.negatives else ()

    def compare(self, seen: Seen) -> Compared:
        """See Reflection."""
        assert seen.gain_SE is not None
        near_S, far_S = seen.gain_SE.unbind(1)
        return Compared(preference_loss(near_S, far_S, self.beta), near_S.detach(), far_S.detach())


def reflection_of(config: TrainingConfig) -> Reflection | None:
    """The loss that the settings name; None where there is none, or where it weighs nothing.

    That of repairs compares nothing with an anchor; see repair.py.
    """
    if config.reflection == "none" or config.reflection_weight == 0:
        return None
    if config.reflection == "triplet":
        return Triplet(config.margin, config.triplet_at, config.triplet_layer)
    return Preference(config.beta) if config.reflection == "preference" else None
