"""`tutelage study`, `results`: compare arms over seeds, and write the results page of several studies."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from tutelage.text.printable import printable


def study(
    file: Annotated[Path, typer.Argument(help="The YAML file with base, arms and seeds.", metavar="STUDY")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="studies/NAME by default.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Seeds that are run at once.")] = 1,
    known: Annotated[
        Path | None, typer.Option(metavar="STUDY_JSON", help="Figures of runs that are not to be run again.")
    ] = None,
) -> None:
    """Run a study, or continue it where it was stopped: arms that differ in one thing, over several seeds.

    Example: `tutelage study examples/studies/first.yaml --jobs 2`
    """
    from tutelage import api
    from tutelage.cli.runs import told_how_to_go_on
    from tutelage.report.progress import Show

    out = out or Path("studies") / file.stem
    with told_how_to_go_on(api.study_command(file, out, jobs, known)):
        faults = api.study(file, out, jobs=jobs, known=known, show=Show())
    print(printable((out / "study.md").read_text(encoding="utf-8"), lines=True))
    print(printable(f"all of it: {out / 'study.json'}"))
    print(printable(f"see it: {shlex.join(['tutelage', 'view', str(out)])}"))
    for fault in faults:
        typer.echo(f"error: {printable(str(fault))}", err=True)
    if faults:
        raise typer.Exit(2)


def results(
    folders: Annotated[list[Path], typer.Argument(help="Folders with a study.json each.", metavar="STUDY…")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page.")] = Path("results.md"),
    notes: Annotated[Path | None, typer.Option(metavar="FILE", help="Markdown to stand below the summary.")] = None,
    pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each study to a page of its own here.")
    ] = None,
) -> None:
    """Write the results page of several studies: tables, plots, intervals, commands.

    Example: `tutelage results studies/first studies/second --out results.md`
    """
    from tutelage import api

    api.results(folders, out, notes, pages)
    print(printable(str(out)))
