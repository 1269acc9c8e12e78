"""Computes a study's figures (`study.json`) from the files of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter

from tutelage.config.file import dump_config, read_written
from tutelage.metrics.comparison import compare, interval
from tutelage.money import sum_usd
from tutelage.records import Attempt, Feedback, Usage
from tutelage.renamed import modern_step
from tutelage.rounds.error_summary import mistakes_by_kind
from tutelage.run_records import COMPARED, RoundResult, RunResult, StepRecord
from tutelage.runs.directory import Run, versions
from tutelage.runs.files import read_rows
from tutelage.runs.finished import Inputs, has_run, read_finished
from tutelage.runs.layout import round_folder
from tutelage.runs.reader import REPLIES
from tutelage.student.resources.hardware import hardware
from tutelage.studies.arms import Arm, Spent
from tutelage.studies.running import ProblemsOf, configured, problems, run_folder, task_of
from tutelage.studies.study_file import Study
from tutelage.study_records import ArmFigures, Comparison, RoundFigures, RunFigures, StudyFigures
from tutelage.tasks.task import Task
from tutelage.teacher.ledger.reader import LedgerReader


def gather(study: Study, out: Path, command: str) -> StudyFigures:
    """The figures of all finished runs of this study and of its known runs; arms without a run are left out."""
    runs: dict[str, list[RunFigures]] = {name: [] for name in study.arms}
    task = task_of(study, study.base.task.train)
    costs_of, problems_of = cache(_costs), problems(study)  # a shared ledger is read once
    for seed in study.seeds:
        for name, figures in _runs(study, out, seed, task, costs_of, problems_of):
            runs[name].append(figures)
    arms = {name: _arm(study.arms[name], found) for name, found in runs.items() if found}
    all_runs = [run for found in runs.values() for run in found]
    return StudyFigures(
        name=study.name,
        question=study.question,
        task=task.name,
        student=study.base.student.model,
        teacher=_teacher(study),
        train_problems=len(task.problems("train")),
        validation_problems=len(task.problems("validation")),
        test_problems=len(task.problems("test")),
        arms=arms,
        comparisons=tuple(_comparisons(study.pairs, arms)),
        command=command,
        machine=_each([run.machine for run in all_runs]) or hardware(),
        versions=_each([run.versions for run in all_runs]) or versions(),
        base=dump_config(study.base),
        data=problems_of(study.base)[0],
        parts=study.own.keys(study.base),
    )


def _runs(
    study: Study,
    out: Path,
    seed: int,
    task: Task,
    costs_of: Callable[[Path], Mapping[str, Usage]],
    problems_of: ProblemsOf,
) -> Iterator[tuple[str, RunFigures]]:
    """The finished runs of a seed, by arm."""
    spent: dict[str, Spent] = {}
    for name, arm in study.arms.items():
        if figures := study.known.get((name, seed)):
            spent |= {name: Spent.of_figures(figures)} if arm.taught else {}
            yield name, figures
            continue
        if not arm.is_run_under(seed) or (arm.matched and arm.to not in spent):
            continue
        config, folder = configured(study, arm, seed, out, spent), run_folder(out, name, seed)
        data, pins = problems_of(config)
        inputs = Inputs(config, data, study.own.in_arm(config, study.base).keys(config), pins)
        if not arm.taught and has_run(folder, inputs) and (right := _right(folder / "test-before.jsonl")):
            yield name, RunFigures(seed, right, 0, (), "evaluated as it came", Run(folder, "").seconds(None))
        elif arm.taught and (result := read_finished(folder, inputs)):
            spent[name] = Spent.of_result(result)
            yield name, _run(seed, result, folder, task, costs_of(Path(config.teacher.ledger or "")))


def _right(path: Path) -> str:
    return "".join("1" if attempt.verdict.correct else "0" for attempt in read_rows(path, Attempt))


def _run(seed: int, result: RunResult, folder: Path, task: Task, costs: Mapping[str, Usage]) -> RunFigures:
    rounds, counted = [round_folder(folder, round) for round in range(len(result.teaching))], set[str]()
    usd = [_usd(_replies(each, REPLIES), costs, counted) for each in rounds]
    feedback = [_replies(each, ("annotation.jsonl", "feedback.jsonl")) for each in rounds]
    return RunFigures(
        seed,
        _right(folder / "test-after.jsonl"),
        result.best_round,
        tuple(_rounds(result, folder, task, feedback, usd)),
        result.stopped_because,
        result.seconds,
        result.machine,
        result.versions,
        sum(cost.replies for cost in result.teaching),
        sum_usd(usd),
    )


def _rounds(
    result: RunResult, folder: Path, task: Task, feedback: Sequence[Sequence[Feedback]], usd: Sequence[float]
) -> list[RoundFigures]:
    rounds = result.rounds
    replies = accumulate(row.teacher.replies for row in rounds)
    rows = accumulate(row.training.rows for row in rounds)
    seconds = accumulate(row.seconds for row in rounds)
    paid = accumulate(usd[: len(rounds)])
    right = ({reply.problem_id for reply in replies if reply.is_rationale} for replies in feedback[: len(rounds)])
    taught = map(len, accumulate(right, set[str].union))
    return [
        _round(row, round_folder(folder, row.round), task, *so_far)
        for row, so_far in zip(rounds, zip(replies, paid, rows, seconds, taught, strict=True), strict=True)
    ]


def _round(
    row: RoundResult, folder: Path, task: Task, replies: int, usd: float, rows: int, seconds: float, taught: int
) -> RoundFigures:
    steps = [step for step in _steps(folder) if step.pairs]
    looked = [step for step in steps if step.lm_gradient and step.reflection_gradient is not None]
    return RoundFigures(
        round=row.round,
        validation=row.validation.accuracy,
        replies=replies,
        usd=usd,
        rows=rows,
        seconds=seconds,
        pass_rate=row.exam.pass_rate if row.exam else None,
        taught=taught,
        mistakes=mistakes_by_kind(read_rows(folder / "evaluation.jsonl", Attempt), task, "validation"),
        lm_loss=row.training.lm_loss,
        reflection_loss=_mean([step.reflection_loss for step in steps]),
        **{name: _mean([each for step in steps if (each := getattr(step, name)) is not None]) for name in COMPARED},
        gradient_ratio=_mean([(step.reflection_gradient or 0.0) / (step.lm_gradient or 1.0) for step in looked]),
        gradient_cosine=_mean([step.gradient_cosine for step in looked if step.gradient_cosine is not None]),
        collapse=row.training.collapse,
    )


def _steps(folder: Path) -> list[StepRecord]:
    """The steps of a round; also reads runs of earlier versions."""
    rows = read_rows(folder / "steps.jsonl", dict[str, Any])
    if any("near" in row for row in rows):
        gains = read_written(folder.parent / "config.yaml").training.reflection == "preference"
        rows = [modern_step(row, gains=gains) for row in rows]
    return TypeAdapter(list[StepRecord]).validate_python(rows)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _costs(ledger: Path) -> dict[str, Usage]:
    """The cost of every reply in the ledger, by key, whichever run paid for it."""
    if not ledger.is_file():
        return {}
    with LedgerReader(ledger) as reader:
        return {row.key: row.usage for row in reader.rows()}


def _replies(folder: Path, names: Sequence[str]) -> list[Feedback]:
    return [reply for name in names for reply in read_rows(folder / name, Feedback)]


def _usd(replies: Sequence[Feedback], costs: Mapping[str, Usage], counted: set[str]) -> float:
    """US dollars that a round's replies would have cost this run alone."""
    keys = {key for reply in replies for key in reply.keys} - counted
    counted |= keys
    return sum_usd(costs[key].cost_usd for key in keys if key in costs)


