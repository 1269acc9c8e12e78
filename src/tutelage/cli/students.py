"""`tutelage eval` and `ask`: evaluate a student, or ask it a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tutelage.cli.machine_readable import Json, print_json
from tutelage.cli.task_settings import Set, task_settings
from tutelage.text.printable import printable

if TYPE_CHECKING:
    from tutelage.rounds.outside import AskedStudent

Model = Annotated[str, typer.Argument(help="A model's folder, a run's folder, a hub name, or smollm2-135m.")]
Prompt = Annotated[
    Literal["plain", "chat", "auto"] | None,
    typer.Option(help="How to ask; auto: by its chat template, if it was made for it. Default: as it was taught."),
]
Thinking = Annotated[
    Literal["off", "keep"] | None, typer.Option(help="Whether it may think first. Default: as it was taught.")
]
Tokens = Annotated[
    int | None,
    typer.Option(
        help="Tokens after which an answer is cut; default: as in the run's evaluation, and for a model that no run"
        " taught 256, and 2,048 more if it may think.",
        min=1,
        max=1_000_000,
    ),
]


def evaluate(  # noqa: PLR0913, PLR0917 - options of a command
    model: Model,
    task: Annotated[str, typer.Option(help="Its name (`tutelage tasks` lists them), a run's YAML file, or data.")],
    split: Annotated[Literal["train", "validation", "test"], typer.Option(help="Which problems.")] = "test",
    path: Annotated[str | None, typer.Option(help="The task's data; without it, from the hub.", metavar="PATH")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many problems, drawn by seed.", min=1)] = None,
    prompt: Prompt = None,
    few_shot: Annotated[int | None, typer.Option(help="Worked examples before each question.", min=0, max=1000)] = None,
    thinking: Thinking = None,
    max_new_tokens: Tokens = None,
    batch_size: Annotated[int, typer.Option(help="Problems answered at once.", min=1, max=1_000_000)] = 64,
    answers: Annotated[Path | None, typer.Option(help="Write every answer to this JSONL file.")] = None,
    set: Set = None,
    json: Json = False,
) -> None:
    """Greedy accuracy of a model on a task, with its 95 % interval.

    Example: `tutelage eval runs/demo --task examples/demo.yaml --split test`
    """
    from tutelage import api
    from tutelage.config import EvaluationConfig
    from tutelage.report.format import share
    from tutelage.report.progress import Show
    from tutelage.runs.files import write_rows

    chosen = task_settings(task, ({"path": path} if path else {}) | ({split: limit} if limit else {}), set)
    student = api.taught_student(model, prompt=prompt, few_shot=few_shot, thinking=thinking)
    settings = EvaluationConfig(max_new_tokens=max_new_tokens or "auto", batch_size=batch_size)
    result, attempts = api.evaluate(student, chosen, split, settings, Show())
    if answers:
        write_rows(answers, attempts)
    if json:
        print_json({"task": chosen.name, "split": split, **asdict(result)})
    else:
        print(printable(f"{chosen.name} {split}: {share(result)}"))


def ask(
    model: Model,
    question: Annotated[str | None, typer.Argument(help="The question; without it, a prompt to type at.")] = None,
    prompt: Prompt = None,
    thinking: Thinking = None,
    max_new_tokens: Tokens = None,
    beside: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Ask this one, too; `untrained` is what a run began with.")
    ] = None,
) -> None:
    """Ask a model one question, or many at a prompt.

    Example: `tutelage ask runs/demo "How many legs do 3 cows and 2 hens have in total?"`
    """
    from tutelage import api
    from tutelage.rounds.outside import as_taught, of_run

    cut_at = max_new_tokens or "auto"

    def named(model: str) -> AskedStudent:
        return as_taught(api.taught_student(model, prompt=prompt, thinking=thinking), cut_at=cut_at)

    asked = [(model, named(model))]
    if beside == "untrained":
        _, untrained = of_run(Path(model), Path(model) / "student")
        asked.append((beside, replace(untrained, cut_at=max_new_tokens or untrained.cut_at)))
    elif beside is not None:
        asked.append((beside, named(beside)))
    for each in iter([question]) if question else _typed():
        for name, student in asked:
            answer = student.answer(each)
            print(printable(f"{name}:\n{answer}" if beside else answer, lines=True))


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
