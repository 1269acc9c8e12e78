"""Tasks with problems generated from a seed, by reasoning-gym or by us, each with a worked solution.

A seed gives one stream of problems. Test takes the first distinct ones, then validation, then train. So a longer train
split does not change the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from re import findall

from tutelage.config import TaskConfig
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError, DataError
from tutelage.records import AnswerKind, Problem, WorkedExample
from tutelage.tasks.splits import LoadedTask, Source, build_task, validation_size

TRAIN, TEST = 500, 200
"""Default sizes of splits; validation is then a share of train, in addition to it."""

_STALE = 3_000
"""Consecutive repeats after which a generator counts as exhausted."""

Options = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Generator:
    """A seeded stream of problems. `options` are its settings with their defaults."""

    kind: AnswerKind
    examples: tuple[WorkedExample, ...]
    options: Options
    stream: Callable[[int, Options], Iterator[Problem]]
    notes: Callable[[list[Problem]], tuple[str, ...]] = lambda _: ()


@dataclass(frozen=True, slots=True)
class More:
    """Streams of further problems, by their seeds."""

    stream: Callable[[int, Options], Iterator[Problem]]
    options: Options

    def __call__(self, seed: int) -> Iterator[Problem]:
        """The problems of a seed."""
        return self.stream(seed, self.options)


def load_generated(config: TaskConfig, generator: Generator) -> LoadedTask:
    """The task of a configuration.

    Raises:
        ConfigError: an option is unknown, has the wrong type or contradicts another.
        DataError: the options allow fewer distinct problems than configured.
    """
    options = check_options(config, generator.options)
    train, test = config.train or TRAIN, config.test or TEST
    validation = validation_size(config, train)
    stream = generator.stream(config.seed, options)
    problems = draw(stream, train + validation + test, config.name, without=[e.question for e in generator.examples])
    source = Source(
        train=problems[test + validation :],
        test=problems[:test],
        validation=problems[test : test + validation],
        notes=generator.notes(problems),
    )
    sized = config.model_copy(update={"train": train, "test": test, "validation": validation})
    task = build_task(sized, generator.kind, generator.examples, source, origin=config.name)
    return replace(task, more=More(generator.stream, options))


def draw(stream: Iterator[Problem], count: int, name: str, *, without: Sequence[str] = ()) -> list[Problem]:
    """The first `count` distinct problems whose questions are not among `without`.

    Questions that differ only in the order of their words count as one. Raises DataError if the stream is exhausted.
    """
    excluded = {_words(question) for question in without}
    found: dict[tuple[str, ...], Problem] = {}
    stale = 0
    for problem in stream:
        key = _words(problem.text)
        if key in found or key in excluded:
            stale += 1
        else:
            found[key], stale = problem, 0
        if len(found) == count:
            return list(found.values())
        if stale == _STALE:
            break
    raise DataError(
        f"{count} distinct problems are asked for (train, validation and test together), but the options allow only "
        f"about {len(found)}; ask for fewer or widen task.options",
        path=name,
    )


def _words(question: str) -> tuple[str, ...]:
    return tuple(sorted(findall(r"\w+", question.lower())))


def check_options(config: TaskConfig, defaults: Options) -> dict[str, int]:
    """The generator's settings: the defaults, overridden by the configuration."""
    for key, value in config.options.items():
        if key not in defaults:
            remedy = did_you_mean(key, defaults, f"{config.name} has {', '.join(defaults) or 'none'}")
            raise ConfigError(f"unknown option task.options.{key}; {remedy}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"task.options.{key} is {value!r}; give a whole number from 1, such as {defaults[key]}")
    merged = {**defaults, **{key: int(value) for key, value in config.options.items()}}
    for low, high in ((key, "max" + key.removeprefix("min")) for key in merged if key.startswith("min_")):
        if high in merged and merged[low] > merged[high]:
            raise ConfigError(
                f"task.options.{low} is {merged[low]} and {high} is {merged[high]}; lower one or raise the other"
            )
    return merged
