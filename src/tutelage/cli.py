"""The command `tutelage`. No logic: it reads arguments, calls the library, prints.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from tutelage.errors import ConfigError, TutelageError

app = typer.Typer(
    invoke_without_command=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)
tasks_app = typer.Typer(rich_markup_mode="markdown")
app.add_typer(tasks_app, name="tasks")

Config = Annotated[Path, typer.Argument(help="The YAML file with the run's settings.", metavar="CONFIG")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting that wins over the file; repeatable.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the run is kept: runs/NAME by default.")]
Model = Annotated[str, typer.Argument(help="A model's folder, a run's folder, a hub name, or smollm2-135m.")]
Prompt = Annotated[Literal["plain", "chat"] | None, typer.Option(help="How to ask; default: as it was taught.")]
Tokens = Annotated[int, typer.Option(help="Tokens after which an answer is cut.", min=1)]


class _State:
    debug = False


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Teach a small language model to reason: exams, a teacher for its mistakes, rounds until it stops improving.

    Example: `tutelage run examples/demo.yaml`
    """
    if version:
        from tutelage import __version__

        print(f"tutelage {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
    _State.debug = debug


@app.command()
def run(config: Config, out: Out = None, set: Set = None) -> None:
    """Start a run, or continue it where it was stopped.

    Example: `tutelage run my-task.yaml --out runs/my-task --set rounds.max=5`
    """
    _run(config, out or Path("runs") / config.stem, set or [])


@app.command()
def demo(out: Out = None) -> None:
    """Teach the embedded student for some minutes, offline: no key, no hub, no GPU.

    Example: `tutelage demo`
    """
    _run(_demo_config(), out or Path("runs/demo"), [])


@app.command()
def show(run: Annotated[Path, typer.Argument(help="A run's directory.", metavar="RUN")]) -> None:
    """Show the table of a run, finished or not.

    Example: `tutelage show runs/demo`
    """
    with _explained():
        from rich.console import Console

        from tutelage.report.table import print_rounds, print_run
        from tutelage.run import read_result, read_rounds

        result = read_result(run)
        if result is not None:
            print_run(result, Console(), str(run))
        else:
            print_rounds(read_rounds(run), Console(), f"{run}, not finished")


@app.command()
def estimate(config: Config, set: Set = None) -> None:
    """Upper bounds on the teacher's requests, tokens and cost, before a cent is spent.

    Example: `tutelage estimate my-task.yaml --set rounds.max=2`
    """
    with _explained():
        from rich.console import Console

        from tutelage.config_file import load_config
        from tutelage.report.bounds import print_bounds
        from tutelage.rounds.estimate import estimate as bounds_of
        from tutelage.tasks.catalog import open_task

        settings = load_config(config, set or [])
        print_bounds(bounds_of(settings, open_task(settings.task)), settings.teacher.budget, Console())


@app.command(name="eval")
def evaluate(
    model: Model,
    task: Annotated[str, typer.Option(help="The task's name; `tutelage tasks` lists them.")],
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="Which problems.")] = "test",
    path: Annotated[Path | None, typer.Option(help="The task's data; without it, from the hub.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many problems, drawn by seed.", min=1)] = None,
    prompt: Prompt = None,
    few_shot: Annotated[int | None, typer.Option(help="Worked examples before each question.", min=0)] = None,
    max_new_tokens: Tokens = 256,
    batch_size: Annotated[int, typer.Option(help="Problems answered at once.", min=1)] = 64,
    answers: Annotated[Path | None, typer.Option(help="Write every answer to this JSONL file.")] = None,
) -> None:
    """Greedy accuracy of a model on a task, with its 95 % interval.

    Example: `tutelage eval runs/demo --task leg_counting --split test`
    """
    with _explained():
        from tutelage import api
        from tutelage.config import EvaluationConfig, TaskConfig
        from tutelage.files import write_rows
        from tutelage.report.card import share
        from tutelage.report.progress import Show

        chosen: dict[str, object] = {"name": task, "path": str(path) if path else None}
        chosen |= {split: limit} if limit and split != "train" else {}
        student = api.taught_student(model, prompt=prompt, few_shot=few_shot)
        settings = EvaluationConfig(max_new_tokens=max_new_tokens, batch_size=batch_size)
        result, attempts = api.evaluate(student, TaskConfig.model_validate(chosen), split, settings, Show())
        if answers:
            write_rows(answers, attempts)
        print(f"{task} {split}: {share(result)}")


@app.command()
def ask(
    model: Model,
    question: Annotated[str | None, typer.Argument(help="The question; without it, a prompt to type at.")] = None,
    prompt: Prompt = None,
    max_new_tokens: Tokens = 256,
) -> None:
    """Ask a model one question, or many at a prompt.

    Example: `tutelage ask runs/demo "How many legs do 3 cows and 2 hens have in total?"`
    """
    with _explained():
        from tutelage import api

        questions = iter([question]) if question else _typed()
        for answer in api.ask(api.taught_student(model, prompt=prompt), questions, max_new_tokens=max_new_tokens):
            print(answer)


@tasks_app.callback(invoke_without_command=True)
def tasks(context: typer.Context) -> None:
    """List the tasks, or check one.

    Example: `tutelage tasks` or `tutelage tasks check gsm8k --path data/gsm8k`
    """
    if context.invoked_subcommand is None:
        from tutelage.tasks.catalog import TASKS

        for name, entry in TASKS.items():
            print(f"{name:<22} {entry.description}")


@tasks_app.command()
def check(
    task: Annotated[str, typer.Argument(help="The task's name.", metavar="TASK")],
    path: Annotated[Path | None, typer.Option(help="The task's data; without it, from the hub.")] = None,
) -> None:
    """Load every row, grade every gold answer, report repeats and leaks between splits.

    Example: `tutelage tasks check custom --path problems.jsonl`
    """
    with _explained():
        from tutelage.tasks.catalog import load_task
        from tutelage.tasks.check import check_task, describe

        report = check_task(load_task(task, path=path))
        print(describe(report))
        if not report.ok:
            raise typer.Exit(2)


def main() -> None:
    """Entry point of the command."""
    app()


def _run(config: Path, out: Path, overrides: list[str]) -> None:
    with _explained(f"tutelage run {config} --out {out}" + "".join(f" --set {item}" for item in overrides)):
        from rich.console import Console

        from tutelage import api
        from tutelage.config_file import load_config
        from tutelage.report.progress import Show
        from tutelage.report.table import print_run

        result = api.run(load_config(config, overrides), out, Show())
        print_run(result, Console(), str(out))
        print(f"student       {out / 'student'}")


@contextmanager
def _explained(go_on: str | None = None) -> Generator[None]:
    """One line for what a user, a teacher or a student did; a traceback for what is a bug."""
    try:
        yield
    except TutelageError as error:
        if _State.debug:
            raise
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo(f"\nstopped; go on with: {go_on}" if go_on else "", err=True)
        raise typer.Exit(130) from None


def _demo_config() -> Path:
    """examples/demo.yaml of a checkout, or the copy that an installed package carries."""
    import sys

    places = [Path(__file__).parents[2] / "examples", Path(sys.prefix) / "share" / "tutelage"]
    for place in places:
        if (place / "demo.yaml").is_file():
            return place / "demo.yaml"
    raise ConfigError(f"demo.yaml is in none of {', '.join(map(str, places))}; reinstall tutelage")


def _typed() -> Iterator[str]:
    """Questions typed by a person, until an empty line or the end of input."""
    while True:
        try:
            question = input("? ").strip()
        except EOFError:
            return
        if not question:
            return
        yield question
