import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.mistakes.first_wrong_step import first_wrong_step
from tutelage.records import Problem

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
SWEETS = Problem.of("Debby had 32 sweets, her sister 42. They ate 35.", "39", equation="X=((32.0+42.0)-35.0)")
PEAR = Problem.of("Would a pear sink in water?", "no", rationale="A pear has a density of 0.59. Water has one of 1.")


@pytest.mark.parametrize(
    ("mistake", "found"),
    [
        (
            "3 cows have 3 × 4 = 13 legs. 2 hens have 2 × 2 = 4 legs. 13 + 4 = 17.\nThe answer is 17.",
            ("wrong calculation", "3 × 4 = 13", "3 × 4 = 12", 0),
        ),
        (
            "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs. 12 + 8 = 20.\nThe answer is 20.",
            ("wrong number copied", "2 × 4 = 8", "2 × 2 = 4", 1),
        ),
        (
            "3 cows have 3 × 4 = 12 legs. There are 9 hens. The answer is 16.",
            ("wrong plan", "There are 9 hens", "2 × 2 = 4", 1),
        ),
        (
            "3 cows and 2 hens. 12 + 5 = 17. The answer is 16.",
            ("wrong number copied", "12 + 5 = 17", "3 × 4 = 12", 0),
        ),
        ("12 + 4 = 18 legs.", ("wrong calculation", "12 + 4 = 18", "12 + 4 = 16", 2)),
        ("The answer is 61.", ("wrong answer", "The answer is 61", "16", 2)),
        ("12 + 4 = 16. The answer is 12.", ("wrong number copied", "The answer is 12", "16", 2)),
        ("12 + 4 = 16 legs.", ("format", "", "16", 2)),
        ("", ("format", "", "16", 2)),
        ("1. Cows: 3 × 4 = 12.\n2. Hens: 2 × 2 = 4.\n7) 12 + 4 = 16.\nThe answer is 16.", None),
        ("4 / 0 = 0. The answer is 0.", ("wrong calculation", "4 / 0 = 0", "3 × 4 = 12", 0)),
    ],
)
def test_finds_the_first_wrong_step(mistake, found):
    result = first_wrong_step(FARM, mistake)
    assert (result and facts(result)) == found


def facts(wrong):
    return wrong.kind, wrong.text.rstrip("."), wrong.right, wrong.step


def test_an_equation_is_a_worked_solution():
    found = first_wrong_step(SWEETS, "32 + 42 = 64. 64 - 35 = 29. The answer is 29.")
    assert facts(found) == ("wrong calculation", "32 + 42 = 64", "32 + 42 = 74", 0)
    found = first_wrong_step(SWEETS, "42 - 35 = 7. The answer is 7.")
    assert facts(found) == ("wrong plan", "42 - 35 = 7", "32 + 42 = 74", 0)


def test_words_of_the_question_are_known_values():
    problem = Problem.of("Ann has half of Bo's dozen eggs.", "6", rationale="Ann has 6 eggs.")
    assert first_wrong_step(problem, "12 / 2 = 6. The answer is 6.") is None


def test_yes_or_no_is_judged_by_its_answer_alone():
    assert first_wrong_step(PEAR, "Pears weigh 200 g. The answer is no.") is None
    found = first_wrong_step(PEAR, "Pears weigh 200 g. The answer is yes.")
    assert found is not None
    assert (found.kind, found.right, found.step) == ("wrong answer", "no", None)


def test_without_a_solution_false_calculations_and_the_answer_alone_are_judged():
    bare = Problem.of("Why?", "4")
    assert facts(first_wrong_step(bare, "2 + 2 = 5")) == ("wrong calculation", "2 + 2 = 5", "2 + 2 = 4", None)
    assert facts(first_wrong_step(bare, "7 - 2 = 5. The answer is 5.")) == (None, "The answer is 5", "4", None)


@pytest.mark.parametrize("answer", ["20", "twenty", "-16"])
def test_what_the_exam_read_is_the_answer(answer):
    """The exam may read more than a closing statement; a mistake it found is one."""
    found = first_wrong_step(FARM, f"12 + 4 = 16. So {answer} is what we get, 16 it is not.", answer)
    assert facts(found) == ("wrong number copied", answer, "16", 2)
    assert found.attempt.answer == answer


def test_what_may_be_meant_otherwise_is_not_called_false():
    cents = Problem.of("Ann has $2.50 and pays $2.24.", "26", rationale="$2.50 - $2.24 = $0.26, which is 26 cents.")
    found = first_wrong_step(cents, "$2.50 - $2.24 = 26 cents.\nThe answer is 62.", "62")
    assert (found.kind, found.at_end) == ("wrong number copied", True)


@given(st.text(max_size=200), st.text(alphabet="0123456789+-*/=(). \nThe answer is", max_size=200))
@settings(max_examples=80)
def test_any_mistake_is_taken(free, arithmetic):
    for problem in (FARM, SWEETS, PEAR):
        first_wrong_step(problem, free)
        first_wrong_step(problem, arithmetic)
