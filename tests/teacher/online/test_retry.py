"""How long is waited before the next try."""

import pytest

from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.online.retry import back_off, wait_of


@pytest.mark.parametrize(
    ("wait", "tries", "waited"), [(1.0, 0, 1.0), (1.0, 1, 1.0), (1.0, 2, 8.0), (1.0, 3, 16.0), (60.0, 3, 60.0)]
)
def test_a_wait_that_was_told_in_vain_grows(wait, tries, waited):
    """Some gateways tell a second, whatever they need: five retries must see the end of a minute."""
    assert wait_of(RequestFailed("rate limit", "", wait=wait), tries) == waited


@pytest.mark.parametrize("wait", [None, 0.0])
def test_where_no_wait_is_told_none_is_made_up(wait):
    assert not wait_of(RequestFailed("rate limit", "", wait=wait), 4)


def test_five_retries_outlast_a_minute():
    told = RequestFailed("rate limit", "", wait=1.0)
    assert sum(wait_of(told, tries) for tries in range(1, 6)) > 60
    assert sum(back_off(tries, crowded=True) / 2 for tries in range(1, 6)) > 40
