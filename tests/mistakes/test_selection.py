import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.mistakes.near_duplicates import alike
from tutelage.mistakes.selection import by_answer, new_mistakes, sent_again
from tutelage.records import Attempt, Feedback, FeedbackRequest, Problem, Verdict

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")


def wrong(sample, text, answer, finish="stop"):
    return Attempt(PENS.id, sample, text, Verdict(False, answer, "not 12"), finish, 9)


def told(text, sample=0, correct=True):
    return Feedback(PENS.id, sample, text, "3 × 4 = 12", Verdict(correct, "12", ""))


SAID = [
    wrong(0, "3 × 4 = 13", "13"),
    wrong(1, "3 + 4 = 7", "7"),
    wrong(2, "boxes × pens = 13", "13"),
    wrong(3, "3 × 4 = 13 = 13 =", "13", "length"),
    wrong(4, "pens", None),
    wrong(5, "3*4 = 13.", "13"),
]


def kinds(seed=0, attempts=SAID):
    return by_answer(attempts, random.Random(seed))


def texts(attempts):
    return [attempt.text for attempt in attempts]


def test_the_most_frequent_answer_comes_first_and_no_answer_is_one():
    found = kinds()
    assert [attempt.sample for attempt in sorted(found[0], key=lambda a: a.sample)] == [0, 2, 3, 5]
    assert {kind[0].verdict.answer for kind in found[1:]} == {"7", None}
    assert {kinds(seed)[1][0].verdict.answer for seed in range(20)} == {"7", None}


def test_any_of_a_kind_may_be_drawn_but_one_that_was_cut_comes_last():
    assert {kinds(seed)[0][0].sample for seed in range(40)} == {0, 2, 5}
    assert {kinds(seed)[0][-1].sample for seed in range(40)} == {3}


@given(st.permutations(SAID), st.integers())
def test_the_order_of_the_attempts_does_not_matter(attempts, seed):
    assert kinds(seed, attempts) == kinds(seed)


@pytest.mark.parametrize("seed", range(10))
def test_each_kind_in_turn_then_the_first_again(seed):
    shown = texts(new_mistakes(kinds(seed), []))
    assert shown[0] in ("3 × 4 = 13", "3*4 = 13.", "boxes × pens = 13")
    assert {*shown[1:3]} == {"3 + 4 = 7", "pens"}
    assert shown[4:] == ["3 × 4 = 13 = 13 ="]
    assert len(shown) == 5  # "3 × 4 = 13" and "3*4 = 13." are one


def test_what_was_sent_before_is_not_sent_anew():
    assert texts(new_mistakes(kinds(), [told("3 X 4".replace("X", "×") + " = 13!"), told("PENS.")]))[:2] == [
        "boxes × pens = 13",
        "3 + 4 = 7",
    ]


def test_the_earlier_request_is_made_again_to_the_letter():
    sent = [told("3×4=13", 2), told("Pens.", 1), told("of another exam")]
    twice = [*sent, told("3×4=13", 2)]  # in two earlier rounds
    again = sent_again(PENS, kinds(), twice)
    assert again == [FeedbackRequest(PENS, "3×4=13", 2, "13"), FeedbackRequest(PENS, "Pens.", 1)]


def test_one_that_brought_a_right_rationale_is_made_again_first():
    sent = [told("3×4=13", 0, correct=False), told("Pens.", 0)]
    assert [request.mistake for request in sent_again(PENS, kinds(), sent)] == ["Pens.", "3×4=13"]


ANSWERS = st.sampled_from(["13", "7", None])
WORDS = st.sampled_from(["3 × 4 = 13", "3*4 = 13", "3 × 4 = 7", "so 7", "So: 7", "", "pens"])
FINISHES = st.sampled_from(["stop", "length"])


@st.composite
def sittings(draw):
    rows = draw(st.lists(st.tuples(WORDS, ANSWERS, FINISHES), min_size=1, max_size=12))
    return [wrong(sample, *row) for sample, row in enumerate(rows)]


@given(sittings(), st.lists(WORDS, max_size=3), st.integers(0, 99))
def test_in_turn_is_as_written_down_slowly(attempts, before, seed):
    found = kinds(seed, attempts)
    columns = []
    for kind in found:
        column = []
        for attempt in kind:
            if all(not alike(attempt.text, other) for other in before + column):
                column.append(attempt.text)
        columns.append(column)
    expected = [column[turn] for turn in range(12) for column in columns if turn < len(column)]
    assert texts(new_mistakes(found, [told(text) for text in before])) == expected


@given(sittings(), st.lists(WORDS, max_size=3), st.integers(0, 99))
def test_there_is_a_new_mistake_or_one_to_ask_about_again(attempts, before, seed):
    found, sent = kinds(seed, attempts), [told(text) for text in before]
    again = [request.mistake for request in sent_again(PENS, found, sent)]
    assert next(new_mistakes(found, sent), None) is not None or again
    assert len(set(again)) == len(again)
    assert set(again) <= set(before)
