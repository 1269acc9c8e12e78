"""Every reader of text takes time linear in the text: four times the text, about four times the time."""

import time

import pytest

from tutelage.grading.grade import grade
from tutelage.grading.words import text_key
from tutelage.records import Choice, Problem
from tutelage.text.calculations import find_calculations
from tutelage.text.latex import unlatex
from tutelage.text.markup import clean
from tutelage.text.numbers import find_numbers, find_word_numbers
from tutelage.text.run_on import cut, without_courtesy
from tutelage.text.sentences import sentences
from tutelage.text.statements import statements, without_statement
from tutelage.text.symbolic import is_expression
from tutelage.text.thoughts import without_thoughts

SIZE = 1_000
ENOUGH = 0.02
"""Seconds below which a time is not compared: a reader that is not linear takes more for a text of four sizes."""

PIECES = [
    "**a ", " ", "9", "1,", "1 1/2 ", "(", "{", "\\", "\\frac{", "\\frac{1}{2}", "\\boxed{", "$a ", "a$ ", "_a ", "`",
    "# ", "####", "- ", "| a ", " \n", "\n\n", "<think>", "</think>", "<|channel|>", "<", "the answer is 5. ",
    "=1", "½",
    "\nQuestion: a", "Let me know. ", "(A) ", "B. ", "A or ", "one hundred and ", "10^", "- 5 ", "yes or ",
    "e.g. ", "😀",
    "...done thinking. ", "\nExplanation:", "x+", "\\begin{a}", "|---", "is the answer ", "1+1 a or ",
    "#### 3 ab\n", "## Problem\n", "\nuser\n", "}_{\\text{",
]  # fmt: skip
CHOICES = (Choice("A", "bank"), Choice("B", "library"))
GRADERS = {
    f"grade {kind}": lambda text, kind=kind: grade(kind, Problem("id", "question", "B", CHOICES), text)
    for kind in ("number", "choice", "yes-no", "text")
}
READERS = GRADERS | {
    reader.__name__: reader
    for reader in (
        text_key, find_calculations, unlatex, clean, find_numbers, find_word_numbers, cut, without_courtesy, sentences,
        statements, without_statement, is_expression, without_thoughts,
    )
}  # fmt: skip


def seconds(read, text):
    started = time.process_time()
    read(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", READERS)
def test_four_times_the_text_takes_about_four_times_the_time(name):
    read = READERS[name]
    for piece in PIECES:
        for frame in ("{}", "The answer is {}"):
            once, four = (frame.format(piece * (size // len(piece))) for size in (SIZE, 4 * SIZE))
            if seconds(read, four) < ENOUGH:
                continue
            ratios = (seconds(read, four + end) / seconds(read, once + end) for end in (" ", "  ", "   "))
            assert any(ratio < 10 for ratio in ratios), (piece, frame)  # 16 where the time is the square of the size
