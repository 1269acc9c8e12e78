from tutelage.teacher.rewording import wordings
from tutelage.text.calculations import find_calculations
from tutelage.text.sentences import sentences

TEXT = "Natalia sold 48/2 = 24 clips in May. The sum is 48 + 24 = 72 clips altogether."


def test_the_text_itself_comes_first():
    assert next(wordings(TEXT)) == TEXT


def test_wordings_differ_and_keep_the_calculations():
    made = list(wordings(TEXT, "How many clips did Natalia sell?"))
    assert len(set(made)) >= 12
    for text in made:
        assert {"48/2 = 24", "48 + 24 = 72"} == {item.text for item in find_calculations(text)}


def test_calculation_first_and_words_first():
    made = list(wordings("The shop sold 48/2 = 24 clips in May."))
    assert "48/2 = 24, so the shop sold 24 clips in May." in made
    assert "The shop sold 24 clips in May, because 48/2 = 24." in made


def test_names_keep_their_capital():
    made = list(wordings("Rosa has 3 + 4 = 7 pens. She keeps them.", "How many pens has Rosa now?"))
    assert "3 + 4 = 7, so Rosa has 7 pens. She keeps them." in made
    assert "First, Rosa has 3 + 4 = 7 pens. So she keeps them." in made
    assert not any("rosa" in text for text in made)


def test_an_unknown_capital_is_left_where_it_is():
    assert all("so Zorbs" not in text for text in wordings("Zorbs have 3 + 4 = 7 legs. It is so."))


def test_layouts():
    assert "\n".join(sentences(TEXT)) in wordings(TEXT)
    assert "One has 3 pens. Two has 4 pens." in wordings("One has 3 pens\nTwo has 4 pens")
    assert next(wordings("")) == ""
