"""Replies that put one step right: what is read from them, and what must not be learnt."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.teacher.grading import grade
from tutelage.records import Choice, FeedbackRequest, Problem
from tutelage.teacher.answer_key import AnswerKeyTeacher, write_repair
from tutelage.teacher.repair import read_repair
from tutelage.teacher.reply import OURS

PENS = Problem.of("Tom has 3 boxes of 4 pens and loses 2. How many pens are left?", "10")
SOLVED = replace(PENS, rationale="3 boxes hold 3 × 4 = 12 pens. He loses 2, so 12 - 2 = 10 are left.")
SLIP = "3 × 4 = 12 pens. 12 - 2 = 9 are left.\nThe answer is 9."
ASTRAY = "3 + 4 = 7 pens. 7 - 2 = 5 are left.\nThe answer is 5."


LEAKED, ASTRAY_FROM = "answer leaked without reasoning", "does not come to its answer"


def read(text, problem=PENS, mistake=SLIP, finish="stop", check=True):
    return read_repair(text, finish, problem, mistake, grade, max_tokens=64, check_arithmetic=check, ours=OURS)


@pytest.mark.parametrize("problem", [PENS, SOLVED])
@pytest.mark.parametrize(
    ("mistake", "reply", "step", "text"),
    [
        (SLIP, "Wrong: 12 - 2 = 9 are left.\nRight: 12 - 2 = 10 left.", "12 - 2 = 9 are left.", "12 - 2 = 10 left."),
        (SLIP, "**Wrong:** `12 - 2 = 9`\n**Right:** `12 - 2 = 10`", "12 - 2 = 9", "12 - 2 = 10"),
        (SLIP, 'wrong step: "12 -  2 = 9."\n\nRight step: "12 - 2 = 10."', "12 - 2 = 9", "12 - 2 = 10."),
        (SLIP, "<think>9?</think>Wrong: 12 - 2 = 9\nRight: 12 - 2 = 10", "12 - 2 = 9", "12 - 2 = 10"),
        (ASTRAY, "Wrong: 3 + 4 = 7 pens.\nRight: 3 × 4 = 12 pens.", "3 + 4 = 7 pens.", "3 × 4 = 12 pens."),
        ("3 × 4 = 12 pens.", "Wrong: (end)\nRight: 12 - 2 = 10 are left.", "", "12 - 2 = 10 are left."),
        (
            "3 × 4 = 12. 12 - 2 = 10.\nThe answer is 12.",
            "Wrong: The answer is 12.\nRight: The answer is 10.",
            "The answer is 12.",
            "The answer is 10.",
        ),
    ],
)
def test_a_step_that_is_true_and_stands_there_is_read(problem, mistake, reply, step, text):
    found = read(reply, problem, mistake)
    assert found.failure is None, found.verdict.reason
    assert (found.verdict.correct, found.step, found.text) == (True, step, text)


@pytest.mark.parametrize(
    ("mistake", "reply", "failure", "reason"),
    [
        (SLIP, "12 - 2 = 10, not 9.", "unparsable", '"Wrong:" and "Right:"'),
        (SLIP, "Wrong: 12 - 2 = 9", "unparsable", '"Wrong:" and "Right:"'),
        (SLIP, "Wrong: 12 - 3 = 9\nRight: 12 - 2 = 10", "unparsable", "'12 - 3 = 9' does not stand in the attempt"),
        ("Tom has 19 pens.", "Wrong: 9\nRight: 10", "unparsable", "'9' does not stand in the attempt"),
        ("Tom has 9.5 pens.", "Wrong: 9\nRight: 10", "unparsable", "'9' does not stand in the attempt"),
        ("Tom has 1.9 pens.", "Wrong: 9\nRight: 10", "unparsable", "'9' does not stand in the attempt"),
        (SLIP, "Wrong: 12 - 2 = 9\nRight: 12 - 2 = 9", "nothing to teach from", "as it was"),
        (SLIP, "Wrong: 12 - 2 = 9\nRight: 12 - 2 = 11", "false calculation", "12 - 2 = 11 is false: it makes 10"),
        (SLIP, "Wrong: The answer is 9.\nRight: The answer is 10.", "false calculation", "an earlier step"),
        (ASTRAY, "Wrong: 3 + 4 = 7 pens.\nRight: The answer is 10.", LEAKED, "before the steps"),
        (ASTRAY, "Wrong: 3 + 4 = 7 pens.\nRight: 37 - 27 = 10 pens.", "numbers from nowhere", "stands neither"),
        (SLIP, "Wrong: 12 - 2 = 9 are left.\nRight: The answer is 7.", "wrong answer", "wrong answer"),
        (SLIP, "Wrong: 12 - 2 = 9\nRight: The attempt is wrong: 12 - 2 = 10", LEAKED, "speaks of"),
        (
            SLIP,
            "Wrong: 12 - 2 = 9\nRight: 12 - 2 = 10. 10 are left. Well.",
            "unparsable",
            "more than one step",
        ),
        (SLIP, "Wrong: 12 - 2 = 9\nRight: what must stand in its place: 12 - 2 = 10", "repeats the prompt", "repeats"),
        (SLIP, "", "empty", "empty"),
    ],
)
def test_what_must_not_be_learnt_is_refused_with_its_reason(mistake, reply, failure, reason):
    found = read(reply, mistake=mistake)
    assert (found.failure, found.verdict.correct, found.step) == (failure, False, None)
    assert reason in found.verdict.reason
    assert found.text == reply


def test_a_step_that_leads_elsewhere_is_refused_where_the_solution_is_known():
    reply = "Wrong: 3 + 4 = 7 pens.\nRight: 3 - 2 = 1 box."
    assert read(reply, PENS, ASTRAY).verdict.correct
    found = read(reply, SOLVED, ASTRAY)
    assert found.failure == ASTRAY_FROM
    assert "no step of the worked solution" in found.verdict.reason
    late = read("Wrong: 7 - 2 = 5 are left.\nRight: 7 - 2 = 5 pens.", SOLVED, ASTRAY)
    assert late.failure == ASTRAY_FROM  # the first wrong step is before it


def test_a_reply_that_was_cut_or_filtered_and_arithmetic_that_is_not_checked():
    good = "Wrong: 12 - 2 = 9\nRight: 12 - 2 = 10"
    assert read(good, finish="length").failure == "cut at the length limit"
    assert read(good, finish="content_filter").failure == "refused by policy"
    assert read("Wrong: 12 - 2 = 9\nRight: 12 - 2 = 11", check=False).verdict.correct


def test_a_choice_is_no_step():
    choice = Problem.of("Which sinks?", "A", choices=(Choice("A", "a stone"), Choice("B", "a cork")))
    mistake = "A cork is heavy. The answer is B."
    assert read("Wrong: The answer is B.\nRight: The answer is A.", choice, mistake).failure == LEAKED
    assert read("Wrong: A cork is heavy.\nRight: A cork is light, a stone is heavy.", choice, mistake).failure is None


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=100)
def test_no_reply_breaks_it(wrong, right):
    found = read(f"Wrong: {wrong}\nRight: {right}")
    assert found.verdict.correct or found.failure is not None
    assert found.step is None or found.step in SLIP


def test_the_answer_key_puts_right_what_it_can_and_writes_rationales_else():
    said = []
    teacher = AnswerKeyTeacher(grade=grade, kind="number", repair=True)
    requests = [FeedbackRequest(SOLVED, SLIP, 0, "9"), FeedbackRequest(SOLVED), FeedbackRequest(PENS, ASTRAY)]
    teacher.teach(requests, said.append)
    assert (said[0].step, said[0].text, said[0].is_rationale) == ("12 - 2 = 9", "12 - 2 = 10 are", False)
    assert (said[1].step, said[1].is_rationale) == (None, True)
    assert not said[2].verdict.correct  # there is no solution
    assert write_repair(requests[1]) is None
    assert teacher.key == "answer-key 0 repairing"
