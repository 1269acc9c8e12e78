"""The records of the method (frozen dataclasses): problems, attempts, feedback, training examples.

A problem and its records on disk:

    problem   {"id": "9f2c…", "question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", …}
    attempt   {"problem_id": "9f2c…", "sample": 2, "text": "3 + 4 = 7 pens.\\nThe answer is 7.",
               "verdict": {"correct": false, "answer": "7", "reason": "7 is not 12"}, "finish": "stop", "tokens": 15}
    feedback  {"problem_id": "9f2c…", "sample": 0, "mistake": "3 + 4 = 7 pens.…", "text": "Each box holds 4 …",
               "verdict": {"correct": true, …}, "usage": {"requests": 1, …}, …}
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from tutelage.money import sum_usd
from tutelage.system_message import WithSystem

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

AnswerKind = Literal["number", "choice", "yes-no", "text"]
"""The kind of an answer: a value, the letter of a choice, yes or no, or text to be matched."""

TextMatch = Literal["exact", "contains", "f1", "regex", "math", "json", "code"]
"""How a text is matched with the answer (grading/matching.py, json_value.py, code.py)."""


Way = Literal["question", "mistake", "mistake-first", "mistake-explained", "mistake-repaired"]
"""How a teacher is asked about a mistake: by the question alone; with the mistake in view; with the mistake before the
question, and to be forgotten; with the mistake in view, and to be explained before the solution; with the mistake in
view, its first wrong step to be put right and nothing else."""

Style = Literal["terse", "short", "full"]
"""For whom a teacher writes: for a very small student, or for one that can follow longer reasoning."""


def content_hash(*parts: str) -> str:
    """16 hex digits of SHA-256 over the parts; runs of white space count as one space, outer ones not at all."""
    text = "\x1f".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state_answer(steps: str, answer: str) -> str:
    """A rationale in our standard form: the steps, then a line that states the answer."""
    return f"{steps.rstrip()}\nThe answer is {answer}.".lstrip("\n")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a multiple-choice problem."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with a known final answer.

    `id` is a hash of what is asked (question and choices), so that the same question is the same problem in
    every file and split. `rationale` is a gold worked solution without its final answer, `equation` an arithmetic
    expression that gives the answer, such as `(32 + 42) - 35`; either lets the answer-key teacher work offline.
    `system` is the message that stands above the question for student and teacher.
    """

    id: str
    question: str
    answer: str
    choices: tuple[Choice, ...] = ()
    rationale: str | None = None
    equation: str | None = None
    system: str | None = None

    @classmethod
    def of(
        cls,
        question: str,
        answer: str,
        *,
        choices: tuple[Choice, ...] = (),
        rationale: str | None = None,
        equation: str | None = None,
        system: str | None = None,
    ) -> Problem:
        """A problem under the hash of its own content."""
        identity = content_hash(question, *(f"{choice.label} {choice.text}" for choice in choices))
        return cls(identity, question, answer, choices, rationale, equation, system)

    @property
    def text(self) -> str:
        """The question as student and teacher read it, with the choices below it, one per line, and the system message
        above it."""
        return WithSystem.below(self.system, self.asked) if self.system else self.asked

    @property
    def asked(self) -> str:
        """The question with its choices, without the system message."""
        return "\n".join([self.question, *(f"({choice.label}) {choice.text}" for choice in self.choices)])


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """An example of a few-shot prompt: a question and a rationale that ends with its answer."""

    question: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of grading a text: whether it is right, the answer it states (None if none), and the reason."""

    correct: bool
    answer: str | None
    reason: str


Grade = Callable[[Problem, str], Verdict]
"""Grades a text as an answer to a problem. Teachers get a task's `grade`, not the task."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The text that a model wrote after a prompt, and its thoughts, which no grader, teacher or training sees.

    `tokens` counts generated tokens, including the end token.
    """

    text: str
    finish: Literal["stop", "length"]
    tokens: int
    thoughts: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sampled answer of the student to a problem, graded; `thoughts` is what it thought before it."""

    problem_id: str
    sample: int
    text: str
    verdict: Verdict
    finish: Literal["stop", "length"]
    tokens: int
    thoughts: str = ""


