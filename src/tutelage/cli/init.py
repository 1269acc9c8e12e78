"""`tutelage init`: looks at the data and the machine, asks at most five questions, and writes tutelage.yaml."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.errors import ConfigError
from tutelage.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tutelage.config import RunConfig, TaskConfig
    from tutelage.config.starter import Starter
    from tutelage.tasks.splits import LoadedTask

STUDENT = "smollm2-135m"
CAP = 2.0
"""US dollars that a teacher with a price may cost, unless another cap is named."""


def init(  # noqa: PLR0913, PLR0917 - one a question, and where data of the hub stand
    data: Annotated[
        str | None, typer.Argument(help="Your problems: a file, a folder, hf://OWNER/NAME, or a task's name.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=YOURS", help="A column of another name, such as answer='Final result'; repeatable."),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="For data of the hub: the configuration, which its pages call a subset.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="For data of the hub: the split to divide, or which is which: '{train: a, test: b}'."),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="For data of the hub: a branch, a tag or a commit.")] = None,
    student: Annotated[
        str | None, typer.Option(help="The model that learns: a folder, a hub name, or smollm2-135m.")
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="answer_key, openai, or the address of an endpoint, such as http://localhost:8000/v1."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The teacher's model, by its name at the endpoint.")] = None,
    usd: Annotated[float | None, typer.Option(help="US dollars that the teacher may cost.", min=0)] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; none is replaced.")] = Path(
        "tutelage.yaml"
    ),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is not named by default.")] = False,
) -> None:
    """Look at your problems and this machine, and write the settings of a first run.

    Example: `tutelage init problems.jsonl --teacher http://localhost:8000/v1 --model qwen3`
    """
    from tutelage.cli.task_settings import task_settings
    from tutelage.config.file import read_config
    from tutelage.config.starter import starter_yaml
    from tutelage.runs.files import exists, write_text
    from tutelage.tasks.catalog import TASKS, open_task

    if exists(out):
        raise ConfigError(f"{out} exists, and is not replaced; name another file with --out")
    ask = _Questions(yes)
    data = data or ask("Your problems (a file, a folder, hf://OWNER/NAME, or a task's name)", None, "DATA")
    name, path = (data, None) if data in TASKS and not Path(data).exists() else ("custom", data)
    given = {"path": path, "field": _mapped(field or []), "config": config, "revision": revision}
    settings = task_settings(name, given, [f"task.split={split}"] if split else [])
    task = open_task(settings)
    for line in (about := [*_about(task, data)]):
        print(printable(line))
    chosen = _chosen(ask, task, settings, student, (teacher, model, usd))
    text = starter_yaml(chosen)
    expected = list(_expected(read_config(text, origin="the settings"), task))
    write_text(out, starter_yaml(chosen, [printable(line) for line in (*about, *expected)]))
    for line in expected:
        print(printable(line))
    if chosen.key_env and not os.environ.get(chosen.key_env):
        print(f"{chosen.key_env} is not set; export it before the run")
    file = shlex.quote(str(out))
    print(printable(f"wrote {out}; next: tutelage tasks check {file}, tutelage estimate {file}, tutelage run {file}"))


def _mapped(fields: list[str]) -> dict[str, str]:
    """The columns by our names for them. Raises ConfigError."""
    pairs = [field.partition("=") for field in fields]
    for ours, equals, yours in pairs:
        if not (ours and equals and yours):
            said = ours + equals + yours
            raise ConfigError(f"--field {said!r} maps no name; write OURS=YOURS, such as answer=Result")
    return {ours.strip(): yours for ours, _, yours in pairs}


class _Questions:
    """Asks in a terminal; elsewhere, and with `--yes`, every answer is the default. Raises ConfigError without one."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent or not (sys.stdin.isatty() and sys.stdout.isatty())

    def __call__(self, question: str, default: str | None, named: str = "") -> str:
        """The answer; `named` is the argument or option that gives it without a question."""
        if not self._silent:
            return str(typer.prompt(question, default=default)).strip()
        if default is None:
            raise ConfigError(
                f"what is not named must be asked, and there is nobody to ask: {question}; name it as {named}"
            )
        return default


def _about(task: LoadedTask, data: str) -> Iterator[str]:
    train, validation, test = (task.problems(split) for split in ("train", "validation", "test"))
    solved = sum(problem.rationale is not None or problem.equation is not None for problem in train)
    yield f"{data}: {len(train):,} problems to train on, {len(validation):,} for validation, {len(test):,} for test"
    if task.commit is not None:
        yield f"read from the hub at commit {task.commit}"
    yield f"answers of the kind {task.kind}; {solved:,} of {len(train):,} with a worked solution or an equation"
    yield from (f"note: {note}" for note in task.report.told)


