"""Builds a run's objects from its configuration: the composition root."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tutelage.activity import Activity
from tutelage.config import RunConfig, StudentConfig
from tutelage.config.contradictions import contradictions
from tutelage.contracts import name_of, need_methods
from tutelage.errors import ConfigError, TeacherError
from tutelage.inputs import opened
from tutelage.own_parts import OwnParts
from tutelage.report.progress import Show
from tutelage.rounds.context import RunContext
from tutelage.rounds.estimate import check_first_request
from tutelage.rounds.for_readers import keep_problems
from tutelage.rounds.pins import pins
from tutelage.run_records import AskedAs, Precision
from tutelage.runs.directory import Run, locked
from tutelage.runs.files import disk_errors, try_to_write_in
from tutelage.runs.layout import has_begun
from tutelage.runs.now import NOW
from tutelage.runs.source import SOURCE
from tutelage.runs.stage_cache import StageCache
from tutelage.student.asked import asked_in_run, told_of
from tutelage.student.engines.engine import Engine
from tutelage.student.kept_precision import precision_of_run
from tutelage.student.own import CheckedReflection, check_engine
from tutelage.student.preflight import preflight
from tutelage.student.sampler import SamplerFactory, Say
from tutelage.student.student import Student
from tutelage.system_message import one_above
from tutelage.tasks.generated.near import near_problems
from tutelage.tasks.splits import LoadedTask
from tutelage.tasks.task import Task, check_few_shot, task_digest
from tutelage.teacher.answer_key import AnswerKeyTeacher
from tutelage.teacher.answers_only import AnswersTeacher
from tutelage.teacher.ledger.file import check_place
from tutelage.teacher.own import CheckedTeacher
from tutelage.teacher.prompts import prompts_of
from tutelage.teacher.recorded import NOT_RECORDED, RecordedTeacher
from tutelage.teacher.teacher import Teacher
from tutelage.trackers.telling import check_trackers, tracked

if TYPE_CHECKING:
    from tutelage.student.ranks.group import Ranks


@contextmanager
def open_context(
    config: RunConfig,
    out: Path,
    show: Show,
    cache: StageCache | None = None,
    own: OwnParts | None = None,
    ranks: Ranks | None = None,
) -> Generator[RunContext]:
    """Everything a run needs, with its directory locked against other processes; `cache` is as in Run.open.

    The user's `own` parts replace those that the configuration names. Of several `ranks`, the first calls this.

    Raises ConfigError, DataError, RunError, TeacherError and StudentError before anything is spent, and before anything
    is written unless the directory itself is at fault.
    """
    check_trackers(config.report_to)
    own = own or OwnParts()
    keys = own.keys(config)
    # A copied configuration is not validated.
    if faults := list(contradictions(config.student, config.teacher, config.exam, config.training)):
        raise ConfigError("; ".join(faults))
    with disk_errors(out):
        try_to_write_in(out)
    task, source = opened(config, out, show.say, own)
    if cache is None and not has_begun(out):  # a study has many runs on the same data
        for note in task.report.told:
            show.say(f"note: {note}")
    teacher, online = CheckedTeacher(own.teacher, task.grade) if own.teacher else None, False
    reflection = CheckedReflection(own.reflection) if own.reflection else None
    if teacher is None:
        online = config.teacher.kind == "openai"
        teacher = None if online else offline_teacher(config, task, show.say)
    if online:
        check_endpoint(config, task, out)
    if config.teacher.practice:
        check_practice(config.teacher.practice, task, own.teacher, offline=teacher is not None)
    precision = precision_of_run(config.student, out, cache and cache.root, show.say)
    asked = asked_in_run(config.student, out, show.say)
    untrained = make_student(config.student, task, show.say, own.engine, precision, ranks, asked)
    with closing(untrained.engine):
        preflight(untrained, config, task.problems, out, reflection)
        with locked(out):
            kept = {"precision": precision, "asked": asked, SOURCE: source, "pins": pins(config, task.examples)}
            run = Run.open(out, config, task_digest(task), cache, keys, kept)
            if ranks is not None:
                from tutelage.student.ranks.led import check_shared

                check_shared(ranks, out, run.id)
            activity = Activity() if online else None
            if activity:
                teacher = online_teacher(config, task, run, show.say, activity)
            ctx = RunContext(config, run, task, teacher, untrained, show, reflection, activity)
            with show.noted(out / NOW), tracked(config.report_to, out, show.say):
                keep_problems(ctx)
                yield ctx


def check_endpoint(config: RunConfig, task: Task, out: Path) -> None:
    """Raises ConfigError, TeacherError for what a teacher at an API can be refused for before the run exists.

    That is a wrong address, key, template or ledger, or a budget without room for a first request.
    """
    from tutelage.teacher.online.client import Endpoint

    Endpoint(config.teacher, os.environ)
    prompts_of(config.teacher, task.kind)
    if not has_begun(out):
        check_first_request(config, task)
    if config.teacher.ledger:
        check_place(Path(config.teacher.ledger))


def check_practice(each: int, task: LoadedTask, own: Teacher | None, *, offline: bool) -> None:
    """Raises ConfigError if the user's teacher, or else the answer key (`offline`), can make no practice problems."""
    if own is not None:
        if not hasattr(own, "practise"):
            raise ConfigError(
                f"teacher.practice is {each}, but the teacher {name_of(own)} has no method practise; add it, or set"
                " teacher.practice to 0"
            )
        need_methods("teacher", own, {"practise": 2})
    elif task.way in ("regex", "code"):
        raise ConfigError(
            f"teacher.practice is {each}, but the right answers of task.match {task.way!r} are no answers that a new"
            " problem's solution could state; set it to 0"
        )
    elif offline and task.more is None and not any(problem.equation for problem in task.problems("train")):
        raise ConfigError(
            f"teacher.practice is {each}, but the answer key makes new problems for generated tasks and from equations"
            f" alone, and the problems of {task.name} have no equation; set it to 0, or teacher.kind to openai"
        )


