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
        Literal["trl-sft", "trl-dpo", "messages", "alpaca", "sharegpt", "verl", "lm-eval", "ollama", "gguf"],
        typer.Option(
            help="trl-sft or trl-dpo for TRL; messages for TRL, ms-swift, axolotl; alpaca or sharegpt for"
            " LLaMA-Factory, axolotl; verl; lm-eval; ollama; gguf for llama.cpp.",
            metavar="FORM",
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new folder to write to; for gguf, a new file.", metavar="PATH")],
    prompt: Annotated[
        Literal["plain", "chat"] | None,
        typer.Option(help="For trl-sft and trl-dpo: plain or chat; default: as the student was taught."),
    ] = None,
    precision: Annotated[
        Literal["f32", "f16", "bf16", "q8_0"] | None, typer.Option(help="For gguf: of the weights; default: f32.")
    ] = None,
    converter: Annotated[
        str | None,
        typer.Option(
            metavar="PROGRAM", help="For gguf: llama.cpp's convert_hf_to_gguf.py; default: the one on the PATH."
        ),
    ] = None,
) -> None:
    """Write what a run has come to in the form that another tool reads: its data, its task, or its student.

    docs/export.md has the next command of each tool.

    Example: `tutelage export runs/demo --format trl-sft --out build/sft`
    """
    from tutelage.export.export import export_run

    written = export_run(
        run,
        format,
        out,
        prompt=prompt,
        precision=precision,
        converter=converter,
        say=lambda text: typer.echo(printable(text), err=True),
    )
    for name, count in written.items():
        file = out / name if out.is_dir() else out
        print(printable(f"{file}: {count:,} rows" if count else f"{file}"))