def _chosen(
    ask: _Questions,
    task: LoadedTask,
    settings: TaskConfig,
    student: str | None,
    teaching: tuple[str | None, str | None, float | None],
) -> Starter:
    from tutelage.config.places import check_url
    from tutelage.config.starter import OFFLINE, Starter, is_local

    named = {"name", "path", "field", "config", "split", "revision"}
    given = settings.model_dump(include=named, exclude_defaults=True)
    train = task.problems("train")
    solved = all(problem.rationale or problem.equation for problem in train)
    student = student or ask("The student that learns (a folder, a hub name, or smollm2-135m)", STUDENT)
    there = os.environ.get("OPENAI_BASE_URL")
    teacher, model, usd = teaching
    of_endpoint = [option for option, value in {"--model": model, "--usd": usd}.items() if value is not None]
    usual = OFFLINE if solved and not of_endpoint else there or "openai"
    teacher = teacher or ask(f"The teacher ({OFFLINE}, openai, or the address of an endpoint)", usual)
    if teacher == OFFLINE:
        if of_endpoint:
            raise ConfigError(
                f"the answer key takes no {' and no '.join(of_endpoint)}; leave it out, or name another --teacher"
            )
        if not solved:
            raise ConfigError(
                "the answer key needs a worked solution or an equation for every problem; add them, or name an endpoint"
                " with --teacher"
            )
        return Starter(given, student)
    if teacher != "openai" and "://" not in teacher:
        raise ConfigError(
            f"the teacher is {teacher!r}; name {OFFLINE}, openai or an address such as http://localhost:8000/v1; "
            "other kinds (teacher.kind) are set in the file"
        )
    base_url = None if teacher == "openai" else check_url(teacher)
    model = model or ask("The teacher's model, by its name at the endpoint", None, "--model")
    if base_url is not None and is_local(base_url):
        if usd is not None:
            raise ConfigError(
                f"no price is known for {base_url}, on this machine, so no cap in US dollars; leave --usd out"
            )
        return Starter(given, student, model, base_url)
    return Starter(given, student, model, base_url, _key_env(base_url), _cap(ask, model, base_url, usd))


def _cap(ask: _Questions, model: str, base_url: str | None, usd: float | None) -> float | None:
    """US dollars that the teacher may cost; None if its price is not listed and no cap was named."""
    from tutelage.teacher.online.prices import listed_price

    try:
        listed_price(model, base_url)
    except ConfigError:
        if usd is not None:
            raise
        return None
    if usd is not None:
        return usd
    said = ask("US dollars that it may cost", f"{CAP:g}")
    try:
        return float(said)
    except ValueError:
        raise ConfigError(f"{said!r} is no amount of US dollars; give a number, such as {CAP:g}") from None


def _key_env(base_url: str | None) -> str:
    """The environment variable with the key: the vendor's, if it is set, else the one to set."""
    vendor = (base_url or "").partition("//")[2].partition("/")[0].upper().split(".")
    keys = [name for name in os.environ if name.endswith("_API_KEY") and name.removesuffix("_API_KEY") in vendor]
    return keys[0] if keys else "OPENAI_API_KEY"


def _expected(config: RunConfig, task: LoadedTask) -> Iterator[str]:
    """What a run will take, in lines: the teacher, the disk, the time."""
    from tutelage.records import Usage
    from tutelage.rounds.estimate import estimate

    if config.teacher.kind == "openai":
        most = sum((bound.most for bound in estimate(config, task)), Usage())
        cost = f", {most.cost_usd:,.2f} USD" if most.cost_usd else ""
        yield (
            f"the teacher, before any cap: at most {most.requests:,} requests,"
            f" {most.prompt_tokens + most.completion_tokens:,} tokens{cost}"
        )
    yield from _of_student(config, task)


def _of_student(config: RunConfig, task: LoadedTask) -> Iterator[str]:
    from tutelage.report.format import clock
    from tutelage.rounds.expected import expected_round
    from tutelage.student.folder import read_frame
    from tutelage.student.model import pick_device, resolve
    from tutelage.student.resources.disk import disk_needed
    from tutelage.student.resources.memory import gigabytes
    from tutelage.student.resources.probe import speeds_of

    source = resolve(config.student.model)
    if not isinstance(source, Path):
        yield f"{config.student.model} is downloaded at the start of the run; `tutelage doctor` then tells its speed"
        return
    frame, device = read_frame(source), pick_device(config.student.device)
    weights = sum(weight.numel() for weight in frame.parameters())
    yield f"disk for models: about {gigabytes(disk_needed(config, 4 * weights))}"
    if (speeds := speeds_of(frame, device)) is None:
        return
    expected = expected_round(
        config, task.problems("train"), len(task.problems("validation")), weights, max(speeds.float32, speeds.bfloat16)
    )
    yield (
        f"a round here, without the teacher: very roughly {clock(expected.seconds)}, of which training"
        f" {clock(expected.training)}; there are up to {config.rounds.max + 1} rounds"
    )
