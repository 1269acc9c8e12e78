import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.diff import MOST_CHARACTERS, MOST_PARTS, difference
from tutelage.view.marked import Piece

FEW_WORDS = st.lists(st.sampled_from(["3", "4", "12", "1,200", "legs", " ", "\n", ". ", "=", "é", "\ud83d"])).map(
    "".join
)
TEXT = FEW_WORDS | st.text()


def kept_and(pieces, look) -> str:
    return "".join(piece.text for piece in pieces if piece.look in {"kept", look})


@given(TEXT, TEXT)
def test_both_texts_are_in_their_difference(old, new):
    pieces = difference(old, new)
    assert kept_and(pieces, "removed") == old
    assert kept_and(pieces, "added") == new
    assert all(piece.text for piece in pieces)
    assert all(one.look != other.look for one, other in pairwise(pieces))


@given(TEXT)
def test_a_text_does_not_differ_from_itself(text):
    assert difference(text, text) == ([Piece(text)] if text else [])


def test_words_and_numbers_change_as_wholes():
    assert difference("2 × 4 = 8 legs.", "2 × 2 = 4 legs.") == [
        Piece("2 × "),
        Piece("4 = 8", "removed"),
        Piece("2 = 4", "added"),
        Piece(" legs."),
    ]
    assert difference("It costs 1,250 dollars.", "It costs 1,200 dollars.")[1] == Piece("1,250", "removed")


def test_what_the_new_text_says_besides_is_added():
    assert difference("The answer is 4.", "2 × 2 = 4.\nThe answer is 4.") == [
        Piece("2 × 2 = 4.\n", "added"),
        Piece("The answer is 4."),
    ]


def test_long_texts_are_compared_line_by_line():
    lines = [f"{place} and {place} make {2 * place}.\n" for place in range(MOST_PARTS // 2)]
    new = ["none\n", *lines[:200], "Here something else.\n", *lines[201:], "an end\n"]
    assert [piece.text for piece in difference("".join(lines), "".join(new)) if piece.look == "removed"] == [lines[200]]


def test_the_longest_are_replaced_but_for_their_ends():
    old, new = (f"start {' '.join(letter * MOST_CHARACTERS)} end" for letter in "ab")
    assert [(piece.look, piece.text[-4:]) for piece in difference(old, new)] == [
        ("kept", "art "),
        ("removed", " a a"),
        ("added", " b b"),
        ("kept", " end"),
    ]


def test_the_work_for_what_repeats_itself_is_bounded():
    """Counted in calls and lines of difflib: texts of few words in many places are its worst case."""
    old, new = ("".join(f"{first} {second} " for _ in range(MOST_PARTS // 4)) for first, second in ("ab", "ca"))
    steps = 0

    def count(frame, event, _arg):
        nonlocal steps
        steps += event == "line" and frame.f_code.co_filename.endswith("difflib.py")
        return count

    sys.settrace(count)
    try:
        difference(old, new)
    finally:
        sys.settrace(None)
    assert steps < 100_000
