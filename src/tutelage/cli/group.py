"""How every command ends: `error: …` and an exit code for a fault, 130 for Ctrl-C, a traceback for a bug alone."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from tutelage.errors import TutelageError
from tutelage.text.printable import printable


class FaultsInOneLine(TyperGroup):
    """One line for what a user, a teacher or a student did; `--debug` shows the traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer does not export the types of what it builds on
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except TutelageError as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"error: {printable(str(error))}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("", err=True)
            raise typer.Exit(130) from None
