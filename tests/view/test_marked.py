from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.facts import Mark
from tutelage.view.marked import Piece, marked

PLACE = st.none() | st.integers(-5, 60)


def test_the_first_wrong_step_is_marked_where_it_stands():
    text = "3 + 4 = 8 pens.\nThe answer is 8."
    assert marked(text, Mark(0, 9, "3 + 4 = 7", "wrong calculation")) == [
        Piece("3 + 4 = 8", "marked"),
        Piece(" pens.\nThe answer is 8."),
    ]
    assert marked(text, Mark(30, 31, "7", None))[1:] == [Piece("8", "marked"), Piece(".")]


def test_a_step_that_is_not_in_the_text_marks_nothing():
    for mark in (None, Mark(None, None, "7", "format"), Mark(3, 3, "7", None), Mark(2, 90, "7", None)):
        assert marked("no answer", mark) == [Piece("no answer")]


@given(st.text(max_size=50), PLACE, PLACE)
def test_no_mark_changes_the_text(text, start, end):
    pieces = marked(text, Mark(start, end, "", None))
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    assert [piece.text for piece in pieces if piece.look == "marked"] in ([], [text[start:end]])
