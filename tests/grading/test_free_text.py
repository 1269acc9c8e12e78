"""Grading of choices, of yes and no, and of free text; statements; texts that run on."""

import subprocess
import sys
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.work import assert_linear
from tutelage.grading.grade import canonical, grade
from tutelage.grading.words import text_key
from tutelage.records import Choice, Problem, state_answer
from tutelage.text.number_words import word_numbers
from tutelage.text.run_on import cut
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import statements

TEXTS = ("bank", "library", "department store", "new york", "new york city")
CHOICES = tuple(Choice(label, text) for label, text in zip("ABCDE", TEXTS, strict=True))


def choice(gold, text):
    return grade("choice", Problem.of("Where?", gold, choices=CHOICES), text)


def yes_no(gold, text):
    return grade("yes-no", Problem.of("Is it?", gold), text)


def words(gold, text):
    return grade("text", Problem.of("What?", gold), text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [("B", text) for text in (
        "B", "b", "(B)", "(b)", "B.", "B)", "[B]", "**B**", "\\boxed{B}", "\\boxed{\\text{(B)}}", "#### B",
        "B. library",
        "(B) library", "B: library", "B - library", "library", "Library.", "The library", "The answer is (B)",
        "The answer is B.", "The answer is b.", "The answer is B. library", "The answer is library.", "Option B",
        "The answer is the library.", "The correct option is B", "The correct choice is (B) library.", "I pick B",
        "Answer: b) library", "The best answer is **(B) library**.", "I would go to the library.", "So (B).",
        "The answer is (B), not (A).", "The answer is B because a bank lends no books.",
        "The answer is not (A) but (B).", "(A) is wrong. (C) is wrong. So it is (B).", "(A) and (C) lend nothing.\n(B)",
    )] + [("E", text) for text in ("new york city", "The answer is New York City.", "It is in New York City.")]
    + [("A", text) for text in ("A", "The answer is A.", "the answer is a.", "The answer is a bank.", "A bank")],
)  # fmt: skip
def test_a_choice_is_read_by_label_or_by_words(gold, text):
    assert choice(gold, text).correct, choice(gold, text)


@pytest.mark.parametrize(
    "text",
    ["", "(A) or (B)", "The answer is (A) or (B).", "Both A and B", "The answer is not (B).", "What?", "I went there",
     "The answer is library or bank.", "The answer is B. bank", "The answer is (F).", "bank library"],
)  # fmt: skip
def test_no_choice_or_more_than_one_is_none(text):
    found = choice("B", text)
    assert (found.correct, found.answer) == (False, None)
    assert found.reason


def test_another_choice_is_wrong():
    assert choice("B", "The answer is (C).").reason == "C is not B"
    assert choice("B", "I would go to the bank.").answer == "A"


def test_equal_choices_can_be_told_by_label_alone():
    twins = (Choice("A", "pantry"), Choice("B", "pantry"), Choice("C", "shop"))
    problem = Problem.of("Where?", "B", choices=twins)
    assert grade("choice", problem, "The answer is (B) pantry.").correct
    assert grade("choice", problem, "The answer is pantry.").answer is None


def test_labels_may_be_numbers():
    problem = Problem.of("Where?", "2", choices=(Choice("1", "bank"), Choice("2", "library")))
    assert grade("choice", problem, "The answer is (2).").correct
    assert grade("choice", problem, "The answer is 2.").correct
    assert grade("choice", problem, "I'd say library").correct


@given(st.text(max_size=300), st.sampled_from("ABCDE"), st.sampled_from("ABCDE"))
def test_a_stated_label_is_always_extracted(steps, gold, stated):
    found = choice(gold, state_answer(steps, stated))
    assert (found.answer, found.correct) == (stated, gold == stated)


@pytest.mark.parametrize(
    "text",
    ["yes", "Yes.", "YES!", "**Yes**", "\\boxed{Yes}", "\\boxed{\\text{yes}}", "The answer is yes.", "Yes, it floats.",
     "The answer is yes, because no one sank.", "Answer: Yes. There is no doubt.", "True", "The answer is true.",
     "It floats. So yes.", "It floats. So the answer is: Yes", "No, wait. Yes.",
     "The answer is no. No: the answer is yes."],
)  # fmt: skip
def test_yes(text):
    assert yes_no("yes", text).correct, yes_no("yes", text)
    assert yes_no("no", text).reason == "yes is not no"


@pytest.mark.parametrize(
    "text",
    ["", "yes or no", "The answer is yes or no.", "Yes and no.", "The answer is yes and no.", "No one knows", "Maybe.",
     "There is no water here", "The answer is not yes.", "The answer is unclear."],
)  # fmt: skip
def test_neither_yes_nor_no(text):
    found = yes_no("no", text)
    assert (found.correct, found.answer) == (False, None)
    assert found.reason


@given(st.text(max_size=300), st.sampled_from(["yes", "no"]))
def test_a_stated_yes_or_no_is_always_extracted(steps, answer):
    assert yes_no("yes", state_answer(steps, answer)).answer == answer


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("Paris", "paris"), ("Paris", "The answer is **Paris**."), ("the Eiffel Tower", "Eiffel tower!"), ("++", "++"),
        ("3:30", "The answer is 3:30."), ("1,000", "1000"), ("Dr. Smith", "The answer is Dr. Smith."), ("-3", "−3"),
        ("5 apples", "five apples"), ("Paris", "It is far away.\nParis."), ("The The", "the the"),
        ("x^2+1", "x^{2} + 1"),
        ("(B)", "The answer is B."), ("B", "The answer is (B)."), ("(ii)", "The answer is ii."),
        ("Straße", "STRASSE"), ("0.5", "1/2"), ("line one\nline two", "line one\nline two"),
    ],
)  # fmt: skip
def test_equal_texts(gold, text):
    assert words(gold, text).correct, words(gold, text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("Paris", "London"),
        ("Paris", "Paris or London"),
        ("-3", "3"),
        ("++", "--"),
        ("3:30", "3:31"),
        ("a", "b"),
        ("a", ""),
        ("52", "5²"),
    ],
)
def test_different_texts(gold, text):
    assert not words(gold, text).correct


