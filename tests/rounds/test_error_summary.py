"""An exam in figures."""

from dataclasses import dataclass, field

from tutelage.mistakes.taxonomy import ANSWER, CALCULATION, FORMAT
from tutelage.records import AnswerKind, Attempt, Exam, Problem, Verdict
from tutelage.rounds import error_summary
from tutelage.run_records import ExamSummary

COWS = Problem.of("A farm has 3 cows. How many legs?", "12", rationale="3 × 4 = 12.")
HENS = Problem.of("A farm has 2 hens. How many legs?", "4", rationale="2 × 2 = 4.")
BARE = Problem.of("A farm has 5 eels. How many legs?", "0")


@dataclass(frozen=True)
class Farm:
    """A task as far as an exam needs it."""

    kind: AnswerKind = "number"
    train: list[Problem] = field(default_factory=lambda: [COWS, HENS, BARE])

    def problems(self, split: str) -> list[Problem]:
        return self.train if split == "train" else []


def attempt(problem: Problem, text: str, finish: str = "stop") -> Attempt:
    answer = text.rpartition("The answer is ")[2].rstrip(".") if "The answer is" in text else None
    return Attempt(problem.id, 0, text, Verdict(answer == problem.answer, answer, ""), finish, 9)


RIGHT = attempt(COWS, "3 × 4 = 12. The answer is 12.")
FALSE = attempt(COWS, "3 × 4 = 13. The answer is 13.")
CUT = attempt(HENS, "2 × 2 =", "length")
OPEN = attempt(HENS, "2 × 2 = 4.")


def exam_summary(sitting: Exam, task: Farm) -> ExamSummary:
    return error_summary.exam_summary(sitting, error_summary.marked_mistakes(sitting, task))


def test_right_and_wrong_attempts_are_counted_and_the_wrong_ones_by_kind():
    assert exam_summary(Exam((RIGHT, FALSE, CUT, OPEN)), Farm()) == ExamSummary(
        0.25, 3, 4, {CALCULATION: 1, FORMAT: 2}, cut=1
    )


def test_an_exam_without_mistakes_has_no_kinds():
    assert exam_summary(Exam((RIGHT, RIGHT)), Farm()) == ExamSummary(1.0, 0, 2, {})


def test_a_mistake_of_which_nothing_can_be_told_counts_as_a_mistake_but_has_no_kind():
    dark = attempt(BARE, "5 + 5 = 10. The answer is 10.")  # true arithmetic, and no worked solution to hold it against
    assert exam_summary(Exam((dark, FALSE)), Farm()) == ExamSummary(0.0, 2, 2, {CALCULATION: 1})


def test_the_kind_of_answer_is_that_of_the_task():
    assert exam_summary(Exam((FALSE,)), Farm("text")).kinds == {ANSWER: 1}
