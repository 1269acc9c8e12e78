"""A study as YAML: one base configuration, named arms, seeds.

question: Does feedback on the student's own mistakes beat as many replies on random problems?
base: {task: {name: leg_counting, train: 64}, training: {epochs: 2}}     # or a path to such a file
seeds: [0, 1, 2]
arms:
  full:                                       # a named arm
  one-round-same-budget:
  small-steps: {training: {learning_rate: 5.0e-5}}            # overrides of the base …
  warm: {like: preference, training: {beta: 0.3}}             # … or of a named arm
  dear: {like: explain, seeds: [0]}                           # run under these seeds alone
compare: [[full, one-round-same-budget]]      # left out: all pairs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field

from tutelage.config import RunConfig, Section, Seed
from tutelage.config.file import flat, load_config, parse_config, parse_section, read_yaml_file
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError
from tutelage.own_parts import OwnParts
from tutelage.studies.arms import ARMS, Arm, Change
from tutelage.studies.arms import base as base_arm
from tutelage.study_records import RunFigures


class StudyFile(Section):
    """The content of a study file."""

    question: str = ""
    """The question that the study answers, in a sentence."""
    base: dict[str, Any] | str
    """The configuration that all arms start from, or a file with it, relative to the study file."""
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1)
    """Every arm runs once per seed: they seed exams, draws and training, not the problems."""
    arms: dict[str, dict[str, Any] | None] = Field(min_length=1)
    """Named arms, and arms that the file defines."""
    compare: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    """Pairs of arms to compare; None: all."""
    keep_students: bool = False
    """Keep the models of all runs; if false, only their attempts and figures."""
    cache_gb: float = Field(default=12.0, ge=0, le=1e6)
    """Gigabytes of disk for the cache of stages that several runs share."""


_LONGEST_NAME = 200
"""Bytes; an arm is a folder, and file systems take 255."""


@dataclass(frozen=True, slots=True)
class Study:
    """A checked study. `arms` are in the file's order, but after the arms that they are matched to.

    `known` has figures of runs, by arm and seed, that are not repeated (`reuse.py`). `own` has the user's own parts.
    """

    name: str
    question: str
    base: RunConfig
    seeds: Sequence[int]
    arms: Mapping[str, Arm]
    pairs: Sequence[tuple[str, str]]
    keep_students: bool
    cache_bytes: int
    known: Mapping[tuple[str, int], RunFigures] = field(default_factory=dict[tuple[str, int], RunFigures])
    own: OwnParts = field(default_factory=OwnParts)


def load_study(path: Path) -> Study:
    """Read a study file. Raises ConfigError: invalid YAML, unknown arm or key, or a wrong setting in any arm."""
    file = parse_section(StudyFile, read_yaml_file(path), origin=str(path))
    if isinstance(file.base, str):
        base = load_config(path.parent / file.base)
    else:
        base = parse_config(file.base, origin=f"{path}, base")
    arms = {name: _arm(name, overrides, path, file.seeds) for name, overrides in file.arms.items()}
    for name, arm in arms.items():
        if not name or Path(name).name != name or name == ".." or len(name.encode()) > _LONGEST_NAME:
            raise ConfigError(f"{path}: arm {name!r} cannot be the name of a folder")
        _check(arm, arms, base, file.seeds, f"{path}, arm {name}")
    if len(set(file.seeds)) < len(file.seeds):
        raise ConfigError(f"{path}: a seed is repeated in {file.seeds}")
    ordered = dict(sorted(arms.items(), key=lambda item: item[1].matched is not None))
    return Study(
        path.stem,
        file.question,
        base,
        file.seeds,
        ordered,
        _pairs(file, arms, path),
        file.keep_students,
        int(file.cache_gb * 1e9),
    )


def _check(arm: Arm, arms: Mapping[str, Arm], base: RunConfig, seeds: Sequence[int], origin: str) -> None:
    """Refuse an arm that can't be run or compared. Raises ConfigError."""
    try:
        config = parse_config(arm.change(base).model_dump(), origin="its settings")
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None
    if config.task.model_copy(update={"train": base.task.train}) != base.task:
        raise ConfigError(f"{origin}: arms are compared on the same problems; of the task, only train may differ")
    if config.task.train != base.task.train and base.task.validation < 1:
        raise ConfigError(
            f"{origin}: where train differs, task.validation must be a number of problems, not {base.task.validation:g}"
            " of them, so that all arms have the same"
        )
    if config.seed != base.seed:
        raise ConfigError(f"{origin}: every arm is run under the study's seeds; leave its seed out")
    if arm.matched is None:
        return
    if arm.to not in arms:
        raise ConfigError(f"{origin}: it is given as much as {arm.to!r} has used; add {arm.to!r} to the arms")
    if alone := [seed for seed in seeds if arm.is_run_under(seed) and not arms[arm.to].is_run_under(seed)]:
        raise ConfigError(f"{origin}: it is given as much as {arm.to!r}, which is not run under seed {alone[0]}")
    if config.training.max_rows != base.training.max_rows:
        raise ConfigError(f"{origin}: training.max_rows is what {arm.to!r} has used; leave it out")


