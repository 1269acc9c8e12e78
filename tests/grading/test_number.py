"""Grading of numbers: values, not strings; the stated answer, not the first number that passes by."""

import random
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.work import assert_linear, calls
from tutelage.grading.grade import canonical, grade
from tutelage.records import Problem, state_answer
from tutelage.text.format import write_number
from tutelage.text.numbers import find_numbers, fold, whole_number
from tutelage.text.symbolic import same_expression


def verdict(gold, text):
    return grade("number", Problem.of("How many?", gold), text)


@pytest.mark.parametrize(
    "text",
    [
        "18", "18.", "18.00", "18!", "$18", "$18.00", "18 dollars", "€ 18", "+18", "1.8e1", "36/2", "x = 18", "**18**",
        "eighteen", "Eighteen dollars.", "18 apples", "#### 18", "####18", "\\boxed{18}", "$\\boxed{18}$.", "\\(18\\)",
        "\\boxed{\\text{18 apples}}", "Answer: 18", "Answer:\n18", "### Final Answer\n18", "**Final Answer:** 18",
        "Final answer - 18", "<answer>18</answer>", "Answer:\n\\[\n18\n\\]", "The answer is\n\n$$18$$",
        "The answer is 18.", "The answer is $18.", "The answer is: **18**", "The answer is eighteen dollars.",
        "The answer is 18 apples in 3 boxes.", "The answer is 5 + 13 = 18.", "The answer is not 5 but 18.",
        "The answer is 18, because 20 - 2 = 18 and 3 * 1 = 3.", "The answer is 18 (9 for each).", "The answer is (18).",
        "The answer is 18, she had 20.", "The answer is 18 cm^2.", "The answer is 18 m².", "18 is the answer.",
        "So 18 is the correct answer, not 20.", "The answer is 18 or, in words, eighteen.",
        "Tom has 3 boxes.\n3 × 6 = 18 pens", "3 × 6 = 18 groups with 2 in each", "3 * 2 = 6, so 6 * 3 makes 18",
        "The answer is 5. Wait, 3 is missing: the answer is 18.", "The answer is 18.\nI checked it 2 times.",
        "The answer is 18.\n\nQuestion: Ann has 5. The answer is 5.", "The answer is 18<|im_end|>\n<|im_start|>5",
    ],
)  # fmt: skip
def test_the_stated_answer_is_found(text):
    assert verdict("18", text).correct, verdict("18", text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("1000", "1,000"), ("1000", "$1,000.00"), ("1000", "one thousand"), ("10000", "10\u202f000"),
        ("10000", "The answer is 10 000."), ("1,000", "1000"), ("1000", "1{,}000"), ("1000000", "1,000,000"),
        ("1/2", "½"), ("0.5", "1/2"), ("0.5", ".5"), ("0.5", "half"), ("0.5", "\\frac{1}{2}"), ("0.5", "\\dfrac12"),
        ("-1/2", "-\\frac{1}{2}"), ("1.5", "1 1/2"), ("1.5", "1½"), ("1.5", "1\\frac12"), ("1.5", "one and a half"),
        ("-3", "−3"), ("-3", "The answer is −3."), ("-3", "minus three"), ("-3", "minus 3"), ("-3", "negative 3"),
        ("-3", "$-3"), ("-3", "-$3"), ("70", "70%"), ("0.7", "70%"), ("70%", "0.7"), ("70", "seventy percent"),
        ("1/3", "0.33"), ("1/3", "0.333"), ("0.125", "12.5%"), ("18.50", "$18.5"), ("1800", "1.8e3"),
        ("1800", "1.8 \\times 10^{3}"), ("2000000", "2 million"), ("2000000", "two million"), ("21", "twenty-one"),
        ("105", "one hundred and five"), ("1200", "twelve hundred"), ("100", "a hundred"), ("3/4", "three quarters"),
        ("2300000", "two million three hundred thousand"), ("1024", "2^{10}"), ("4", "\\boxed{\\sqrt{16}}"),
        ("\\sqrt{2}", "The answer is $\\sqrt{2}$."), ("18", "１８"),
        ("\\frac{\\sqrt{3}}{2}", "\\boxed{\\frac{\\sqrt{3}}{2}}"),
    ],
)  # fmt: skip
def test_one_value_in_many_forms(gold, text):
    assert verdict(gold, text).correct, verdict(gold, text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("70", "0.7"), ("70", "The answer is 7."), ("5", "The answer is 5 million."), ("1", "0.9999"), ("0.3", "1/3"),
        ("1/3", "0.3"), ("18", "The answer is 5. ... wait, the answer is 7."), ("3", "-3"), ("18", "180"),
        ("18", "The answer is 18.5."), ("0.004", "0.00"),
    ],
)  # fmt: skip
def test_other_values_are_wrong(gold, text):
    found = verdict(gold, text)
    assert not found.correct
    assert found.answer is not None
    assert "is not" in found.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no answer stated"), ("   \n ", "no answer stated"), ("I do not know.", "no answer stated"),
        ("We have 12 of 18.\nNext, we", "no answer stated"), ("He wants one more of them", "no answer stated"),
        ("The answer is 5 or 6.", "two answers stated: 5 and 6"), ("5 or 6", "two answers stated: 5 and 6"),
        ("The answer is 5 and 6.", "two answers stated: 5 and 6"), ("#### 5, 6", "two answers stated: 5 and 6"),
        ("The answer is unknown.", "no number in 'unknown'"), ("The answer is 10 - 3.", "two answers stated: 10 and 3"),
        ("The answer is not 18.", "no number in 'not 18'"),
        ("\\boxed{\\sqrt{16}}", "'\\\\sqrt{16}' is not a plain number"),
        ("The answer is 3:30.", "no number in '3:30'"), ("The answer is 1/2/2018.", "no number in '1/2/2018'"),
        ("The answer is 5/0.", "no number in '5/0'"), ("The answer is the 2nd.", "no number in 'the 2nd'"),
        ("9" * 5000, "no answer stated"), ("1e999", "no answer stated"),
    ],
)  # fmt: skip
def test_where_no_answer_is_stated_it_says_why(text, reason):
    found = verdict("16", text)
    assert (found.correct, found.answer, found.reason) == (False, None, reason)