def offline_teacher(config: RunConfig, task: LoadedTask, say: Say) -> Teacher | None:
    """The teacher of a configuration without an API; None if the student teaches itself.

    Raises DataError, and TeacherError for recorded rationales of other questions alone.
    """
    settings = config.teacher
    if settings.kind == "student":
        return None
    if settings.kind == "answers":
        return AnswersTeacher(grade=task.grade)
    near = near_problems(task) if settings.practice else None
    asked = {"explain": settings.explain, "repair": settings.feedback == "repair"}
    key = AnswerKeyTeacher(grade=task.grade, kind=task.kind, seed=config.seed, **asked, near=near)
    if settings.kind == "answer_key":
        return key
    assert settings.path is not None, "the configuration has been checked"
    recorded = RecordedTeacher(
        settings.path,
        grade=task.grade,
        kind=task.kind,
        fallback=key if settings.fallback == "answer_key" else None,
        explain=settings.explain,
        check_arithmetic=settings.check_arithmetic,
        say=say,
    )
    covered, of = recorded.covered(task.problems("train")), len(task.problems("train"))
    if not covered and settings.fallback is None:
        reason = f"none of the teacher's {of} replies can be used (the first: {NOT_RECORDED})"
        remedy = f"check that teacher.path, {settings.path}, is of this task"
        raise TeacherError(f"round 0 cannot begin: {reason}; {remedy}")
    if covered < of:
        others = "get none" if settings.fallback is None else "are the answer key's"
        say(f"{settings.path} has rationales for {covered:,} of {of:,} training problems; the others {others}")
    return recorded


def online_teacher(config: RunConfig, task: Task, run: Run, say: Say, activity: Activity) -> Teacher:
    """The teacher at an API, with its ledger. Raises ConfigError or TeacherError."""
    from tutelage.teacher.online.openai_teacher import OpenAITeacher

    settings = config.teacher
    ledger = Path(settings.ledger) if settings.ledger else run.ledger
    return OpenAITeacher(
        settings, kind=task.kind, grade=task.grade, ledger=ledger, run_id=run.id, say=say, activity=activity
    )


def make_student(
    config: StudentConfig,
    task: Task,
    say: Say,
    engine: SamplerFactory | None = None,
    precision: Precision | None = None,
    ranks: Ranks | None = None,
    asked: AskedAs | None = None,
) -> Student:
    """The untrained student, prompted with the task's worked examples and sampled by the user's `engine`, if given.

    `asked` is as in Student. With `ranks`, it answers and learns on all of them. Raises ConfigError, StudentError.
    """
    if engine is not None:
        check_engine(engine)
    check_few_shot(config.few_shot, task)
    system = one_above(problem.system for problem in task.problems("train"))
    sampled_by = Engine(config.engine, say, engine, config=config)
    if ranks is None:
        student = Student(config, task.examples, engine=sampled_by, precision=precision, system=system, asked=asked)
    else:
        from tutelage.student.ranks.led import LedStudent

        student = LedStudent(config, task.examples, engine=sampled_by, precision=precision, system=system, asked=asked)
        student.ranks = ranks
    if config.prompt == "auto":
        say(told_of(student.asked, config))
    return student
