from tutelage.text.sentences import sentences


def test_sentences_survive_decimals_and_abbreviations():
    text = "Mr. Lee pays $14.50 at 5 p.m. on St. Anne's Street. J. R. Smith pays 2.5 times that.\nDone"
    assert sentences(text) == [
        "Mr. Lee pays $14.50 at 5 p.m. on St. Anne's Street.",
        "J. R. Smith pays 2.5 times that.",
        "Done",
    ]