def test_a_reason_tells_both_values():
    assert verdict("14", "The answer is 12.00.").reason == "12 is not 14"
    assert verdict("14", "The answer is 14.").reason == "right"
    assert verdict("70%", "The answer is 60 %.").answer == "60%"


@pytest.mark.parametrize(
    ("written", "one_form"),
    [("51.0", "51"), ("1,000", "1000"), ("0.50", "0.5"), ("2/6", "1/3"), ("−3", "-3"), ("$7.", "7"), ("70 %", "70%")],
)
def test_gold_answers_get_one_form(written, one_form):
    assert canonical("number", written) == one_form


@pytest.mark.parametrize("answer", ["", "   ", "a few", "5 or 6", "3:30"])
def test_what_is_no_number_is_no_gold_number(answer):
    with pytest.raises(ValueError, match=r"empty|not a number"):
        canonical("number", answer)


INTEGERS = st.integers(-(10**12), 10**12)
STEPS = st.text(max_size=200)


@given(STEPS, INTEGERS)
@example("5 or 6\n####", 7)
def test_a_stated_integer_is_always_extracted(steps, number):
    assert verdict(str(number), state_answer(steps, str(number))).answer == str(number)


FORMS = [
    "{n}", "{n}.", "{n}.00", "${n}", "{n:,}", "**{n}**", "x = {n}", "\\boxed{{{n}}}", "#### {n}", "The answer is {n}.",
    "Answer: ${n:,}.00 dollars", "{n} apples", "so 3 + 4 = {n}", "The answer is {n} (at last).", "{n} is the answer",
]  # fmt: skip


@given(INTEGERS, INTEGERS)
def test_forms_of_one_value_are_equal_and_of_two_values_never(one, other):
    for form in FORMS:
        text = form.format(n=one)
        assert verdict(str(one), text).correct, text
        assert verdict(str(other), text).correct == (one == other), text


@given(st.fractions(max_denominator=10**6))
def test_fractions_are_exact(value):
    text = f"{value.numerator}/{value.denominator}"
    assert verdict(text, f"The answer is {text}.").correct
    assert not verdict(text, f"The answer is {value + Fraction(1, 7)}.").correct
    number = whole_number(write_number(value))
    assert number is not None
    assert number.value == value


@given(st.integers(1, 10**9), st.integers(1, 10**4), st.integers(2, 8))
def test_a_decimal_rounded_to_two_places_or_more_counts(over, under, places):
    value = Fraction(over, under)
    rounded = round(value, places)
    text = f"{int(rounded)}.{int(rounded % 1 * 10**places):0{places}d}"
    far = f"{int(rounded) + 1}.{int(rounded % 1 * 10**places):0{places}d}"
    assert verdict(str(value), text).correct == (rounded != 0)
    assert not verdict(str(value), far).correct


@pytest.mark.parametrize(
    "piece",
    ["9" * 100_000, "1," * 20_000, "the answer is 5. " * 3_000, "\\boxed{" * 6_000, " " * 50_000, "1 " * 20_000,
     "one hundred and " * 3_000, "####" * 10_000, "5 or 6 " * 7_000, "\\frac{" * 8_000, "1/" * 20_000, "=1" * 20_000],
    ids=lambda piece: piece[:12],
)  # fmt: skip
def test_long_texts_are_graded_in_linear_time(piece):
    for before, after in (("", ""), ("The answer is ", ""), ("", "\nThe answer is 5.")):
        assert_linear(lambda text: verdict("5", before + text + after), piece)  # noqa: B023


def test_a_grade_is_little_work():
    """Some hundred calls: a thousand take a millisecond at most."""
    draw = random.Random(0)
    texts = [
        f"Each has {draw.randint(2, 99)} × {draw.randint(2, 99)} pens, so 3 + 4 = 7.\n" * 4 + f"The answer is ${n}.00."
        for n in range(200)
    ]
    grades = []
    work = calls(lambda: grades.extend(verdict(str(n), text) for n, text in enumerate(texts)))
    assert all(grade.correct for grade in grades)
    assert work < 1_000 * len(texts)


@pytest.mark.parametrize(
    ("gold", "stated"),
    [
        ("2", "9^{9^{9^{9}}}"), ("2", "((2^{99})^{99})^{99}"), ("2", "10000!"), ("2", "\\sin(\\sqrt{2})^{\\cos(x)}"),
        ("2", "2^{99999}"), ("2", "\\sum_{n=1}^{10^9} \\sqrt{n}"), ("2", "\\sqrt{" * 60),
    ],
)  # fmt: skip
def test_costly_expressions_are_not_computed(gold, stated):
    assert calls(lambda: same_expression(gold, stated)) < 500
    assert not same_expression(gold, stated)


def test_numbers_are_found_where_they_stand():
    text = fold("From 3–5 pm he drove 1,200.5 km (½ of it at -7 °C) in 2nd gear on 01/02/2024")
    assert [str(number) for number in find_numbers(text)] == ["3", "5", "1200.5", "0.5", "-7"]
