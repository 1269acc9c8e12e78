"""The filter of the class book, from an address and back."""

from typing import get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.view.facts import COURSES, Filter, Sort
from tutelage.view.query import is_filtered, read_filter, read_page, written

BOOLEANS = st.none() | st.booleans()
SORTS = [sign + name for name in get_args(Sort) for sign in ("", "-")]
WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Z", "C"]), max_size=30)
FILTERS = st.builds(
    Filter,
    st.none() | st.sampled_from(COURSES),
    WORDS.map(lambda s: s or None),
    BOOLEANS,
    BOOLEANS,
    WORDS,
    st.sampled_from(SORTS),
)


@given(FILTERS)
def test_a_filter_is_read_as_it_was_written(wanted):
    assert read_filter(dict(parse_qsl(written(wanted).removeprefix("?")))) == wanted


@given(st.dictionaries(st.sampled_from(["course", "kind", "taught", "rejected", "q", "sort", "page"]), st.text()))
def test_any_address_has_a_filter(query):
    assert read_filter(query).sort in SORTS
    assert read_page(query) >= 1
    written(read_filter(query))


@pytest.mark.parametrize(
    ("query", "filter"),
    [
        ({}, Filter()),
        ({"course": "learned", "sort": "size", "taught": "maybe"}, Filter()),
        ({"q": "  two   apples "}, Filter(search="two apples")),
        ({"taught": "no", "rejected": "yes", "sort": "-gain"}, Filter(taught=False, rejected=True, sort="-gain")),
    ],
)
def test_what_it_cannot_mean_is_left_out(query, filter):
    assert read_filter(query) == filter
    assert is_filtered(filter) is (filter != Filter())


def test_the_next_page_of_a_filter():
    assert written(Filter(), 1) == ""
    assert written(Filter(course="learnt"), 3) == "?course=learnt&page=3"
    assert written(Filter(course="learnt"), course=None, sort="cost") == "?sort=cost"
