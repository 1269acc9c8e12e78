from dataclasses import replace

from tutelage.student.encoding import Encoded, Encodings, encode


def test_what_fits_is_whole(format):
    encoded = encode(format, "1?", "one", 1000)
    assert not encoded.truncated
    assert encoded.completion[-1] == format.tokenizer.eos_token_id
    assert len(encoded) == len(encoded.prompt) + len(" one") + 1


def test_what_does_not_fit_loses_its_end_and_its_end_token(format):
    whole = encode(format, "1?", "one two three", 1000)
    cut = encode(format, "1?", "one two three", len(whole) - 1)  # by the end token alone
    assert cut.truncated
    assert cut.completion == whole.completion[:-1]
    assert format.tokenizer.eos_token_id not in cut.completion
    assert encode(format, "1?", "one", 3).completion == ()


def test_a_row_that_is_longer_than_the_model_can_look_at_is_left_out_whole(format):
    whole = encode(format, "1?", "one two three", 1000)
    short = replace(format, positions=len(whole) - 1)
    assert encode(replace(format, positions=len(whole)), "1?", "one two three", 1000) == whole
    assert encode(short, "1?", "one two three", 1000) == Encoded(whole.prompt, (), truncated=True)
    assert encode(short, "1?", "one two three", len(whole) - 1).completion == whole.completion[:-1]  # as the user says


def test_many_rows_are_tokenized_as_one_is(format):
    rows = [(f"{n % 7}?", f"one {n} två") for n in range(30)]
    for limit in (1000, 20, 3):
        together = Encodings(format, limit)
        together.add(rows)
        assert [together[row] for row in rows] == [encode(format, *row, limit) for row in rows]
        assert together["new?", "one"] == encode(format, "new?", "one", limit)
