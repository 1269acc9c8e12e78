"""`tutelage push`: the student of a run to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.text.printable import printable

if TYPE_CHECKING:
    from tutelage.export.push import Parcel


def push(
    run: Annotated[Path, typer.Argument(help="The folder of a run that has finished.", metavar="RUN")],
    repo: Annotated[str, typer.Argument(help="Where to, such as me/legs.", metavar="OWNER/NAME")],
    private: Annotated[bool, typer.Option("--private", help="For nobody but you.")] = False,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="The LoRA adapter in place of the weights, if it was trained as one.")
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Also what it was taught with, as the data set OWNER/NAME-data.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would go, and send nothing.")] = False,
) -> None:
    """Push the student of a run to the Hugging Face hub: weights, tokenizer, and a card with its test accuracy.

    Example: `tutelage push runs/demo me/legs --private --dry-run`
    """
    from tutelage.export import push as hub
    from tutelage.export.source import RunSource

    data_repo = f"{repo}-data" if data else None
    for name in filter(None, (repo, data_repo)):
        hub.check_name(name)
    source = RunSource(run, _say)
    with TemporaryDirectory(prefix="tutelage-push-") as folder:
        parcels = [hub.student_parcel(source, repo, data_repo, Path(folder) / "adapter" if adapter else None)]
        if data_repo is not None:
            parcels.append(hub.data_parcel(source, data_repo, repo, Path(folder) / "data"))
        for parcel in parcels:
            _list(parcel, private=private)
        if dry_run:
            print("nothing was sent (--dry-run)")
            return
        for address in hub.push(parcels, private=private, say=_say):
            print(printable(address))


def _list(parcel: Parcel, *, private: bool) -> None:
    print(printable(f"{parcel.kind} {parcel.repo}{' (private)' if private else ''}: {_bytes(parcel.size)}"))
    for file in parcel.files:
        print(printable(f"  {_bytes(file.size):>9}  {file.name}"))


def _bytes(size: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B"


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
