"""The nouns of the field, frozen. Standard library only; what acts on them lives elsewhere.

One problem with its records, as they stand on disk:

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

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

AnswerKind = Literal["number", "choice", "yes-no", "text"]
"""What an answer is: a value, the letter of a choice, yes or no, or words to be matched."""


Way = Literal["question", "mistake", "mistake-first", "mistake-explained"]
"""How a teacher is asked about a mistake: by the question alone; with the mistake in view; with the mistake before the
question, and to be forgotten; with the mistake in view, and to be explained before the solution."""

Style = Literal["short", "full"]
"""For whom a teacher writes: for a very small student, or for one that can follow longer reasoning."""


def content_hash(*parts: str) -> str:
    """16 hex digits of SHA-256 over the parts; white space at the ends and runs of it do not count."""
    text = "\x1f".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state_answer(steps: str, answer: str) -> str:
    """The one form in which every rationale of ours ends: the steps, then a line that states the answer."""
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
    """

    id: str
    question: str
    answer: str
    choices: tuple[Choice, ...] = ()
    rationale: str | None = None
    equation: str | None = None

    @classmethod
    def of(
        cls,
        question: str,
        answer: str,
        *,
        choices: tuple[Choice, ...] = (),
        rationale: str | None = None,
        equation: str | None = None,
    ) -> Problem:
        """A problem under the hash of its own content."""
        identity = content_hash(question, *(f"{choice.label} {choice.text}" for choice in choices))
        return cls(identity, question, answer, choices, rationale, equation)

    @property
    def text(self) -> str:
        """The question as student and teacher read it: the choices stand below it, one a line."""
        return "\n".join([self.question, *(f"({choice.label}) {choice.text}" for choice in self.choices)])


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """One example of a few-shot prompt: a question and a rationale that ends by stating its answer."""

    question: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What grading a text found: the answer it states (None if it states none), whether it is right, and why."""

    correct: bool
    answer: str | None
    reason: str


Grade = Callable[[Problem, str], Verdict]
"""Grades a text as an answer to a problem. A task's `grade` is one; teachers are handed it, blind to tasks."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote after a prompt. `tokens` counts generated tokens, the end token among them."""

    text: str
    finish: Literal["stop", "length"]
    tokens: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sampled answer of the student to a problem, graded."""

    problem_id: str
    sample: int
    text: str
    verdict: Verdict
    finish: Literal["stop", "length"]
    tokens: int


@dataclass(frozen=True, slots=True)
class Exam:
    """All attempts of one sitting, in the order of the problems, the samples of one problem together."""

    attempts: tuple[Attempt, ...]

    @property
    def mistakes(self) -> tuple[Attempt, ...]:
        """The wrong attempts, in the exam's order."""
        return tuple(attempt for attempt in self.attempts if not attempt.verdict.correct)

    @property
    def pass_rate(self) -> float:
        """The share of right attempts, over all attempts."""
        return 1.0 - len(self.mistakes) / len(self.attempts) if self.attempts else 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the teacher's replies cost. Replies that this run did not pay for count nothing."""

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


@dataclass(frozen=True, slots=True)
class FeedbackRequest:
    """What the teacher is asked: a rationale for `problem`, with the student's `mistake` in view where there is one.

    `sample` tells several requests for the same problem apart, so that each gets a rationale of its own. `answer` is
    what the exam read in the mistake, None if it read none. `ways` are the ways of asking in the order of trying, the
    teacher's own if empty. Neither is part of what the request is (no key holds it).
    """

    problem: Problem
    mistake: str | None = None
    sample: int = 0
    answer: str | None = None
    ways: tuple[Way, ...] = ()

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """What it has in common with the reply to it, and with no other."""
        return self.problem.id, self.sample, self.mistake


FailureReason = Literal[
    "authentication",
    "quota",
    "rejected request",
    "rate limit",
    "time-out",
    "unreachable",
    "server error",
    "broken reply",
    "refused by policy",
    "empty",
    "cut at the length limit",
    "unparsable",
    "wrong answer",
    "answer leaked without reasoning",
    "false calculation",
    "samples disagree",
    "nothing to teach from",
]
"""Why a request ended without a rationale to learn from."""

TRANSIENT: frozenset[FailureReason] = frozenset(
    ("rate limit", "time-out", "unreachable", "server error", "broken reply")
)
"""Causes that may pass by themselves: such a request is tried again, and owed until its stage is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One asking of those that a request took: the way, with the answer as a hint or without, and what it brought.

    `sound` says whether it brought a rationale. The tokens are those of its replies, whoever paid for them.
    """

    way: Way
    hint: bool
    sound: bool
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """The teacher's reply to a request: a rationale that ends by stating its answer, graded.

    A reply that cannot be used has `verdict.correct` false, `failure` as the kind of cause and `verdict.reason` in
    words; `text` is then what came, possibly empty. `keys` name the ledger's rows, in the order of asking.
    `explanation` says what is wrong in the mistake, where the teacher was asked for it. `asked` are the askings that
    were answered, in their order.
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

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """That of the request."""
        return self.problem_id, self.sample, self.mistake


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One row of training: the rationale learnt from, other right ones, and the student's own wrong ones.

    With `corrects`, what is learnt is to correct this mistake: it stands in the prompt, below the question.
    """

    problem: Problem
    anchor: str
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    corrects: str | None = None

    def without_reflection(self) -> TrainingExample:
        """The same row for the LM loss alone."""
        return replace(self, positives=(), negatives=())
