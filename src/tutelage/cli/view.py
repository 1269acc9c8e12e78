"""`tutelage view`: the page of a run, a study, or a folder with several. It only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutelage.errors import ConfigError
from tutelage.text.printable import printable


def view(
    place: Annotated[
        Path | None,
        typer.Argument(
            help="A run's, a study's, or a folder with several: runs/ or the current one by default.",
            metavar="[RUN|STUDY|FOLDER]",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8330,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")] = True,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write a run to one HTML file, and serve nothing."),
    ] = None,
    beside: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Show what a student makes of its lessons, as pages on this machine, until Ctrl-C.

    Example: `tutelage view runs/demo`
    """
    if export is not None:
        _export(place, export)
        return
    from tutelage.cli.asking import Asking
    from tutelage.cli.viewed import go_with
    from tutelage.view.serve import serve

    if beside is not None:
        go_with(beside)
    serve(place or usual_place(), port, browser=browser, ask=Asking())


def _export(run: Path | None, file: Path) -> None:
    if run is None:
        raise ConfigError(f"no run is named; say which: tutelage view RUN --export {file}")
    from tutelage.runs.files import is_stream
    from tutelage.view.export import export

    typer.echo(printable(f"{file}: {export(run, file)}"), err=is_stream(file))  # the page itself may go to stdout


def usual_place() -> Path:
    """Where runs are kept by default, if it is there; else the current folder."""
    return Path("runs") if Path("runs").is_dir() else Path()
