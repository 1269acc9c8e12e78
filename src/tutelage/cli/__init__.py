"""The command `tutelage`. No logic: it reads arguments, calls the library, prints.

    tutelage init                             init.py
    tutelage run | demo | show | estimate     runs.py
    tutelage refused                          refused.py
    tutelage practice                         practice.py
    tutelage view                             view.py
    tutelage compare                          compare.py
    tutelage export | push                    export.py, push.py
    tutelage eval | ask                       students.py
    tutelage study | results                  studies.py
    tutelage tasks [check]                    tasks.py
    tutelage ledger show | export | verify    ledger.py
    tutelage doctor                           doctor.py
    tutelage serve-test-teacher               endpoint.py

Heavy modules are imported inside the commands, so that `--help` is fast.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tutelage.cli.compare import compare
from tutelage.cli.doctor import doctor
from tutelage.cli.endpoint import serve_test_teacher
from tutelage.cli.export import export
from tutelage.cli.group import FaultsInOneLine, called_from_a_shell, refuse_several
from tutelage.cli.init import init
from tutelage.cli.ledger import ledger_app
from tutelage.cli.practice import practice
from tutelage.cli.push import push
from tutelage.cli.refused import refused
from tutelage.cli.runs import demo, estimate, run, show
from tutelage.cli.students import ask, evaluate
from tutelage.cli.studies import results, study
from tutelage.cli.tasks import tasks_app
from tutelage.cli.view import view

__all__ = ["app", "main"]

app = typer.Typer(
    cls=FaultsInOneLine,
    invoke_without_command=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Teach a small language model to reason: exams, a teacher for its mistakes, rounds until it stops improving.

    Example: `tutelage run examples/demo.yaml`
    """
    if version:
        from tutelage import __version__

        print(f"tutelage {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
    else:
        refuse_several(context.invoked_subcommand)


app.command()(init)
app.command()(run)
app.command()(demo)
app.command()(show)
app.command()(refused)
app.command()(practice)
app.command()(view)
app.command()(compare)
app.command()(export)
app.command()(push)
app.command()(estimate)
app.command(name="eval")(evaluate)
app.command()(ask)
app.command()(study)
app.command()(results)
app.add_typer(tasks_app, name="tasks")
app.add_typer(ledger_app, name="ledger")
app.command()(doctor)
app.command()(serve_test_teacher)


def main() -> None:
    """Entry point of the command."""
    called_from_a_shell(app)
