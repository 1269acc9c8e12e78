from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.teacher.grading import grade
from tutelage.mistakes.taxonomy import kind_of_mistake
from tutelage.records import AnswerKind, Attempt, Problem

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
APPLES = Problem.of("A cafeteria had 23 apples. It used 20 and bought 6 more.", "9", equation="((23+6)-20)")
PEAR = Problem.of("Would a pear sink in water?", "no", rationale="A pear has a density of 0.59. Water has one of 1.")


def attempt(problem, text, finish="stop"):
    return Attempt(problem.id, 0, text, grade(problem, text), finish, 20)


def kind(problem, text, finish="stop", answer_kind="number"):
    return kind_of_mistake(problem, answer_kind, attempt(problem, text, finish))


@pytest.mark.parametrize(
    ("problem", "text", "found"),
    [
        (FARM, "3 × 4 = 13. 2 × 2 = 4. 13 + 4 = 17.\nThe answer is 17.", "wrong calculation"),
        (FARM, "3 × 4 = 12. 2 × 6 = 12. 12 + 12 = 24.\nThe answer is 24.", "wrong number copied"),
        (FARM, "3 × 4 = 12. 2 × 3 = 6. 12 + 6 = 18.\nThe answer is 18.", "wrong number copied"),  # 3 is no hen's legs
        (FARM, "3 × 4 = 12. 2 × 4 = 9. 12 + 9 = 21.\nThe answer is 21.", "wrong calculation"),
        (FARM, "3 + 2 = 5.\nThe answer is 5.", "wrong plan"),
        (FARM, "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.\nThe answer is 12.", "wrong number copied"),
        (FARM, "There are 9 hens. 9 × 2 = 18. 12 + 18 = 30.\nThe answer is 30.", "wrong number copied"),
        (APPLES, "3 are left. 3 × 6 = 18.\nThe answer is 18.", "wrong plan"),  # 3 was worked out unseen
        (APPLES, "8 are left. 8 × 6 = 48.\nThe answer is 48.", "wrong number copied"),
        (FARM, "All cows and hens have legs.\nThe answer is 4.", "wrong plan"),
        (FARM, "The answer is 17.", "wrong answer"),
        (FARM, "3 × 4 = 12. 2 × 2 = 4.", "format"),
        (FARM, "", "format"),
        (APPLES, "23 - 20 = 3. 3 + 6 = 8.\nThe answer is 8.", "wrong calculation"),  # another way, and right so far
        (APPLES, "23 + 20 = 43. 43 - 6 = 36.\nThe answer is 36.", "wrong plan"),  # 43 - 6 = 37 would not help
        (APPLES, "23 + 6 = 29. 29 - 16 = 13.\nThe answer is 13.", "wrong number copied"),
        (APPLES, "23 - 6 = 17. 20 - 17 = 3.\nThe answer is 3.", "wrong plan"),
        (APPLES, "23 + 6 = 29. Check: 29 - 6 = 23.\nThe answer is 29.", "wrong plan"),
        (APPLES, "23 + 6 = 29. Check: 29 - 23 = 6. 29 - 20 = 8.\nThe answer is 8.", "wrong calculation"),
    ],
)
def test_the_kind_of_a_mistake(problem, text, found):
    assert kind(problem, text) == found


def test_a_right_attempt_is_no_mistake():
    assert kind(FARM, "3 × 4 = 13.\nThe answer is 16.") is None


def test_what_is_cut_has_no_form():
    assert kind(FARM, "3 × 4 = 13. The answer is 1", "length") == "format"


def test_words_are_right_or_wrong():
    assert kind(PEAR, "2 + 2 = 5. The answer is yes.", answer_kind="yes-no") == "wrong answer"
    assert kind(PEAR, "Pears float.", answer_kind="yes-no") == "format"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("23 + 6 = 39. 39 - 20 = 19.\nThe answer is 19.", "wrong calculation"),
        ("23 - 6 = 17.\nThe answer is 17.", None),
        ("23 × 4 = 92.\nThe answer is 92.", None),  # the 4 may be a fact
        ("The answer is 17.", "wrong answer"),
        ("23 - 6 = 17.", "format"),
    ],
)
def test_without_a_solution_less_can_be_told(text, found):
    assert kind(replace(APPLES, equation=None), text) == found


_SOLUTION = ("3 × 4 = 12.", "2 × 2 = 4.", "12 + 4 = 16.", "Check: 16 - 4 = 12.", "4 + 12 = 16.")


@given(st.integers(0, 5), st.integers(0, 60), st.integers(1, 9))
@settings(max_examples=80)
def test_true_steps_of_the_solution_are_never_to_blame_and_a_false_one_always_is(done, stated, off):
    steps, conclusion = " ".join(_SOLUTION[:done]), f"\nThe answer is {17 + stated}."
    assert kind(FARM, steps + conclusion) in ("wrong plan", "wrong number copied", "wrong answer")
    assert kind(FARM, f"{steps} 3 × 4 = {12 + off}.{conclusion}") == "wrong calculation"


@given(
    st.text(max_size=200) | st.text(alphabet="0123456789+-*/=().% \nThe answer is", max_size=200),
    st.sampled_from(get_args(AnswerKind)),
)
@settings(max_examples=120)
def test_any_text_is_taken(text, answer_kind):
    for problem in (FARM, APPLES, PEAR, replace(FARM, rationale=None)):
        kind(problem, text, answer_kind=answer_kind)
