import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.text.calculations import find_calculations
from tutelage.text.latex import unlatex
from tutelage.text.readable import readable


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\sqrt{25} = 5", "√25 = 5"),
        (r"\sqrt{5^{2} + 12^2}", "√(5^2 + 12^2)"),
        (r"\sqrt 9", "√9"),
        (r"\bar{x} = 3", "x = 3"),
        (r"\frac{80+90}{2}=85", "(80 + 90) / 2 = 85"),
        (r"\frac{24}{\frac{4}{2}} = 12", "24 / (4 / 2) = 12"),
        (r"\frac{1}{2}(3+5) = 4", "1/2 × (3 + 5) = 4"),
        (r"2 \pi r", "2 π r"),
        (r"5~cm   long", "5 cm long"),
        ("well-known 48/2 = 24", "well-known 48/2 = 24"),
        ("f(2) and g (3)", "f(2) and g (3)"),
    ],
)
def test_formulas_in_a_sentence(latex, plain):
    assert readable(unlatex(latex)) == plain


_NUMBERS = st.integers(1, 99)


@given(_NUMBERS, _NUMBERS, st.integers(1, 9), st.sampled_from("+-"))
def test_the_value_stays(one, other, below, sign):
    text = rf"\frac{{{one}{sign}{other}}}{{{below}}} = 7"
    (before,) = find_calculations(unlatex(text))
    (after,) = find_calculations(readable(unlatex(text)))
    assert (after.left, after.value, after.result) == (before.left, before.value, before.result)


@given(st.text(alphabet="0123456789+-*/=() \\{}^_~sqrtab\n", max_size=60))
def test_any_text_is_taken_and_stays_as_it_is_the_second_time(text):
    once = readable(text)
    assert readable(readable(once)) == readable(once)
