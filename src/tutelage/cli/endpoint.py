"""`tutelage serve-test-teacher`: a scripted endpoint on loopback, to test a run before any money is spent."""

from __future__ import annotations

from typing import Annotated

import typer

from tutelage.cli.task_settings import Set, task_settings
from tutelage.text.printable import printable


def serve_test_teacher(  # noqa: PLR0913, PLR0917 - options of a command
    data: Annotated[str, typer.Option(help="The task's data, as `task.path`; with worked solutions.", metavar="PATH")],
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8000,
    latency: Annotated[float, typer.Option(help="Seconds to each reply.", min=0)] = 0.0,
    requests_per_minute: Annotated[int | None, typer.Option(help="A limit that it keeps.", min=1)] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(help="A limit that it keeps.", min=1)] = None,
    faults: Annotated[str, typer.Option(help="What goes wrong, in order, such as `ok*5,429,half-body`.")] = "",
    like: Annotated[
        str, typer.Option(help="Whose form it answers in: openai, anthropic, gemini, openrouter, vllm …")
    ] = "openai",
    key: Annotated[str | None, typer.Option(help="The only API key that it takes; without it, any.")] = None,
    set: Set = None,
) -> None:
    """Serve worked solutions as an OpenAI-compatible endpoint on loopback, until Ctrl-C.

    Example: `tutelage serve-test-teacher --data problems.jsonl --latency 1 --faults "ok*5,429,half-body"`
    """
    from tutelage.tasks.custom import read_custom
    from tutelage.testing.serve import serve

    read = read_custom(task_settings("custom", {"path": data}, set))
    if read.commit is not None:
        print(f"read from the hub at commit {read.commit}")
    for note in read.notes:
        print(printable(note))
    serve(
        [problem for name, part in read.problems.items() if name != "examples" for problem in part],
        kind=read.kind,
        port=port,
        latency=latency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        faults=faults,
        key=key,
        like=like,
    )
