"""The records of a run's figures (frozen dataclasses): `result.json`, `steps.jsonl`, `now.json`.

{"version": "1.0.0",
 "rounds": [{"round": 0, "validation": {"accuracy": 0.21, "low": 0.14, …}, "exam": null, "teacher": {…}, …}, …],
 "best_round": 2, "test": {"before": {"accuracy": 0.01, …}, "after": {"accuracy": 0.66, …}}, …}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tutelage.practice_records import PracticeSummary

RESULT_VERSION = "1.0.0"
"""Version of `result.json`: a new field is a minor version, one that is gone or means something else a major one."""

SIMILARITIES = "positive_similarity", "negative_similarity"
GAINS = "chosen_gain", "rejected_gain"
REPAIRED = "repaired_loss", "wrong_loss"
COMPARED = SIMILARITIES + GAINS + REPAIRED
"""The figures of a StepRecord that self-reflection compares: by the triplet, by a preference, and by repairs."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of right answers to `n` problems, with its 95 % Wilson interval."""

    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class ExamSummary:
    """The figures of an exam. `mistakes` and `attempts` count attempts, not problems.

    `kinds` counts the mistakes by kind, found by comparison with the worked solutions; empty without those. `cut`
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
    """The figures of a round's teaching. `replies_used` counts the right replies, whether each was trained on or not.

    `replies` counts all replies behind the round's rationales, including those that another run paid for; `requests`
    counts this run's own. `failures` counts the requests that ended without a rationale, by reason, `ways` the replies,
    sound replies and tokens by the way of asking.
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

    `row_tokens` counts the tokens of all rows of all epochs, each row with its own prompt. `computed_tokens` is
    smaller, since rows share prefixes. The losses are means of the last epoch. `collapse` describes a collapse found by
    the guard and the step it went back to; losses, rows and tokens then end at the step of that check. `repairs` counts
    the mistakes put right that were trained on, each as often as it was; they are no part of `rows`.
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
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class StepRecord:
    """The figures of one training step: a row of `steps.jsonl`.

    Similarities and gains are means over the step's pairs. The triplet loss compares similarities: the cosines of the
    anchor's last hidden state to the positive's and to the negative's. DPO compares gains: the increase in
    log-likelihood, in nats, of the anchor (chosen) and of the mistake (rejected) since the start of the round. Gradient
    norms are before clipping; `gradient_cosine` is between the gradients of L_LM and of L_SR (unweighted). Gradient
    fields are None without `training.gradient_share`. Without pairs, all optional fields are None.

    Of repairs, `pairs` counts the mistakes put right; `repaired_loss` and `wrong_loss` are the cross-entropies of their
    right and of their wrong tokens, in nats per token (the latter None unless wrong tokens are made less likely).
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
    repaired_loss: float | None = None
    wrong_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The cost of a stage, in the process that finished it.

    `tokens` counts trained tokens (`row_tokens`, even if an earlier process did a part) or tokens written by the
    student or the teacher. `padding` is the share of padding among computed tokens. `peak_memory` is in bytes, on the
    GPU if the student is there, else of the whole process.
    """

    seconds: float
    tokens: int
    tokens_per_second: float
    padding: float
    peak_memory: int


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The figures of one round. Round 0 has no exam. `limits` are the tokens after which its stages cut an answer.

    `practice` is None without `teacher.practice`.
    """

    round: int
    validation: Accuracy
    exam: ExamSummary | None
    teacher: TeacherSummary
    training: TrainingSummary
    work: Mapping[str, Work]
    seconds: float
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    practice: PracticeSummary | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """What a run at work is doing: `now.json`, written once a second.

    `title` is the stage (`round 1: exam`), empty between two; `done` of `total` are its `units` (problems, requests or
    steps). `at` and `began` (the stage) are Unix times. `rate` and `tokens_rate` are units and tokens per second over
    the last two minutes or all of the stage. `tokens` are those written in the stage. The others are of a teacher's
    stage: requests in flight and waiting, those tried again and the replies without a rationale by reason, the cost so
    far, and in `note` what there is to wait for.
    """

    at: float
    pid: int
    title: str = ""
    units: str = ""
    done: int = 0
    total: int = 0
    began: float = 0.0
    rate: float = 0.0
    tokens: int = 0
    tokens_rate: float = 0.0
    in_flight: int = 0
    waiting: int = 0
    retried: Mapping[str, int] = field(default_factory=dict[str, int])
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    usd: float = 0.0
    note: str = ""

    @property
    def share(self) -> float:
        """The share of the stage that is done."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the stage began; 0 between two."""
        return self.at - self.began if self.began else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest of the stage takes at this rate; None before anything is done."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Test accuracy of the untrained student and of the best round's student."""

    before: Accuracy
    after: Accuracy


@dataclass(frozen=True, slots=True)
class Precision:
    """The precision that a student computes in, why, and the model, machine and device that it was chosen for.

    `device` is empty in runs of version 0.2.
    """

    dtype: Literal["float32", "bfloat16"]
    why: str
    model: str
    machine: str
    device: str = ""

    def __str__(self) -> str:
        return f"{self.dtype}: {self.why}"

    def told(self, machine: str, device: str) -> str:
        """The choice and its reason, and for which machine or device it was made if that is another than this."""
        if machine != self.machine:
            return f"{self}, on {self.machine}"
        return str(self) if self.device in ("", device) else f"{self}, on {self.device}"


@dataclass(frozen=True, slots=True)
class AskedAs:
    """How a student is asked, why, and whether it thinks before it answers, if it is let."""

    prompt: Literal["plain", "chat"]
    why: str
    thinks: bool = False

    def told(self, thinking: str) -> str:
        """The choice and its reason, with `student.thinking`."""
        return f"{self.prompt}: {self.reason(thinking)}"

    def reason(self, thinking: str) -> str:
        """Why, and what becomes of the thoughts of a student that thinks, by `student.thinking`."""
        if not self.thinks:
            return self.why
        kept = thinking == "keep"
        return f"{self.why}; " + (
            "it may think before it answers" if kept else "its thoughts are off (student.thinking)"
        )


@dataclass(frozen=True, slots=True)
class RunResult:
    """The figures of a whole run: `result.json`. `machine` and `versions` describe its last process.

    `unused` is the teaching cost of a last round that brought nothing to train on. `precision` is what the student
    computed in, and why, `prompt` how it was asked. `version` is that of the file; files of Tutelage 0.1 have none and
    are read as 1.0.0.
    """

    version: str = field(default=RESULT_VERSION, kw_only=True)
    rounds: tuple[RoundResult, ...]
    best_round: int
    stopped_because: str
    test: BeforeAfter
    work: Mapping[str, Work]
    seconds: float
    machine: str = ""
    versions: str = ""
    unused: TeacherSummary | None = None
    precision: str = ""
    prompt: str = ""

    @property
    def teaching(self) -> tuple[TeacherSummary, ...]:
        """The teaching cost of every round, including a last one without training."""
        return (*(row.teacher for row in self.rounds), *([self.unused] if self.unused else []))
