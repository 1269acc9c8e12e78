"""`tutelage ledger`: the teacher's cost, its replies as JSONL, and a check of the file. It only reads."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from tutelage.cli.machine_readable import Json, is_unicode_output, json_line, print_json
from tutelage.errors import RunError

ledger_app = typer.Typer(rich_markup_mode="markdown", no_args_is_help=True, help="Look into a ledger of replies.")

Ledger = Annotated[Path, typer.Argument(help="The SQLite file, or the folder of a run.", metavar="LEDGER")]
FAULTS_SHOWN = 20


@ledger_app.command()
def show(ledger: Ledger, json: Json = False) -> None:
    """Spending by day and model, speed of replies, failures by reason, and requests that were never answered.

    Example: `tutelage ledger show runs/mine`
    """
    from rich.console import Console

    from tutelage.report.ledger import print_ledger
    from tutelage.teacher.ledger.reader import LedgerReader

    with LedgerReader(_of_run(ledger)) as reader:
        spending, failures, lost, pace = reader.spending(), reader.failures(), reader.lost(), reader.pace()
        if json:
            print_json({"spending": spending, "failures": failures, "lost": lost, "pace": pace})
        else:
            print_ledger(spending, failures, lost, Console(), str(reader.path), pace)


@ledger_app.command()
def export(
    ledger: Ledger,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file, not to the terminal.")] = None,
) -> None:
    """Every reply with its request, as JSON lines.

    Example: `tutelage ledger export runs/mine --out replies.jsonl`
    """
    from tutelage.teacher.ledger.reader import LedgerReader, export_row

    ascii_only = out is None and not is_unicode_output()
    with LedgerReader(_of_run(ledger)) as reader, _destination(out, reader.path) as file:
        for row in reader.rows():
            file.write(json_line(export_row(row), ascii_only=ascii_only) + "\n")


@ledger_app.command()
def verify(ledger: Ledger) -> None:
    """Check the file and every reply in it; exit code 2 if anything is wrong.

    Example: `tutelage ledger verify runs/demo`
    """
    from tutelage.teacher.ledger.reader import LedgerReader
    from tutelage.text.printable import printable

    with LedgerReader(_of_run(ledger), whole=False) as reader:
        faults = list(reader.faults())
        replies = 0 if faults else reader.replies
    for fault in faults[:FAULTS_SHOWN]:
        print(printable(fault))
    if len(faults) > FAULTS_SHOWN:
        print(f"… and {len(faults) - FAULTS_SHOWN:,} more")
    if faults:
        raise RunError(f"the ledger {reader.path} is not whole ({len(faults):,} found); restore it or use another")
    print(f"{printable(str(reader.path))}: {replies:,} replies, all whole")


def _of_run(ledger: Path) -> Path:
    """The file of a run's ledger, wherever `teacher.ledger` has it; any other path as it is."""
    from tutelage.runs.found import kind_of
    from tutelage.runs.reader import RunReader

    return (RunReader(ledger).ledger if kind_of(ledger) == "run" else None) or ledger


@contextmanager
def _destination(out: Path | None, ledger: Path) -> Generator[IO[str]]:
    """Standard output, or a file that is written atomically."""
    from tutelage.runs.files import exists, whole_file

    if out is None:
        yield sys.stdout
        return
    if exists(out) and out.samefile(ledger):
        raise RunError(f"--out {out} is the ledger itself; name another file")
    with whole_file(out) as file:
        yield file
