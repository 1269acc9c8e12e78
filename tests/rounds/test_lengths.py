"""The limit on the tokens of a student's answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import StudentConfig
from tutelage.records import Attempt, Problem, TrainingExample, Verdict
from tutelage.rounds.lengths import LEAST, MARGIN, STEP, answer_limit, learnt_length, limit_for, told_of_cuts
from tutelage.student.student import Student

COW = Problem.of("How many legs has a cow?", "4")


@pytest.fixture(scope="module")
def student(tiny):
    return Student(StudentConfig(model=tiny, device="cpu"), ())


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=300))
def test_the_limit_leaves_room_for_what_was_learnt(tokens):
    limit = limit_for(tokens)
    assert limit % STEP == 0
    assert limit >= LEAST
    assert sum(limit >= int(MARGIN * each) for each in tokens) >= 0.99 * len(tokens) - 1
    assert limit <= max(LEAST, MARGIN * max(tokens) + STEP)


def test_one_endless_rationale_in_a_thousand_does_not_count():
    assert limit_for([80] * 999 + [4000]) == limit_for([80]) == 112


def test_a_number_is_taken_as_it_is(student):
    assert answer_limit(77, student, [COW.text], 500) == 77


def test_auto_is_what_was_learnt_and_never_more_than_the_student_can_look_at(student):
    room = student.room_for_answers([COW.text])
    assert 64 < room < 10_000
    assert answer_limit("auto", student, [COW.text], 64) == 64
    assert answer_limit("auto", student, [COW.text], 10_000) == room
    assert answer_limit("auto", student, [COW.text], None) == min(256, room)


def test_all_rounds_count_and_corrections_do_not(student):
    short = [TrainingExample(COW, "It has four. The answer is 4.")]
    long = [TrainingExample(COW, "One and one and " * 30 + "The answer is 4.")]
    correcting = [TrainingExample(COW, "One and one and " * 90, corrects="five")]
    first = learnt_length(student, short)
    assert first is not None
    after = student.at(student.folder, "later", first)
    second = learnt_length(after, long)
    assert second is not None
    assert second > first
    assert learnt_length(student.at(student.folder, "later", second), short) == second
    assert learnt_length(student, short + correcting) == first
    assert learnt_length(student, []) is None


def test_a_cut_exam_is_told_with_what_to_set():
    def sat(cut, whole):
        return [
            Attempt("p", n, "Text.", Verdict(False, None, ""), "length" if n < cut else "stop", 9)
            for n in range(cut + whole)
        ]

    assert told_of_cuts(sat(10, 90), 128, 128) is None
    assert told_of_cuts(sat(250, 150), 128, 128) == (
        "250 of 400 attempts were cut at 128 tokens; set exam.max_new_tokens to auto"
    )
    assert "set exam.max_new_tokens to 224" in str(told_of_cuts(sat(2, 3), "auto", 112))
    assert told_of_cuts([], "auto", 112) is None
