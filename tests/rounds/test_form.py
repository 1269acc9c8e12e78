"""The form of rationales, and when it has moved."""

from tutelage.rounds.form import Form, form_of, has_moved

FLOWING = "Each box holds 4 pens. So 3 boxes hold 3 × 4 = 12 pens.\nThe answer is 12."
LINES = "Each box holds 4 pens.\n3 × 4 = 12 pens are in all.\nThe answer is 12."
OUTLINE = (
    "To find the number of pens, we take these steps:\n1. Find the pens in a box.\n2. Multiply by the boxes.\n"
    "Let us do so:\n1. A box holds 4 pens.\n2. 3 × 4 = 12 pens.\nThe answer is 12."
)


def test_lines_outlines_and_length_are_told():
    assert form_of([FLOWING] * 3) == Form(3, 15, 0.0, 0.0)
    assert form_of([LINES] * 3).lines == 1.0
    outline = form_of([OUTLINE] * 2 + [LINES] * 2)
    assert outline.outlines == 0.5
    assert outline.words > form_of([LINES]).words
    assert form_of([]) == Form(0, 0.0, 0.0, 0.0)


def test_the_same_form_is_not_worth_a_word():
    assert has_moved(form_of([FLOWING] * 20), form_of([FLOWING] * 19 + [LINES])) is None


def test_what_has_moved_is_told():
    told = has_moved(form_of([FLOWING] * 20), form_of([OUTLINE] * 10 + [FLOWING] * 2))
    assert told == (
        "the form of the rationales has moved away from round 0's: half of them have 39 words or more (round 0: 15),"
        " 83% stand in lines (round 0: 0%), 83% stand in an outline (round 0: 0%)"
    )


def test_a_few_rationales_tell_nothing():
    assert has_moved(form_of([FLOWING] * 20), form_of([OUTLINE] * 3)) is None