@given(st.text(min_size=1, max_size=80))
def test_a_text_equals_itself(text):
    if text.strip() and cut(text) == text and not statements(text):
        assert words(text.strip(), text).correct
    if text.replace(" ", "").isalnum():  # of signs, one that is left alone may be markup to the next pass
        assert text_key(text_key(text)) == text_key(text)


def test_gold_answers_get_one_form():
    assert canonical("yes-no", "Yes.") == "yes"
    assert canonical("choice", "library", CHOICES) == "B"
    assert canonical("choice", "(b)", CHOICES) == "B"
    assert canonical("text", " Paris ") == "Paris"
    with pytest.raises(ValueError, match="none of the choices A, B"):
        canonical("choice", "F", CHOICES)
    with pytest.raises(ValueError, match="neither yes nor no"):
        canonical("yes-no", "perhaps")


@pytest.mark.parametrize(
    "rest",
    ["\nQuestion: next", "\n\nQ: next", "\nQ. next", "\n### Question 2:\nnext", "\n**Question:** next",
     "<|im_end|>\nnext",
     "<|endoftext|>next", "</s>next", "\nUser: next", " Question: next", "\nProblem 7. next", "<end_of_turn>\nnext"],
)  # fmt: skip
def test_a_text_is_cut_where_it_runs_on(rest):
    assert cut("3 + 4 = 7.\nThe answer is 7." + rest) == "3 + 4 = 7.\nThe answer is 7."


@pytest.mark.parametrize(
    "text", ["", "The question asks: how many?", "That is the Q.E.D. of it", "a < b and </b>", "Q"]
)
def test_a_text_that_ends_is_not_cut(text):
    assert cut(text) == text


@given(st.text(max_size=300))
def test_a_cut_text_is_a_beginning_and_stays(text):
    short = cut(text)
    assert text.startswith(short)
    assert cut(short) == short


def test_statements_come_last_first():
    text = "The answer is 5. So \\boxed{6}. Then 7 is the answer. <answer> 8 </answer> Final answer: 9\n#### 10"
    assert [statement.piece for statement in statements(text)] == ["10", "9", "8", "Then 7", "6", "5"]


def test_a_decimal_point_ends_no_sentence():
    assert bare_sentences("It is 3.5 m long. Is it? Yes!\nGood") == ["It is 3.5 m long", "Is it", "Yes", "Good"]


@given(st.integers(0, 999_999_999))
def test_number_words_have_their_value(number):
    found = [value for _, _, value, _ in word_numbers(spelled(number) + " of them")]
    assert found == ([number] if number != 1 else [])


def spelled(number):
    """An obvious speller, to hold the reader against."""
    small = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ]  # fmt: skip
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = f" {spelled(number % size)}" if number % size else ""
            return f"{spelled(number // size)} {name}{rest}"
    if number < 20:
        return small[number]
    return tens[number // 10] + (f"-{small[number % 10]}" if number % 10 else "")


def test_parts_and_percentages_in_words():
    found = [
        (value, percent) for _, _, value, percent in word_numbers("two thirds, minus five and a half, ten percent")
    ]
    assert found == [(Fraction(2, 3), False), (Fraction(-11, 2), False), (Fraction(10), True)]


KINDS = st.sampled_from(["number", "choice", "yes-no", "text"])
FRAGMENTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["The answer is ", "#### ", "\\boxed{", "}", "½", "−", "1,000", "\\frac{1}{2}", "=", " or ", "(B)", "not ",
             "\n",
             "yes", "Question:", "9" * 500, "e99", "^", "\ud800", "\x00", "$", "%", "\\sqrt{", "A", "two hundred "]
        ),
    ),
    max_size=12,
)  # fmt: skip


@given(KINDS, FRAGMENTS, st.sampled_from(["7", "B", "yes", "Paris", "", "½", "1e400", "\\sqrt{2}", "9" * 5000]))
def test_no_text_whatever_makes_grading_fail(kind, fragments, gold):
    found = grade(kind, Problem("id", "question", gold, CHOICES), "".join(fragments))
    assert found.reason
    assert found.answer is not None or not found.correct


@pytest.mark.parametrize("kind", ["choice", "yes-no", "text"])
@pytest.mark.parametrize(
    "piece", ["bank ", "yes or ", "the answer is b. ", "(A ", "a ", "the answer to ", "\n", ". No. "]
)
def test_long_texts_are_graded_in_linear_time(kind, piece):
    problem = Problem("id", "question", "B", CHOICES)
    for before, after in (("", ""), ("The answer is ", ""), ("", "\nThe answer is B.")):
        assert_linear(lambda text: grade(kind, problem, before + text + after), piece * (40_000 // len(piece)))  # noqa: B023


def test_grading_works_in_any_thread():
    verdicts = []

    def work():
        verdicts.append(grade("number", Problem.of("?", "4"), "\\boxed{\\sqrt{16}}"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert verdicts[0].correct


def test_plain_answers_need_no_sympy():
    code = (
        "import sys; from tutelage.records import Problem; from tutelage.grading.grade import grade;"
        "grade('number', Problem.of('?', '4'), 'The answer is 4.'); assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
