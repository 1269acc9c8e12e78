"""Wraps a user's own task or grader in a checked one.

    own_task(MyTask())           the same problems and grades, or a ConfigError with the reason
    own_grader(grade, …)         grade(problem, text) -> Verdict or bool, as a grader that always returns a Verdict

Problems are checked before a run starts, verdicts whenever one is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast, get_args

from tutelage.config import TaskConfig
from tutelage.contracts import (
    each_in_tuple,
    each_is,
    is_text,
    is_verdict,
    key_of,
    kind_of,
    name_of,
    need_methods,
    refuse,
    takes,
    told,
)
from tutelage.errors import ConfigError, TutelageError
from tutelage.json_lines import is_unicode
from tutelage.records import SPLITS, AnswerKind, Choice, Grade, Problem, Split, Verdict, WorkedExample, state_answer
from tutelage.tasks.splits import LoadedTask, SplitReport, draw_splits
from tutelage.tasks.task import Task
from tutelage.text.statements import shorten
from tutelage.user_code import UserCode

_METHODS = {"problems": 1, "grade": 2}


def own_task(task: Task, config: TaskConfig, *, key: str | None = None) -> LoadedTask:
    """The user's task, with subsets drawn as `config` says. `key` is its key if it was loaded from a file.

    Raises:
        ConfigError: a method or attribute is missing or has the wrong type, a problem has no id or not a unique one,
            or the first problem cannot be graded.
        DataError: a split is smaller than configured.
    """
    if isinstance(task, LoadedTask):
        if config.train is None and config.test is None and config.validation < 1:
            return task
        return replace(task, splits=draw_splits(task.splits, config, given=True, origin=task.name))
    need_methods("task", task, _METHODS)
    key = key or key_of("task", task)
    name, kind = _attribute(task, "name"), _attribute(task, "kind")
    if not isinstance(name, str) or not name.strip() or not is_unicode(name):
        refuse("task", task, f"its name is {name!r}; make it text")
    if kind not in get_args(AnswerKind):
        refuse("task", task, f"its kind is {kind!r}; make it one of {', '.join(get_args(AnswerKind))}")
    examples = each_is("task", task, "examples", _attribute(task, "examples"), WorkedExample)
    parts: dict[Split, Sequence[Problem]] = {split: _problems(task, split) for split in SPLITS}
    _refuse_repeats(task, parts)
    grader = checked_grader(task.grade, f"the task {name_of(task)}")
    try_grader(grader, parts["train"][0])
    splits = draw_splits({split: list(part) for split, part in parts.items()}, config, given=True, origin=name)
    report = SplitReport({split: len(part) for split, part in parts.items()}, dict.fromkeys(SPLITS, 0), 0)
    worked = cast(tuple[WorkedExample, ...], tuple(examples))
    return LoadedTask(name, cast(AnswerKind, kind), worked, splits, report, grader, way=key, own=True)


def own_grader(code: UserCode, function: object) -> Grade:
    """The user's function as a grader. Raises ConfigError if it does not accept a problem and a text."""
    where = f"{code.setting}: {code.function} of {code.path}"
    if (fault := takes(function, 2)) is not None:
        raise ConfigError(f"{where} {fault}; write it as {code.function}(problem, text)")
    return checked_grader(cast(Grade, function), where)


def checked_grader(grade: Grade, who: str) -> Grade:
    """A grader that returns a Verdict, also for the user's bool. It raises ConfigError for any other result."""

    def checked(problem: Problem, text: str) -> Verdict:
        try:
            given = cast(object, grade(problem, text))
        except TutelageError:
            raise
        except (Exception, SystemExit) as error:
            asked = f"on problem {problem.id} with the text {shorten(text)!r}"
            raise ConfigError(f"{who} fails {asked}: {told(error)}") from error
        if isinstance(given, bool):
            return Verdict(given, None, "right" if given else "graded as wrong")
        if not is_verdict(given):
            what = repr(given) if isinstance(given, Verdict) else f"{shorten(repr(given))}, a {kind_of(given)}"
            raise ConfigError(f"{who} gives {what}; give True, False or Verdict(correct, answer, reason)")
        return cast(Verdict, given)

    return checked


def try_grader(grade: Grade, problem: Problem) -> None:
    """Grade an answer and an empty text, ignoring the verdicts. Raises ConfigError if the grader fails."""
    for text in (state_answer("", problem.answer), ""):
        grade(problem, text)


def _attribute(task: Task, name: str) -> object:
    try:
        found = getattr(task, name)
    except AttributeError:
        refuse("task", task, f"it has no {name}")
    except Exception as error:  # the user's property may fail in any way
        refuse("task", task, f"its {name} cannot be read: {told(error)}", error)
    return cast(object, found)


def _problems(task: Task, split: Split) -> Sequence[Problem]:
    what = f"problems({split!r})"
    try:
        found, again = task.problems(split), task.problems(split)
    except TutelageError:
        raise
    except (Exception, SystemExit) as error:
        refuse("task", task, f"{what} fails: {told(error)}", error)
    problems = cast(Sequence[Problem], each_is("task", task, what, found, Problem))
    if not problems:
        refuse("task", task, f"{what} is empty; give it at least one problem")
    for place, problem in enumerate(problems):
        if fault := _fault_of(problem):
            refuse("task", task, f"{what}, place {place}: {fault}")
    if list(problems) != list(again):
        refuse("task", task, f"{what} gives other problems the second time; give the same ones in the same order")
    return problems


def _fault_of(problem: Problem) -> str | None:
    """What is wrong with a problem, in words."""
    for name in ("id", "question", "answer"):
        value = getattr(problem, name)
        if not is_text(value) or not value.strip():
            made = "; Problem.of(question, answer) makes one with an id" if name == "id" else ""
            return f"its {name} is {value!r}, not a text{made}"
    if not all(text is None or is_text(text) for text in (problem.rationale, problem.equation)):
        return "its rationale or its equation is neither text nor None"
    if not each_in_tuple(problem.choices, Choice):
        return f"its choices are {problem.choices!r:.80}, not a tuple of Choice"
    return None


def _refuse_repeats(task: Task, parts: dict[Split, Sequence[Problem]]) -> None:
    """Refuse an id that stands twice, and a question that stands in two splits, whatever its ids."""
    seen: dict[str, Split] = {}
    asked: dict[str, Split] = {}
    for split, problems in parts.items():
        for problem in problems:
            who = f"the problem {problem.id} ({shorten(problem.question)!r})"
            if problem.id in seen:
                where = f"twice in {split}" if seen[problem.id] == split else f"in {seen[problem.id]} and in {split}"
                refuse("task", task, f"{who} stands {where}")
            seen[problem.id] = split
            if (other := asked.setdefault(problem.text, split)) != split:
                refuse("task", task, f"{who} stands in {other}, too, under another id; leave it out of one of them")
