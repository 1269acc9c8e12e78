"""A teacher of the user's own: every reply is looked at, and the task's grade has the last word."""

import sys
from dataclasses import replace

import pytest

from tests.teacher.grading import grade
from tutelage.errors import BudgetSpent, ConfigError, TeacherError
from tutelage.records import Feedback, FeedbackRequest, Problem, Usage, Verdict
from tutelage.teacher.own import CheckedTeacher

REQUESTS = [FeedbackRequest(Problem.of(f"{n} + 1?", str(n + 1))) for n in range(3)]
RIGHT = Verdict(True, None, "right")


def reply(request: FeedbackRequest, text: str | None = None) -> Feedback:
    return Feedback(*request.identity, text or f"One more.\nThe answer is {request.problem.answer}.", RIGHT)


class Returns:
    """Gives its replies back, where they should be handed over."""

    key = "returns 1"

    def teach(self, requests, deliver) -> list[Feedback]:
        return [reply(request) for request in requests]


class Async:
    key = "async 1"

    async def teach(self, requests, deliver) -> None: ...


class Yields:
    key = "yields 1"

    def teach(self, requests, deliver):
        yield from requests


class Mine:
    key = "mine 1"

    def __init__(self, teach) -> None:
        self._teach = teach

    def teach(self, requests, deliver) -> None:
        self._teach(requests, deliver)


def replies(teach, requests=REQUESTS) -> list[Feedback]:
    heard: list[Feedback] = []
    CheckedTeacher(Mine(teach), grade).teach(iter(requests), heard.append)
    return heard


def all_with(change):
    """Answers every request with a reply that `change` makes of the right one."""
    return lambda requests, deliver: [deliver(change(reply(request))) for request in requests]


def test_its_replies_are_delivered_as_they_come():
    assert replies(all_with(lambda given: given)) == [reply(request) for request in REQUESTS]
    assert replies(lambda requests, deliver: pytest.fail("nothing is asked"), []) == []


def test_the_task_has_the_last_word():
    (wrong,) = replies(all_with(lambda given: replace(given, text="The answer is 7.")), REQUESTS[:1])
    assert not wrong.verdict.correct
    assert wrong.failure == "wrong answer"
    own = replace(reply(REQUESTS[0]), verdict=Verdict(False, None, "not good enough"))
    assert replies(lambda requests, deliver: deliver(own), REQUESTS[:1]) == [own]


@pytest.mark.parametrize(
    ("teach", "said"),
    [
        (all_with(lambda given: given.text), "it delivers a str, not a Feedback"),
        (all_with(lambda given: None), "it delivers a NoneType, not a Feedback"),
        (
            all_with(lambda given: replace(given, problem_id="other")),
            "feedback for a request that was not made: problem other",
        ),
        (
            all_with(lambda given: replace(given, sample=9)),
            "feedback for a request that was not made: problem .*, sample 9",
        ),
        (all_with(lambda given: replace(given, verdict=True)), "the verdict of its feedback is True, not a Verdict"),
        (all_with(lambda given: replace(given, verdict=Verdict("yes", None, ""))), "give Verdict"),
        (all_with(lambda given: replace(given, text=None)), "the text of its feedback is None, not a str"),
        (all_with(lambda given: replace(given, text="\ud800")), "holds what is no text"),
        (all_with(lambda given: replace(given, failure="tired")), "the failure of its feedback is 'tired'"),
        (all_with(lambda given: replace(given, usage=3)), "the usage of its feedback is 3, not a Usage"),
        (all_with(lambda given: replace(given, keys=(5,))), "the keys and asked of its feedback are tuples"),
        (all_with(lambda given: replace(given, asked=5)), "the keys and asked of its feedback are tuples"),
        (all_with(lambda given: replace(given, usage=Usage(-1))), "the usage of its feedback is Usage.requests=-1"),
        (all_with(lambda given: replace(given, usage=Usage(1, 2, 3, float("nan")))), "give numbers from 0 on"),
        (all_with(lambda given: replace(given, usage=Usage("a"))), "give numbers from 0 on"),
        (lambda requests, deliver: [deliver(reply(requests[0])) for _ in range(2)], "delivers feedback twice"),
        (lambda requests, deliver: deliver(reply(requests[0])), "2 of 3 requests got no feedback, the first for"),
    ],
)
def test_what_it_must_not_do_is_said(teach, said):
    with pytest.raises(ConfigError, match=said):
        replies(teach)


def test_replies_that_are_returned_are_not_delivered():
    with pytest.raises(ConfigError, match=r"3 of 3 requests got no feedback, .*it returned a list: hand each Feedback"):
        CheckedTeacher(Returns(), grade).teach(REQUESTS, pytest.fail)


def test_what_it_swallows_is_said_all_the_same():
    def swallows(requests, deliver):
        try:
            deliver("no feedback")
        except Exception:
            all_with(lambda given: given)(requests, deliver)

    with pytest.raises(ConfigError, match="it delivers a str"):
        replies(swallows)


def test_its_failures_are_the_teachers():
    def fails(requests, deliver):
        raise ConnectionError("no route")

    def spent(requests, deliver):
        raise BudgetSpent("enough")

    with pytest.raises(TeacherError, match="the teacher 'mine 1' fails: ConnectionError: no route"):
        replies(fails)
    with pytest.raises(TeacherError, match="the teacher 'mine 1' fails: SystemExit: 3"):
        replies(lambda requests, deliver: sys.exit(3))
    with pytest.raises(BudgetSpent, match="enough"):
        replies(spent)


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        (object(), "has no method teach"),
        (type("Keyless", (), {"teach": lambda self, requests, deliver: None})(), "has no key"),
        (type("Narrow", (), {"key": "a", "teach": lambda self, requests: None})(), "is called with 2 arguments"),
        (Async(), "its teach is async"),
        (Yields(), "its teach has a `yield`"),
        (Returns, r"it is a class: give an object of it, Returns\("),
        (type("NoMethod", (), {"key": "a", "teach": 5})(), "its teach is a int, not a method"),
    ],
)
def test_what_is_no_teacher_is_refused(teacher, said):
    with pytest.raises(ConfigError, match=said):
        CheckedTeacher(teacher, grade)
