"""Wraps a teacher of the user's own and checks every reply."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast, get_args

from tutelage.contracts import each_in_tuple, is_text, is_verdict, key_of, kind_of, need_methods, refuse, shown, told
from tutelage.errors import TeacherError, TutelageError
from tutelage.practice_records import Practice
from tutelage.records import Asked, Choice, FailureReason, Feedback, FeedbackRequest, Grade, Problem, Usage, Verdict
from tutelage.teacher.teacher import Deliver, PracticeTeacher, Teacher

_ROLE = "teacher"


class CheckedTeacher:
    """The user's teacher; refuses replies without a request, second replies and replies of another type.

    `grade` decides: a reply whose verdict says right is used only if `grade` agrees. Raises ConfigError.
    """

    def __init__(self, own: Teacher, grade: Grade) -> None:
        need_methods(_ROLE, own, {"teach": 2})
        self.own, self.key, self._grade = own, key_of(_ROLE, own), grade

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """See Teacher. Raises TeacherError, too, if the user's teacher fails."""
        self._ask(self.own.teach, requests, deliver)

    def practise(self, requests: Iterable[FeedbackRequest], deliver: Callable[[Practice], None]) -> None:
        """See PracticeTeacher; to be called if the user's teacher has this method. Raises as `teach`."""

        def checked(reply: Feedback) -> None:
            if not isinstance(reply, Practice):
                refuse(_ROLE, self.own, f"its practise delivers a {type(reply).__name__}, not a Practice")
            deliver(reply)

        self._ask(cast(PracticeTeacher, self.own).practise, requests, checked)

    def _ask(
        self,
        ask: Callable[[list[FeedbackRequest], Deliver], None],
        requests: Iterable[FeedbackRequest],
        deliver: Deliver,
    ) -> None:
        asked = {request.identity: request for request in requests}
        if not asked:
            return
        answered, faults = set[tuple[str, int, str | None]](), list[TutelageError]()

        def checked(reply: Feedback) -> None:
            try:
                self._check(reply)
                if reply.identity not in asked or reply.identity in answered:
                    why = "twice" if reply.identity in answered else "for a request that was not made"
                    refuse(
                        _ROLE,
                        self.own,
                        f"it delivers feedback {why}: problem {reply.problem_id}, sample {reply.sample}",
                    )
                answered.add(reply.identity)
                deliver(self._graded(reply, asked[reply.identity]))
            except TutelageError as error:
                faults.append(error)  # raised again below, even if the teacher catches it
                raise

        try:
            returned = cast(object, ask(list(asked.values()), checked))
        except TutelageError:
            raise
        except (Exception, SystemExit) as error:
            raise TeacherError(f"the teacher {self.key!r} fails: {told(error)}") from error
        if faults:
            raise faults[0]
        if missing := [request for identity, request in asked.items() if identity not in answered]:
            given = "" if returned is None else f"; it returned a {kind_of(returned)}: hand each Feedback to deliver"
            few = f"{len(missing)} of {len(asked)} requests got no feedback, the first for {missing[0].problem.id}"
            refuse(_ROLE, self.own, few + given)

    def _check(self, reply: object) -> None:
        if not isinstance(reply, Feedback):
            refuse(_ROLE, self.own, f"it delivers a {type(reply).__name__}, not a Feedback")
        kinds = {"verdict": Verdict, "usage": Usage, "sample": int, "keys": tuple, "text": str, "problem_id": str}
        for name, kind in kinds.items():
            if not isinstance(found := cast(object, getattr(reply, name)), kind):
                refuse(_ROLE, self.own, f"the {name} of its feedback is {found!r:.80}, not a {kind.__name__}")
        if isinstance(reply, Practice) and (fault := _fault_of(reply.problem)):
            refuse(_ROLE, self.own, f"a problem that it makes cannot be used: {fault}")
        if not all(text is None or is_text(text) for text in (reply.text, reply.mistake, reply.explanation)):
            refuse(_ROLE, self.own, f"the feedback on problem {reply.problem_id} holds what is no text")
        if not each_in_tuple(reply.keys, str) or not each_in_tuple(cast(object, reply.asked), Asked):
            refuse(
                _ROLE, self.own, "the keys and asked of its feedback are tuples of texts and of Asked; leave both out"
            )
        counts = (reply.usage.requests, reply.usage.prompt_tokens, reply.usage.completion_tokens)
        if not all(_is_amount(count, int) for count in counts) or not _is_amount(reply.usage.cost_usd, float):
            refuse(_ROLE, self.own, f"the usage of its feedback is {shown(reply.usage)}; give numbers from 0 on")
        if not is_verdict(reply.verdict):
            refuse(_ROLE, self.own, f"it delivers {reply.verdict!r:.80}; give Verdict(True or False, answer, reason)")
        if reply.failure is not None and reply.failure not in get_args(FailureReason):
            known = ", ".join(get_args(FailureReason))
            refuse(_ROLE, self.own, f"the failure of its feedback is {reply.failure!r}; the known ones are {known}")

    def _graded(self, reply: Feedback, request: FeedbackRequest) -> Feedback:
        if not reply.verdict.correct:
            return reply
        problem = (reply.problem if isinstance(reply, Practice) else None) or request.problem
        verdict = self._grade(problem, reply.text)
        return reply if verdict.correct else replace(reply, verdict=verdict, failure=reply.failure or "wrong answer")


def _fault_of(problem: object) -> str | None:
    """What is wrong with a problem that a teacher made, in words; None where it made none."""
    if problem is None:
        return None
    if not isinstance(problem, Problem):
        return f"it is a {type(problem).__name__}, not a Problem"
    texts = (problem.id, problem.question, problem.answer)
    if not all(is_text(text) and text.strip() for text in texts) or not each_in_tuple(problem.choices, Choice):
        return f"{shown(problem)}; make it with Problem.of(question, answer)"
    optional = (problem.rationale, problem.equation)
    return None if all(text is None or is_text(text) for text in optional) else "its rationale is no text"


def _is_amount(found: object, kind: type[int] | type[float]) -> bool:
    return isinstance(found, (int, kind)) and math.isfinite(found) and found >= 0
