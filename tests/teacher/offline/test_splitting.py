import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.teacher.arithmetic import find_calculations
from tutelage.teacher.offline.splitting import check_of, smaller_parts


def parts_of(text):
    [calculation] = find_calculations(text)
    return smaller_parts(calculation)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("58 + 67 = 125", "58 + 67 = 58 + 60 + 7 = 118 + 7 = 125"),
        ("8 + 7 = 15", "8 + 7 = 8 + 2 + 5 = 10 + 5 = 15"),
        ("74 - 35 = 39", "74 - 35 = 74 - 30 - 5 = 44 - 5 = 39"),
        ("13 - 5 = 8", "13 - 5 = 13 - 3 - 2 = 10 - 2 = 8"),
        ("7 × 8 = 56", "7 × 8 = 6 × 8 + 8 = 48 + 8 = 56"),
        ("3 × 4 = 12", "3 × 4 = 4 + 4 + 4 = 12"),
        ("47 * 6 = 282", "47 * 6 = 40 * 6 + 7 * 6 = 240 + 42 = 282"),
        ("84 / 4 = 21", "84 / 4 = (80 + 4) / 4 = 20 + 1 = 21"),
        ("2 + 3 + 4 = 9", "2 + 3 + 4 = 5 + 4 = 9"),
        ("(32 + 42) / 2 = 37", "(32 + 42) / 2 = 74 / 2 = 37"),
        ("50% of 80 = 40", "50% of 80 = 50/100 × 80 = 40"),
        ("15 * $20 = $300", "15 * $20 = 10 * 20 + 5 * 20 = 200 + 100 = $300"),
        ("2 + 2 = 4", None),
        ("56 / 7 = 8", None),
        ("3 × 4 = 13", None),
        ("1 × 4 = 4", None),
    ],
)
def test_smaller_parts(text, parts):
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("74 - 35 = 39", "39 + 35 = 74"),
        ("2 + 2 = 4", "4 - 2 = 2"),
        ("56 / 7 = 8", "8 × 7 = 56"),
        ("56 ÷ 7 = 8", "8 × 7 = 56"),
        ("12/60 = 0.2", "0.2 × 60 = 12"),
        ("10 / 3 = 3.33", None),
        ("0 × 5 = 0", "0 / 5 = 0"),
        ("5 × 0 = 0", None),
        ("2 + 3 + 4 = 9", None),
    ],
)
def test_check(text, check):
    [calculation] = find_calculations(text)
    assert check_of(calculation) == check


_values = st.integers(1, 999).map(str) | st.integers(1, 9999).map(lambda n: f"{n / 100:.2f}")


@given(_values, st.sampled_from(["+", "-", "×", "/"]), _values)
@settings(max_examples=300)
def test_all_parts_are_true(a, operator, b):
    value = {"+": float(a) + float(b), "-": float(a) - float(b), "×": float(a) * float(b), "/": float(a) / float(b)}
    text = f"{a} {operator} {b} = {value[operator]:.6f}"
    [calculation] = find_calculations(text)
    assert calculation.holds
    for written in (smaller_parts(calculation), check_of(calculation)):
        if written is not None:
            [again] = find_calculations(written)
            assert again.text == written
            assert again.holds
