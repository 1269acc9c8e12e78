import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.mistakes.near_problems import NearProblems
from tutelage.records import Choice, Problem

PENS = Problem.of("Tom has 3 boxes of 4 pens and gives 2 to Ann. How many pens has he left?", "10")
BORROW = Problem.of(
    "Where would you borrow a good book to read?", "B", choices=(Choice("A", "bank"), Choice("B", "library"))
)


def found(problem: Problem) -> str | None:
    known = NearProblems[str]()
    known.add([PENS, BORROW], "test")
    return known.find(problem)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (PENS.question, "10"),
        (PENS.question, "11"),  # the same words: whatever its answer
        ("Ben has 3 boxes of 4 pens and gives 2 to Ann. How many pens has he left?", "10"),
        ("Tom has 3 boxes of 4 pens, and gives 2 to Ann! How many pens has he left", "10"),
        ("How many pens has he left? Tom has 3 boxes of 4 pens and gives 2 to Ann.", "10"),
        ("Tom has three boxes of 4 pens and gives 2 to Ann. How many pens has he left?", "10.0"),
    ],
)
def test_near(question, answer):
    assert found(Problem.of(question, answer)) == "test"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Tom has 5 boxes of 4 pens and gives 2 to Ann. How many pens has he left?", "18"),
        ("Tom has 3 bags and 4 pens and gives 2 to Ann. How many things has he left?", "5"),
        ("A shop has 3 crates, each with 4 apples. 2 apples are bad. How many are good?", "10"),
    ],
)
def test_another_problem(question, answer):
    assert found(Problem.of(question, answer)) is None


def test_without_numbers_the_words_decide():
    again = Problem.of("Where would you borrow a good book to read?", "A", choices=BORROW.choices[::-1])
    assert found(again) == "test"
    other = Problem.of("Where is money kept?", "A", choices=(Choice("A", "bank"), Choice("B", "park")))
    assert found(other) is None


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_is_near_itself(question, answer):
    known = NearProblems[str]()
    known.add([Problem.of(question, answer)], "train")
    assert known.find(Problem.of(question, answer)) == "train"
