"""What of a run can be exported, read row by row: rationales, pairs of a rationale and a mistake, the splits.

    lessons    Lesson("Tom has 3 boxes of 4 pens. How many pens?", "3 × 4 = 12 pens.\\nThe answer is 12.")
    pairs      the same with wrong="3 + 4 = 7 pens.\\nThe answer is 7."

A round that is trained has them in examples.jsonl, as the student learnt them; of one that has not come so far, the
teacher's replies are taken. Each lesson and each pair comes once, whatever the rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tutelage.config import RunConfig
from tutelage.errors import ConfigError, DataError, RunError
from tutelage.records import SPLITS, Attempt, Feedback, Problem, Split, TrainingExample, state_answer
from tutelage.runs.reader import PROBLEMS, ProblemRow, RunReader, open_run
from tutelage.student.prompts import correction, question_of
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import task_digest

Say = Callable[[str], None]
"""Called with a one-line message for the user."""

EXAMPLES, EXAM = "examples.jsonl", "exam.jsonl"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question and the rationale to learn; in a pair, also the student's mistake."""

    question: str
    right: str
    wrong: str = ""


def worked(problem: Problem) -> Lesson | None:
    """A problem with its own worked solution; None if it has none."""
    return Lesson(problem.text, state_answer(problem.rationale, problem.answer)) if problem.rationale else None


class RunSource:
    """A run as a source of data. `say` is told what the run lacks."""

    def __init__(self, root: Path, say: Say) -> None:
        self.run: RunReader = open_run(root)
        self.say = say

    @cached_property
    def config(self) -> RunConfig:
        """The settings as run. Raises RunError."""
        if self.run.config is None:
            raise RunError(self.run.faults[0])
        return self.run.config

    @property
    def goes_on(self) -> str:
        """What brings what the run lacks, in words."""
        if self.run.state == "finished":
            return "start the run again with a larger rounds.max"
        command = self.run.command
        return f"`{command}` goes on with it" if command else "go on with the run"

    def lessons(self) -> Iterator[Lesson]:
        """Every rationale that was trained on, or can be, each once. Raises RunError if there is none."""
        yield from self._distinct(self._taught(), "no rationale yet: the teacher's first right replies bring them")

    def pairs(self) -> Iterator[Lesson]:
        """Every rationale beside each mistake that it was compared with. Raises RunError if there is none."""
        exams = any(self.run.path(round, EXAM).is_file() for round in self.run.folders)
        why = "attempts that were cut at exam.max_new_tokens are none" if exams else "the first exam brings them"
        yield from self._distinct(self._compared(), f"no mistake beside a rationale yet: {why}")

    def problems(self, split: Split) -> Iterator[ProblemRow]:
        """The problems of a split. Raises RunError where the run has none and they cannot be loaded again."""
        if self.run.path(None, PROBLEMS).is_file():
            read = TypeAdapter(ProblemRow).validate_python
            for row in self.run.rows(None, PROBLEMS):
                if row.get("split") == split:
                    with suppress(ValidationError):  # as the reader, what is none is left out
                        yield read(row)
        else:
            yield from (row for row in self._loaded if row.split == split)

    @cached_property
    def has_system(self) -> bool:
        """Whether a problem of the run stands below a system message."""
        if self.config.task.system:
            return True
        with suppress(RunError):  # an old run, whose problems cannot be loaded again
            return any(row.problem.system for split in SPLITS for row in self.problems(split))
        return False

    @cached_property
    def _loaded(self) -> list[ProblemRow]:
        """The problems of a run of an earlier version, which kept none: those of its task, if they are the same."""
        lacks = f"{self.run.root} has no {PROBLEMS} (it is of an earlier version)"
        try:
            task = open_task(self.config.task)
        except (ConfigError, DataError) as error:
            raise RunError(f"{lacks}, and its task cannot be loaded again: {error}") from None
        if task_digest(task) != self.run.mark.get("data"):
            raise RunError(f"{lacks}, and its task has other problems now; restore the data that it was run on")
        splits: tuple[Split, ...] = ("train", "validation", "test")
        return [ProblemRow(split, task.kind, problem) for split in splits for problem in task.problems(split)]

    @cached_property
    def _by_id(self) -> dict[str, Problem]:
        return {row.problem.id: row.problem for row in self.problems("train")}

    def _distinct(self, lessons: Iterator[Lesson], lacks: str) -> Iterator[Lesson]:
        seen = set[int]()
        for lesson in lessons:
            text = "\x1f".join((lesson.question, lesson.right, lesson.wrong)).encode(errors="replace")
            mark = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
            if mark not in seen:
                seen.add(mark)
                yield lesson
        if not seen:
            raise RunError(f"{self.run.root} has {lacks}; {self.goes_on}")

    def _taught(self) -> Iterator[Lesson]:
        for round in self.run.folders:
            if self._is_trained(round):
                for example in self.run.records(round, EXAMPLES, TrainingExample):
                    yield Lesson(question_of(example), example.anchor)
            else:
                yield from self._replied(round)

    def _compared(self) -> Iterator[Lesson]:
        for round in self.run.folders:
            if self._is_trained(round):
                for example in self.run.records(round, EXAMPLES, TrainingExample):
                    for wrong in example.negatives:
                        yield Lesson(example.problem.text, example.anchor, wrong)
                if self.config.training.reflection == "repair":
                    yield from self._repaired(round)
            else:
                yield from self._answered(round)

    def _repaired(self, round: int) -> Iterator[Lesson]:
        """Mistakes of a round with repairs, each beside the problem's last rationale, which may be an older one."""
        taught = {
            example.problem.id: example
            for example in self.run.records(round, EXAMPLES, TrainingExample)
            if example.corrects is None
        }
        for attempt in self.run.records(round, EXAM, Attempt):
            wrong, example = attempt.text.strip(), taught.get(attempt.problem_id)
            if example and wrong and not attempt.verdict.correct and attempt.finish != "length":
                yield Lesson(example.problem.text, example.anchor, wrong)

    def _is_trained(self, round: int) -> bool:
        return self.run.path(round, EXAMPLES).is_file()

    def _replied(self, round: int) -> Iterator[Lesson]:
        """The right replies of a round that has not come to its training."""
        told = False
        for reply in self._right(round):
            if not told:
                self.say(f"round {round} is not trained yet: the teacher's right replies are taken as they are")
                told = True
            problem = self._by_id.get(reply.problem_id)
            if problem is None:
                continue
            yield Lesson(problem.text, reply.text)
            if reply.explanation and reply.mistake:
                yield Lesson(correction(problem.text, reply.mistake), f"{reply.explanation}\n{reply.text}")

    def _answered(self, round: int) -> Iterator[Lesson]:
        """Right replies of such a round beside the mistakes that they answer; an attempt that was cut has no end."""
        cut = {
            (attempt.problem_id, attempt.text.strip())
            for attempt in self.run.records(round, EXAM, Attempt)
            if attempt.finish == "length"
        }
        for reply in self._right(round):
            wrong, problem = (reply.mistake or "").strip(), self._by_id.get(reply.problem_id)
            if problem and wrong and (reply.problem_id, wrong) not in cut:
                yield Lesson(problem.text, reply.text, wrong)

    def _right(self, round: int) -> Iterator[Feedback]:
        """The right rationales of a round. A reply that puts one step right (`teacher.feedback: repair`) is none."""
        for name in ("annotation.jsonl", "feedback.jsonl"):
            yield from (reply for reply in self.run.records(round, name, Feedback) if reply.is_rationale)
