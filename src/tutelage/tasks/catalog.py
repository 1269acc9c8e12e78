"""Every task by name: the one place where names become loaders.

>>> load_task("leg_counting", train=160, test=100).problems("train")[0].question
'Ann draws 3 deer, 6 jellyfish and 5 flatworms. How many legs does she draw in total?'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tutelage.config import TaskConfig
from tutelage.config.file import parse_config
from tutelage.config.places import is_hub_name
from tutelage.contracts import takes_named, told
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError, TutelageError
from tutelage.records import AnswerKind, Problem, TextMatch
from tutelage.tasks.custom import load_custom
from tutelage.tasks.examples import EXAMPLES
from tutelage.tasks.generated import leap_years, sums, symbolic
from tutelage.tasks.generated.generator import Generator, Options, load_generated
from tutelage.tasks.own import own_grader, own_task, try_grader
from tutelage.tasks.published.bbh import load_bbh
from tutelage.tasks.published.benchmarks import BENCHMARKS
from tutelage.tasks.published.load import load_benchmark
from tutelage.tasks.splits import LoadedTask
from tutelage.user_code import UserCode, is_code

Load = Callable[[TaskConfig], LoadedTask]


@dataclass(frozen=True, slots=True)
class Entry:
    """A task's description in one sentence, its loader, and which of the settings that few tasks have it takes."""

    description: str
    load: Load
    takes: frozenset[str]


def _published(name: str, description: str) -> Entry:
    load = partial(load_benchmark, benchmark=BENCHMARKS[name], examples=EXAMPLES[name])
    return Entry(description, load, frozenset(("path", "split_file", "revision")))


def _generated(
    name: str,
    description: str,
    stream: Callable[[int, Options], Iterator[Problem]],
    options: Options,
    kind: AnswerKind = "number",
    notes: Callable[[list[Problem]], tuple[str, ...]] = lambda _: (),
) -> Entry:
    generator = Generator(kind, EXAMPLES[name], options, stream, notes)
    settings = f" Options: {', '.join(f'{key} {value}' for key, value in options.items())}." if options else ""
    return Entry(
        f"Generated: {description}{settings}", partial(load_generated, generator=generator), frozenset(("options",))
    )


TASKS: Mapping[str, Entry] = {
    "gsm8k": _published("gsm8k", "Grade-school maths in several steps, with worked solutions (7,473 + 1,319)."),
    "svamp": _published("svamp", "Short maths word problems with misleading details, with equations (1,000)."),
    "multiarith": _published("multiarith", "Maths word problems in two steps, with equations (600)."),
    "commonsense_qa": _published("commonsense_qa", "Everyday knowledge, five choices (9,741 + 1,221)."),
    "strategy_qa": _published("strategy_qa", "Yes-or-no questions that need several facts, which are given (2,290)."),
    "math_500": _published(
        "math_500", "Competition mathematics with LaTeX answers: MATH, tested on 500 (12,000 + 500)."
    ),
    "aqua": _published("aqua", "Algebra word problems, five choices, with rationales (97,467 + 254)."),
    "asdiv": _published("asdiv", "Maths word problems of primary schools in many forms, with formulas (2,305)."),
    "date_understanding": _published("date_understanding", "BIG-bench: which date is meant? Several choices (369)."),
    "bbh": Entry(
        "BIG-bench-hard: its 20 tasks with choices, or one of them as task.subset (250 each at most).",
        partial(load_bbh, examples=EXAMPLES["bbh"]),
        frozenset(("path", "revision", "subset")),
    ),
    "leg_counting": _generated("leg_counting", "legs of several kinds of animals.", sums.leg_counting, sums.LEGS),
    "chain_sum": _generated("chain_sum", "sums and differences of several numbers.", sums.chain_sum, sums.CHAIN),
    "common_divisor": _generated(
        "common_divisor", "the greatest common divisor of two numbers.", sums.common_divisor, sums.DIVISOR
    ),
    "shopping": _generated("shopping", "the price of a purchase, or the change.", sums.shopping, sums.SHOPPING),
    "leap_year": _generated(
        "leap_year", "is a year a leap year, yes or no?", leap_years.leap_year, leap_years.LEAP, "yes-no"
    ),
    "gsm_symbolic": _generated(
        "gsm_symbolic",
        "problems in the manner of GSM8K, most with a worked solution.",
        symbolic.gsm_symbolic,
        {},
        notes=symbolic.count_dropped,
    ),
    "custom": Entry(
        "Your own problems: JSONL, JSON, CSV or Parquet, a file or a folder, or a data set of the hub.",
        load_custom,
        frozenset(("path", "config", "split", "revision", "field", "system", "kind", "match", "grader")),
    ),
}


