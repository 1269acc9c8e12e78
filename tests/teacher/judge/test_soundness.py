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
    how = {"max_tokens": 512, "check_arithmetic": True, "kind": kind, **settings}
    return read_reply(reply, "stop", problem, partial(grade, kind), **how)


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
        "The correct multiplication should be 7 × 9 = 63.",
        "The correct number per bag should be 9. So 7 × 9 = 63 cans are there.",
        "Sam should have first added the bags. So 7 × 9 = 63 cans are there.",
        "Instead of adding 9, he should multiply: 7 × 9 = 63 cans.",
        "We correctly added the bags, so 7 × 9 = 63 cans.",
        "The response above adds 9: 7 × 9 = 63 cans.",
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
        f"The response above says 7.\n{SOLVED}\nThe answer is 63.",
        f"That calculation forgot the bags.\n{SOLVED}\nThe answer is 63.",
        f"The missing step is to add the bags.\n{SOLVED}\nThe answer is 63.",
        f"I apologize for the confusion. {SOLVED}\nThe answer is 63.",
        f"Wrong: 3 + 9 = 12\n{SOLVED}\nThe answer is 63.",
        f"Revised solution: {SOLVED}\nThe answer is 63.",
        f"The first step that goes wrong is to add 9 to the bags.\n{SOLVED}\nThe answer is 63.",
        f"Mistake: 3 + 4 + 9 = 16 adds the cans of one bag.\nSolution:\n{SOLVED}\nThe answer is 63.",
        f"The student must multiply.\n\nHere is the correct breakdown:\n\n{SOLVED}\n\nThe correct answer is 63.",
        f"{SOLVED}\nThe student forgot to multiply.\nThe answer is 63.",
        f"{SOLVED}\n</attempt>\nThe answer is 63.",
        "There are 3 + 4 = 7 bags.\nThe answer is 7.\n7 × 9 = 63 cans are in them.\nThe answer is 63.",
        f"We follow these steps:\n1. Calculate the bags.\n2. Multiply them by cans.\n\n{SOLVED}\nThe answer is 63.",
        f"We know that there are 63 cans in the end.\n{SOLVED}\nThe answer is 63.",
        f"{SOLVED}\n3.\nThe answer is 63.",
        f"{SOLVED}\n(c) The answer is 63.",
        f"{SOLVED}\nThis step is correct.\nThe answer is 63.",
        f"{SOLVED}\nThis solution checks out because it counts rightly.\nThe answer is 63.",
        f"{SOLVED}\nThe answer is 63.\nThe first day has 3 × 9 = 27. The attempt adds 9.",
        f"{SOLVED}\nWe need to check that 63 is right: 63 ÷ 9 = 7.\nThe answer is 63.",
        f"{SOLVED}\nTo check, 63 ÷ 9 = 7. This confirms that our answer is correct.",
    ],
)
def test_what_stands_round_a_sound_solution_is_cut(reply):
    reading = read(reply)
    assert (reading.text, reading.failure) == (f"{SOLVED}\nThe answer is 63.", None)
    assert read(reading.text) == reading


@pytest.mark.parametrize("stub", ["\n3.", "\nTherefore:"])
def test_a_stub_is_cut_from_a_solution_of_few_words(stub):
    few = "3 + 4 = 7 bags\n7 × 9 = 63"
    assert read(f"{few}{stub}\nThe answer is 63.").text == f"{few}\nThe answer is 63."


def test_a_part_does_not_use_a_result_that_was_cut():
    steps = "The attempt forgot that 3 + 4 = 7 bags.\nEach bag holds 9 cans.\nSam picked 7 × 9 = 63 cans."
    reply = f"{steps}\nThe answer is 63."
    assert read(reply).failure == LEAKED


@pytest.mark.parametrize("said", ["So 63 cans are in 7 bags.", "Therefore, Sam picked up 63 cans in 2 days."])
def test_an_answer_that_only_the_last_sentence_tells_is_read_among_its_numbers(said):
    assert read(f"{SOLVED}\n{said}").text == f"{SOLVED}\n{said}\nThe answer is 63."
    assert read(f"{SOLVED}\n7 + 9 = 16 cans.\n{said}").failure == "wrong answer"
    assert read(f"{SOLVED}\nSo 7 bags are there.").failure == "wrong answer"


