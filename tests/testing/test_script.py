import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.errors import ConfigError
from tutelage.testing import Fault
from tutelage.testing.script import NAMES, parse_script


def first(text, count):
    script = parse_script(text)
    return [script(number, {}) for number in range(count)]


def test_a_line_is_spent_in_order():
    assert first("ok*2, 429,half-body ,slow:2", 6) == [
        Fault(),
        Fault(),
        Fault.rate_limited(),
        Fault.half_body(),
        Fault.slow(2.0),
        None,
    ]


@pytest.mark.parametrize("text", ["ok,reset...", "ok,reset,..."])
def test_three_dots_repeat_it(text):
    assert first(text, 5) == [Fault(), Fault.reset()] * 2 + [Fault()]


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_goes_wrong(text):
    assert first(text, 3) == [None] * 3


def test_every_name_that_is_listed_is_known():
    made = [first(name.replace("SECONDS", "1.5"), 1)[0] for name in NAMES[:-1]]
    assert len(set(map(repr, made))) == len(made)
    assert first("429-date:3,429-ms:0.5*2,503:1.2,404", 5) == [
        Fault.rate_limited(3, "date"),
        *[Fault.rate_limited(0.5, "ms")] * 2,
        Fault.http(503, retry_after="2"),
        Fault.http(404),
    ]


@pytest.mark.parametrize("text", ["okay", "slow", "ok:2", "429*", "ok,,ok", "...", "399", "600", "slow:-1", "ok*2*2"])
def test_an_unknown_fault_names_those_that_are_known(text):
    with pytest.raises(ConfigError, match=r"is no fault; write .* half-body, .* slow:SECONDS"):
        parse_script(text)


@given(st.lists(st.tuples(st.sampled_from(NAMES[:-1]), st.integers(1, 4)), min_size=1), st.integers(0, 99))
def test_counts_add_up(items, number):
    text = ",".join(f"{name}*{count}" for name, count in items).replace("SECONDS", "2")
    whole = [fault for name, count in items for fault in first(name.replace("SECONDS", "2"), 1) * count]
    assert parse_script(text)(number, {}) == (whole[number] if number < len(whole) else None)
    assert parse_script(text + "...")(number, {}) == whole[number % len(whole)]


@given(st.text(max_size=30))
def test_any_other_text_is_an_error_in_one_line(text):
    message = ""
    try:
        parse_script(text)
    except ConfigError as error:
        message = str(error)
    assert "\n" not in message
