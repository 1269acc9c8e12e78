"""Tables for the terminal: the rounds of a run, and bounds on its teacher's cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tutelage.config import BudgetConfig
from tutelage.money import sum_usd
from tutelage.records import Usage
from tutelage.report.format import clock, share
from tutelage.run_records import Accuracy, RoundResult, RunResult
from tutelage.teacher_records import CostBound
from tutelage.text.printable import printable

COLUMNS = ("round", "validation (95 %)", "exam passed", "mistakes", "replies used", "tokens", "seconds")


def print_rounds(rounds: tuple[RoundResult, ...], console: Console, title: str) -> None:
    """One row per round: validation with its 95 % interval, `mistakes` in attempts, `tokens` trained on."""
    table = Table(title=Text(printable(title)), title_justify="left", header_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=column.startswith("validation"))
    for row in rounds:
        table.add_row(*_cells(row))
    console.print(table)


def print_run(result: RunResult, console: Console, title: str) -> None:
    """Print the rounds, why they ended, and the test accuracy before and after."""
    print_rounds(result.rounds, console, title)
    spent = sum_usd(cost.cost_usd for cost in result.teaching)
    asked = sum(cost.requests for cost in result.teaching)
    usd = f"{spent:.2f}" if spent >= 1 else f"{spent:.4f}"
    lines = [
        f"ended because {result.stopped_because}; {asked:,} teacher requests, {usd} USD, {clock(result.seconds)}",
        f"test before   {share(result.test.before)}",
        f"test after    {share(result.test.after)}, best round {result.best_round}",
        f"gain          {_gain(result.test.before, result.test.after):+.1f} points",
    ]
    failures = sum((Counter(cost.failures) for cost in result.teaching), Counter[str]())
    if failures:
        listed = ", ".join(f"{count:,} {reason}" for reason, count in failures.most_common())
        lines.insert(1, f"no rationale  {listed}")
    practice = [row.practice for row in result.rounds if row.practice]
    if practice:
        kept, asked = sum(each.kept for each in practice), sum(each.asked for each in practice)
        lines.insert(1, f"practice      {kept:,} of {asked:,} new problems kept")
    for line in map(printable, lines):
        console.print(line, markup=False, highlight=False)


def print_bounds(bounds: Sequence[CostBound], caps: BudgetConfig, console: Console) -> None:
    """One row per round and the total; below it the caps of the budget, which also apply."""
    table = Table(title="at least – at most", title_justify="left", header_style="bold")
    for column in ("round", "requests", "prompt tokens", "completion tokens", "USD"):
        table.add_column(column, justify="right")
    for bound in bounds:
        table.add_row(str(bound.round), *_figures(bound.least, bound.most))
    table.add_section()
    least, most = (sum(side, Usage()) for side in zip(*((bound.least, bound.most) for bound in bounds), strict=True))
    table.add_row("all", *_figures(least, most))
    console.print(table)
    set_caps = {name: cap for name, cap in caps.model_dump().items() if cap is not None}
    named = ", ".join(f"{cap:,.15g} {name}" for name, cap in set_caps.items())
    console.print(f"The run's own caps: {named or 'none (teacher.budget)'}.", markup=False, highlight=False)
    console.print("What stands in the ledger already costs nothing.", markup=False, highlight=False)


def _cells(row: RoundResult) -> list[str]:
    seen, exam = row.validation, row.exam
    return [
        str(row.round),
        f"{seen.accuracy:.1%} ({seen.low:.0%}–{seen.high:.0%})",
        f"{exam.pass_rate:.1%}" if exam else "–",
        f"{exam.mistakes:,}" if exam else "–",
        f"{row.teacher.replies_used:,}",
        f"{row.training.row_tokens:,}",
        f"{row.seconds:,.0f}",
    ]


def _gain(before: Accuracy, after: Accuracy) -> float:
    return 100 * (after.accuracy - before.accuracy)


def _figures(least: Usage, most: Usage) -> list[str]:
    counts = [
        (least.requests, most.requests),
        (least.prompt_tokens, most.prompt_tokens),
        (least.completion_tokens, most.completion_tokens),
    ]
    return [*(f"{low:,} – {high:,}" for low, high in counts), f"{least.cost_usd:,.2f} – {most.cost_usd:,.2f}"]
