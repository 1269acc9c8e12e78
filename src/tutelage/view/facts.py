"""The facts that the pages show (frozen dataclasses): from queries on the index, to templates. Texts are unescaped.

A sitting is one set of answers to one split, in the order of a run:

    exam-1          round 1's exam, some attempts at every training problem
    evaluation-1    validation after round 1, one attempt a problem
    test-before     the untrained student on test
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tutelage.records import Split
from tutelage.view.practised import ShownPractice

Course = Literal["learnt", "forgotten", "never right", "always right", "mixed", "unseen"]
"""How a training problem went over the exams: wrong in the first and right in the last; the reverse; no attempt right
in any exam; every attempt right in all; anything else; in no exam. It is right if at least half of its attempts are."""

COURSES: tuple[Course, ...] = ("learnt", "forgotten", "never right", "always right", "mixed", "unseen")

Sort = Literal["order", "question", "first", "last", "gain", "replies", "cost"]
"""By the task's order, the question, the share right in the first exam, in the last, their difference, the number of
the teacher's replies, their cost. A leading `-` in a query string reverses it."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """A set of answers that a run holds. `round` is None for test."""

    name: str
    round: int | None
    split: Split
    problems: int
    attempts: int
    right: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the class book is wanted. Empty fields exclude nothing.

    `search` holds words: a problem is found if all stand in what was said about it, in question, attempts or replies.
    """

    course: Course | None = None
    kind: str | None = None
    taught: bool | None = None
    rejected: bool | None = None
    search: str = ""
    sort: str = "order"


@dataclass(frozen=True, slots=True)
class Cell:
    """A problem in one exam: its right attempts of all, the kinds of its mistakes. `total` is 0 without attempts."""

    right: int
    total: int
    kinds: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BookRow:
    """One training problem in the class book, with one cell an exam. `taught` and `rejected` count replies."""

    id: str
    question: str
    answer: str
    course: Course
    cells: Sequence[Cell]
    taught: int
    rejected: int
    usd: float


@dataclass(frozen=True, slots=True)
class BookPage:
    """A page of the class book. `found` counts all rows of the filter; `counts` those of each course without it."""

    rows: Sequence[BookRow]
    exams: Sequence[Sitting]
    found: int
    page: int
    pages: int
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Mark:
    """The first wrong step in an attempt: characters `start` to `end` of its text, what is right there, the kind.

    `start` is None where the step is not in the text (no answer is stated), or could not be found in it.
    """

    start: int | None
    end: int | None
    right: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """One attempt of a story; `thoughts` is what the student thought before it."""

    sample: int
    text: str
    correct: bool
    answer: str | None
    reason: str
    cut: bool
    tokens: int
    mark: Mark | None = None
    thoughts: str = ""


@dataclass(frozen=True, slots=True)
class ShownReply:
    """One request to the teacher in a story: the mistake it saw, its replies as they came, and what became of them.

    `raw` has the texts of the replies as the ledger holds them (several with several ways or samples), each with the
    way it was asked; empty without a ledger. `text` is the rationale as it was cleaned, None if it was refused, and
    `reason` is then why. `seconds` is None where the ledger does not hold it.
    """

    mistake: str | None
    raw: Sequence[tuple[str, str]]
    text: str | None
    failure: str | None
    reason: str
    usd: float
    prompt_tokens: int
    completion_tokens: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ShownExample:
    """A row that was trained on: the rationale, other right ones, and the student's wrong ones."""

    anchor: str
    positives: Sequence[str]
    negatives: Sequence[str]
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class StoryRound:
    """One round of a problem: exam, teaching, practice made of it, training. Round 0 has no attempts.

    `repairs` are mistakes put right that were trained on: the student's text before, what was wrong, what is right.
    """

    round: int
    attempts: Sequence[ShownAttempt]
    replies: Sequence[ShownReply]
    examples: Sequence[ShownExample]
    repairs: Sequence[tuple[str, str, str]] = ()
    practice: Sequence[ShownPractice] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one problem. `split` is not always train: validation and test have answers alone.

    `question` is None if no file of the run holds it. `answers` are the attempts of evaluations by sitting. `before`
    and `after` are the ids of its neighbours in the filtered list.
    """

    id: str
    split: Split
    question: str | None
    answer: str | None
    solution: str | None
    course: Course
    rounds: Sequence[StoryRound]
    answers: Mapping[str, ShownAttempt] = field(default_factory=dict[str, ShownAttempt])
    before: str | None = None
    after: str | None = None
    place: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """How many problems went from one state to another between two exams: states are right, sometimes, wrong."""

    before: str
    after: str
    problems: int


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The mistakes of a run. `kinds` has counts by kind for each exam's name, `flows` those from it to the next exam.

    `wrong_answers` has the most frequent wrong answers with their counts: (problem id, question, answer, count);
    `wrong_steps` the commonest first wrong steps: (step, what is right there, count, id of one problem).
    """

    kinds: Mapping[str, Mapping[str, int]]
    flows: Mapping[str, Sequence[Flow]]
    wrong_answers: Sequence[tuple[str, str, str, int]]
    wrong_steps: Sequence[tuple[str, str, int, str]]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A refused reply of the teacher, to be read through."""

    round: int
    problem_id: str
    question: str
    text: str
    kind: str
    reason: str
    usd: float


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """A page of refused replies, of one kind or of all. `kinds` counts all of each kind, the most frequent first."""

    rows: Sequence[RefusedRow]
    found: int
    page: int
    pages: int
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TeacherFacts:
    """The teacher of a run. `by_round` has (round, requests, prompt tokens, completion tokens, USD, sound replies).

    `over_time` has (Unix time, replies since the last point). `latency` has (label, median, 95 %) in seconds by model.
    `dearest` are the replies that cost most: (problem id, question, USD, tokens).
    """

    by_round: Sequence[tuple[int, int, int, int, float, int]]
    failures: Mapping[str, int]
    ways: Mapping[str, tuple[int, int]]
    over_time: Sequence[tuple[float, int]]
    latency: Sequence[tuple[str, float, float]]
    dearest: Sequence[tuple[str, str, float, int]]
    spent_usd: float
    cap_usd: float | None


@dataclass(frozen=True, slots=True)
class Indexing:
    """How far the index of a run is: rows read of all that its files hold by an estimate, and what is going on.

    `broken` rows were left out; `unread` names files that cannot be read, and why.
    """

    rows: int
    share: float
    doing: str
    done: bool
    broken: int = 0
    unread: Sequence[str] = ()
