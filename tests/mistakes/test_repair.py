"""Attempts put right at their first wrong step: by arithmetic, by the worked solution, and not where none knows."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.mistakes.repair import repaired
from tutelage.records import Attempt, Problem, Verdict
from tutelage.text.calculations import find_calculations

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
SWEETS = Problem.of("Debby had 32 sweets, her sister 42. They ate 35.", "39", equation="X=((32.0+42.0)-35.0)")
COWS = "3 cows have 3 × 4 = 12 legs. "
END = "\nThe answer is 16."


def attempt(text, answer="0", *, correct=False, finish="stop", problem=FARM):
    return Attempt(problem.id, 0, text, Verdict(correct, answer, ""), finish, 9)


def parts(found):
    return found and (found.before, found.wrong, found.right)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # a false calculation gets its true result, and the word or mark after it
        (f"3 cows have 3 × 4 = 13 legs. 13 + 4 = 17.{END}", ("3 cows have ", "3 × 4 = 13", "3 × 4 = 12 legs.")),
        ("12 + 4 = 18 legs.", ("", "12 + 4 = 18", "12 + 4 = 16 legs.")),
        # a number that was miscopied
        (
            f"{COWS}2 hens have 2 × 4 = 8 legs. 12 + 8 = 20.{END}",
            (f"{COWS}2 hens have ", "2 × 4 = 8", "2 × 2 = 4 legs."),
        ),
        # … and named before: the solution's sentence
        (
            f"{COWS}2 hens with 4 legs have 2 × 4 = 8 legs. 12 + 8 = 20.{END}",
            (COWS, "2 hens with 4 legs have 2 × 4 = 8 legs.", "2 hens have 2 × 2 = 4 legs."),
        ),
        # a step that is not the solution's
        (
            "3 cows and 2 hens are 3 + 2 = 5 animals.\nThe answer is 5.",
            ("", "3 cows and 2 hens are 3 + 2 = 5 animals.", "3 cows have 3 × 4 = 12 legs."),
        ),
        (f"{COWS}There are 9 hens. The answer is 17.", (COWS, "There are 9 hens.", "2 hens have 2 × 2 = 4 legs.")),
        ("3 × 4 = 12 and 9 + 9 = 18, so 30.", ("3 × 4 = 12 and ", "9 + 9 = 18, so 30.", "2 hens have 2 × 2 = 4 legs.")),
        # the steps stop too early, or go too far
        (
            "3 × 4 = 12. 2 × 2 = 4.\nThe answer is 4.",
            ("3 × 4 = 12. 2 × 2 = 4.\n", "The answer is 4.", "12 + 4 = 16 legs in total."),
        ),
        (
            "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16. 16 + 3 = 19.",
            ("3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16. ", "16 + 3 = 19.", "The answer is 16."),
        ),
        # another answer than that of the steps, or none
        ("12 + 4 = 16. The answer is 12.", ("12 + 4 = 16. ", "The answer is 12.", "The answer is 16.")),
        ("12 + 4 = 16 legs.", ("12 + 4 = 16 legs.", "", END)),
        # an answer without a step
        ("The answer is 61.", ("", "The answer is 61.", "3 cows have 3 × 4 = 12 legs.")),
    ],
)
def test_the_first_wrong_step_is_put_right(text, found):
    assert parts(repaired(FARM, attempt(text, None))) == found


def test_an_equation_is_a_worked_solution():
    one, other = (repaired(SWEETS, attempt(f"{step}. The answer is 7.")) for step in ("32 + 42 = 64", "42 - 35 = 7"))
    assert parts(one) == ("", "32 + 42 = 64", "32 + 42 = 74.")
    assert parts(other) == ("", "42 - 35 = 7.", "32 + 42 = 74.")


def test_the_whole_rest_where_the_attempt_has_gone_the_way_of_the_solution():
    found = repaired(FARM, attempt(f"{COWS}2 hens have 2 × 4 = 8 legs."), whole=True)
    assert parts(found) == (COWS, "2 hens have 2 × 4 = 8 legs.", "2 hens have 2 × 2 = 4 legs.")
    assert (found.rest, found.ends) == (f" 12 + 4 = 16 legs in total.{END}", True)
    out_of_order = repaired(FARM, attempt("2 × 2 = 4. 12 + 4 = 18."), whole=True)
    assert (out_of_order.rest, out_of_order.ends) == ("", False)
    assert repaired(FARM, attempt("12 + 4 = 16. The answer is 12.")).ends  # the answer ends there anyway


@pytest.mark.parametrize("text", ["2 × 4 = 8 legs.", "The answer is 61.", "3 × 4 = 12.", "", "no idea"])
def test_arithmetic_alone_knows_of_no_other_mistake(text):
    assert repaired(FARM, attempt(text), by_solution=False) is None


def test_arithmetic_is_right_in_any_attempt_at_any_problem():
    slip, found = f"So 3 × 4 = 13.{END}", ("So ", "3 × 4 = 13", "3 × 4 = 12.")
    pear = Problem.of("Would a pear sink?", "no")
    assert parts(repaired(FARM, attempt(slip, "16", correct=True))) == found
    assert parts(repaired(pear, attempt(slip, None))) == found
    assert parts(repaired(replace(FARM, rationale=None), attempt(slip))) == found
    assert repaired(FARM, attempt(f"12 + 4 = 16.{END}", "16", correct=True)) is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("8 × 200 = $1,700", "8 × 200 = $1,600"),
        ("2 × 4 = 8 + 3 = 12", "2 × 4 = 8 + 3 = 11"),
        ("7 / 8 = 0.7", "7 / 8 = 0.875"),
        ("4 - 6 = 2", "4 - 6 = -2"),
        ("3 × 4=13", "3 × 4=12"),
    ],
)
def test_a_result_is_written_as_the_student_writes_it(wrong, right):
    (found,) = [repaired(Problem.of("?", "1"), attempt(f"It is {wrong}."), by_solution=False)]
    assert parts(found) == ("It is ", wrong, f"{right}.")


@pytest.mark.parametrize(
    "text", ["10 / 3 = 4.", "1 / 128 = 2.", "4 / 0 = 0.", "2 × 4 = 9 + 1 = 10.", "40 / 200 = 25%."]
)
def test_a_result_that_would_have_to_be_rounded_or_explained_is_left_alone(text):
    assert repaired(Problem.of("?", "1"), attempt(text), by_solution=False) is None


def test_an_attempt_that_was_cut_is_not_put_right_at_its_end():
    assert repaired(FARM, attempt("3 × 4 = 12. 2 × 2 = 4", None, finish="length")) is None
    assert parts(repaired(FARM, attempt("3 × 4 = 13. 2 × 2", None, finish="length"))) == (
        "",
        "3 × 4 = 13",
        "3 × 4 = 12.",
    )


def test_a_false_solution_puts_nothing_right():
    false = replace(FARM, rationale="3 × 4 = 13. 2 × 2 = 4. 13 + 4 = 17.")
    assert repaired(false, attempt("2 × 4 = 8. The answer is 8.")) is None


def test_the_place_is_in_the_students_own_text_with_its_markup():
    found = repaired(FARM, attempt(" **3 cows** have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs."))
    assert parts(found) == ("**3 cows** have 3 × 4 = 12 legs. 2 hens have ", "2 × 4 = 8", "2 × 2 = 4 legs.")


CALCULATIONS = ["3 × 4 = 12", "3 × 4 = 13", "2 × 2 = 4", "2 × 4 = 8", "12 + 4 = 16", "12 + 8 = 20", "3 + 2 = 5"]
WORDS = ["9 hens", "The answer is 16", "The answer is 20", "so", "\n", "1,000 / 8 = 12"]
STEPS = st.lists(st.sampled_from(CALCULATIONS + WORDS), max_size=6)


@given(steps=STEPS, joint=st.sampled_from([". ", ".\n", " and ", ", so "]), whole=st.booleans(), finish=st.booleans())
@settings(max_examples=150)
def test_what_is_put_right_stands_in_the_attempt_and_adds_nothing_false(steps, joint, whole, finish):
    text = joint.join(steps)
    found = repaired(FARM, attempt(text, None, finish="stop" if finish else "length"), whole=whole)
    if found is not None:
        assert text.lstrip().startswith(found.before + found.wrong)
        assert found.right != found.wrong
        added = find_calculations(found.right + found.rest)
        assert all(step.holds for step in added)
        assert found.rest.endswith(END) or not found.rest
