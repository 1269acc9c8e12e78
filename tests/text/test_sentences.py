from tutelage.text.sentences import pieces_of, sentences


def test_sentences_survive_decimals_and_abbreviations():
    text = "Mr. Lee pays $14.50 at 5 p.m. on St. Anne's Street. J. R. Smith pays 2.5 times that.\nDone"
    assert sentences(text) == [
        "Mr. Lee pays $14.50 at 5 p.m. on St. Anne's Street.",
        "J. R. Smith pays 2.5 times that.",
        "Done",
    ]


def test_a_full_stop_of_chinese_or_japanese_ends_a_sentence_without_a_space():
    assert sentences("剩下12个。现在有20个！对吗？\n是。") == ["剩下12个。", "现在有20个！", "对吗？", "是。"]
    assert (
        "".join(sentence + space for sentence, space in pieces_of("剩下12个。\n好。 对。")) == "剩下12个。\n好。 对。"
    )
