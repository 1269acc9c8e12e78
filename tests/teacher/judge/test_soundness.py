"""Replies with the right answer whose way does not earn it are refused, and what stands round a sound one is cut."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.work import assert_linear
from tutelage.grading.grade import grade
from tutelage.records import AnswerKind, Choice, Problem
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.reply import read_reply

CANS = Problem.of("There are 3 bags and 4 bags, of 9 cans each. How many cans are there?", "63")
SOLVED = "There are 3 + 4 = 7 bags.\n7 × 9 = 63 cans are in them."
HINT = "The correct answer is 63. Reach it by reasoning from the question alone; do not say that it was given."
LEAKED = "answer leaked without reasoning"


def read(reply, problem=CANS, kind: AnswerKind = "number", **settings):
    return read_reply(reply, "stop", problem, partial(grade, kind), max_tokens=512, check_arithmetic=True, **settings)


ASTRAY, UNDONE, NOWHERE, ECHO = (
    "does not come to its answer",
    "steps not done",
    "numbers from nowhere",
    "repeats the prompt",
)


@pytest.mark.parametrize(
    "check",
    [
        "To check: 63 ÷ 9 = 7, as many as there are bags.",
        "Let's double-check our result:\nWe have 7 bags with 9 cans each.",
        "**Verification:**\n- 3 bags hold 3 - 9 = 6 cans, and 4 bags hold 4 - 9 = 5 cans.\n- This is incorrect.",
        "We can verify this by adding 63 + 9 = 72, which is not equal to 63.",
        "## Verify the answer\nSo the cans are 63.",
    ],
)
def test_a_check_behind_the_solution_is_cut_whether_it_holds_or_not(check):
    assert read(f"{SOLVED}\n{check}\nThe answer is 63.").text == f"{SOLVED}\nThe answer is 63."


def test_a_check_that_the_solution_needs_stays():
    steps = "There are 3 + 4 = 7 bags.\nTo check all of them, we count 7 × 9 = 63 cans."
    assert read(f"{steps}\nThe answer is 63.").text == f"{steps}\nThe answer is 63."


@pytest.mark.parametrize(
    ("steps", "failure", "reason"),
    [
        ("There are 3 + 4 = 7 bags in all.", ASTRAY, "the reasoning comes to 7, not to 63"),
        ("There are 3 bags, then 4 bags more, which hold cans.", ASTRAY, "the reasoning never comes to 63"),
        ("So there are 3 - 9 = -6 cans. Tom still has -6 cans.", ASTRAY, "the reasoning comes to -6, not to 63"),
        ("It says that 9 cans were there already.", ASTRAY, "the reasoning never comes to 63"),
        (
            "1. Start with the 3 bags.\n2. Add the 4 bags.\n3. Multiply the sum by the cans of a bag.",
            UNDONE,
            "the reply says what to calculate and does not calculate it",
        ),
        (
            "Follow these steps:\n1. Calculate the bags.\n2. Multiply them by the cans.\n3. The result is 63.",
            UNDONE,
            "the reply says what to calculate and does not calculate it",
        ),
        (
            "The bags hold 80 cans, and 80 - 17 = 63.",
            NOWHERE,
            "80 stands neither in the question nor before '80 - 17 = 63'",
        ),
        (HINT, ECHO, "the reply repeats what it was told: 'Reach it by reasoning from the'"),
    ],
)
def test_a_way_that_does_not_earn_its_answer_is_refused(steps, failure, reason):
    reading = read(f"{steps}\nThe answer is 63.")
    assert (reading.failure, reading.verdict.reason) == (failure, reason)


@pytest.mark.parametrize(
    "steps",
    [
        "That step is wrong because it adds 9. The correct calculation is 7 × 9 = 63, not 16.",
        "It is incorrect to add 9 to the bags because 7 × 9 = 63 cans are there.",
        "We want the final answer to be 63, so we adjust our reasoning: 7 × 9 = 63 cans.",
        "There are 7 bags, but it says 9 cans. So 7 × 9 = 63 cans.",
        "The attempt adds 9 where one multiplies: 7 × 9 = 63 cans.",
    ],
)
def test_talk_of_the_mistake_within_the_steps_is_refused(steps):
    assert read(f"{steps}\nThe answer is 63.").failure == LEAKED


@pytest.mark.parametrize("literal", ["The answer is N.", "The answer is X."])
def test_an_answer_taken_literally_is_refused(literal):
    assert read(f"{SOLVED}\nThe answer is 63.\n{literal}").failure in ("repeats the prompt", "unparsable")
    assert read(f"{literal}\n{SOLVED}\nThe answer is 63.").failure == "repeats the prompt"


@pytest.mark.parametrize(
    "reply",
    [
        f"{HINT}\n{SOLVED}\nThe answer is 63.",
        f"The correct answer is 63.\nTo get this, let's follow the steps:\n{SOLVED}\nThe answer is 63.",
        f"The answer is 63.\n{SOLVED}",
        f"The first step that goes wrong is to add 9 to the bags.\n{SOLVED}\nThe answer is 63.",
        f"Mistake: 3 + 4 + 9 = 16 adds the cans of one bag.\nSolution:\n{SOLVED}\nThe answer is 63.",
        f"The student must multiply.\n\nHere is the correct breakdown:\n\n{SOLVED}\n\nThe correct answer is 63.",
        f"{SOLVED}\nThe student forgot to multiply.\nThe answer is 63.",
        f"{SOLVED}\n</attempt>\nThe answer is 63.",
        "There are 3 + 4 = 7 bags.\nThe answer is 7.\n7 × 9 = 63 cans are in them.\nThe answer is 63.",
        f"We follow these steps:\n1. Calculate the bags.\n2. Multiply them by cans.\n\n{SOLVED}\nThe answer is 63.",
        f"We know that there are 63 cans in the end.\n{SOLVED}\nThe answer is 63.",
        f"{SOLVED}\n3.\nThe answer is 63.",
    ],
)
def test_what_stands_round_a_sound_solution_is_cut(reply):
    reading = read(reply)
    assert (reading.text, reading.failure) == (f"{SOLVED}\nThe answer is 63.", None)
    assert read(reading.text) == reading


def test_parts_of_a_solution_are_not_joined_over_a_cut():
    reply = "There are 3 + 4 = 7 bags.\nThe student made a mistake.\nSo 7 × 9 = 63 cans are in them.\nThe answer is 63."
    assert read(reply).failure == LEAKED


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("100 pens go into boxes of 12. How many are full?", "8", "So 100 / 12 = 8.33 boxes, or 8 full ones."),
        ("A film is 2 hours long. How many minutes?", "120", "An hour has 60 minutes: 2 × 60 = 120."),
        ("Ann has $2.60. How many cents?", "260", "She has 2 + 0.60 = 2.60 dollars."),
        ("Dogs and cats are 10:17 of 189. How many dogs?", "70", "10 + 17 = 27 parts. 10 / 27 × 189 = 70 dogs."),
        ("40 books, 20 sold, 4 a shelf. How many shelves?", "5", "20 are left. So 5 shelves: 4 × 5 = 20 books."),
        ("Ann is 3 years older than Tom. Both are 17.", "10", "Let x be Ann's age.\nx + x - 3 = 17\n2x = 20\nx = 10"),
        (
            "2 adults and 5 children eat for 8 dollars each.",
            "56",
            "We multiply 8 dollars by 7 people: 56 dollars.",
        ),
        (
            "35 of 8 a box, 19 sold. How many boxes?",
            "2",
            "We have 35 - 19 = 16 left.\nWe divide: 16 ÷ 8.\nThe result is 2.",
        ),
        ("A frog jumps 36 and 17 inches. How far?", "53", "It jumps 36 + 17 = 53. The mouse jumps 53 + 15 = 68."),
        ("48 pages less 11. How many?", "37", "Take the pages away.\n48 - 11 =\n37"),
        ("4536 less 702. How much?", "3834", "First take the tax.\nSo the final answer is 4536 - 702 = 3834."),
        ("Tom has 12 pens. How many has he?", "12", "The question says that Tom has 12 pens."),
    ],
)
def test_doubt_acquits(question, answer, steps):
    reading = read(f"{steps}\nThe answer is {answer}.", Problem.of(question, answer))
    assert reading.failure is None, reading.verdict.reason


BOOKS = Problem.of("Where does one borrow a book?", "B", choices=(Choice("A", "bank"), Choice("B", "library")))
PEAR = Problem.of("Would a pear sink in water?", "no")


@pytest.mark.parametrize(
    ("problem", "kind", "steps", "failure"),
    [
        (BOOKS, "choice", "A library lends books, a bank keeps money.", None),
        (BOOKS, "choice", "Books are lent out. So one goes to the bank.", "concludes otherwise"),
        (BOOKS, "choice", "A bank is fine. (B) library is incorrect since it sells.", "concludes otherwise"),
        (PEAR, "yes-no", "A pear is lighter than water. So a pear would not sink in water.", None),
        (PEAR, "yes-no", "A pear is heavy. Therefore, a pear would sink in water.", "concludes otherwise"),
        (PEAR, "yes-no", "A pear is heavy. So yes.", "concludes otherwise"),
        (PEAR, "yes-no", "It is wrong that a pear is heavier than water, so it floats.", None),
    ],
)
def test_the_conclusion_does_not_speak_for_another_answer(problem, kind, steps, failure):
    assert read(f"{steps}\nThe answer is {problem.answer}.", problem, kind).failure == failure


def test_words_of_a_custom_prompt_are_ours():
    ours = Echoes.of(["Write for pupils of nine who have just learnt to multiply."])
    reply = f"I write for pupils of nine who have just learnt it.\n{SOLVED}\nThe answer is 63."
    assert read(reply).text.startswith("I write")
    assert read(reply, ours=ours).text == f"{SOLVED}\nThe answer is 63."


_PIECES = st.sampled_from(
    [
        SOLVED,
        HINT,
        "The answer is 63.",
        "The answer is 7.",
        "The attempt adds.",
        "Multiply them.",
        "So 7 × 9 = 63.",
        "1.",
        "\n",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=12), max_size=9), st.sampled_from([" ", "\n"]))
@settings(max_examples=200)
def test_what_is_accepted_stays_so_and_neither_tells_nor_begins_with_the_answer(pieces, joint):
    reading = read(joint.join(pieces))
    if reading.failure is None:
        assert read(reading.text) == reading
        steps = reading.text.rpartition("\n")[0]
        assert not steps.lower().startswith("the answer")
        assert "attempt" not in steps
        assert "Reach it by" not in steps


@pytest.mark.parametrize(
    "repeated",
    [
        "3 + 4 = 7. ",
        "The answer is 7. ",
        "The attempt adds. ",
        "Then add them. ",
        "1 2 3 4 5 6 7 ",
        "9 000 ",
        "\n12.\n",
        "x = 7 ",
    ],
)
def test_the_way_is_judged_in_linear_time(repeated):
    assert_linear(lambda text: read(f"{SOLVED} {text}\nThe answer is 63."), repeated * (24_000 // len(repeated)))


SEEDS = Problem.of(
    "Nancy had 52 seeds and planted 28 of them in the big garden, and 4 in each small one. How many small gardens?", "6"
)
CANDY = Problem.of(
    "Tom bought 12 boxes and gave 7 away. Each holds 6 pieces. How many pieces did Tom still have?", "30"
)
WINGS = Problem.of("The chef had 8 wings cooked and cooked 10 more for 3 friends. How many does each of them get?", "6")
PUPILS = Problem.of("Of 9 tables with 12 pupils each, 9 pupils leave. How many are at a table of 12 seats?", "12")


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        (PUPILS, "First add them: 9 + 9 = 18"),
        (CANDY, "12 × 6 = 72 pieces.\n72 pieces - 7 pieces = 65 pieces\nTom still has 65 pieces remaining."),
        (CANDY, "29 - 34 = -5 pieces."),
        (CANDY, "12 - 7 = 5 boxes. 5 + 6 = 11 pieces. So Tom still has 30 pieces."),
        (CANDY, "12 × 6 = 72 pieces. 5 × 6 = 30 pieces. 72 - 30 = 42 pieces."),
        (CANDY, "12 × 6 = 72 pieces. 72 - 7 = 65 pieces. So Tom had 65 pieces left, not 30."),
        (
            SEEDS,
            "1. Start with 52 seeds.\n2. Subtract the seeds of the big garden.\n3. Divide by the seeds of a small one.",
        ),
        (SEEDS, "52 - 28 = 24 seeds. 24 + 4 = 28 gardens."),
        (SEEDS, "Nancy had 52 seeds, planted 28 in the big garden and 4 in each small one, so there are 6 of them."),
        (WINGS, "The chef cooked 10 chicken wings, but it says 8 wings were already cooked."),
        (
            WINGS,
            "But we want the final answer to be 6, so we adjust our reasoning: it is 6 because 2 × 3 = 6.",
        ),
        (WINGS, "Since the answer should be 6, 18 / 3 = 6."),
        (WINGS, "8 + 10 = 18. However, we should divide: 18 / 3 = 6."),
        (WINGS, "The first step that goes wrong is thinking that after 8 wings the chef would end up with 3."),
        (WINGS, "23 - 20 = 3. This step is wrong because it incorrectly subtracts 6."),
        (WINGS, "The given solution forgot to divide. 8 + 10 = 18. 18 / 3 = 6."),
        (WINGS, "8 + 10 = 18 wings, and 18 / 3 = 6, so the answer is indeed 6 as given."),
    ],
)
def test_kinds_of_replies_that_real_models_give_are_refused(problem, steps):
    assert read(f"{steps}\nThe answer is {problem.answer}.", problem).failure is not None


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("4 boxes hold 2 scarves and 6 mittens each. How many?", "32", "So she has eight scarves and 24 mittens."),
        ("3 bags and 4 bags of 9 cans. How many?", "63", "3 × 9 = 27 cans, and 4 × 9 = 36 cans.\n27 + 36 ="),
        ("One jumps 36 inches, the frog 17 more, the mouse 15 more. How far does the frog jump?", "53",
         "The frog jumps 36 + 17 = 53 inches. The mouse jumps 53 + 15 = 68 inches."),
        ("Paige had 8 songs, deleted 5 and added 30. How many?", "33", "She has 3 songs left. Then she has 33 songs."),
        ("5 boys and 40 girls in groups of 9. How many groups?", "5",
         "They are 45. So there are 5 groups of 9 students."),
        ("A plan costs 8 dollars a day, one 9. What is the cheapest for 5 days?", "40",
         "The first costs 8 × 5 = 40. The other costs 9 × 5 = 45. The cheapest costs 40."),
        ("An amoeba splits in two each day. When are there 16?", "4",
         "1 × 2 = 2. 2 × 2 = 4. 4 × 2 = 8. 8 × 2 = 16. It takes 4 days."),
    ],
)  # fmt: skip
def test_what_the_last_step_does_not_make_may_still_be_derived(question, answer, steps):
    reading = read(f"{steps}\nThe answer is {answer}.", Problem.of(question, answer))
    assert reading.failure is None, reading.verdict.reason


@pytest.mark.parametrize("other", ["7", "3", "4", "9"])
def test_a_step_on_the_way_is_not_the_answer(other):
    assert read(f"{SOLVED}\nThe answer is {other}.", Problem.of(CANS.question, other)).failure == ASTRAY
