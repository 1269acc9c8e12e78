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
        ({P: 200, T: 200}, 0),  # Gemini, of a reply that was withheld
        ({P: 200, C: True, T: 240}, None),
        ({P: 200, C: "40", T: 240}, None),
        ({P: 200, C: -40, T: 240}, None),
        ({P: 200, C: 10**9}, None),
        ({"input_tokens": 200, "output_tokens": 40}, 40),
        ({P: 200, C: 40, T: 240, "input_tokens": 0, "output_tokens": 0}, 40),  # one-api
        ({P: 200, C: 40, "input_tokens": 200, "output_tokens": 940}, 940),
        ({P: 100, C: 40, "input_tokens": 200}, 40),
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
        ({P: 200, C: 1, T: 201, "prompt_tokens_details": {"cached_tokens": 300}}, 0),  # the total has no room
        ({P: 200, C: 1, "prompt_tokens_details": {"cached_tokens": 150}}, 150),
        ({P: 200, C: 1, "prompt_cache_hit_tokens": 150, "prompt_cache_miss_tokens": 50}, 150),
        ({P: 200, C: 1, "cached_tokens": 150}, 150),
        ({"input_tokens": 50, "output_tokens": 1, "cache_read_input_tokens": 150}, 150),
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
        ({"cost": "$0.005"}, 0.005),
        ({"cost": "0.005 USD"}, 0.005),
        ({"cost": 0, "total_cost": 0.005}, 0.005),
        ({"cost": {"input_tokens_cost": 0.001, "output_tokens_cost": "$0.001", "request_cost": 0.005}}, 0.007),
        ({"prompt_cost": 0.001, "completion_cost": 0.004}, 0.005),
        ({"cost": {"total_cost": 0.006, "input_tokens_cost": 0.0}}, 0.006),
        ({"cost": 0.95, "cost_details": {"upstream_inference_cost": 19}}, 19.95),
        ({"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.01}}, 0.06),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}}, 0.01),
        ({"estimated_cost": 0.002}, 0.002),
        ({"cost_in_usd_ticks": 2_709_000}, 0.0002709),
        ({"cost_in_usd_ticks": 10**400}, None),
        ({"cost_in_usd_ticks": -(10**400)}, None),
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


@pytest.mark.parametrize(
    "details",
    [
        {DETAILS: [{"type": "reasoning", "tokens": 900}, {"type": "text", "tokens": 40}]},
        {DETAILS: [{"type": "reasoning", "tokens": 500}, {"type": "reasoning", "tokens": 400}]},
        {DETAILS: [{"reasoning_tokens": 900}]},
        {DETAILS: [[{"reasoning_tokens": 900}]]},
        {DETAILS: [{"name": "reasoning_tokens", "value": 900}]},
        {DETAILS: [{"category": "Thinking", "tokenCount": 900}]},
        {"outputTokensDetails": [{"modality": "THOUGHT", "tokenCount": 900}]},
        {DETAILS: {"reasoning": 900}},
        {DETAILS: {"reasoning": {"tokens": 900, "seconds": 12_000, "steps": 3_000}}},
        {DETAILS: {"thinking": "900"}},
        {DETAILS: {"generated": {"reasoning": {"count": 900}}}},
        {"reasoning": 900},
        {"thoughts": 900},
        {"thinking": {"tokens": 900, "budget_tokens": 20_000}},
        {"reasoningTokens": 900},
        {"reasoning-tokens": 900},
        {"thoughtsTokenCount": 900},
        {"reasoning_token_usage": 900},
        {"tokens_reasoning": 900},
        {"generation_reasoning_count": 900},
        {"charged_reasoning_units": 900},
        {"cot_tokens": 900},
        {"completion_reasoning_tokens": 900},
        {"usage_details": [{"kind": "thinking", "amount": 900}]},
    ],
    ids=str,
)
def test_thoughts_count_wherever_they_stand(details):
    taken = read_usage({P: 200, C: 40, **details})
    assert (taken.prompt, taken.completion, taken.thoughts) == (200, 940, 900)
    assert read_usage({P: 200, C: 40, T: 1140, **details}).completion == 940


@pytest.mark.parametrize(
    "others",
    [
        {"prompt_tokens_details": {"reasoning_tokens": 900}},
        {"prompt_tokens_details": [{"type": "reasoning", "tokens": 900}]},
        {"input_tokens_details": {"reasoning": {"tokens": 900}}},
        {"cached_reasoning_tokens": 900},
        {"reasoning": {"input_tokens": 900, "cached": 900}},
        {DETAILS: {"cache": {"reasoning_tokens": 900}}},
        {"reasoning_cost": 900, "reasoning_time_ms": 900, "thinking_budget": 900, "reasoning_effort": "high"},
        {"cost_details": {"reasoning": 900}},
        {"reasoning": True, "thinking": "on", "thoughts": None},
        {DETAILS: {"accepted_prediction_tokens": 900}},
        {DETAILS: [{"type": "text", "tokens": 40}, {"type": "audio", "tokens": 0}]},
    ],
    ids=str,
)
def test_what_is_no_thought_of_the_completion_is_not_counted(others):
    taken = read_usage({P: 200, C: 40, T: 240, **others})
    assert (taken.prompt, taken.completion, taken.thoughts) == (200, 40, 0)


@pytest.mark.parametrize(
    ("usage", "prompt", "completion"),
    [
        ({"inputTokens": 200, "outputTokens": 40, "totalTokens": 1140}, 200, 940),  # Bedrock
        (
            {"tokens": {"input_tokens": 200, "output_tokens": 40}, "billed_units": {"input_tokens": 9}},
            200,
            40,
        ),  # Cohere
        ({"PROMPT_TOKENS": 200, "Completion-Tokens": 40}, 200, 40),
        ({"prompt_tokens_details": {"input_tokens": 200}, C: 40}, None, 40),
    ],
)
def test_other_names_and_places_of_the_counts(usage, prompt, completion):
    taken = read_usage(usage)
    assert (taken.prompt, taken.completion) == (prompt, completion)


@pytest.mark.parametrize("total", [{}, {T: 501}])
def test_more_cached_tokens_than_the_prompt_has_stand_beside_it(total):
    taken = read_usage({P: 200, C: 1, **total, "prompt_tokens_details": {"cached_tokens": 300}})
    assert (taken.prompt, taken.completion, taken.cached) == (500, 1, 300)


def test_a_count_that_is_a_text_is_no_less_than_it_says():
    assert read_usage({P: 200, C: "940"}).least == 1140
    assert read_usage({P: "200", C: 940}).least == 1140


@pytest.mark.parametrize(
    ("usage", "prompt", "cached", "written"),
    [
        ({"input_tokens": 50, "output_tokens": 1, "cache_creation_input_tokens": 150}, 200, 0, 150),
        (
            {"input_tokens": 50, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 100, "output_tokens": 1},
            200,
            50,
            100,
        ),
        ({"inputTokens": 50, "outputTokens": 1, "cacheWriteInputTokens": 150}, 200, 0, 150),  # Bedrock
        ({P: 200, C: 1, "prompt_tokens_details": {"cache_write_tokens": 150}}, 200, 0, 150),  # OpenRouter
        ({P: 200, C: 1, "prompt_tokens_details": {"cache_creation_tokens": 150, "cached_tokens": 50}}, 200, 50, 150),
        ({P: 200, C: 1, "prompt_tokens_details": {"cache_write_tokens": 150, "cached_tokens": 100}}, 200, 50, 150),
        ({P: 50, C: 1, "cache_creation_input_tokens": 150}, 200, 0, 150),  # beside, as it cannot be within
        ({P: 50, C: 1, "prompt_tokens_details": [{"cache_write_tokens": 150}]}, 200, 0, 150),
        ({P: 200, C: 1, "cache_creation_input_tokens": 0}, 200, 0, 0),
        ({C: 1, "cache_creation_input_tokens": 150}, None, 0, 150),
    ],
)
def test_what_was_written_to_a_cache(usage, prompt, cached, written):
    taken = read_usage(usage)
    assert (taken.prompt, taken.cached, taken.written) == (prompt, cached, written)
