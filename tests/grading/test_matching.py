"""The ways of `task.match`: what a stated answer must share with the gold one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.grading.grade import grade
from tutelage.grading.matching import check_pattern, contains, fits, same_mathematics, same_text, token_f1
from tutelage.records import Problem


@pytest.mark.parametrize(
    ("gold", "stated"),
    [
        (r"5\sqrt{2}", "5√2"),
        (r"\frac{\sqrt{3}}{2}", "√3/2"),
        (r"\frac{1}{\sqrt{2}}", "1/√2"),
        (r"90^\circ", "90°"),
        (r"(-\infty, 2)", "(-∞, 2)"),
        (r"1 \pm \sqrt{19}", "1 ± √19"),
        (r"\begin{pmatrix} 1 \\ -2 \end{pmatrix}", "(1; -2)"),
        (r"0.\overline{3}", r"0.\overline{3}"),
    ],
)
def test_mathematics_in_signs_is_that_in_latex(gold, stated):
    """Rationales are in signs, so that a student learns to write them."""
    assert same_mathematics(gold, stated)
    assert right("math", gold, f"So we get it.\nThe answer is {stated}.")


@pytest.mark.parametrize(
    ("gold", "stated"),
    [
        (r"0.\overline{3}", "0.3"),
        (r"-\sqrt{2}", "√2"),
        (r"\sqrt{\frac{2}{3}}", "√2/3"),
        (r"\frac{\sqrt{2}}{3}", "√(2/3)"),
        (r"3\sqrt{2}", "√32"),
        (r"(-\infty, 2)", "(-∞, 2]"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1, 2)"),
        (r"60^\circ", "60"),
        (r"2\pi", "2"),
    ],
)
def test_other_mathematics_in_signs_is_not(gold, stated):
    assert not same_mathematics(gold, stated)


def right(match: str, answer: str, text: str, f1: float = 0.8) -> bool:
    return grade("text", Problem.of("?", answer), text, match, f1).correct


@pytest.mark.parametrize(
    ("match", "answer", "text", "correct"),
    [
        ("exact", "Paris", "The answer is Paris, France.", False),
        ("exact", "Eiffel Tower", "The answer is the Eiffel tower.", True),
        ("contains", "Paris", "The answer is Paris, France.", True),
        ("contains", "Paris", "Paris or London?\nThe answer is London.", False),
        ("contains", "art", "The answer is a party.", False),
        ("contains", "Paris", "The answer is not Paris.", False),
        ("contains", "Paris", "It is certainly not Paris.", False),
        ("contains", "2 apples", "The answer is two apples and a pear.", True),
        ("contains", "東京", "答えは\n東京です", True),
        ("contains", "Paris", "", False),
        ("f1", "the Eiffel Tower", "The answer is Eiffel tower, Paris.", True),
        ("f1", "Battle of Hastings", "The answer is Battle of Waterloo.", False),
        ("f1", "Eiffel Tower", "So.\nEiffel Tower", True),
        ("regex", "colou?r", "The answer is **color**.", True),
        ("regex", r"^\d{4}$", "The answer is 1999.", True),
        ("regex", r"^\d{4}$", "The answer is 19999.", False),
        ("regex", "red", "Not red.\nThe answer is blue.", False),
        ("math", "x^2+1", "The answer is $1 + x^2$.", True),
        ("math", r"\frac{1}{2}", "The answer is 0.5.", True),
        ("math", "x+1", r"So \boxed{1+x}", True),
        ("math", "x+1", "The answer is 2x.", False),
        ("math", "no solution", "The answer is no solution.", True),
    ],
)
def test_ways_to_match(match, answer, text, correct):
    assert right(match, answer, text) is correct


@pytest.mark.parametrize(
    ("gold", "stated", "f1"),
    [
        ("the Eiffel Tower", "Eiffel tower", 1.0),
        ("Eiffel Tower", "Eiffel Tower in Paris", 2 / 3),
        ("to be or not to be", "to be", 0.5),
        ("U.S.A.", "usa", 1.0),
        ("cat", "dog", 0.0),
        ("the", "a", 0.0),
    ],
)
def test_f1_is_squads(gold, stated, f1):
    assert token_f1(gold, stated) == pytest.approx(f1, abs=1e-12)
    assert token_f1(stated, gold) == token_f1(gold, stated)


def test_the_least_f1_counts():
    assert right("f1", "Eiffel Tower", "The answer is Eiffel Tower in Paris.", 2 / 3)
    assert not right("f1", "Eiffel Tower", "The answer is Eiffel Tower in Paris.", 0.67)


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_text_is_matched_somehow(gold, stated):
    assert 0.0 <= token_f1(gold, stated) <= 1.0
    if same_text(gold, stated):
        assert contains(gold, stated)
    assert contains(gold, stated) in (True, False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2x + 3", "3+2x"),
        ("(x+1)^2", "x^2+2x+1"),
        ("x^2 + y^2", "y^2+x^2"),
        (r"\sin(2x)", r"2\sin(x)\cos(x)"),
        ("(1, 2)", "(1,2)"),
        ("y = 2x+1", "y=1+2x"),
        ("x**2", "x^2"),
        ("sqrt(8)", r"2\sqrt{2}"),
    ],
)
def test_mathematics_is_equal_by_its_meaning(one, other):
    assert same_mathematics(one, other)
    assert same_mathematics(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x+1", "x-1"),
        ("2^{2^{2^9}}", "4"),
        ("99!^{99}", "3"),
        (r"\exp(\exp(\exp(99)))", r"\exp(\exp(99))"),
        ("(a+b+c+d+e)^{99}", "(e+a+b+c)^{98}"),
        (r"\sin(x)\cos(y)\tan(z)\sin(y)", r"\cos(y)\tan(z)\sin(x)\cos(z)"),
    ],
)
def test_what_sympy_would_not_end_with_is_no_match(one, other):
    assert not same_mathematics(one, other)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", r"'\(' is no regular expression"),
        ("[z-a]", "is no regular expression"),
        ("x?", "fits an empty text"),
        (".*", "fits an empty text"),
        (r"^(a|aa)+$", "takes more than 1 s"),
    ],
)
def test_a_pattern_is_checked(pattern, said):
    with pytest.raises(ValueError, match=said):
        check_pattern(pattern)


def test_a_pattern_that_takes_for_ever_ends():
    pattern = r"^(a|aa)+$"
    with pytest.raises(TimeoutError):
        fits(pattern, "a" * 60 + "!")
    verdict = grade("text", Problem.of("?", pattern), f"The answer is {'a' * 60}b", "regex")
    assert not verdict.correct
    assert "takes too long" in verdict.reason