def _pairs(file: StudyFile, arms: Mapping[str, Arm], path: Path) -> Sequence[tuple[str, str]]:
    """The pairs to compare: those of the file, else all."""
    if file.compare is None:
        return list(combinations(arms, 2))
    if unknown := {name for pair in file.compare for name in pair} - arms.keys():
        raise ConfigError(f"{path}: compare names {sorted(unknown)[0]!r}, which is not among the arms")
    for a, b in file.compare:
        if a == b:
            raise ConfigError(f"{path}: compare names {a!r} twice; a pair is of two arms")
        if not any(arms[a].is_run_under(seed) and arms[b].is_run_under(seed) for seed in file.seeds):
            raise ConfigError(f"{path}: compare names {a!r} and {b!r}, which have no common seed")
    return [(a, b) for a, b in file.compare]


def _arm(name: str, overrides: Mapping[str, Any] | None, path: Path, of: Sequence[int]) -> Arm:
    """A named arm, or one defined by overrides of the base or of a named arm (`like`, or the same name)."""
    if overrides is None:
        return _named(name, path)
    settings = dict(overrides)
    if "like" in settings and settings["like"] is None:
        raise ConfigError(f"{path}, arm {name}: like names no arm")
    like, seeds = settings.pop("like", name if name in ARMS else None), cast(object, settings.pop("seeds", None))
    origin = f"{path}, arm {name}"
    named = cast(list[object], seeds) if isinstance(seeds, list) else []
    some = [seed for seed in of if any(type(each) is int and each == seed for each in named)]
    if seeds is not None and not (named and len(some) == len(named)):
        raise ConfigError(f"{origin}: seeds {seeds!r} are not some of the study's, {of}")
    arm = _named(str(like), path) if like is not None else Arm("the base", base_arm)
    own = ", ".join(f"{key}: {'null' if value is None else value}" for key, value in flat(settings).items())
    change = partial(_overridden, change=arm.change, settings=settings)
    source = f"{arm.source}; {own}" if own else arm.source
    return replace(arm, source=source, change=change, seeds=None if seeds is None else tuple(cast(list[int], seeds)))


def _named(name: str, path: Path) -> Arm:
    if name in ARMS:
        return ARMS[name]
    remedy = did_you_mean(name, ARMS, f"named arms are {', '.join(ARMS)}")
    raise ConfigError(f"{path}: no arm is named {name!r}; {remedy} (an arm of your own needs its overrides)")


def _overridden(config: RunConfig, *, change: Change, settings: Mapping[str, Any]) -> RunConfig:
    data = change(config).model_dump(mode="json")
    return parse_config(_merged(data, settings), origin="its settings")


def _merged(data: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for key, value in over.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[key] = _merged(cast(dict[str, Any], inner), cast(dict[str, Any], value)) if both else value
    return merged
