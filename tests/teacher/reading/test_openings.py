"""Steps for a choice, yes or no, or a text do not begin with their answer: it is cut, or the reply is refused."""

import pytest

from tests.teacher.judge.test_soundness import LEAKED, read
from tutelage.records import Choice, Problem

PLATE = Problem.of(
    "Where would you put a plate after eating?",
    "C",
    choices=(Choice("A", "oven"), Choice("B", "shelf"), Choice("C", "dishwasher")),
)
PEAR = Problem.of("Would a pear sink in water?", "no")
LAKE = Problem.of("What is the capital of the country with Lake Balaton?", "Budapest")
WASHED = "A dirty plate must be washed, and a dishwasher does that."
FLOATS = "Pears are less dense than water, and what is less dense floats."
HUNGARY = "Lake Balaton lies in Hungary, which is governed from Budapest."


@pytest.mark.parametrize(
    ("problem", "kind", "opening", "steps"),
    [
        (PLATE, "choice", "It is C. ", WASHED),
        (PLATE, "choice", "Option C is correct. ", WASHED),
        (PLATE, "choice", "The correct option is (C), dishwasher. ", WASHED),
        (PLATE, "choice", "(C) dishwasher.\n\nExplanation: ", WASHED),
        (PLATE, "choice", "I would choose C.\n", WASHED),
        (PEAR, "yes-no", "No, it would not. ", FLOATS),
        (PEAR, "yes-no", "No. ", FLOATS),
        (PEAR, "yes-no", "No, ", FLOATS),
        (PEAR, "yes-no", "Nein, ", FLOATS),
        (LAKE, "text", "It's Budapest. ", HUNGARY),
    ],
)
def test_an_answer_before_steps_that_stand_by_themselves_is_cut(problem, kind, opening, steps):
    reading = read(f"{opening}{steps}\nThe answer is {problem.answer}.", problem, kind)
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is {problem.answer}.", None)


@pytest.mark.parametrize("steps", [f"C is the correct answer because {WASHED}", "It is C. It does the dishes."])
def test_a_reply_that_hangs_on_such_an_answer_is_refused(steps):
    reading = read(f"{steps}\nThe answer is C.", PLATE, "choice")
    assert (reading.failure, reading.verdict.reason) == (LEAKED, "the reply begins with its answer")


@pytest.mark.parametrize(
    ("problem", "kind", "steps"),
    [
        (PLATE, "choice", "A) oven: it is hot.\nB) shelf: for clean plates.\nC) dishwasher: it cleans them."),
        (Problem.of("What do you do with a book?", "A", choices=(Choice("A", "read"), Choice("B", "eat"))), "choice",
         "(A) read. Books hold text.\n(B) eat. Paper is no food."),
        (PEAR, "yes-no", "No pear is as dense as water, and what is less dense floats."),
    ],
)  # fmt: skip
def test_what_only_looks_like_an_answer_stays(problem, kind, steps):
    reading = read(f"{steps}\nThe answer is {problem.answer}.", problem, kind)
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is {problem.answer}.", None)


@pytest.mark.parametrize(
    ("problem", "kind", "steps"),
    [
        (PEAR, "yes-no", "Yes, since a pear is heavy."),
        (PLATE, "choice", f"Option B is correct. {WASHED}"),
        (PLATE, "choice", "It is B. Clean plates stand there."),
        (LAKE, "text", "Lake Balaton lies in Austria. So the capital is Vienna."),
        (LAKE, "text", "Lake Balaton lies in Austria. So the answer is Vienna."),
        (PLATE, "choice", f"{WASHED}\nTherefore, the answer is B."),
    ],
)
def test_steps_that_speak_for_another_answer_are_refused(problem, kind, steps):
    reading = read(f"{steps}\nThe answer is {problem.answer}.", problem, kind)
    assert reading.failure == "concludes otherwise", reading
