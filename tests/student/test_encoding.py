import torch

from tutelage.student.encoding import Encoded, encode, pad
from tutelage.student.losses import IGNORE


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


def test_padding_by_hand():
    rows = pad([Encoded((5, 6), (7,), False), Encoded((8,), (9, 10, 11), True)], prompt_weight=0.1)
    assert rows.tokens_RL.tolist() == [[5, 6, 7, IGNORE], [8, 9, 10, 11]]
    assert rows.input_RL.tolist() == [[5, 6, 7, 0], [8, 9, 10, 11]]
    assert rows.mask_RL.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert torch.allclose(rows.weights_RL, torch.tensor([[0.1, 0.1, 1.0, 0.0], [0.1, 1.0, 1.0, 1.0]]))
    assert rows.last_R.tolist() == [2, 3]
