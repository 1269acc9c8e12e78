"""Stop criteria: when an answer ends, and which of its tokens count."""

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from tests.student.tiny import tiny_tokenizer
from tutelage.records import Completion
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampler import StopCriteria

TOKENIZER = tiny_tokenizer()
END = TOKENIZER.eos_token_id
ENDS = StopCriteria(TOKENIZER, frozenset([END]), PromptFormat(TOKENIZER).stop_strings)


def tokens(text: str) -> list[int]:
    return TOKENIZER(text, add_special_tokens=False).input_ids


def test_an_end_token_ends_an_answer():
    row = [*tokens("so 7."), END]
    assert ENDS(row)
    assert not any(ENDS(row[:n]) for n in range(len(row)))
    assert ENDS.completion(row) == Completion("so 7.", "stop", 6)


def test_an_answer_ends_where_a_next_question_begins():
    row = tokens("so 7.\nThe answer is 7.\n\nQuestion: and")
    over = [n for n in range(len(row) + 1) if ENDS(row[:n])]
    assert over[0] == len("so 7.\nThe answer is 7.\n\nQuestion:")
    assert ENDS.completion(row) == Completion("so 7.\nThe answer is 7.\n", "stop", len(row))


def test_length_and_stop_are_told_apart():
    assert ENDS.completion(tokens("so 7")) == Completion("so 7", "length", 4)
    assert ENDS.completion([*tokens("so 7"), END]).finish == "stop"
    assert ENDS.completion([]) == Completion("", "length", 0)


def test_a_stop_string_is_found_however_long_the_answer():
    row = tokens("and so on " * 40)
    assert not ENDS(row)
    assert ENDS([*row, *tokens("\nQuestion:")])
    assert ENDS.completion([*row, *tokens("\nQuestion:")]).text == "and so on " * 40


@pytest.mark.parametrize("string", ["=", "ä₂🎓"])
def test_stop_strings_of_a_letter_and_of_letters_of_many_bytes(string):
    ends = StopCriteria(TOKENIZER, frozenset(), (string,))
    row = tokens("2 × 3 " + string)
    assert [n for n in range(len(row) + 1) if ends(row[:n])] == [len(row)]
    assert ends.completion(row).text == "2 × 3 "


def test_the_first_of_several_stop_strings_cuts():
    ends = StopCriteria(TOKENIZER, frozenset(), ("\n\n", "Q:"))
    assert ends.completion(tokens("a Q: b\n\nc")).text == "a "


def test_without_stop_strings_only_tokens_end():
    ends = StopCriteria(TOKENIZER, frozenset([END]))
    assert not ends(tokens("\nQuestion:"))
    assert not ends([])


def test_what_follows_a_prefix_keeps_its_first_space():
    """The decoders of Llama 2, Mistral and Phi-3 drop it at the beginning of a text."""
    letters = Tokenizer(models.BPE({letter: n for n, letter in enumerate("▁12-=.anspe ")}, []))
    letters.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    letters.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]  # as of Llama 2
    )
    ends = StopCriteria(PreTrainedTokenizerFast(tokenizer_object=letters), frozenset())
    prefix, whole = letters.encode("12 pens.").ids, letters.encode("12 pens. 12 - 2 = 1").ids
    row = whole[len(prefix) :]
    assert [*prefix, *row] == whole
    assert ends.completion(row).text == "12 - 2 = 1"
    assert ends.completion(row, prefix).text == " 12 - 2 = 1"
    assert ends.completion([], prefix).text == ""
