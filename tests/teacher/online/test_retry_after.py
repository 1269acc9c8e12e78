import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.online.retry_after import retry_after

NOW = 1_763_805_600.0  # Sat, 22 Nov 2025 10:00:00 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "350", "retry-after": "1"}, 0.35),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sat, 22 Nov 2025 10:00:07 GMT"}, 7.0),
        ({"retry-after": "Sat, 22 Nov 2025 09:59:00 GMT"}, 0.0),
        # The endpoint's clock is two hours ahead; so is its date.
        ({"retry-after": "Sat, 22 Nov 2025 12:00:07 GMT", "date": "Sat, 22 Nov 2025 12:00:02 GMT"}, 5.0),
        ({"retry-after": "5 seconds"}, 5.0),
        ({"retry-after": "500 milliseconds"}, 0.5),
        ({"x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-reset-requests": "150µs"}, 150e-6),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h0m1s"}, 3601.0),
        ({"x-ratelimit-reset-tokens": "2"}, 2.0),
        ({"x-ratelimit-reset-tokens": "later"}, None),
        ({"x-ratelimit-reset-tokens": "2s", "x-ratelimit-reset-requests": "9s"}, 2.0),
        (
            {
                "x-ratelimit-reset-tokens": "2s",
                "x-ratelimit-reset-requests": "9s",
                "x-ratelimit-remaining-requests": "0",
            },
            9.0,
        ),
        # Of limits that say what is left, only those that are used up ask to wait.
        ({"x-ratelimit-reset-requests": "23h59m", "x-ratelimit-remaining-requests": "900"}, None),
        ({"x-ratelimit-reset-after": "86000", "x-ratelimit-remaining": "900"}, None),
        (
            {
                "x-ratelimit-reset-requests": "23h59m",
                "x-ratelimit-remaining-requests": "900",
                "x-ratelimit-reset-tokens": "2s",
            },
            2.0,
        ),
        ({"retry-after": "3", "x-ratelimit-reset-requests": "9s"}, 3.0),
        ({"retry-after": str(int(NOW) + 7)}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW) + 7)}, 7.0),
        ({"x-ratelimit-reset-requests": str(int(NOW) + 7)}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW + 7) * 1000)}, 7.0),  # OpenRouter, in milliseconds
        ({"x-ratelimit-reset": str(int(NOW + 7) * 10**6)}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW + 7) * 10**9)}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW) - 7)}, 0.0),
        ({"x-ratelimit-reset": str(int(NOW) + 9), "date": "Sat, 22 Nov 2025 10:00:02 GMT"}, 7.0),
        ({"ratelimit-reset": "7"}, 7.0),
        ({"x-rate-limit-reset": str(int(NOW) + 7)}, 7.0),
        ({"ratelimitbysize-reset": "7"}, 7.0),  # Mistral
        ({"x-ratelimit-reset-ms": "7000"}, 7.0),
        ({"x-ratelimit-reset-after": "7"}, 7.0),
        ({"ratelimit": '"default";r=0;t=7'}, 7.0),
        ({"ratelimit": "limit=100, remaining=0, reset=7"}, 7.0),
        ({"ratelimit": "limit=100, remaining=9, reset=7"}, None),
        ({"ratelimit": '"day";r=900;t=80000, "minute";r=0;t=2'}, 2.0),
        ({"ratelimit": '"day";r=0;t=80000, "minute";r=9;t=2'}, 80_000.0),
        ({"ratelimit": '"day";t=80000, "minute";t=2'}, 2.0),
        ({"x-ratelimit-reset-requests": "2025-11-22T10:00:07Z"}, 7.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2025-11-22T10:00:07Z",
                "anthropic-ratelimit-tokens-remaining": "9000",
                "anthropic-ratelimit-tokens-reset": "2025-11-22T10:00:01Z",
            },
            7.0,
        ),
        ({"x-ratelimit-reset-tokens-minute": "2", "x-ratelimit-reset-requests-day": "33011.4"}, 2.0),  # Cerebras
        (
            {
                "x-ratelimit-remaining-requests-day": "0",
                "x-ratelimit-reset-requests-day": "33011",
                "x-ratelimit-reset-tokens-minute": "2",
            },
            33011.0,
        ),
    ],
)
def test_reads_what_endpoints_send(headers, seconds):
    assert retry_after(headers, NOW) == pytest.approx(seconds)


def test_a_limit_is_used_up_if_it_has_less_left_than_the_request_needs():
    headers = {
        "x-ratelimit-reset-requests": "23h",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-tokens": "2s",
        "x-ratelimit-remaining-tokens": "700",
    }
    assert retry_after(headers, NOW, tokens=701) == 2.0
    assert retry_after(headers, NOW, tokens=700) is None


def test_what_the_body_asks_for_comes_before_the_state_of_the_limits():
    assert retry_after({"x-ratelimit-reset-tokens": "2"}, NOW, 34.4) == 34.4
    assert retry_after({"retry-after": "3"}, NOW, 34.4) == 3.0
    assert retry_after({}, NOW, 34.4) == 34.4


NAMES = ["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-requests", "x-ratelimit-remaining-tokens"]
TEXTS = st.text(max_size=30) | st.sampled_from(["9" * 400, "1e999", "Sat, 99 Nov 2025 10:00:07 GMT", "٣", "1d", "0ms"])


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS))
def test_whatever_is_sent_it_is_a_wait_or_nothing(headers):
    seconds = retry_after(headers, NOW)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
