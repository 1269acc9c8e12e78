"""What was said is text on a page: it can't act, hide, reorder or flood."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.harmless import brief, said
from tutelage.view.site import environment

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
ANY = st.text(alphabet=st.characters(codec=None)) | st.sampled_from(["<script>", "\x1b[2J", "\u202e", "\ud800", "&lt;"])
PAGE = environment().from_string('<p title="{{ x }}">{{ x }}|{{ x | said }}|{{ x | brief }}|{{ [x] | join(x) }}</p>')


@given(st.lists(ANY).map("".join))
def test_no_text_leaves_its_place_in_a_page(text):
    made = PAGE.render(x=text)
    assert made.count("<") == 2
    assert made.count('"') == 2
    assert not UNSAFE.search(made)
    made.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>1 < 2</b>", "&lt;b&gt;1 &lt; 2&lt;/b&gt;"),
        ("two\nlines\r\nand\rmore", "two\nlines\nand\\rmore"),
        ("\x1b[2J\u202egnp", "\\x1b[2J\\u202egnp"),
        ("é 漢 ½ 😀", "é 漢 ½ 😀"),
        (None, ""),
    ],
)
def test_it_is_shown_as_it_is(text, shown):
    assert said(text) == shown


def test_a_long_text_is_cut_with_a_note():
    assert said("a" * 50, 20) == "a" * 20 + '<span class="cut">… 30 more characters</span>'
    assert len(said("\x00" * 10_000_000)) < 100_000
    assert brief("  two\n words " + "a" * 500, 20) == "two words aaaaaaaaa…"
