"""Problems as student and teacher will read them, and their lengths in tokens: what `tutelage tasks check` shows.

tokens of smollm2-135m         median    95 %    longest
prompts                            41      78        120
worked solutions                   35      66         91
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tutelage.config import RunConfig
from tutelage.errors import ConfigError, StudentError
from tutelage.records import FeedbackRequest, Problem, state_answer
from tutelage.student.asked import AskedAs, asked_as, told_of
from tutelage.student.model import load_tokenizer
from tutelage.student.prompts import PromptFormat
from tutelage.tasks.task import Task
from tutelage.teacher.prompts import prompts_of
from tutelage.teacher.ways import askings

MOST_COUNTED = 10_000
"""Maximum training problems whose tokens are counted, the first ones."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Lengths in tokens."""

    median: int
    most: int
    """95 % are no longer."""
    longest: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of the training problems as a student reads them, and how many are cut at `max_tokens`."""

    student: str
    prompts: Spread
    solutions: Spread | None
    max_tokens: int
    cut: int
    positions: int | None
    """The student's context in tokens, None if it has no bound."""


def lengths_of(task: Task, config: RunConfig) -> Lengths | None:
    """The lengths of the training problems; None where the student's tokenizer is not to be had."""
    try:
        format, _ = _format(task, config)
        return _lengths(task.problems("train")[:MOST_COUNTED], format, config)
    except (StudentError, ConfigError):
        return None


def as_read(task: Task, config: RunConfig, rows: int) -> str:
    """The first training problems and the lengths of all, as lines of text. Raises ConfigError for a wrong template."""
    problems, student = task.problems("train"), config.student
    lines: list[str] = []
    try:
        format, asked = _format(task, config)
        prompts = [format.prompt(problem.text) for problem in problems[:rows]]
        lines += [told_of(asked, student), ""] if student.prompt != "plain" else []
        lines += _table(_lengths(problems[:MOST_COUNTED], format, config))
    except (StudentError, ConfigError) as error:
        prompts = [str(problem.text) for problem in problems[:rows]]
        lines.append(f"tokens are not counted, and prompts not shown whole: {error}")
    asked = prompts_of(config.teacher, task.kind)
    for number, (problem, prompt) in enumerate(zip(problems, prompts, strict=False), start=1):
        request = FeedbackRequest(problem, None)
        system, user = asked.messages(request, askings(request, config.teacher)[0])
        if number == 1:
            lines += ["", "the teacher behind an API reads above every question:", *_indented(system["content"])]
        lines += ["", f"training problem {number}, as the student reads it:", *_indented(prompt)]
        lines += [f"its answer: {problem.answer}"]
        if problem.rationale is not None:
            lines += ["its worked solution:", *_indented(state_answer(problem.rationale, problem.answer))]
        lines += ["as the teacher reads it:", *_indented(user["content"])]
    return "\n".join(lines)


def _format(task: Task, config: RunConfig) -> tuple[PromptFormat, AskedAs]:
    """How the student of a configuration is asked, and why. Raises StudentError, ConfigError."""
    student = config.student
    tokenizer, _, positions = load_tokenizer(student)
    asked = asked_as(student)
    examples = task.examples[: student.few_shot]
    return PromptFormat(tokenizer, examples, asked.prompt == "chat", positions, student.thinking), asked


def _lengths(problems: Sequence[Problem], format: PromptFormat, config: RunConfig) -> Lengths:
    prompts = list(map(len, format.all_prompt_ids([problem.text for problem in problems])))
    solved = {n: state_answer(p.rationale, p.answer) for n, p in enumerate(problems) if p.rationale is not None}
    solutions = dict(zip(solved, map(len, format.all_completion_ids(list(solved.values()))), strict=True))
    limit = config.training.max_tokens
    return Lengths(
        config.student.model,
        _spread(prompts),
        _spread(list(solutions.values())) if solutions else None,
        limit,
        sum(length + solutions.get(n, 0) > limit for n, length in enumerate(prompts)),
        format.positions,
    )


def _table(found: Lengths) -> Iterator[str]:
    """The table of lengths, and what does not fit."""
    yield f"{f'tokens of {found.student}':<40}{'median':>8}{'95 %':>8}{'longest':>9}"
    yield _row("prompts", found.prompts)
    if found.solutions:
        yield _row("worked solutions", found.solutions)
    yield f"training problems longer than training.max_tokens ({found.max_tokens:,}), which are cut: {found.cut:,}"
    if found.positions is not None and (most := found.prompts.longest) >= found.positions:
        yield f"the longest prompt ({most:,} tokens) exceeds the student's context of {found.positions:,} tokens"


def _spread(lengths: Sequence[int]) -> Spread:
    ordered = sorted(lengths)
    return Spread(ordered[len(ordered) // 2], ordered[round(0.95 * (len(ordered) - 1))], ordered[-1])


def _row(name: str, found: Spread) -> str:
    return f"{name:<40}{found.median:>8,}{found.most:>8,}{found.longest:>9,}"


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]
