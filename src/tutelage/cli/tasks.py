"""`tutelage tasks`: the list of tasks, and the check of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tutelage.cli.machine_readable import Json, print_json
from tutelage.cli.task_settings import Set, run_settings
from tutelage.text.printable import printable

tasks_app = typer.Typer(rich_markup_mode="markdown")


@tasks_app.callback(invoke_without_command=True)
def tasks(context: typer.Context) -> None:
    """List the tasks, or check one.

    Example: `tutelage tasks` or `tutelage tasks check gsm8k --path data/gsm8k`
    """
    if context.invoked_subcommand is None:
        list_tasks()


@tasks_app.command("list")
def list_tasks() -> None:
    """List the tasks, as `tutelage tasks` does."""
    from tutelage.tasks.catalog import TASKS

    for name, entry in TASKS.items():
        print(f"{name:<22} {entry.description}")


@tasks_app.command()
def check(
    task: Annotated[str, typer.Argument(help="The task's name, a run's YAML file, or data.", metavar="TASK")],
    path: Annotated[str | None, typer.Option(help="The task's data; without it, from the hub.", metavar="PATH")] = None,
    rows: Annotated[int, typer.Option(min=0, max=1000, help="Training problems that are shown as they are read.")] = 3,
    set: Set = None,
    json: Json = False,
) -> None:
    """Load every row, grade every gold answer, report repeats and leaks; show rows as student and teacher read them.

    Example: `tutelage tasks check custom --path problems.jsonl --set task.kind=text` or `tutelage tasks check run.yaml`
    """
    from tutelage.report.progress import Show
    from tutelage.tasks.catalog import open_task
    from tutelage.tasks.check import check_task, describe

    settings = run_settings(task, {"path": path} if path else {}, set)
    opened = open_task(settings.task, Show().say)
    report = check_task(opened)
    if json:
        from tutelage.rounds.as_read import lengths_of

        print_json({**asdict(report), "tokens": lengths_of(opened, settings) if rows else None})
    else:
        print(printable(describe(report), lines=True))
    if rows and not json:
        from tutelage.rounds.as_read import as_read

        print(printable(as_read(opened, settings, rows), lines=True))
    if not report.ok:
        raise typer.Exit(2)
