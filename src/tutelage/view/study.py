"""The facts of a study's page, from its folder: study.json, and the runs below it, finished or not.

Where a study has no study.json yet, figures are those of the runs that have finished.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Literal

from tutelage.errors import RunError, TutelageError
from tutelage.metrics.comparison import compare, interval
from tutelage.money import sum_usd
from tutelage.runs.files import check_regular
from tutelage.runs.reader import RunReader, open_run
from tutelage.studies.figures import read_figures
from tutelage.study_records import ArmFigures, Comparison, Interval, RunFigures, StudyFigures

State = Literal["finished", "at work", "stopped", "not here", "unreadable"]

MOST_PAIRS = 36
"""Pairs of arms that are compared for a page (those of nine arms); each takes about 0.1 s. study.json has all."""


@dataclass(frozen=True, slots=True)
class StudyRun:
    """One run of a study: an arm with a seed. `folder` is None where the run itself is not there, only its figures.

    `test` is the accuracy of the best round on test, `validation` that of every round; `rounds` counts those that have
    ended. `note` says why it ended, or why it can't be read.
    """

    seed: int
    folder: Path | None
    state: State
    test: float | None = None
    validation: Sequence[float] = ()
    best_round: int | None = None
    replies: int | None = None
    usd: float | None = None
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StudyArm:
    """An arm over its seeds. `test` is None before a run has finished. Other figures are means over those finished."""

    name: str
    source: str
    test: Interval | None
    seeds: int
    replies: float | None
    usd: float | None
    seconds: float | None
    runs: Sequence[StudyRun]


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study. `about` has facts by their titles. `written` says whether it has a study.json that can be read.

    `faults` say what can't be read, `pairs_left_out` how many pairs are not compared before study.json is written.
    """

    name: str
    question: str
    about: Sequence[tuple[str, str]]
    command: str
    arms: Sequence[StudyArm]
    pairs: Sequence[Comparison]
    written: bool
    pairs_left_out: int = 0
    faults: Sequence[str] = ()


def read_study(folder: Path) -> StudyFacts:
    """The facts of the study in a folder. What is broken is said in `faults`; nothing is written."""
    figures, faults = None, list[str]()
    if (folder / "study.json").exists():
        try:
            check_regular(folder / "study.json")
            figures = read_figures(folder / "study.json")
        except TutelageError as error:
            faults.append(str(error))
    runs = _runs(folder)
    return _written(figures, runs, faults) if figures else _under_way(folder.absolute().name, runs, faults)


def _written(figures: StudyFigures, runs: Mapping[str, Mapping[int, Path]], faults: Sequence[str]) -> StudyFacts:
    """A study with figures, and the runs that have come since."""
    arms = [_arm(name, arm, runs.get(name, {})) for name, arm in figures.arms.items()]
    new = {name: folders for name, folders in runs.items() if name not in figures.arms}
    problems = (figures.train_problems, figures.validation_problems, figures.test_problems)
    about = (
        ("Task", figures.task),
        ("Problems", "{:,} train, {:,} validation, {:,} test".format(*problems)),
        ("Student", figures.student),
        ("Teacher", figures.teacher),
        ("Machine", figures.machine),
        ("Versions", figures.versions),
    )
    return StudyFacts(
        figures.name,
        figures.question,
        [(title, value) for title, value in about if value],
        figures.command,
        [*arms, *(_arm_under_way(name, [_look(*each) for each in found.items()])[0] for name, found in new.items())],
        figures.comparisons,
        True,
        faults=faults,
    )


def _arm(name: str, arm: ArmFigures, folders: Mapping[int, Path]) -> StudyArm:
    known = {run.seed: _known(run, folders.get(run.seed)) for run in arm.runs}
    runs = known | {seed: _look(seed, folder) for seed, folder in folders.items() if seed not in known}
    means = arm.teacher_replies, arm.usd, arm.seconds
    return StudyArm(name, arm.source, arm.test, arm.seeds, *means, [runs[seed] for seed in sorted(runs)])


