"""Right attempts beside wrong ones: where they part, and how much that weighs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.records import Attempt, Problem, Verdict
from tutelage.rounds import partings as partings_module
from tutelage.rounds.partings import partings

PENS = Problem.of("3 boxes of 4 pens, 2 lost. How many?", "10")
RIGHT = "3 × 4 = 12 pens. 12 - 2 = 10 are left.\nThe answer is 10."
WRONG = "3 × 4 = 12 pens. 12 + 2 = 14 are left.\nThe answer is 14."
OTHER = "3 + 4 = 7 pens.\nThe answer is 7."


def attempt(text, *, correct=False, finish="stop"):
    return Attempt(PENS.id, 0, text, Verdict(correct, None, ""), finish, 5)


def test_a_right_attempt_is_learnt_from_where_it_parts_from_the_wrong_one_that_goes_along_longest():
    (found,) = partings(PENS, [attempt(OTHER), attempt(f" {RIGHT}", correct=True), attempt(WRONG), attempt(OTHER)])
    assert found.before == "3 × 4 = 12 pens. 12 "
    assert found.right == "- 2 = 10 are left.\nThe answer is 10."
    assert found.wrong == "+ 2 = 14 are left.\nThe answer is 14."
    assert (found.weight, found.ends, found.rest) == (0.75, True, "")


@pytest.mark.parametrize(
    "attempts",
    [
        [],
        [attempt(WRONG), attempt(OTHER)],
        [attempt(RIGHT, correct=True)] * 2,  # nothing to part from
        [attempt(WRONG), attempt(RIGHT, correct=True, finish="length")],
        [attempt(WRONG), attempt("3 × 4 = 13. 12 - 2 = 10.", correct=True)],
        [attempt(" "), attempt(RIGHT, correct=True)],
    ],
)
def test_there_is_nothing_to_learn(attempts):
    assert list(partings(PENS, attempts)) == []


def test_what_runs_on_is_not_learnt():
    (found,) = partings(PENS, [attempt(OTHER), attempt(f"{RIGHT}\n\nQuestion: And then?", correct=True)])
    assert found.before + found.right == RIGHT


@given(st.text("ab \n", max_size=12), st.text("ab \n", max_size=12))
def test_both_begin_with_what_is_shared_and_no_word_is_torn(right, wrong):
    for found in partings(PENS, [attempt(right, correct=True), attempt(wrong)]):
        assert found.before + found.right == right.strip()
        assert found.before + found.wrong == wrong.strip()
        assert not found.before or found.before[-1].isspace()


def _goes_along(right, wrong):
    """How far, up to the beginning of a word; the slow, obvious way."""
    same = next((n for n in range(len(right), -1, -1) if wrong.startswith(right[:n])), 0)
    return next((n for n in range(same, 0, -1) if right[n - 1].isspace()), 0)


@given(st.lists(st.tuples(st.text("ab ", min_size=1, max_size=6), st.booleans()), max_size=8))
def test_it_parts_from_the_first_of_those_that_go_along_longest(texts):
    found = list(partings(PENS, [attempt(text, correct=correct) for text, correct in texts]))
    wrong = [text.strip() for text, correct in texts if not correct and text.strip()]
    rights = [text.strip() for text, correct in texts if correct and text.strip()] if wrong else []
    for right, repair in zip(rights, found, strict=True):
        other = max(wrong, key=lambda text: _goes_along(right, text))
        at = _goes_along(right, other)
        assert (repair.before, repair.right, repair.wrong) == (right[:at], right[at:], other[at:])


def test_many_attempts_are_not_compared_with_one_another(monkeypatch):
    compared, shared = [], partings_module.in_common

    def counted(one, other):
        compared.append(1)
        return shared(one, other)

    monkeypatch.setattr(partings_module, "in_common", counted)
    attempts = [attempt(f"{n} + 1 = {n + 1}.", correct=bool(n % 2)) for n in range(200)]
    assert len(list(partings(PENS, attempts))) == 100
    assert len(compared) <= 200
