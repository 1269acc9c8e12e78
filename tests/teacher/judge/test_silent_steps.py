"""The last operation may be silent if the steps name what it takes; what is no step at all earns nothing."""

from functools import partial

import pytest

from tutelage.grading.grade import grade
from tutelage.records import AnswerKind, Problem
from tutelage.teacher.reply import read_reply


def read(reply, problem, kind: AnswerKind = "number"):
    how = {"max_tokens": 512, "check_arithmetic": True, "kind": kind}
    return read_reply(reply, "stop", problem, partial(grade, kind), **how)


SHELVES = Problem.of("Mia has 5 shelves of 14 books and buys 9 books. How many books has she?", "79")
HOURS = Problem.of("Leo earns 7 dollars an hour. He works 4 hours, then 3 hours. How many dollars?", "49")
TENTS = Problem.of("Of 31 guests 13 leave. The others sleep in tents of 6. How many tents?", "3")


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        (SHELVES, "5 × 14 = 70 books. So Mia has 79 books."),  # what it adds to 70 is never said
        (HOURS, "7 × 4 = 28 dollars. So he earns 56 dollars, or rather 49."),
        (HOURS, "4 + 21 = 25 dollars. So Leo earns 49 dollars."),  # 24 hours of a day are no dollars
        (HOURS, "7 × 3 = 21 dollars, and 21 + 7 = 28 dollars. So Leo earns 49 dollars."),  # 21 is taken already
        (TENTS, "The guests sleep 3 in a tent. So the others share 3 tents, of 6."),
        (TENTS, "31 guests, less 30, cannot be right. So they need 3 tents."),
    ],
)
def test_a_silent_last_operation_takes_what_the_steps_name_and_have_not_taken(problem, steps):
    assert read(f"{steps}\nThe answer is {problem.answer}.", problem).failure is not None


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("Mia has 5 shelves of 14 books and buys 9.", "79", "5 × 14 = 70 books, and she buys 9, so she has 79 books."),
        ("Mia buys 9 books and has 5 shelves of 14.", "79", "She buys 9 books. 5 × 14 = 70. So she has 79 books."),
        ("Leo works 5 hours twice for 6 dollars.", "60", "First 5 × 6 = 30, then 5 × 6 = 30 dollars. So 60 dollars."),
        ("Each of 4 bags held 4 nuts, then 6 of 4.", "40", "16 nuts are in the first, 24 in the others: 40 nuts."),
        ("24 guests sit on 4 benches. How many on each?", "6", "There are 24 guests. That makes 6 on each bench."),
        ("16 guests sit on 4 benches. How many on each?", "4", "There are 16 guests on 4 benches. So each seats 4."),
        ("Ida read 12 of 22 books, and 10 of 30 tales. How many books are left?", "10",
         "There are 22 books. She read 12 of them. So 10 books are left."),
        ("A trip takes 3 hours. How many minutes?", "180", "It takes 3 hours = 3 hours, that is 180 minutes."),
    ],
)  # fmt: skip
def test_a_last_operation_on_numbers_that_are_named_may_be_silent(question, answer, steps):
    reading = read(f"{steps}\nThe answer is {answer}.", Problem.of(question, answer))
    assert reading.failure is None, reading.verdict.reason


GARDEN = Problem.of("Of 34 bulbs 16 are red. The others go into pots of 3. How many pots are there?", "6")


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        # a circle: it begins with the answer, adds something and takes it off again
        (GARDEN, "3 bulbs in each of 6 pots are 3 × 6 = 18. 34 + 18 = 52, and 52 - 34 = 18. So there are 6 pots."),
        (SHELVES, "9 × 14 = 126. 5 + 126 = 131, 131 - 5 = 126. So Mia has 79 books."),
        # a number that only doubling makes
        (SHELVES, "9 + 5 = 14. 5 × 14 = 70, and 70 + 27 - 18 = 79 books."),
        # a place in an order is no amount
        (SHELVES, "Mia has the 70th book. 70th book + 9 books = 79 books."),
        (HOURS, "He works for the 7th hour + 42 hours = 49 dollars."),
    ],
)
def test_a_circle_and_a_place_in_an_order_are_no_steps(problem, steps):
    assert read(f"{steps}\nThe answer is {problem.answer}.", problem).failure is not None


@pytest.mark.parametrize(
    "steps",
    [
        "16 red ones and the 18 others are 34 bulbs, and 18 / 3 = 6 pots.",
        "34 - 16 = 18 bulbs. 18 / 3 = 6 pots. Check: 6 × 3 = 18, and 18 + 16 = 34.",
        "On the 1st day, 34 - 16 = 18 bulbs are left. On the 2nd, they make 18 / 3 = 6 pots.",
    ],
)
def test_a_check_and_days_in_order_are_left_alone(steps):
    assert read(f"{steps}\nThe answer is 6.", GARDEN).failure is None


@pytest.mark.parametrize("steps", ["7 × 10 = 70. 7 × 20 = 140. 70 + 140 = 210.", "7 × 10 = 70, and 70 × 3 = 210."])
def test_a_factor_may_be_made_in_the_head(steps):
    problem = Problem.of("Cleo walks 10 miles a day for a week, then 10 more a day. How far in two weeks?", "210")
    assert read(f"{steps}\nThe answer is 210.", problem).failure is None


SALT = Problem.of("Would an egg float in very salty water?", "yes")


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ("Eggs are heavy. Therefore, an egg would not float in very salty water. This is because it sinks.", True),
        ("Given the weight of eggs, we can conclude that an egg would not float in very salty water.", True),
        ("We don't have enough information about the egg to decide. It may be old.", True),
        ("Salt is sold in shops. We cannot determine how heavy an egg is.", True),
        ("The density of the egg cannot be known. It can't be determined here.", True),
        (
            "Salt makes water dense. Therefore, an egg would float in very salty water. This is because it is light.",
            False,
        ),
        ("Nobody can say how old the egg is. Salty water is dense, so it likely floats.", False),
        ("One can taste salt. Salty water is denser than an egg, so the egg stays up.", False),
    ],
)
def test_a_conclusion_before_its_reason_and_a_question_left_open_are_read(steps, refused):
    assert (read(f"{steps}\nThe answer is yes.", SALT, "yes-no").failure is not None) == refused


def test_a_step_bent_towards_a_known_answer_is_talk():
    steps = "34 - 16 = 18 bulbs. That does not equal 6, so one divides: 18 / 3 = 6."
    assert read(f"{steps}\nThe answer is 6.", GARDEN).failure is not None
