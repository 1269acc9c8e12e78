"""STaR (Zelikman et al. 2022), a baseline: the student is its own teacher (rejection sampling), without a budget.

    request without a mistake    it answers K times after the task's worked examples; the first right answer is kept
    no right answer              it answers once more with the gold answer as a hint ("rationalization")
    request with a mistake       the hint at once: its right attempts in the exam are trained on anyway

A rationale written with a hint is graded like any other; the hint is not part of the training prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tutelage.config import ExamConfig
from tutelage.records import Completion, Feedback, FeedbackRequest, Grade, Problem, Verdict, WorkedExample
from tutelage.runs.files import seed_of
from tutelage.student.sampler import exam_sampling
from tutelage.student.student import Student
from tutelage.tasks.task import Task
from tutelage.teacher.teacher import Deliver
from tutelage.text.run_on import cut

HINT = "{question}\nHint: the answer is {answer}."


class SelfTeacher:
    """A Teacher that samples rationales from the student, after all worked examples of the task."""

    def __init__(self, student: Student, task: Task, settings: ExamConfig, seed: object) -> None:
        self._plain = student.asked_with(task.examples)
        self._hinted = student.asked_with([_with_hint(example) for example in task.examples])
        self._grade: Grade = task.grade
        self._settings, self._seed = settings, seed

    @property
    def key(self) -> str:
        """See Teacher."""
        return f"student {self._plain.key} {self._seed}"

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request; if the student also fails with the hint, deliver a rejected Feedback."""
        waiting = list(requests)
        if not waiting:
            return
        first = [request for request in waiting if request.mistake is None]
        failed = self._ask(self._plain, first, [request.problem for request in first], deliver)
        hinted = failed + [request for request in waiting if request.mistake is not None]
        lost = self._ask(self._hinted, hinted, [_hinted(request.problem) for request in hinted], deliver)
        for request in lost:
            verdict = Verdict(False, None, "the student does not reach the answer, not even with a hint")
            deliver(Feedback(*request.identity, "", verdict, failure="wrong answer"))

    def _ask(
        self, student: Student, requests: Sequence[FeedbackRequest], problems: Sequence[Problem], deliver: Deliver
    ) -> list[FeedbackRequest]:
        """Deliver the first right answer to each problem; returns the requests that got none."""
        found: dict[int, Feedback] = {}

        def answered(place: int, completions: Sequence[Completion]) -> None:
            request = requests[place]
            for given in completions:
                text, verdict = cut(given.text).strip(), self._grade(request.problem, given.text)
                if verdict.correct and given.finish == "stop":
                    found[place] = Feedback(*request.identity, text, verdict)
                    deliver(found[place])
                    return

        seeds = [
            seed_of(self._seed, problem.id, request.sample, request.mistake)
            for request, problem in zip(requests, problems, strict=True)
        ]
        student.answer(problems, seeds, exam_sampling(self._settings), answered)
        student.release()
        return [request for place, request in enumerate(requests) if place not in found]


def _hinted(problem: Problem) -> Problem:
    hinted = HINT.format(question=problem.asked, answer=problem.answer)
    return Problem.of(hinted, problem.answer, system=problem.system)


def _with_hint(example: WorkedExample) -> WorkedExample:
    answer = example.rationale.rpartition("The answer is ")[2].rstrip().removesuffix(".")
    return WorkedExample(HINT.format(question=example.question, answer=answer), example.rationale)