def open_task(config: TaskConfig, say: Callable[[str], None] = lambda text: None) -> LoadedTask:
    """Load the task that a configuration names; `say` is told what code of the user's is loaded.

    Raises:
        ConfigError: no such task, or a setting does not fit it.
        DataError: its data is missing, broken, or too small for what is asked.
    """
    entry = Entry("", partial(_from_file, say=say), _OF_A_FILE) if is_code(config.name) else TASKS.get(config.name)
    if entry is None:
        remedy = did_you_mean(config.name, TASKS, f"the tasks are {', '.join(TASKS)}")
        if is_hub_name(config.name):
            remedy = f"a data set of the hub is written hf://{config.name}, a folder or a file by its path"
        raise ConfigError(f"unknown task {config.name!r}; {remedy}")
    for setting in _FEW:
        if setting not in entry.takes and getattr(config, setting):
            raise ConfigError(
                f"the task {config.name} takes no task.{setting} (found {getattr(config, setting)!r}); leave it out"
            )
    if config.grader is None:
        return entry.load(config)
    code = UserCode.named(config.grader, "task.grader")
    loaded, grader = entry.load(config), own_grader(code, code.load(say))
    try_grader(grader, loaded.problems("train")[0])
    note = f"answers are graded by {code.function} of {code.path}"
    report = replace(loaded.report, notes=(*loaded.report.notes, note))
    return replace(loaded, grader=grader, way=code.digest, own=True, report=report)


_FEW = (
    *("path", "split_file", "config", "split", "revision", "subset", "field", "system"),
    *("kind", "match", "grader", "options"),
)
"""Settings that only some tasks take."""

_OF_A_FILE = frozenset(("options",))


def _from_file(config: TaskConfig, say: Callable[[str], None]) -> LoadedTask:
    """The task that a function of the user's makes of the options."""
    code = UserCode.named(config.name, "task.name")
    make, who = code.load(say), f"task.name: {code.function} of {code.path}"
    if (fault := takes_named(make, config.options)) is not None:
        of = "; task.options are its arguments" if fault.startswith("takes") else ""
        raise ConfigError(f"{who} {fault}{of}")
    try:
        made = make(**config.options)
    except TutelageError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{who} fails: {told(error, code.path)}") from error
    return replace(own_task(made, config, key=code.digest), name=config.name)


def code_of(config: TaskConfig) -> dict[str, str]:
    """What a task's code of the user's stands for in a run's identity; read, not run. Raises ConfigError."""
    named = {"task": config.name if is_code(config.name) else None, "grader": config.grader}
    setting = {"task": "task.name", "grader": "task.grader"}
    return {part: UserCode.named(name, setting[part]).digest for part, name in named.items() if name is not None}


def match_of(config: TaskConfig) -> TextMatch | None:
    """How a task compares answers in words: as it is set, or as a benchmark has it. None: by their kind alone."""
    return config.match or (BENCHMARKS[config.name].match if config.name in BENCHMARKS else None)


def load_task(name: str, *, path: str | Path | None = None, **settings: object) -> LoadedTask:
    """Load a task by name. `settings` are the fields of `TaskConfig`, such as `train=200` or `seed=1`.

    Raises ConfigError and DataError, as `open_task` does.
    """
    data = {"name": name, "path": None if path is None else str(path), **settings}
    return open_task(parse_config({"task": data}, origin="load_task").task)