def _known(run: RunFigures, folder: Path | None) -> StudyRun:
    return StudyRun(
        run.seed,
        folder,
        "finished" if folder else "not here",
        run.right.count("1") / len(run.right) if run.right else None,
        [row.validation for row in run.rounds],
        run.best_round if run.rounds else None,
        run.replies,
        run.usd,
        run.seconds,
        run.stopped_because,
    )


def _under_way(name: str, runs: Mapping[str, Mapping[int, Path]], faults: Sequence[str]) -> StudyFacts:
    """A study whose figures nobody has written yet."""
    arms, rights = list[StudyArm](), dict[str, Mapping[int, str]]()
    for arm, folders in runs.items():
        facts, right = _arm_under_way(arm, [_look(seed, folder) for seed, folder in folders.items()])
        arms.append(facts)
        rights |= {arm: right} if right else {}
    pairs = list(combinations(rights, 2))
    compared = (_pair(rights, *pair) for pair in pairs[:MOST_PAIRS])
    return StudyFacts(
        name,
        "",
        (),
        "",
        arms,
        [pair for pair in compared if pair],
        False,
        max(0, len(pairs) - MOST_PAIRS),
        faults,
    )


def _arm_under_way(name: str, runs: Sequence[StudyRun]) -> tuple[StudyArm, Mapping[int, str]]:
    """An arm by its finished runs, and which test problems they have right, by seed."""
    done = [run for run in runs if run.state == "finished" and run.folder]
    rights = {run.seed: right for run in done if run.folder and (right := _right(run.folder))}
    try:
        test = interval(list(rights.values())) if rights else None
    except ValueError:  # the seeds have other problems: such a study is not of Tutelage
        test = None
    arm = StudyArm(
        name,
        "",
        test,
        len(done),
        _mean(run.replies for run in done),
        _mean(run.usd for run in done),
        _mean(run.seconds for run in done),
        sorted(runs, key=lambda run: run.seed),
    )
    return arm, rights


def _pair(rights: Mapping[str, Mapping[int, str]], a: str, b: str) -> Comparison | None:
    try:
        return compare(rights[a], rights[b], (a, b))
    except ValueError:  # no seed has finished in both
        return None


def _runs(folder: Path) -> dict[str, dict[int, Path]]:
    """The runs below a study's folder, by arm and seed."""
    found = dict[str, dict[int, Path]]()
    for path in sorted(folder.glob("runs/*/seed-*")):
        if re.fullmatch(r"seed-\d{1,9}", path.name, re.ASCII) and path.is_dir():
            found.setdefault(path.parent.name, {})[int(path.name.removeprefix("seed-"))] = path
    return found


def _look(seed: int, folder: Path) -> StudyRun:
    """A run by its own files."""
    try:
        run = open_run(folder)
    except RunError as error:
        return StudyRun(seed, folder, "unreadable", note=str(error))
    result, rounds, now = run.result, run.rounds, run.now
    teaching = result.teaching if result else [row.teacher for row in rounds]
    evaluated = not run.folders and run.stages(None).get("test-before", {}).get("done") is True  # an untaught arm
    return StudyRun(
        seed,
        folder,
        "at work" if now else "finished" if result or evaluated else "stopped",
        result.test.after.accuracy if result else None,
        [row.validation.accuracy for row in rounds],
        result.best_round if result else None,
        sum(row.replies for row in teaching),
        sum_usd(row.cost_usd for row in teaching),
        result.seconds if result else sum(row.seconds for row in rounds),
        now.title if now else result.stopped_because if result else "evaluated as it came" if evaluated else "",
    )


def _right(folder: Path) -> str:
    """A 1 or a 0 for every test problem of a finished run; empty if it can't be told."""
    run = RunReader(folder)
    rows = [*run.rows(None, "test-after.jsonl")] or [*run.rows(None, "test-before.jsonl")]
    try:
        return "".join("1" if row["verdict"]["correct"] is True else "0" for row in rows)
    except (KeyError, TypeError):
        return ""


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
