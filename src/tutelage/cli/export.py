"""`tutelage export`: what a run has come to, in the forms of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tutelage.text.printable import printable

Run = Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]


def export(
    run: Run,
    format: Annotated[
        Literal["trl-sft", "trl-dpo", "messages", "alpaca", "sharegpt", "verl", "lm-eval", "ollama"],
        typer.Option(help="Which form.", metavar="FORM"),
    ],
    out: Annotated[Path, typer.Option(help="A new folder to write to.", metavar="PATH")],
    prompt: Annotated[
        Literal["plain", "chat"] | None,
        typer.Option(help="For trl-sft and trl-dpo: plain or chat; default: as the student was taught."),
    ] = None,
) -> None:
    """Write the rationales, the mistakes and the splits of a run in the form that another tool reads.

    Example: `tutelage export runs/demo --format trl-sft --out build/sft`
    """
    from tutelage.export.export import export_run

    written = export_run(run, format, out, prompt=prompt, say=lambda text: typer.echo(printable(text), err=True))
    for name, count in written.items():
        print(printable(f"{out / name}: {count:,} rows" if count else f"{out / name}"))
