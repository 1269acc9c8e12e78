"""From rows to splits: removes repeats and leaks, holds out validation, draws subsets.

Problems are held out or drawn by a seeded content hash, not by their place in the file. So adding or removing a row
moves no other row. Splits keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.grading.grade import grade
from tutelage.records import SPLITS, AnswerKind, Grade, Problem, Split, Verdict, WorkedExample, content_hash

Problems = Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Source:
    """The problems of the files, as read. Without a validation part, it is held out from train."""

    train: Problems
    test: Problems
    validation: Problems | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that occurs twice with different answers; the first row is kept."""

    question: str
    kept: str
    dropped: str


@dataclass(frozen=True, slots=True)
class SplitReport:
    """Counts of rows per split: read, and dropped as repeats within a split or as leaks between splits."""

    read: Mapping[Split, int]
    repeats: Mapping[Split, int]
    leaks: int
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The notes, and what was dropped."""
        counts = {"repeated": sum(self.repeats.values()), "that a later split asks, too": self.leaks}
        parts = [f"{count:,} {what}" for what, count in counts.items() if count]
        if not parts:
            return self.notes
        dropped = f"questions left out: {', '.join(parts)}"
        other = f"; {len(self.conflicts):,} came with another answer, and the first stays" if self.conflicts else ""
        return (*self.notes, dropped + other)


@dataclass(frozen=True, slots=True)
class LoadedTask:
    """A task in memory: implements `Task`, with the report on its splits.

    `grader` replaces the grading by kind of answer; `way` identifies it in the key. `own`: the grader is the user's, so
    gold answers may have any form. `commit` is that of a data set of the hub. `more` is the stream of further problems
    that a seed gives, of a generated task.
    """

    name: str
    kind: AnswerKind
    examples: tuple[WorkedExample, ...]
    splits: Mapping[Split, tuple[Problem, ...]]
    report: SplitReport
    grader: Grade | None = None
    way: str = ""
    own: bool = False
    commit: str | None = None
    more: Callable[[int], Iterator[Problem]] | None = None

    @property
    def key(self) -> str:
        """See Task."""
        return " ".join(part for part in (self.name, self.kind, self.way) if part)

    def problems(self, split: Split) -> tuple[Problem, ...]:
        """The problems of a split, in a fixed order. Raises ConfigError for a split that does not exist."""
        if split not in self.splits:
            raise ConfigError(f"unknown split {split!r}; the splits are {', '.join(SPLITS)}")
        return self.splits[split]

    def grade(self, problem: Problem, text: str) -> Verdict:
        """Whether the final answer that `text` states has the value of the problem's answer."""
        return self.grader(problem, text) if self.grader else grade(self.kind, problem, text)


def build_task(
    config: TaskConfig, kind: AnswerKind, examples: Sequence[WorkedExample], source: Source, *, origin: str
) -> LoadedTask:
    """Deduplicate, drop leaks, hold out validation, draw subsets. `origin` names the data in errors.

    Raises:
        DataError: a split is empty, or smaller than asked.
        ConfigError: `validation` is neither a number of problems nor a share.
    """
    parts: dict[Split, Problems] = {"train": source.train, "validation": source.validation or (), "test": source.test}
    for name in ("train", "test"):
        if not parts[name]:
            raise DataError(f"the {name} split is empty; give it at least one problem", path=origin)
    distinct: dict[Split, list[Problem]] = {}
    conflicts: list[Conflict] = []
    for name, rows in parts.items():
        distinct[name], found = deduplicate(rows)
        conflicts += found
    kept = without_leaks(distinct)
    report = SplitReport(
        read={name: len(rows) for name, rows in parts.items()},
        repeats={name: len(rows) - len(distinct[name]) for name, rows in parts.items()},
        leaks=sum(len(distinct[name]) - len(kept[name]) for name in SPLITS),
        conflicts=tuple(conflicts),
        notes=source.notes,
    )
    splits = draw_splits(kept, config, given=source.validation is not None, origin=origin)
    return LoadedTask(config.name, kind, tuple(examples), splits, report)


def deduplicate(problems: Problems) -> tuple[list[Problem], list[Conflict]]:
    """Keep the first of equal questions; list those repeated with another answer."""
    first: dict[str, Problem] = {}
    conflicts: list[Conflict] = []
    for problem in problems:
        kept = first.setdefault(problem.id, problem)
        if kept.answer != problem.answer:
            conflicts.append(Conflict(problem.question, kept.answer, problem.answer))
    return list(first.values()), conflicts


def without_leaks(parts: Mapping[Split, Problems]) -> dict[Split, list[Problem]]:
    """Test keeps all its questions, validation those not in test, train those in neither."""
    seen: set[str] = set()
    kept: dict[Split, list[Problem]] = {}
    for name in reversed(SPLITS):
        kept[name] = [problem for problem in parts[name] if problem.id not in seen]
        seen |= {problem.id for problem in kept[name]}
    return kept


def draw_splits(
    parts: Mapping[Split, Problems], config: TaskConfig, *, given: bool, origin: str
) -> dict[Split, tuple[Problem, ...]]:
    """Hold out validation unless it is `given`, then draw as many problems as the configuration sets."""
    train, validation = list(parts["train"]), list(parts["validation"])
    if not train:
        raise DataError("all training problems also stand in validation or test; nothing is left to train", path=origin)
    if not given:
        count = validation_size(config, len(train))
        if count >= len(train):
            raise DataError(
                f"validation takes {count} of {len(train)} training problems, so nothing is left to train; "
                "lower task.validation",
                path=origin,
            )
        train, validation = divide(train, count, f"validation {config.seed}")
    elif config.validation >= 1:
        validation = _limit(validation, validation_size(config, len(train)), "validation", config.seed, origin)
    if not validation:
        raise DataError("the validation split is empty; give it at least one problem", path=origin)
    return {
        "train": tuple(_limit(train, config.train, "train", config.seed, origin)),
        "validation": tuple(validation),
        "test": tuple(_limit(parts["test"], config.test, "test", config.seed, origin)),
    }


def validation_size(config: TaskConfig, train: int) -> int:
    """The size of validation: `validation` as a number, or as a share of `train`, rounded, at least one."""
    size = config.validation
    if size < 1:
        return max(1, round(size * train))
    if size % 1:
        raise ConfigError(f"task.validation is {size}; give a number of problems such as 100, or a share below 1")
    return int(size)


def divide(problems: Problems, count: int, salt: str) -> tuple[list[Problem], list[Problem]]:
    """Draw `count` problems by the salted content hash; returns the rest and the drawn, both in file order."""
    drawn = {p.id for p in sorted(problems, key=lambda problem: content_hash(salt, problem.id))[:count]}
    return [p for p in problems if p.id not in drawn], [p for p in problems if p.id in drawn]


def _limit(problems: Problems, count: int | None, split: Split, seed: int, origin: str) -> list[Problem]:
    if count is None:
        return list(problems)
    if count > len(problems):
        raise DataError(
            f"{count} {split} problems are asked for, but there are {len(problems)}; lower task.{split}", path=origin
        )
    return divide(problems, count, f"{split} {seed}")[1]
