"""The nouns of a run in figures, frozen: what `result.json` and `steps.jsonl` hold, and what teachers cost.

{"rounds": [{"round": 0, "validation": {"accuracy": 0.21, "low": 0.14, …}, "exam": null, "teacher": {…}, …}, …],
 "best_round": 2, "test": {"before": {"accuracy": 0.01, …}, "after": {"accuracy": 0.66, …}}, …}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tutelage.records import Usage


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of right answers with its 95 % Wilson interval, over `n` problems."""

    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ExamSummary:
    """The figures of an exam that a result keeps. `mistakes` and `attempts` count attempts, not problems.

    `kinds` counts the mistakes by where they first leave the worked solution; it is empty where there is none. `cut`
    counts the attempts that were cut at the limit.
    """

    pass_rate: float
    mistakes: int
    attempts: int
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    cut: int = 0


@dataclass(frozen=True, slots=True)
class WayCount:
    """How often the teacher was asked in one way, how often that brought a sound rationale, and the tokens it took."""

    asked: int = 0
    sound: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: WayCount) -> WayCount:
        return WayCount(
            self.asked + other.asked,
            self.sound + other.sound,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class TeacherSummary:
    """The figures of a round's teaching that a result keeps; `replies_used` were right and trained on.

    `replies` counts those that the round's rationales are from, whoever paid for them; `requests` this run's own.
    `failures` counts the requests that ended without a rationale, by reason, `ways` the askings that were answered, by
    the way of asking, whoever paid for them.
    """

    requests: int
    replies_used: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    replies: int = 0
    ways: Mapping[str, WayCount] = field(default_factory=dict[str, WayCount])


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """The figures of a round's training.

    `row_tokens` are those of all rows of all epochs, each with a prompt of its own; what was computed for them is
    fewer, since rows share (the rest counts padding). The losses are means of the last epoch. `collapse` says what the
    guard saw, and to which step it went back: the losses, rows and tokens are then those up to where it saw that.
    """

    examples: int
    truncated: int
    row_tokens: int
    computed_tokens: int
    padded_tokens: int
    loss: float
    lm_loss: float
    reflection_loss: float
    rows: int = 0
    collapse: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of training, looked into: a row of `steps.jsonl`.

    What self-reflection compares is given as means over the step's pairs. The triplet compares similarities: the cosine
    of the anchor's end to the positive's and to the negative's. A preference compares gains: the log-likelihood, in
    nats, that the anchor (chosen) and the mistake (rejected) have gained since the round began. Gradient norms are
    those before clipping; `gradient_cosine` is between that of L_LM and that of L_SR, unweighted. None where gradients
    were not recorded, and but for `lm_gradient` where there is no pair.
    """

    step: int
    lm_loss: float
    reflection_loss: float
    pairs: int
    positive_similarity: float | None = None
    negative_similarity: float | None = None
    chosen_gain: float | None = None
    rejected_gain: float | None = None
    lm_gradient: float | None = None
    reflection_gradient: float | None = None
    gradient_cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage cost, in the process that finished it.

    `tokens` are those that a stage is about: learnt by a training (`row_tokens`, all of them, even if it was stopped on
    the way), written by a student or a teacher.
    `padding` is the share of the places computed that held no token; `peak_memory` is in bytes, on the GPU where the
    student is there, else of the whole process.
    """

    seconds: float
    tokens: int
    tokens_per_second: float
    padding: float
    peak_memory: int


@dataclass(frozen=True, slots=True)
class RoundResult:
    """One round in figures. Round 0 has no exam. `limits` are the tokens after which its stages cut an answer."""

    round: int
    validation: Accuracy
    exam: ExamSummary | None
    teacher: TeacherSummary
    training: TrainingSummary
    work: Mapping[str, Work]
    seconds: float
    limits: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Accuracy on the test split of the student as it came and of the best round's."""

    before: Accuracy
    after: Accuracy


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run in figures: what `result.json` holds. `machine` and `versions` are those of its last process.

    `unused` is what a last round's replies cost of which none could be trained on.
    """

    rounds: tuple[RoundResult, ...]
    best_round: int
    stopped_because: str
    test: BeforeAfter
    work: Mapping[str, Work]
    seconds: float
    machine: str = ""
    versions: str = ""
    unused: TeacherSummary | None = None

    @property
    def teaching(self) -> tuple[TeacherSummary, ...]:
        """What the teaching of every round cost, that of one without training, too."""
        return (*(row.teacher for row in self.rounds), *([self.unused] if self.unused else []))


@dataclass(frozen=True, slots=True)
class CostBound:
    """What a round's teacher costs at least and at most, from an empty ledger and if no request is lost."""

    round: int
    least: Usage
    most: Usage


@dataclass(frozen=True, slots=True)
class Spending:
    """What the replies of one model cost in one day, by UTC (`2026-05-17`)."""

    day: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many requests to a model ended without a reply to learn from, for one reason."""

    model: str
    reason: str
    requests: int
