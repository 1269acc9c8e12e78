"""Students that are asked outside of a run, by `ask`, `eval` and the page: as in the run, which is written once, here.

as_taught(StudentConfig("runs/a/student"))    behind the worked examples that it was taught with, below its system
                                              message, cut where the run's evaluation cut
of_run("runs/a", "runs/a/student")            the same student, and the untrained one, asked alike
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tutelage.config import AnswerLimit, StudentConfig
from tutelage.config.file import read_written
from tutelage.records import Problem, WorkedExample
from tutelage.rounds.lengths import THOUGHTS, answer_limit
from tutelage.runs.found import run_of
from tutelage.runs.reader import PROBLEMS, ProblemRow, RunReader, open_run
from tutelage.runs.stage import entries
from tutelage.student.asked import taught_prompts, told_of
from tutelage.student.engines.engine import Engine
from tutelage.student.kept_precision import precision_outside
from tutelage.student.one_model import OneModel
from tutelage.student.own import check_engine
from tutelage.student.sampler import SamplerFactory, SamplingSettings, Say
from tutelage.student.student import Student
from tutelage.system_message import one_above


@dataclass(frozen=True, slots=True)
class AskedStudent:
    """A student, and where its answers are cut."""

    student: Student
    cut_at: AnswerLimit

    def problems(self, problems: Sequence[Problem]) -> list[Problem]:
        """Problems as it is asked them: below its system message, unless they have one of their own."""
        return [replace(each, system=each.system or self.student.system) for each in problems]

    def limit(self, problems: Sequence[Problem]) -> int:
        """Tokens after which its answers to these problems are cut."""
        return answer_limit(self.cut_at, self.student, [each.text for each in problems], self.student.answer_tokens)

    def answer(self, question: str) -> str:
        """Its greedy answer to a question."""
        answers, problems = list[str](), self.problems([Problem.of(question, "")])
        greedy = SamplingSettings(max_new_tokens=self.limit(problems))
        self.student.answer(problems, [0], greedy, lambda _, given: answers.append(given[0].text.strip()))
        return answers[0]


def as_taught(
    config: StudentConfig,
    engine: SamplerFactory | None = None,
    *,
    examples: Sequence[WorkedExample] = (),
    cut_at: AnswerLimit = "auto",
    say: Say = lambda text: None,
) -> AskedStudent:
    """A model as the run asks it that has taught it, if one has; `cut_at` sets another limit than that run's.

    `examples` are the worked ones for other models, and for a `few_shot` beyond those that were taught. `engine` is as
    in `api.run`. Raises ConfigError, StudentError.
    """
    if engine is not None:
        check_engine(engine)
    taught = taught_prompts(config.model)
    if taught and (config.few_shot <= len(taught.examples) or not examples):
        examples = taught.examples
    student = Student(
        config,
        examples,
        engine=Engine(config.engine, say, engine, config=config),
        answer_tokens=taught and taught.answer_tokens,
        precision=precision_outside(config, run_of(config.model)),
        system=taught and taught.system,
    )
    if config.prompt == "auto":
        say(told_of(student.asked, config))
    return AskedStudent(student, taught.max_new_tokens if taught and cut_at == "auto" else cut_at)


def of_run(run: Path, folder: Path) -> tuple[AskedStudent, AskedStudent]:
    """The student in a folder of a run, and the untrained one, both with the run's settings.

    A student that the run has not finished has no worked examples: they are written at its end. Raises RunError,
    ConfigError, StudentError.
    """
    found, config, taught = open_run(run), read_written(run / "config.yaml"), taught_prompts(str(folder))
    examples = taught.examples if taught else ()
    as_begun = config.student.model_copy(
        update={"few_shot": len(examples), **({"model": str(found.began_as)} if found.began_as else {})}
    )
    system = taught.system if taught else _system(found)
    precision = precision_outside(config.student, run)
    untrained = Student(as_begun, examples, system=system, asked=found.asked, precision=precision)
    student = untrained.at(folder, "student")
    student.memory = OneModel()  # each stays in memory while the other is asked
    student.answer_tokens = taught.answer_tokens if taught else _learnt(student, folder.parent)
    cut_at = config.evaluation.max_new_tokens
    return AskedStudent(student, cut_at), AskedStudent(untrained, cut_at)


def _system(run: RunReader) -> str | None:
    return one_above(row.problem.system for row in run.records(None, PROBLEMS, ProblemRow) if row.split == "train")


def _learnt(student: Student, round: Path) -> int | None:
    """What a round's student may take for an answer, by its evaluation; None before that."""
    cut_at = entries(round).get("evaluation", {}).get("max_new_tokens")
    return None if cut_at is None else max(1, cut_at - THOUGHTS * student.thinks)
