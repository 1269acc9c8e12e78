"""The table of what a run's teacher can cost at most."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tutelage.config import BudgetConfig
from tutelage.records import CostBound


def print_bounds(bounds: Sequence[CostBound], caps: BudgetConfig, console: Console) -> None:
    """One row a round and the total; below it the caps that hold besides."""
    table = Table(title="at most", title_justify="left", header_style="bold")
    for column in ("round", "requests", "prompt tokens", "completion tokens", "USD"):
        table.add_column(column, justify="right")
    for bound in bounds:
        table.add_row(str(bound.round), *_figures(bound))
    table.add_section()
    table.add_row("all", *_figures(_total(bounds)))
    console.print(table)
    set_caps = {name: cap for name, cap in caps.model_dump().items() if cap is not None}
    named = ", ".join(f"{cap:g} {name}" for name, cap in set_caps.items())
    console.print(f"The run's own caps: {named or 'none (teacher.budget)'}.", markup=False, highlight=False)


def _total(bounds: Sequence[CostBound]) -> CostBound:
    columns = zip(*((b.requests, b.prompt_tokens, b.completion_tokens, b.cost_usd) for b in bounds), strict=True)
    requests, prompt, completion, cost = (sum(column) for column in columns)
    return CostBound(len(bounds), int(requests), int(prompt), int(completion), cost)


def _figures(bound: CostBound) -> list[str]:
    counts = (bound.requests, bound.prompt_tokens, bound.completion_tokens)
    return [*(f"{count:,}" for count in counts), f"{bound.cost_usd:,.2f}"]