@dataclass(frozen=True, slots=True)
class Exam:
    """All attempts of an exam, in the order of the problems, with the samples of a problem together."""

    attempts: tuple[Attempt, ...]

    @property
    def mistakes(self) -> tuple[Attempt, ...]:
        """The wrong attempts, in the exam's order."""
        return tuple(attempt for attempt in self.attempts if not attempt.verdict.correct)

    @property
    def pass_rate(self) -> float:
        """The share of right attempts among all attempts."""
        return 1.0 - len(self.mistakes) / len(self.attempts) if self.attempts else 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of the teacher's replies. Replies that this run did not pay for count as 0."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            sum_usd((self.cost_usd, other.cost_usd)),
        )

    def at_least(self, other: Usage) -> Usage:
        """The larger of each figure."""
        return Usage(
            max(self.requests, other.requests),
            max(self.prompt_tokens, other.prompt_tokens),
            max(self.completion_tokens, other.completion_tokens),
            max(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class FeedbackRequest:
    """A request to the teacher: a rationale for `problem`; the teacher sees the student's `mistake` if there is one.

    `sample` numbers several requests for one problem, so that each gets its own rationale. `answer` is the answer that
    the exam read in the mistake (None: none). `ways` are the ways of asking, in order; empty: the teacher's own.
    Neither is part of the request's identity or of any key.
    """

    problem: Problem
    mistake: str | None = None
    sample: int = 0
    answer: str | None = None
    ways: tuple[Way, ...] = ()

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Identifies the request; the reply to it has the same identity."""
        return self.problem.id, self.sample, self.mistake


FailureReason = Literal[
    "authentication", "quota", "rejected request", "rate limit", "time-out", "unreachable", "server error",
    "broken reply", "refused by policy", "empty", "cut at the length limit", "unparsable", "wrong answer",
    "answer leaked without reasoning", "false calculation", "does not come to its answer", "steps not done",
    "numbers from nowhere", "concludes otherwise", "repeats the prompt", "samples disagree", "nothing to teach from",
    "no new problem", "known problem", "held-out problem",
]  # fmt: skip
"""Why a request ended without a rationale to learn from; the last three are of practice problems."""

TRANSIENT: frozenset[FailureReason] = frozenset(
    ("rate limit", "time-out", "unreachable", "server error", "broken reply")
)
"""Failures that may be temporary: such a request is sent again until its stage is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One asking of those that a request took: the way, with the answer as a hint or without, and what it brought.

    `sound` says whether it brought a rationale; if not, `failure` and `reason` say why (empty in rows of version 0.1).
    The tokens are those of its replies, whoever paid for them.
    """

    way: Way
    hint: bool
    sound: bool
    prompt_tokens: int
    completion_tokens: int
    failure: FailureReason | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """The teacher's reply to a request: a graded rationale that ends with its answer.

    A reply that can't be used has `verdict.correct` false, the cause in `failure`, and `verdict.reason` in words;
    `text` is then the raw reply, possibly empty. `keys` are the keys of its ledger rows, in the order of the requests.
    `explanation` says what is wrong in the mistake, if the teacher was asked for it. `asked` has the askings that got a
    reply, in order. With `step`, `text` is no rationale: it belongs in the place of this step of the mistake (empty: at
    its end).
    """

    problem_id: str
    sample: int
    mistake: str | None
    text: str
    verdict: Verdict
    usage: Usage = field(default_factory=Usage)
    keys: tuple[str, ...] = ()
    failure: FailureReason | None = None
    explanation: str | None = None
    asked: tuple[Asked, ...] = ()
    step: str | None = None

    @property
    def is_rationale(self) -> bool:
        """Whether it is a rationale that can be learnt."""
        return self.verdict.correct and self.step is None

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """The identity of the request."""
        return self.problem_id, self.sample, self.mistake


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A training example: the rationale to learn (anchor), other right ones, and the student's wrong ones.

    With `corrects`, the student learns to correct this mistake, which is in the prompt below the question.
    """

    problem: Problem
    anchor: str
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    corrects: str | None = None

    def without_reflection(self) -> TrainingExample:
        """The same example for the LM loss alone."""
        return replace(self, positives=(), negatives=())
