"""A run at a glance: how far it is, what it is doing, what it has cost, and how it goes on. Pure.

Accuracies are shares from 0 to 1, times are in seconds, money is in US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tutelage.config.shown import Setting
from tutelage.money import sum_usd
from tutelage.run_records import Accuracy, BeforeAfter, Now, RoundResult
from tutelage.runs.reader import RunReader, State
from tutelage.view.fields import mapping
from tutelage.view.spent import Spent, spent_by, spent_in


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A finished round. Exam figures are None in round 0; `mistakes` counts wrong attempts of `attempts`."""

    round: int
    validation: Accuracy
    pass_rate: float | None
    mistakes: int | None
    attempts: int | None
    requests: int
    replies_used: int
    usd: float
    trained_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Glance:
    """A run at a glance.

    `doing` is None unless the run is at work. `ended_because`, `best_round` and `test` are None before its end.
    `failures` counts requests without a rationale by kind; `caps` are those of the teacher's budget that are set, by
    name. `command` continues the run; None for one that has finished, is at work, or was begun
    from Python. `faults` say in words what of the run cannot be read.
    """

    name: str
    folder: str
    state: State
    rounds: Sequence[RoundRow]
    max_rounds: int | None
    doing: Now | None
    ended_because: str | None
    best_round: int | None
    test: BeforeAfter | None
    requests: int
    tokens: int
    usd: float
    caps: Mapping[str, float]
    failures: Mapping[str, int]
    seconds: float
    settings: Sequence[Setting]
    command: str | None
    machine: str = ""
    versions: str = ""
    precision: str = ""
    prompt: str = ""
    faults: Sequence[str] = ()


def glance(run: RunReader) -> Glance:
    """The run as it is now."""
    result, config, now = run.result, run.config, run.now
    rounds = result.rounds if result else run.rounds
    spent = spent_by(result.teaching if result else [row.teacher for row in rounds])
    if result is None:
        done = {row.round for row in rounds}
        spent += sum((spent_in(folder) for number, folder in run.folders.items() if number not in done), Spent())
    return Glance(
        name=run.root.absolute().name,
        folder=str(run.root),
        state=run.state,
        rounds=tuple(_row(row) for row in rounds),
        max_rounds=config and config.rounds.max,
        doing=now if now is None or now.title else replace(now, title="between two stages"),
        ended_because=result and result.stopped_because,
        best_round=result and result.best_round,
        test=result and result.test,
        requests=spent.requests,
        tokens=spent.tokens,
        usd=sum_usd([spent.usd]),
        caps={name: cap for name, cap in config.teacher.budget if cap is not None} if config else {},
        failures=dict(spent.failures.most_common()),
        seconds=result.seconds if result else _seconds(run, now),
        settings=run.changed,
        command=run.command,
        machine=result.machine if result else "",
        versions=result.versions if result else "",
        precision=result.precision if result else _precision(run),
        prompt=result.prompt if result else _prompt(run),
        faults=run.faults,
    )


def _row(row: RoundResult) -> RoundRow:
    exam, teacher = row.exam, row.teacher
    return RoundRow(
        row.round,
        row.validation,
        exam and exam.pass_rate,
        exam and exam.mistakes,
        exam and exam.attempts,
        teacher.requests,
        teacher.replies_used,
        teacher.cost_usd,
        row.training.row_tokens,
        row.seconds,
    )


def _seconds(run: RunReader, now: Now | None) -> float:
    """Seconds of the finished stages, and of the one under way."""
    stages = [entry for number in (None, *run.folders) for entry in run.stages(number).values()]
    return sum(entry.get("seconds", 0.0) for entry in stages) + (now.seconds if now else 0.0)


def _precision(run: RunReader) -> str:
    kept = mapping(run.mark.get("precision"))
    return f"{kept['dtype']}: {kept['why']}" if {"dtype", "why"} <= kept.keys() else ""


def _prompt(run: RunReader) -> str:
    return run.asked.told(run.config.student.thinking) if run.asked and run.config else ""
