"""Kinds of replies that real models give for numbers: unsound ones are refused, and where there is doubt it acquits."""

import pytest

from tests.teacher.judge.test_soundness import read
from tutelage.records import Problem

SEEDS = Problem.of(
    "Nancy had 52 seeds and planted 28 of them in the big garden, and 4 in each small one. How many small gardens?", "6"
)
CANDY = Problem.of(
    "Tom bought 12 boxes and gave 7 away. Each holds 6 pieces. How many pieces did Tom still have?", "30"
)
WINGS = Problem.of("The chef had 8 wings cooked and cooked 10 more for 3 friends. How many does each of them get?", "6")
BAGS = Problem.of("Maria had 5 white and 19 brown cookies. She fills bags of 8 cookies. How many bags?", "3")
FILES = Problem.of("Paige had 27 files and deleted 9. Folders hold 6 files each. How many folders are full?", "3")
PUPILS = Problem.of("Of 9 tables with 12 pupils each, 9 pupils leave. How many are at a table of 12 seats?", "12")


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        (PUPILS, "Of 12 pupils 9 leave a table. So 3 pupils are at a table of seats."),
        (PUPILS, "First add them: 9 + 9 = 18"),
        (CANDY, "12 × 6 = 72 pieces.\n72 pieces - 7 pieces = 65 pieces\nTom still has 65 pieces remaining."),
        (CANDY, "29 - 34 = -5 pieces."),
        (CANDY, "12 - 7 = 5 boxes. 5 × 6 = 30 pieces. 30 - 7 = 23 pieces."),
        (CANDY, "12 - 7 = 5 boxes. 5 × 6 = 30 pieces. 30 ÷ 6 = 5. Therefore, Tom still had 5 pieces."),
        (CANDY, "5 × 6 = 30 pieces. That is too many, so it is 28 pieces."),
        (CANDY, "12 (boxes) + 7 (given) × 6 (pieces) = 30 (pieces)"),
        (WINGS, "8 ÷ 3 = 2 wings with 1 left over, and 10 ÷ 3 = 4 wings with 2 left over. 2 + 4 = 6 wings."),
        (BAGS, "5 ÷ 8 = 0.625 bags, rounded down to 0. 19 ÷ 8 = 2.375 bags, rounded down to 2."),
        (FILES, "Paige has 27 files. She divides them by 6 files a folder. So she ends up with 3 folders."),
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
