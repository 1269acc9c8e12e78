"""`tutelage run`, `demo`, `show`, `estimate`: estimate the cost of a run, run it, show its table."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tutelage import launched
from tutelage.cli.machine_readable import Json, print_json
from tutelage.cli.viewed import viewed
from tutelage.errors import ConfigError, RunError
from tutelage.launched import Place
from tutelage.stopping import stoppable
from tutelage.text.printable import printable

Config = Annotated[Path, typer.Argument(help="The YAML file with the run's settings.", metavar="CONFIG")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting that wins over the file; repeatable.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the run is kept: runs/NAME by default.")]


View = Annotated[
    bool, typer.Option("--view", help="Open its page, in a process of its own; it stays until Ctrl-C after the end.")
]


def run(config: Config, out: Out = None, set: Set = None, view: View = False) -> None:
    """Start a run, or continue it where it was stopped.

    Example: `tutelage run my-task.yaml --out runs/my-task --set rounds.max=5`
    """
    _run(config, out or Path("runs") / config.stem, set or [], view)


def demo(out: Out = None, view: View = False) -> None:
    """Teach the embedded student for some minutes, offline: no key, no hub, no GPU.

    Example: `tutelage demo`
    """
    _run(demo_config(), out or Path("runs/demo"), [], view)


def show(run: Annotated[Path, typer.Argument(help="A run's directory.", metavar="RUN")], json: Json = False) -> None:
    """Show the table of a run, finished or not, and what it is doing.

    Example: `tutelage show runs/demo`
    """
    from rich.console import Console

    from tutelage.report.table import print_rounds, print_run
    from tutelage.runs.reader import open_run
    from tutelage.view.glance import glance
    from tutelage.view.terminal import going_on

    found = open_run(run)
    if json:
        print_json({**asdict(glance(found)), "result": found.result})
    elif found.result is not None:
        print_run(found.result, Console(), str(run))
    else:
        print_rounds(found.rounds, Console(), f"{run}, not finished")
    for line in () if json else going_on(glance(found)):
        print(printable(line))
    if found.faults:
        raise RunError("; ".join(found.faults[:3]))


def estimate(config: Config, set: Set = None, json: Json = False) -> None:
    """What the teacher's requests, tokens and cost are at least and at most, before a cent is spent.

    Example: `tutelage estimate my-task.yaml --set rounds.max=2`
    """
    from rich.console import Console

    from tutelage.config.file import load_config
    from tutelage.report.progress import Show
    from tutelage.report.table import print_bounds
    from tutelage.rounds.estimate import check_first_request
    from tutelage.rounds.estimate import estimate as bounds_of
    from tutelage.tasks.catalog import open_task
    from tutelage.tasks.task import check_few_shot
    from tutelage.teacher.online.budget import told_price

    settings = load_config(config, set or [])
    show = Show()
    if told := told_price(settings.teacher):
        show.say(told)
    task = open_task(settings.task, show.say)
    check_few_shot(settings.student.few_shot, task)
    bounds = bounds_of(settings, task)
    if json:
        print_json({"rounds": bounds, "caps": settings.teacher.budget.model_dump()})
    else:
        print_bounds(bounds, settings.teacher.budget, Console())
    check_first_request(settings, task)


def _run(config: Path, out: Path, overrides: list[str], view: bool) -> None:
    options = [part for item in overrides for part in ("--set", item)]
    here = launched.place()
    with (
        viewed(out) if view and here.rank == 0 else nullcontext(),
        told_how_to_go_on(shlex.join([*here.launcher, "run", str(config), "--out", str(out), *options])),
        _joined(here),
    ):
        from rich.console import Console

        from tutelage import api
        from tutelage.config.file import load_config
        from tutelage.report.progress import Show
        from tutelage.report.table import print_run

        result = api.run(load_config(config, overrides), out, Show(quiet=here.rank > 0))
        if here.rank > 0:
            return
        print_run(result, Console(), str(out))
        print(printable(f"student       {out / 'student'}"))
        print(printable(f"see it        {shlex.join(['tutelage', 'view', str(out)])}"))


def _joined(here: Place) -> AbstractContextManager[object]:
    """All processes that were started, so that an error of one, even in its configuration, ends all in one line."""
    if here.size == 1:
        return nullcontext()
    from tutelage.student.ranks.group import joined

    return joined()


def told_how_to_go_on(command: str) -> AbstractContextManager[None]:
    """On Ctrl-C or SIGTERM inside the `with` block, print the command that resumes the run."""
    return stoppable(f"stopped; go on with: {printable(command)}")


def demo_config() -> Path:
    """examples/demo.yaml of a checkout, or the copy in an installed package."""
    import sys

    places = [Path(__file__).parents[3] / "examples", Path(sys.prefix) / "share" / "tutelage"]
    for place in places:
        if (place / "demo.yaml").is_file():
            return place / "demo.yaml"
    raise ConfigError(f"demo.yaml is in none of {', '.join(map(str, places))}; reinstall tutelage")
