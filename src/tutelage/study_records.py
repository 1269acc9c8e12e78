"""The records of a study's figures (frozen dataclasses): `study.json`.

{"name": "multiarith", "test_problems": 175,
 "arms": {"full": {"seeds": 5, "test": {"mean": 0.41, "low": 0.36, "high": 0.46, …}, "teacher_replies": 212.4, …}},
 "comparisons": [{"a": "full", "b": "multi-round", "difference": 0.02, "low": -0.03, "high": 0.07, "p": 0.44, …}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round of one run. `replies`, `usd`, `rows` and `seconds` are totals of all rounds so far.

    `validation` is an accuracy, `mistakes` counts the wrong answers by kind, `pass_rate` is of the exam before the
    round's training, `taught` counts the problems with a right rationale so far. `lm_loss` is the mean of the last
    epoch. `reflection_loss` and what it compares (StepRecord) are means over all steps of the round that have a pair.
    `gradient_ratio` is the norm of L_SR's unweighted gradient over the norm of L_LM's; `gradient_cosine` is
    between the two.
    """

    round: int
    validation: float
    replies: int
    usd: float
    rows: int
    seconds: float
    pass_rate: float | None = None
    taught: int | None = None
    mistakes: Mapping[str, int] = field(default_factory=dict[str, int])
    lm_loss: float | None = None
    reflection_loss: float | None = None
    positive_similarity: float | None = None
    negative_similarity: float | None = None
    chosen_gain: float | None = None
    rejected_gain: float | None = None
    repaired_loss: float | None = None
    wrong_loss: float | None = None
    gradient_ratio: float | None = None
    gradient_cosine: float | None = None
    collapse: str | None = None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run: an arm with one seed. `right` has a 1 or a 0 for every test problem, in the problems' order.

    `machine` and `versions` describe where it ran. `replies` and `usd` are totals of all rounds, including a last one
    that brought nothing to train on.
    """

    seed: int
    right: str
    best_round: int
    rounds: tuple[RoundFigures, ...]
    stopped_because: str
    seconds: float
    machine: str = ""
    versions: str = ""
    replies: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """An arm over its seeds. `teacher_replies`, `usd`, `rows` and `seconds` are means over the runs.

    A stage shared with another run counts in the `seconds` of both.
    """

    source: str
    seeds: int
    test: Interval
    teacher_replies: float
    usd: float
    rows: float
    seconds: float
    runs: tuple[RunFigures, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Test accuracy of arm `a` less arm `b`, over their common seeds and all problems.

    `difference` is a share with its 95 % interval, by paired bootstrap over seeds and problems. `p` is of McNemar's
    exact two-sided test over the answers that only one arm has right: `only_a` and `only_b` of them.
    """

    a: str
    b: str
    seeds: int
    difference: float
    low: float
    high: float
    p: float
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class StudyFigures:
    """A whole study: `study.json`.

    `arms` are in the study's order. `base` is the base configuration as YAML, `data` a digest of its problems,
    `command` the command that runs the study, `machine` where it ran, `parts` the keys of the user's own objects and
    files in it.
    """

    name: str
    question: str
    task: str
    student: str
    teacher: str
    train_problems: int
    validation_problems: int
    test_problems: int
    arms: Mapping[str, ArmFigures]
    comparisons: tuple[Comparison, ...]
    command: str
    machine: str
    versions: str
    base: str
    data: str = ""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
