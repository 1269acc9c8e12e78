"""A task whose answers are judged by a coin that each text tosses: a student that writes noise is right at times."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.student.tiny import tiny_student
from tutelage.config import StudentConfig
from tutelage.records import AnswerKind, Problem, Split, Verdict, WorkedExample, content_hash
from tutelage.student.model import save_student
from tutelage.student.student import Student

SPLITS = {
    split: [Problem.of(f"{split} {n} + 1?", str(n + 1)) for n in range(count)]
    for split, count in (("train", 8), ("validation", 3), ("test", 4))
}


@dataclass(frozen=True)
class CoinTask:
    """Of `one_in` texts one is right, by a hash of question and text; of none, no text at all."""

    one_in: int = 2
    name: str = "coin"
    kind: AnswerKind = "number"
    examples: Sequence[WorkedExample] = (WorkedExample("2 + 2?", "2 + 2 = 4\nThe answer is 4."),)

    def problems(self, split: Split) -> Sequence[Problem]:
        return SPLITS[split]

    def grade(self, problem: Problem, text: str) -> Verdict:
        right = self.one_in > 0 and int(content_hash(problem.id, text), 16) % self.one_in == 0
        return Verdict(right, problem.answer if right else None, "tossed")


def noisy_student(folder: Path) -> Student:
    """An untrained student, half of whose answers come to an end within a dozen tokens."""
    if not folder.exists():
        student = tiny_student()
        student.model.generation_config.eos_token_id = list(range(1, 16))
        save_student(student, folder)
    return Student(StudentConfig(model=str(folder), device="cpu", dtype="float32"), ())
