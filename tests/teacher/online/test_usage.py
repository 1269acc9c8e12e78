"""What a reply took, wherever an endpoint says it; never less than was charged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.online.usage import Taken, read_usage

P, C, T = "prompt_tokens", "completion_tokens", "total_tokens"
DETAILS = "completion_tokens_details"


@pytest.mark.parametrize(
    ("usage", "completion"),
    [
        ({P: 200, C: 40, T: 240}, 40),
        ({P: 200, C: 940, T: 1140, DETAILS: {"reasoning_tokens": 900}}, 940),  # OpenAI, DeepSeek
        ({P: 200, C: 40, T: 1140, DETAILS: {"reasoning_tokens": 900}}, 940),  # xAI
        ({P: 200, C: 40, T: 1140}, 940),  # Gemini
        ({P: 200, C: 0, T: 1100, DETAILS: {"reasoning_tokens": 900}}, 900),  # CLIProxyAPI
        ({P: 200, C: 40, T: 240, "reasoning_tokens": 900}, 940),  # Perplexity
        ({P: 200, C: 940, T: 1140, "reasoning_tokens": 900}, 940),  # SGLang
        ({P: 200, C: 940, T: 1140, "reasoning_tokens": 900, DETAILS: {"reasoning_tokens": 900}}, 940),
        ({P: 200, C: 940, "reasoning_tokens": 900}, 1840),  # it may be beside, and nothing says that it is not
        ({P: 200, C: 940, DETAILS: {"reasoning_tokens": 900}}, 940),
        ({P: 200, C: 40, DETAILS: {"reasoning_tokens": 900}}, 940),
        ({P: 200, C: 40, "thoughtsTokenCount": 900}, 940),
        ({P: 200, C: 40, "thoughts_token_count": 900, T: 1140}, 940),
        ({P: 200, C: 40, T: 1140.0}, 940),
        ({P: 200, C: 40.2, T: 240}, 41),
        ({P: 200, C: 40, T: "1140"}, 940),
        ({P: 200, C: 40, T: -1}, 40),
        ({P: 200, C: 40, T: 10**25}, 40),
        ({P: 200, C: 40, T: None, DETAILS: None}, 40),
        ({P: 200, C: True, T: 240}, None),
        ({P: 200, C: "40", T: 240}, None),
        ({P: 200, C: -40, T: 240}, None),
        ({P: 200, C: 10**9}, None),
        ({"input_tokens": 200, "output_tokens": 40}, 40),
        (
            {"promptTokenCount": 200, "candidatesTokenCount": 40, "thoughtsTokenCount": 900, "totalTokenCount": 1140},
            940,
        ),
    ],
)
def test_the_completion_has_its_thoughts(usage, completion):
    taken = read_usage(usage)
    assert (taken.prompt, taken.completion) == (200, completion)


@pytest.mark.parametrize(
    ("usage", "least"),
    [
        ({T: 1140}, 1140),
        ({P: 200, T: 1140}, 1140),
        ({P: 200, DETAILS: {"reasoning_tokens": 900}}, 1100),
        ({C: 40, T: 240}, 240),
        ({P: 200, C: 40, T: 240}, 0),
        ({}, 0),
    ],
)
def test_what_is_not_told_apart_is_bounded(usage, least):
    assert read_usage(usage).least == least


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({P: 200, C: 1, "prompt_tokens_details": {"cached_tokens": 150}}, 150),
        ({P: 200, C: 1, "prompt_cache_hit_tokens": 150, "prompt_cache_miss_tokens": 50}, 150),
        ({P: 200, C: 1, "cached_tokens": 150}, 150),
        ({"input_tokens": 50, "output_tokens": 1, "cache_read_input_tokens": 150}, 150),
        ({P: 200, C: 1, "prompt_tokens_details": {"cached_tokens": 300}}, 0),
        ({P: 200, C: 1, "prompt_tokens_details": {"cached_tokens": -1}}, 0),
        ({C: 1, "cached_tokens": 5}, 0),
    ],
)
def test_what_came_from_a_cache(usage, cached):
    taken = read_usage(usage)
    assert taken.cached == cached
    assert taken.prompt in (200, None)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.0012}, 0.0012),
        ({"cost": "0.0012"}, 0.0012),
        ({"cost": {"total_cost": 0.006, "input_tokens_cost": 0.0}}, 0.006),
        ({"cost": 0.95, "cost_details": {"upstream_inference_cost": 19}}, 19.95),
        ({"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.01}}, 0.06),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}}, 0.01),
        ({"estimated_cost": 0.002}, 0.002),
        ({"cost_in_usd_ticks": 2_709_000}, 0.0002709),
        ({"cost": -1}, None),
        ({"cost": "free"}, None),
        ({"cost": True}, None),
        ({"cost": 1e9}, None),
        ({}, None),
    ],
)
def test_the_bill(usage, cost):
    assert read_usage(usage).cost_usd == pytest.approx(cost)


@pytest.mark.parametrize("said", [None, [], "unknown", 7])
def test_no_usage_says_nothing(said):
    assert read_usage(said) == Taken()


COUNTS = st.none() | st.integers(-5, 10**8) | st.floats() | st.text(max_size=5) | st.booleans()
NAMES = st.sampled_from([P, C, T, "reasoning_tokens", "thoughtsTokenCount", "cached_tokens", "cost", "input_tokens"])


@given(st.dictionaries(NAMES | st.just(DETAILS), COUNTS | st.dictionaries(NAMES, COUNTS)))
def test_whatever_it_says_it_is_a_count_or_nothing_and_never_less_than_its_parts(usage):
    taken = read_usage(json.loads(json.dumps(usage)))
    for count in (taken.prompt, taken.completion, taken.cached, taken.least):
        assert count is None or (isinstance(count, int) and count >= 0)
    said, total = usage.get(C), usage.get(T)
    if taken.completion is not None and isinstance(said, int) and not isinstance(said, bool):
        assert taken.completion >= said
        if isinstance(total, int) and not isinstance(total, bool) and total <= 10**7 and taken.prompt is not None:
            assert taken.prompt + taken.completion >= total


@pytest.mark.parametrize("name", ["num_reasoning_tokens", "reasoning_output_tokens", "thinking_tokens"])
def test_reasoning_beside_the_completion_counts_by_other_names_too(name):
    taken = read_usage({"prompt_tokens": 200, "completion_tokens": 40, name: 900})
    assert (taken.prompt, taken.completion, taken.thoughts) == (200, 940, 900)
