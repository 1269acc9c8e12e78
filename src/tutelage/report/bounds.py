"""The table of what a run's teacher costs at least and at most."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tutelage.config import BudgetConfig
from tutelage.records import Usage
from tutelage.run_records import CostBound


def print_bounds(bounds: Sequence[CostBound], caps: BudgetConfig, console: Console) -> None:
    """One row a round and the total; below it the caps, which hold besides."""
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
    named = ", ".join(f"{cap:g} {name}" for name, cap in set_caps.items())
    console.print(f"The run's own caps: {named or 'none (teacher.budget)'}.", markup=False, highlight=False)
    console.print("What stands in the ledger already costs nothing.", markup=False, highlight=False)


def _figures(least: Usage, most: Usage) -> list[str]:
    counts = [
        (least.requests, most.requests),
        (least.prompt_tokens, most.prompt_tokens),
        (least.completion_tokens, most.completion_tokens),
    ]
    return [*(f"{low:,} – {high:,}" for low, high in counts), f"{least.cost_usd:,.2f} – {most.cost_usd:,.2f}"]
