import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command import tutelage
from tutelage.text.printable import printable, printable_json

STEERING = "\x1b[2J\x9b\x07\r\x00\u202e\u2066\u200f\u2028\ufeff\U000e0041\ud83d"
ANY = st.text(st.characters() | st.sampled_from(STEERING))


@given(ANY)
def test_what_is_shown_neither_steers_nor_hides(text):
    assert all(part.isprintable() or part.isspace() for part in printable(text))
    assert len(printable(text).splitlines()) <= 1
    assert printable(printable(text)) == printable(text)
    assert [line.expandtabs() for line in printable(text, lines=True).split("\n")] == [
        "\t".join(map(printable, line.split("\t"))).expandtabs() for line in text.split("\n")
    ]


@given(st.dictionaries(ANY, ANY))
def test_json_stays_the_same_data(data):
    text = printable_json(data)
    assert json.loads(text) == data
    assert len(text.splitlines()) <= 1
    assert not set(STEERING) - set("[2J") & set(text)


def test_what_can_be_read_stays():
    for text in ("3 × 4 = 12, ½ – ‘日本’", "1\u202f800\u00a0€", "שלום", "naïve 🙂"):
        assert printable(text) == text


@pytest.mark.parametrize("name", ["que\x1b]0;x\x07stion", "\u202equestion", "a\x9b2J"])
def test_names_in_a_user_s_data_do_not_reach_the_terminal(tmp_path, name):
    (tmp_path / "p.jsonl").write_text(json.dumps({name: "3 × 4?", "answer": "12"}, ensure_ascii=False) + "\n")
    result = tutelage("tasks", "check", "custom", "--path", tmp_path / "p.jsonl")
    assert result.exit_code == 2
    assert not set(STEERING) - set("[2J") & set(result.output)
