"""What is sent beside the messages, and what a refusal teaches about it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.teacher.online.sessions import PROBLEMS, failures, requests, seen_by, spent, teach
from tutelage.config import TeacherConfig
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.online.parameters import Form, Parameters, seed_of
from tutelage.testing import Fault, answer_key_endpoint

USE_OTHER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
NO_SYSTEM = [
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.",
    "System role not supported",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "Only user and assistant roles are supported!",
    "Only user, assistant and tool roles are supported, got system.",
    "Developer instruction is not enabled for models/gemma-3-27b-it",
    "This model doesn't support system messages. Try again without a system message",
    'messages: Unexpected role "system".',
    "System messages are not supported by this model",
    "messages.0.role: Input should be 'user' or 'assistant'",
    "'system' is not one of ['user', 'assistant'] - 'messages.0.role'",
    "A conversation must start with a user message.",
    "first message role must be 'user'",
]
NO_MAX_TOKENS = [
    USE_OTHER,
    "max_tokens is not supported, use max_completion_tokens",
    "Unknown parameter: 'max_tokens'.",
    "max_completion_tokens: Field required",
    "max_tokens should not be set; please set max_completion_tokens",
]
NO_NEW_NAME = [
    "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}]",
    "property 'max_completion_tokens' is unsupported",
    'Invalid JSON payload received. Unknown name "max_completion_tokens": Cannot find field.',
    "Unrecognized request argument supplied: max_completion_tokens",
]
OTHER_FAULTS = [
    "max_tokens is too large: 900000. This model supports at most 4096 completion tokens",
    "'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's maximum context length is 1024 tokens",
    "This model's maximum context length is 2048 tokens. However, you requested 2500 tokens (500 in max_tokens)",
    "max_tokens must be at least 1",
    "Invalid value for 'model'",
    "the system is overloaded",
    "messages.1.role: Input should be 'system', 'user' or 'assistant'",
    "no message",
]


def config(**settings):
    return TeacherConfig.model_validate({"kind": "openai", "model": "m"} | settings)


def limit_of(body):
    return {name: body[name] for name in ("max_tokens", "max_completion_tokens") if name in body}


def refuse(message, when, status=400):
    return lambda _, body: Fault.http(status, message) if when(body) else None


def has_system(body):
    return any(message["role"] == "system" for message in body["messages"])


@pytest.mark.parametrize(
    ("messages", "sent", "taken"),
    [(NO_MAX_TOKENS, "max_tokens", "max_completion_tokens"), (NO_NEW_NAME, "max_completion_tokens", "max_tokens")],
)
def test_the_limit_s_name_is_learnt(messages, sent, taken):
    for message in messages:
        for status in (400, 422):
            parameters = Parameters(config(), sent)
            used = parameters.form
            assert parameters.learn(status, message, used)
            assert limit_of(parameters.body([], None)) == {taken: 512}
            assert parameters.learn(status, message, used)  # another one that was on its way
            assert not parameters.learn(status, message, parameters.form)  # the other name is refused, too
            assert not Parameters(config(token_limit=sent), sent).learn(status, message, used)


@pytest.mark.parametrize("message", NO_SYSTEM)
def test_that_there_is_no_system_role_is_learnt(message):
    parameters = Parameters(config(), "max_tokens")
    assert parameters.learn(400, message, Form("max_tokens"))
    asked = [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    assert parameters.body(asked, None)["messages"] == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c"},
    ]
    assert not parameters.learn(400, message, parameters.form)


@pytest.mark.parametrize("message", OTHER_FAULTS)
@pytest.mark.parametrize("sent", ["max_tokens", "max_completion_tokens"])
def test_other_faults_teach_nothing(message, sent):
    parameters = Parameters(config(), sent)
    assert not parameters.learn(400, message, parameters.form)
    assert parameters.form == Form(sent)


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 502, 503])
def test_other_statuses_teach_nothing(status):
    parameters = Parameters(config(), "max_tokens")
    assert not parameters.learn(status, USE_OTHER, parameters.form)


@given(st.lists(st.sampled_from([*NO_SYSTEM, *NO_MAX_TOKENS, *NO_NEW_NAME, *OTHER_FAULTS]) | st.text(), max_size=20))
def test_no_endpoint_is_asked_in_new_forms_for_ever(answers):
    parameters = Parameters(config(), "max_tokens")
    assert sum(parameters.learn(400, text, parameters.form) for text in answers) <= 2


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("message", "status", "refused"),
    [
        (USE_OTHER, 400, lambda body: "max_tokens" in body),
        (NO_SYSTEM[2], 400, has_system),
        (NO_SYSTEM[3], 500, has_system),
    ],
)
def test_what_is_learnt_holds_for_the_session(tmp_path, message, status, refused, batch, concurrency):
    with answer_key_endpoint(PROBLEMS, faults=refuse(message, refused, status)) as endpoint:
        settings = {"concurrency": concurrency, "batch": batch, "batch_poll": 0.02}
        delivered, error = teach(tmp_path, endpoint, requests(12), **settings)
        assert (error, len(delivered)) == (None, 12)
        assert all(feedback.verdict.correct for feedback in delivered)
        first = 12 if batch else concurrency
        assert len(endpoint.requests) <= 12 + first
        assert (
            sum(map(bool, map(refused, endpoint.requests))) <= first
        )  # those that were on their way when it was learnt
    assert seen_by(endpoint) == spent(tmp_path)
    assert failures(tmp_path) == {}
    with LedgerReader(tmp_path) as reader:
        assert reader.lost().requests == 0
        assert all(json.loads(row.request)["messages"][0]["role"] == "system" for row in reader.rows())


def test_both_are_learnt_within_the_limits(tmp_path):
    def faults(_, body):
        if "max_tokens" in body:
            return Fault.http(400, USE_OTHER)
        return Fault.http(400, NO_SYSTEM[0]) if has_system(body) else None

    with answer_key_endpoint(PROBLEMS, faults=faults) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(1))
        assert (error, len(delivered), len(endpoint.requests)) == (None, 1, 3)


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({}, "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
         "supported.", "set teacher.temperature to null to send none"),
        ({}, "temperature is deprecated for this model", "set teacher.temperature to null to send none"),
        ({"top_p": 0.9}, "top_p: Extra inputs are not permitted", "set teacher.top_p to null to send none"),
        ({"seed": 1}, "Unknown name \"seed\": Cannot find field.", "set teacher.seed to null to send none"),
        ({"token_limit": "max_tokens"}, USE_OTHER, "set teacher.token_limit to auto"),
        ({"extra_body": {"reasoning_effort": "low"}}, "Unrecognized request argument supplied: reasoning_effort",
         "take reasoning_effort out of teacher.extra_body"),
    ],
)  # fmt: skip
def test_a_parameter_that_is_refused_is_named_with_its_remedy(tmp_path, settings, message, remedy):
    with answer_key_endpoint(PROBLEMS, faults=lambda *_: Fault.http(400, message)) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(3), concurrency=1, **settings)
    assert delivered == []
    assert len(endpoint.requests) == 1
    assert message in str(error)
    assert remedy in str(error)


EXTRA = {
    "reasoning_effort": "low",
    "enable_thinking": False,
    "chat_template_kwargs": {"enable_thinking": False},
    "provider": {"order": ["a", "b"], "allow_fallbacks": False},
}


@pytest.mark.parametrize("batch", [False, True])
def test_everything_is_sent_as_it_is_set(tmp_path, batch):
    settings = {"temperature": None, "top_p": 0.9, "seed": 3, "extra_body": EXTRA, "batch": batch, "batch_poll": 0.02}
    with answer_key_endpoint(PROBLEMS) as endpoint:
        _, error = teach(tmp_path, endpoint, requests(1), **settings)
    assert error is None
    [body] = endpoint.requests
    assert "temperature" not in body
    assert (body["top_p"], body["seed"]) == (0.9, seed_of(3, 0))
    assert {name: body[name] for name in EXTRA} == EXTRA
    with LedgerReader(tmp_path) as reader:
        [row] = reader.rows()
    kept = json.loads(row.request)
    assert (kept["temperature"], kept["top_p"], kept["seed"], kept["extra_body"]) == (None, 0.9, 3, EXTRA)


def test_every_sample_has_a_seed_of_its_own_the_same_at_every_start(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        for _ in range(2):
            teach(tmp_path, endpoint, requests(1), seed=0, self_consistency=3)
            (tmp_path / "ledger.sqlite").unlink()
    seeds = [body["seed"] for body in endpoint.requests]
    assert len(set(seeds)) == 3
    assert sorted(seeds[:3]) == sorted(seeds[3:])
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    "change",
    [{"temperature": None}, {"top_p": 0.5}, {"seed": 1}, {"token_limit": "max_tokens"}, {"extra_body": {"a": 1}}],
)
def test_it_is_part_of_the_key(tmp_path, change):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        for settings in ({}, change, {}, change):
            teach(tmp_path, endpoint, requests(1), **settings)
        assert len(endpoint.requests) == 2


def test_the_key_of_a_request_that_uses_none_of_it_is_that_of_old(tmp_path):
    settings = {"extra_headers": {"X-Title": "mine"}, "key_env": None}
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(1), **settings)
    with LedgerReader(tmp_path) as reader:
        [row] = reader.rows()
    assert set(json.loads(row.request)) == {"endpoint", "model", "messages", "temperature", "max_tokens", "sample"}