def test_parts_of_a_solution_are_not_joined_over_a_cut():
    reply = "There are 3 + 4 = 7 bags.\nThe student made a mistake.\nSo 7 × 9 = 63 cans are in them.\nThe answer is 63."
    assert read(reply).failure == LEAKED


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("100 pens go into boxes of 12. How many are full?", "8", "So 100 / 12 = 8.33 boxes, or 8 full ones."),
        ("21 and 5 go in vans of 5.", "6", "21 + 5 = 26. 26 / 5 = 5.2. Since 5 vans are not enough, they need 6."),
        ("Of 450 pupils 70, 120 and 147 go.", "113", "Add 70 + 120 + 147. This gives a sum of 337. 450 - 337 = 113."),
        ("Ann gets 8 of 10 marks a test. 3 tests?", "24", "She answers 8 questions correctly in each. 8 × 3 = 24."),
        ("Ann has 8 correct answers of 3 points. How many?", "24", "The sum for the correct answers is 8 × 3 = 24."),
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
        ("It is 5 degrees and falls by 12. And then?", "-7", "12 - 5 = 7, so it is 7 degrees below zero."),
        ("It is 5 degrees and falls by 12. And then?", "-7", "It falls by 5 to 0, and by 12 - 5 = 7 degrees to -7."),
        ("What is the sum of the digits of 4096?", "19", "4 + 0 + 9 + 6 = 19"),
        ("What is the units digit of 3 × 27?", "1", "3 × 27 = 81. The units digit is 1."),
        ("From $80 to $60, how many percent less?", "25", "60/80 = 75%, so it is reduced by 25%."),
        ("Three consecutive numbers make 72. The largest?", "25", "72 / 3 = 24, so they are 23, 24 and 25."),
        ("Paul eats all of his 8 cookies. How many are left?", "0", "He eats all 8 cookies, so none is left."),
        ("How many days are from Monday to Friday?", "4", "Tuesday, Wednesday, Thursday, Friday: 4 days."),
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
        (BOOKS, "choice", "A bank lends money, so one borrows a book at the bank.", "concludes otherwise"),
        (BOOKS, "choice", "Option A is correct because a bank lends.", "concludes otherwise"),
        (BOOKS, "choice", "The best option is (A) bank.", "concludes otherwise"),
        (BOOKS, "choice", "Analyze each option.\nEliminate the wrong ones.", "steps not done"),
        (BOOKS, "choice", "Consider a library: it lends books.", None),
        (BOOKS, "choice", "One borrows books, and where one borrows a book was asked.", LEAKED),
        (PEAR, "yes-no", "A pear is dense. So it would sink in water.", "concludes otherwise"),
        (PEAR, "yes-no", "A pear is light. So it would not sink in water.", None),
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
        "short ((((",
    ],
)
def test_the_way_is_judged_in_linear_time(repeated):
    assert_linear(lambda text: read(f"{SOLVED} {text}\nThe answer is 63."), repeated * (24_000 // len(repeated)))


def test_a_long_run_of_brackets_is_read_before_the_time_is_up():  # it took the square of its length: half an hour
    assert read(f"{'(' * 100_000}\n{SOLVED}\nThe answer is 63.").verdict.answer == "63"


@pytest.mark.parametrize("other", ["7", "3", "4", "9"])
def test_a_step_on_the_way_is_not_the_answer(other):
    assert read(f"{SOLVED}\nThe answer is {other}.", Problem.of(CANS.question, other)).failure == ASTRAY


ABROAD = [
    "Der Fehler im Versuch ist die Summe.",
    "Der Schüler hat falsch addiert.",
    "L'élève s'est trompé.",
    "El estudiante sumó mal.",
    "学生的错误是加法。",
]


@pytest.mark.parametrize(
    "talk",
    [
        *ABROAD,
        "As requested, here are the steps in plain text.",
        "Instructions: write the steps.",
        "The user wants a solution.",
        "The reply begins with its answer.",
    ],
)
def test_talk_of_the_asking_is_cut_in_other_languages_too(talk):
    assert read(f"{talk}\n{SOLVED}\nThe answer is 63.").text == f"{SOLVED}\nThe answer is 63."


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        ("A student has 7 attempts with 9 points each. How many points?", "The student made 7 attempts: 7 × 9 = 63."),
        ("Ein Schüler hat 7 Versuche zu je 9 Punkten. Wie viele?", "Der Schüler macht 7 Versuche: 7 × 9 = 63."),
        ("Speed of 226.8 km/h in m/s?", "226.8 km/h = 226,800 m / 3,600 s = 63 m/s."),
        ("A team needs 63.5 points of whole ones, rounded down.", "Half a point is not possible, so 63.5 ≈ 63."),
    ],
)
def test_what_the_question_speaks_of_is_no_talk(question, steps):
    assert read(f"{steps}\nThe answer is 63.", Problem.of(question, "63")).failure is None


@pytest.mark.parametrize(
    ("question", "answer", "steps"),
    [
        ("A rope of 7 m is cut into pieces of 80 cm. How many?", "8", "7 m = 700 cm. 700 ÷ 80 = 8.75, so 8 pieces."),
        (
            "Its radius is 5 m. What is its area, to the nearest square metre?",
            "79",
            "3.1416 × 5² = 78.54 square metres.",
        ),
    ],
)
def test_a_result_is_rounded_after_its_unit_was_changed_or_where_the_question_says_so(question, answer, steps):
    assert read(f"{steps}\nThe answer is {answer}.", Problem.of(question, answer)).failure is None


def test_a_negative_answer_is_not_made_of_itself():
    problem = Problem.of("It was -4 degrees, rose by 9 and fell by 12. What is it?", "-7")
    assert read("4 + 9 = 13. 12 - 13 = -1. So it was -7.\nThe answer is -7.", problem).failure == ASTRAY
    assert read("-4 + 9 = 5. 5 - 12 = -7.\nThe answer is -7.", problem).failure is None


def test_a_number_that_is_said_to_be_known_gives_the_answer_away():
    assert read("We know that the total is 63, so each bag has 63 / 7 = 9 cans.\nThe answer is 63.").failure == LEAKED


def test_full_stops_between_thousands_make_no_calculation_false():
    problem = Problem.of("Ein Ort hat 1.250.000 Einwohner, und 50.000 kommen dazu. Wie viele sind es?", "1300000")
    assert read("1.250.000 + 50.000 = 1.300.000 Einwohner.\nThe answer is 1300000.", problem).failure is None
