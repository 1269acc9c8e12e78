"""`tutelage practice`: the practice problems of a run, as problems of the task `custom`. It only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tutelage.text.printable import printable_json


def practice(
    run: Annotated[Path, typer.Argument(help="A run's directory.", metavar="RUN")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them there; else they are printed.")] = None,
) -> None:
    """The practice problems that a run has kept, as JSON lines that the task `custom` reads.

    Example: `tutelage practice runs/mine --out practice.jsonl`
    """
    from tutelage.rounds.exported import exported
    from tutelage.runs.files import whole_file
    from tutelage.runs.reader import open_run

    rows = [f"{printable_json(row)}\n" for row in exported(open_run(run))]
    if out is None:
        print("".join(rows), end="")
        return
    with whole_file(out) as file:
        file.writelines(rows)
    print(f"{len(rows):,} practice problems")
