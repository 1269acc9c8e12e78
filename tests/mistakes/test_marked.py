"""The place of the first wrong step in the text of an attempt, as it came."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mistakes.test_taxonomy import FARM, PEAR, attempt
from tutelage.mistakes.marked import MarkedMistake, marked_mistake, place_in
from tutelage.mistakes.taxonomy import kind_of_mistake


@pytest.mark.parametrize(
    ("text", "step", "right"),
    [
        ("3 × 4 = 12. 2 × 4 = 8. 12 + 8 = 20.\nThe answer is 20.", "2 × 4 = 8", "2 × 2 = 4"),
        ("3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 17.\nThe answer is 17.", "12 + 4 = 17", "12 + 4 = 16"),
        ("3 × 4 = 12. They have 99 legs.\nThe answer is 99.", "They have 99 legs.", "2 × 2 = 4"),
        ("<think>2 × 4 = 8?</think>**2 × 4 = 8**. So 12 + 8 = 20.\nThe answer is 20.", "2 × 4 = 8", "3 × 4 = 12"),
        ("3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.\nThe answer is 15.", "The answer is 15", "16"),
    ],
)
def test_the_first_wrong_step_is_marked_where_it_stands(text, step, right):
    found = marked_mistake(FARM, "number", attempt(FARM, text))
    assert (found.step, found.right) == (step, right)
    assert found.start is not None
    assert text[found.start : found.end] == step


def test_a_step_that_is_thought_first_is_marked_where_it_is_said():
    text = "<think>2 × 4 = 8?</think>**2 × 4 = 8**. So 12 + 8 = 20.\nThe answer is 20."
    assert marked_mistake(FARM, "number", attempt(FARM, text)).start == text.rindex("2 × 4")


def test_of_what_stands_several_times_the_place_is_told_by_what_stands_around_it():
    assert place_in("*a* b *a* c", "a b a c", 4, 5) == (7, 8)
    assert place_in("a b", "x b", 0, 1) is None


def test_a_cut_attempt_has_its_first_wrong_step_and_one_without_an_answer_has_no_place():
    cut = marked_mistake(FARM, "number", attempt(FARM, "3 × 4 = 13. 2 ×", "length"))
    assert (cut.kind, cut.step, cut.start, cut.end) == ("format", "3 × 4 = 13", 0, 10)
    bare = marked_mistake(FARM, "number", attempt(FARM, "3 × 4 = 12. 2 × 2 = 4."))
    assert bare == MarkedMistake(FARM.id, 0, "format", "", "16", None, None)


def test_of_words_the_stated_answer_is_marked():
    text = "2 + 2 = 5. The answer is yes."
    found = marked_mistake(PEAR, "yes-no", attempt(PEAR, text))
    assert (found.kind, found.right) == ("wrong answer", "no")
    assert text[found.start : found.end] == "The answer is yes"


@given(st.text(max_size=200) | st.text(alphabet="0123456789+-*/=().%* \nThe answer is<think>", max_size=200))
@settings(max_examples=120)
def test_any_text_is_taken_and_what_is_marked_stands_there(text):
    for problem, kind in ((FARM, "number"), (PEAR, "yes-no")):
        tried = attempt(problem, text)
        found = marked_mistake(problem, kind, tried)
        assert tried.verdict.correct or found.kind == kind_of_mistake(problem, kind, tried)
        assert found.start is None or text[found.start : found.end] == found.step != ""
