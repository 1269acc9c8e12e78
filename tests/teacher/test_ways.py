"""In which ways a request is asked about, one after another."""

from dataclasses import replace

import pytest

from tutelage.config import TeacherConfig
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.ways import askings, ways

PLAIN = FeedbackRequest(Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12"))
MISTAKEN = replace(PLAIN, mistake="3 + 4 = 7 pens")


def plan(request, **settings):
    """In short: `mistake+` is with the hint, a `!` gives the reason why the last reply was refused."""
    return [f"{each.way}{'+' * each.hint}{'!' * each.again}" for each in askings(request, TeacherConfig(**settings))]


@pytest.mark.parametrize(
    ("settings", "plain", "mistaken"),
    [
        ({}, ["question", "question+!"], ["mistake", "question", "question+!"]),
        ({"hint": "never"}, ["question", "question!"], ["mistake", "question"]),
        ({"hint": "first"}, ["question", "question+!"], ["mistake+", "mistake+!"]),  # the paper's way
        ({"ask": "mistake"}, ["question", "question+!"], ["mistake", "mistake+!"]),
        ({"ask": "mistake", "hint": "never"}, ["question", "question!"], ["mistake", "mistake!"]),
        ({"ask": "mistake-first"}, ["question", "question+!"], ["mistake-first", "mistake-first+!"]),
        ({"ask": "question"}, ["question", "question+!"], ["question", "question+!"]),
        ({"explain": True}, ["question", "question+!"], ["mistake-explained", "question", "question+!"]),
        ({"feedback": "repair"}, ["question", "question+!"], ["mistake-repaired", "mistake-repaired+!"]),
        (
            {"feedback": "repair", "hint": "first"},
            ["question", "question+!"],
            ["mistake-repaired+", "mistake-repaired+!"],
        ),
        ({"feedback": "repair", "hint": "never"}, ["question", "question!"], ["mistake-repaired", "mistake-repaired!"]),
        (
            {"explain": True, "ask": "mistake", "hint": "first"},
            ["question", "question+!"],
            ["mistake-explained+", "mistake-explained+!"],
        ),
    ],
)
def test_the_ways_follow_one_another(settings, plain, mistaken):
    assert plan(PLAIN, **settings) == plain
    assert plan(MISTAKEN, **settings) == mistaken


def test_a_request_may_say_which_comes_first():
    request = replace(MISTAKEN, ways=("question", "mistake"))
    assert plan(request) == ["question", "mistake", "question+!"]
    assert plan(request, hint="never") == ["question", "mistake"]


def test_under_auto_there_is_a_choice_unless_the_paper_makes_it():
    assert ways(TeacherConfig()) == ("mistake", "question")
    assert ways(TeacherConfig(hint="first")) == ("mistake",)
    assert ways(TeacherConfig(ask="mistake-explained")) == ("mistake-explained",)
