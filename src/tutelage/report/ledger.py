"""The tables of a ledger: costs, speed and failures.

                                    prompt  completion
day         model         replies   tokens      tokens     USD
2026-05-17  gpt-4.1-mini      812  172,144      33,292  0.1221

model         replies  median s  95 % s  tokens/s
gpt-4.1-mini      812      1.84    4.31     310.2
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tutelage.records import Usage
from tutelage.teacher_records import FailureCount, Pace, Spending
from tutelage.text.printable import printable


def print_ledger(
    spending: Sequence[Spending],
    failures: Sequence[FailureCount],
    lost: Usage,
    console: Console,
    title: str,
    paces: Sequence[Pace] = (),
) -> None:
    """Print spending by day and model, pace, failures by reason, and unanswered requests that may have been charged."""
    console.print(_spending_table(spending, title))
    if paces:
        console.print(_pace_table(paces))
    if failures:
        console.print(_failure_table(failures))
    console.print(_lost_line(lost) if lost.requests else "No request is unanswered.", markup=False, highlight=False)


def _spending_table(spending: Sequence[Spending], title: str) -> Table:
    table = _table(printable(title), ("day", "model"), ("replies", "prompt\ntokens", "completion\ntokens", "USD"))
    for row in spending:
        table.add_row(row.day, _text(row.model), *_figures(row.usage))
    table.add_section()
    models = sorted({row.model for row in spending})
    for model in models if len(models) > 1 else ():
        of_model = (row.usage for row in spending if row.model == model)
        table.add_row("all", _text(model), *_figures(sum(of_model, Usage())))
    table.add_row("all", "all", *_figures(sum((row.usage for row in spending), Usage())))
    return table


def _pace_table(paces: Sequence[Pace]) -> Table:
    table = _table("from sending to the reply", ("model",), ("replies", "median s", "95 % s", "tokens/s"))
    for pace in paces:
        figures = f"{pace.replies:,}", f"{pace.median:,.2f}", f"{pace.slow:,.2f}", f"{pace.tokens_per_second:,.1f}"
        table.add_row(_text(pace.model), *figures)
    return table


def _failure_table(failures: Sequence[FailureCount]) -> Table:
    table = _table("ended without a reply to learn from", ("reason", "model"), ("requests",))
    for row in failures:
        table.add_row(_text(row.reason), _text(row.model), f"{row.requests:,}")
    return table


def _lost_line(lost: Usage) -> str:
    tokens = lost.prompt_tokens + lost.completion_tokens
    return (
        f"Sent and never answered, or still on the way: {lost.requests:,}; perhaps charged, at most {tokens:,} tokens "
        f"and {lost.cost_usd:,.4f} USD."
    )


def _table(title: str, names: Sequence[str], figures: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left", header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "day")
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table


def _text(value: str) -> Text:
    return Text(printable(value))


def _figures(usage: Usage) -> list[str]:
    counts = usage.requests, usage.prompt_tokens, usage.completion_tokens
    return [*(f"{count:,}" for count in counts), f"{usage.cost_usd:,.4f}"]