def _each(values: Iterable[str]) -> str:
    """The distinct non-empty values, in one line; runs of earlier versions have none."""
    return "; ".join(sorted({value for value in values if value}))


def _arm(arm: Arm, runs: Sequence[RunFigures]) -> ArmFigures:
    last = [run.rounds[-1] for run in runs if run.rounds]
    return ArmFigures(
        source=arm.source,
        seeds=len(runs),
        test=interval([run.right for run in runs]),
        teacher_replies=fmean(run.replies for run in runs),
        usd=fmean(run.usd for run in runs),
        rows=fmean(row.rows for row in last) if last else 0.0,
        seconds=fmean(run.seconds for run in runs),
        runs=tuple(runs),
    )


def _comparisons(pairs: Sequence[tuple[str, str]], arms: Mapping[str, ArmFigures]) -> list[Comparison]:
    """The comparisons of all pairs that have a common seed."""
    found: list[Comparison] = []
    for a, b in pairs:
        if a not in arms or b not in arms:
            continue
        right = {name: {run.seed: run.right for run in arms[name].runs} for name in (a, b)}
        if right[a].keys() & right[b].keys():
            found.append(compare(right[a], right[b], (a, b)))
    return found


def _teacher(study: Study) -> str:
    if study.own.teacher is not None:
        return study.own.teacher.key
    settings = study.base.teacher
    parts = [settings.kind, settings.model or "", f"then {settings.fallback}" if settings.fallback else ""]
    return " ".join(part for part in parts if part)
