"""The nouns: identity by content, frozen, and the little arithmetic they carry."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.records import Attempt, Choice, Exam, Problem, TrainingExample, Usage, Verdict, content_hash, state_answer

SPACES = st.text(alphabet=" \t\n\u00a0", min_size=1, max_size=4)
WORDS = st.lists(st.text(alphabet="abcxyz09?é", min_size=1, max_size=6), min_size=1, max_size=6)


@given(words=WORDS, gap=SPACES, lead=SPACES)
def test_white_space_does_not_count_in_a_hash(words, gap, lead):
    assert content_hash(lead + gap.join(words) + lead) == content_hash(" ".join(words))


@given(words=WORDS)
def test_a_hash_is_16_hex_digits_and_knows_its_words(words):
    digest = content_hash(" ".join(words))
    assert len(digest) == 16
    assert int(digest, 16) >= 0
    assert digest != content_hash(" ".join([*words, "more"]))


def test_a_hash_is_the_same_in_every_process_and_version():
    """Run directories and ledgers of older versions are found by it."""
    assert content_hash("How many pens?", "12") == "6b57623ee7a897ae"


def test_a_hash_keeps_its_parts_apart():
    assert content_hash("ab", "c") != content_hash("a", "bc")
    assert content_hash("a b") != content_hash("a", "b")
    assert content_hash("A") != content_hash("a")


def test_a_problem_is_known_by_what_is_asked_not_by_its_answer():
    asked = Problem.of("How many pens?", "12")
    assert asked.id == Problem.of("  How many\n pens? ", "13", rationale="3 * 4 = 12", equation="3 * 4").id
    assert asked.id == content_hash("How many pens?")
    assert asked.id != Problem.of("How many pencils?", "12").id


def test_choices_belong_to_what_is_asked():
    two = (Choice("A", "library"), Choice("B", "kitchen"))
    ids = {
        Problem.of("Where are books?", "A", choices=choices).id
        for choices in [(), two, two[::-1], (Choice("A", "library"), Choice("B", "garage")), (Choice("B", "library"),)]
    }
    assert len(ids) == 5
    assert Problem.of("Where are books?", "B", choices=two).id in ids


def test_a_problem_keeps_what_it_is_given():
    choices = (Choice("A", "library"),)
    problem = Problem.of("Where?", "A", choices=choices, rationale="Books.", equation="1 + 1")
    assert (problem.question, problem.answer, problem.choices) == ("Where?", "A", choices)
    assert (problem.rationale, problem.equation) == ("Books.", "1 + 1")


def test_the_text_of_a_problem_lists_its_choices():
    assert Problem.of("Why?", "yes").text == "Why?"
    problem = Problem.of("Where?", "B", choices=(Choice("A", "library"), Choice("B", "kitchen")))
    assert problem.text == "Where?\n(A) library\n(B) kitchen"


@pytest.mark.parametrize(
    ("steps", "stated"),
    [
        ("3 * 4 = 12 pens.", "3 * 4 = 12 pens.\nThe answer is 12."),
        ("3 * 4 = 12 pens.\n \n", "3 * 4 = 12 pens.\nThe answer is 12."),
        ("", "The answer is 12."),
        ("  \n", "The answer is 12."),
        ("  indented", "  indented\nThe answer is 12."),
    ],
)
def test_a_rationale_ends_by_stating_its_answer(steps, stated):
    assert state_answer(steps, "12") == stated


@given(steps=st.text(max_size=40), answer=st.text(alphabet="0123456789.", min_size=1, max_size=5))
def test_the_last_line_states_the_answer_whatever_the_steps(steps, answer):
    stated = state_answer(steps, answer)
    assert stated.endswith(f"The answer is {answer}.")
    assert stated.split("\n")[-1] == f"The answer is {answer}."


def _attempt(sample: int, correct: bool) -> Attempt:
    return Attempt("9f2c", sample, "text", Verdict(correct, "7", "7 is not 12"), "stop", 5)


def test_an_exam_counts_attempts_and_keeps_their_order():
    attempts = tuple(_attempt(sample, correct) for sample, correct in enumerate([False, True, True, False]))
    exam = Exam(attempts)
    assert exam.mistakes == (attempts[0], attempts[3])
    assert exam.pass_rate == 0.5
    assert Exam(attempts[1:3]).pass_rate == 1.0
    assert Exam(attempts[1:3]).mistakes == ()


def test_an_exam_that_nobody_sat_has_no_pass_rate_to_boast_of():
    assert Exam(()).pass_rate == 0.0
    assert Exam(()).mistakes == ()


def test_usages_add_up():
    assert Usage(1, 20, 3, 0.5) + Usage(2, 5, 7, 0.25) == Usage(3, 25, 10, 0.75)
    assert sum([Usage(1, 2, 3, 4.0)] * 3, Usage()) == Usage(3, 6, 9, 12.0)


def test_an_example_without_reflection_keeps_its_anchor():
    example = TrainingExample(Problem.of("How many?", "12"), "anchor", ("other",), ("wrong",))
    assert example.without_reflection() == TrainingExample(example.problem, "anchor")
    assert example.positives == ("other",)


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (Problem.of("How many?", "12"), "answer"),
        (_attempt(0, True), "text"),
        (Usage(), "requests"),
        (Exam(()), "attempts"),
    ],
)
def test_records_are_frozen_and_hashable(record, name):
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, None)
    assert not hasattr(record, "__dict__")
    assert hash(record) == hash(record)
