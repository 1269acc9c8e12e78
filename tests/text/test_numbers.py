"""One reader and one writer of numbers: every form, its value, and nothing that only looks like one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.text.calculations import find_calculations
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers, find_word_numbers, read_number, whole_number


@pytest.mark.parametrize(
    ("text", "value"),
    [("−3", "-3"), ("- 5", "-5"), ("$-3", "-3"), ("-$3", "-3"), ("½", "1/2"), ("3½", "7/2"), ("-½", "-1/2"),
     ("1 1/2", "3/2"),
     ("1 and 1/2", "3/2"), ("10 and a half", "21/2"), ("2 and a third", "7/3"), ("1.8e3", "1800"), ("1e-07",
     "1/10000000"),
     ("1.8 × 10^6", "1800000"), ("1.8 x 10^{6}", "1800000"), ("1.8×10⁶", "1800000"), ("1.8 * 10**6", "1800000"),
     ("5 × 10⁻²", "1/20"), ("1.8k", "1800"), ("$1.8M", "1800000"), ("$3b", "3000000000"), ("€2bn", "2000000000"),
     ("2 million", "2000000"), ("1.5 billion", "1500000000"), ("2 dozen", "24"), ("a dozen", "12"),
     ("half a dozen", "6"),
     ("half a million", "500000"), ("eighteen", "18"), ("two and a half million", "2500000"), ("1,000.50", "2001/2"),
     ("1'800", "1800"), ("1’800.50", "3601/2"), ("12,34,567", "1234567"), ("1.234,56", "30864/25"), ("1.234.567",
     "1234567"),
     ("10\u202f000", "10000"), ("１８", "18"), ("٣", "3"), ("١٬٢٣٤٫٥", "2469/2"),
     ("१२", "12"), ("৩%", "3"), ("๑๘", "18"), ("Rs. 500", "500"), ("₹1,00,000", "100000"), ("70 %", "70"),
     ("twenty percent", "20")],
)  # fmt: skip
def test_a_number_in_every_form(text, value):
    assert read_number(text) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "1/0",
        "3:30",
        "1/2/2018",
        "2nd",
        "5²",
        "x2",
        "3,50",
        "0,125",
        "1 48/2",
        "1-2",
        "3 boxes",
        "³",
        "三",
        "9" * 400,
        "1e999",
        "",
    ],
)
def test_what_is_no_number(text):
    assert whole_number(text) is None


def test_numbers_in_prose_have_signs_and_places():
    text = "From −3 to 1 48/2, 2 - 7 = - 5, not 3-4, 1/2 of it, 10 and a half of them, two dozen"
    found = find_numbers(text)
    assert [str(number) for number in found] == ["-3", "1", "24", "2", "7", "-5", "3", "4", "0.5", "10"]
    assert text[found[5].start : found[5].end] == "- 5"
    assert [(number.value, number.scale) for number in find_word_numbers(text)] == [(Fraction(1, 2), 1), (24, 12)]


@pytest.mark.parametrize(
    ("text", "holds"),
    [("½ × 80 = 40", True), ("3½ × 2 = 7", True), ("eighteen + 2 = 20", True), ("eighteen + 2 = 21", False),
     ("1.8e3 / 2 = 900", True), ("2 million / 4 = 500,000", True), ("2 - 7 = - 5", True), ("2 - 7 = 5", False),
     ("half of 80 = 40", True), ("2 dozen × 3 = 72", True), ("2 dozen × $3 = $6", True), ("32 / 2 = $16 million", True),
     ("60 miles/hour × 2 hours = 120 miles", True), ("7 buttons with two holes × 2 = 14", True),
     ("−3 + 5 = 2", True), ("1'800 / 2 = 900", True)],
)  # fmt: skip
def test_what_is_a_number_is_one_in_calculations(text, holds):
    [calculation] = find_calculations(text)
    assert calculation.holds == holds


@pytest.mark.parametrize("text", ["2k + 3 = 7", "3k = 12", "2x + 1 = 5"])
def test_a_letter_behind_a_number_may_be_a_variable(text):
    assert find_calculations(text) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [("1/128", "0.0078125"), ("-1/4", "-0.25"), ("1/3", "1/3"), ("12", "12"), ("0", "0"), ("-1/100", "-0.01"),
     ("3333333333333333/5000000000000000", "0.6666666666666666")],
)  # fmt: skip
def test_a_number_is_written_in_one_way(value, text):
    assert write_number(Fraction(value)) == text


@given(st.fractions(max_denominator=10**9))
def test_a_number_survives_writing_and_reading(value):
    assert read_number(write_number(value)) == value


@given(st.floats(-(10**6), 10**6, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9))
def test_a_floating_point_number_keeps_its_decimals(value):
    number = whole_number(format(value, ".17g"))
    assert number is not None
    assert "/" not in str(number)
    assert float(str(number)) == value


@given(st.text(max_size=200) | st.text(alphabet="0123456789.,'/ ½−-×x^e%$kM()andhlf²⁶", max_size=80))
def test_any_text_is_taken_and_positions_are_its_own(text):
    for number in [*find_numbers(text), *find_word_numbers(text)]:
        assert 0 <= number.start < number.end <= len(text)
        assert whole_number(str(number)) is not None
    whole_number(text)
