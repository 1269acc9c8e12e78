"""The ways in which the teacher is asked about a request, one after another until a reply is sound. Pure.

                      with `hint: last`                                      with `hint: never`
round 0               question → question, hint                              question → question again
ask: auto             mistake → question → question, hint                    mistake → question
ask: mistake          mistake → mistake, hint                                mistake → mistake again
hint: first           mistake, hint → mistake, hint        the way of the paper
feedback: repair      repaired → repaired, hint                                repaired → repaired again

Under `auto` a request may say that the question alone comes first (`FeedbackRequest.ways`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutelage.config import TeacherConfig
from tutelage.records import FeedbackRequest, Way


@dataclass(frozen=True, slots=True)
class Asking:
    """One way of asking, with or without the answer as a hint; `again` adds the reason why a reply was rejected."""

    way: Way
    hint: bool = False
    again: bool = False


Plan = Callable[[FeedbackRequest, TeacherConfig], tuple[Asking, ...]]
"""Gives the askings for a request, in order; the first sound reply ends them."""


def ways(teacher: TeacherConfig) -> tuple[Way, ...]:
    """The ways of asking about a mistake before the hint, in the default order; no better order is known."""
    if teacher.feedback == "repair":
        return ("mistake-repaired",)
    shown: Way = "mistake-explained" if teacher.explain else "mistake"
    if teacher.ask != "auto":
        return (shown if teacher.ask == "mistake" else teacher.ask,)
    return (shown,) if teacher.hint == "first" else (shown, "question")


def askings(request: FeedbackRequest, teacher: TeacherConfig) -> tuple[Asking, ...]:
    """The askings for a request, in order; the first sound reply ends them."""
    first, *others = (request.ways or ways(teacher)) if request.mistake is not None else ("question",)
    at_once = teacher.hint == "first" and first != "question"
    plan = [Asking(way, at_once) for way in (first, *others)]
    if teacher.hint == "never":
        return (*plan, *([] if others else [Asking(first, again=True)]))
    return (*plan, Asking("question" if others else first, hint=True, again=True))
