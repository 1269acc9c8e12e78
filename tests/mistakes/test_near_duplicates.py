import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.mistakes.near_duplicates import alike

PENS = "Tom has 3 boxes of 4 pens: 3 × 4 = 13 pens.\nThe answer is 13."
PENGUINS = (
    "A penguin is a bird with two wings, and nearly every bird with wings is able to fly for many hours over the open "
    "sea without a rest, so a penguin could cross the ocean.\nThe answer is yes."
)


@pytest.mark.parametrize(
    "other",
    [
        PENS,
        "  tom has 3 boxes of 4 PENS … 3*4=13 pens;\n\n the answer is: 13",
        "Tom has 3 boxes of 4 pens: 3 · 4 = 13 pens. **The answer is 13.**",
    ],
)
def test_case_white_space_and_punctuation_do_not_count(other):
    assert alike(PENS, other)
    assert alike(other, PENS)


@pytest.mark.parametrize(
    "other",
    [
        PENS.replace("13", "12"),
        PENS.replace("= 13", "= 12"),  # the same answer from another calculation
        PENS.replace("is 13", "is 12"),  # the same calculation, another answer
        PENS.replace("×", "+"),
        PENS.replace("3 boxes of 4", "4 boxes of 3"),
        PENS.replace("The answer is 13.", ""),
        "The answer is 13.",
        "",
    ],
)
def test_what_is_calculated_and_answered_does(other):
    assert not alike(PENS, other)
    assert not alike(other, PENS)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("nearly", "almost", True),  # one word in forty
        ("many", "some", True),
        ("is able", "is not able", False),
        ("is able", "isn't able", False),
        ("yes", "no", False),
        ("is able to fly for many hours over the open sea", "crosses seas", False),
    ],
)
def test_a_word_in_many_hardly_counts_but_a_negation_does(old, new, same):
    assert alike(PENGUINS, PENGUINS.replace(old, new)) is same


@pytest.mark.parametrize(("length", "same"), [(29, True), (28, False)])
def test_one_word_in_twenty_nine_hardly_counts(length, same):
    """It changes three triples: n - 5 of n + 1 are common."""
    words = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(length)]
    assert alike(" ".join(words), " ".join([*words[:9], "other", *words[10:]])) is same


def test_choices_and_answers_in_words_count():
    choice = f"{PENGUINS[:-19]} So ({{}}) is what fits best here."
    assert not alike(choice.format("B"), choice.format("C"))
    words = f"{PENGUINS[:-19]} The answer is {{}}."
    assert not alike(words.format("library"), words.format("museum"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("It is 1,000.50 in all.", "it is 1000.50 in all", True),
        ("so 12,34", "so 1234", False),
        ("1.5 pens", "15 pens", False),
        ("a well-known 2 - 1 = 1", "a well known 2-1 = 1", True),
        ("2 - 1", "2 1", False),
        ("I don't know", "I do know", False),
        ("", "…", True),  # neither says anything
        ("two words", "other words", False),
    ],
)
def test_short_texts(one, other, same):
    assert alike(one, other) is same


def test_what_the_teacher_is_not_shown_does_not_count():
    assert alike("and so on " * 300 + "The answer is 3.", "and so on " * 300 + "The answer is 4.")


def test_what_the_teacher_is_shown_is_counted_in_bytes():
    far, near = "é so on " * 230, "é so on " * 200  # 2070 and 1800 bytes, in fewer characters
    assert alike(f"{far} 3.", f"{far} 4.")
    assert not alike(f"{near} 3.", f"{near} 4.")


TEXTS = st.text(alphabet="abn 0123456789.,-+×=\n(", max_size=40) | st.sampled_from([PENS, PENGUINS])


@given(TEXTS, TEXTS)
def test_symmetric_and_reflexive(one, other):
    assert alike(one, one)
    assert alike(one, other) == alike(other, one)


@given(st.lists(st.sampled_from(["3", "4", "12", "pens", "and", "not", "Tom", "=", "×", "+"]), max_size=30), st.data())
def test_any_number_changed_makes_another_mistake(words, data):
    assert alike(" ".join(words), "\n".join(words).upper() + " !?")
    numbers = [place for place, word in enumerate(words) if word.isdigit()]
    if numbers:
        place = data.draw(st.sampled_from(numbers))
        assert not alike(" ".join(words), " ".join([*words[:place], "7", *words[place + 1 :]]))


@given(st.lists(st.sampled_from(["ape", "bee", "cow", "dog", "elk"]), max_size=40), st.data())
def test_very_high_overlap_counted_slowly(words, data):
    """Without deciding words, and with the same last word, the share of common triples alone decides."""
    places = data.draw(st.sets(st.integers(0, max(0, len(words) - 2)), max_size=3))
    changed = ["fox" if place in places else word for place, word in enumerate(words)]
    one, other = [*words, "end"], [*changed, "end"]
    triples = [[f"{a} {b} {c}" for a, b, c in zip(t, t[1:], t[2:], strict=False)] for t in (one, other)]
    common = [triple for triple in dict.fromkeys(triples[0]) if triple in triples[1]]
    every = list(dict.fromkeys([*triples[0], *triples[1]]))
    expected = one == other or (len(every) > 0 and len(common) / len(every) >= 0.8)
    assert alike(" ".join(one), " ".join(other)) is expected
