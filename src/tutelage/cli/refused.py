"""`tutelage refused`: the teacher's replies that a run did not use, to be read through. It only reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, get_args

import typer

from tutelage.errors import ConfigError
from tutelage.text.printable import printable, printable_json


def refused(
    run: Annotated[Path, typer.Argument(help="A run's directory.", metavar="RUN")],
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Of this kind alone, as `show` names it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them there as JSON lines.")] = None,
) -> None:
    """Every reply that was refused: the question, the way of asking, the reply, and why it was refused.

    Example: `tutelage refused runs/mine --kind "wrong answer"`
    """
    from tutelage.did_you_mean import did_you_mean
    from tutelage.records import FailureReason
    from tutelage.report.refused import refused_as_text
    from tutelage.rounds.refused import refused_replies
    from tutelage.runs.files import whole_file
    from tutelage.runs.reader import open_run

    kinds = get_args(FailureReason)
    if kind is not None and kind not in kinds:
        remedy = did_you_mean(kind, kinds, f"the kinds are {', '.join(kinds)}")
        raise ConfigError(f"unknown --kind {kind!r}; {remedy}")
    open_run(run)  # says so where there is none
    found = refused_replies(run, kind)
    if out is not None:
        with whole_file(out) as file:
            file.writelines(printable_json(asdict(reply)) + "\n" for reply in found)
        return
    for reply in found:
        print(printable(refused_as_text(asdict(reply)), lines=True))
    kinds_found = Counter(reply.kind or "of a kind that was not kept" for reply in found).most_common()
    listed = ", ".join(f"{count:,} {each}" for each, count in kinds_found)
    print(f"{len(found):,} refused" + (f" as {kind!r}" if kind else f": {listed}" if found else ""))
