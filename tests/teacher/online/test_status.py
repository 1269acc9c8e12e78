"""What a status and an endpoint's words mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import TeacherConfig
from tutelage.records import TRANSIENT
from tutelage.teacher.online.failures import Refused, RequestFailed
from tutelage.teacher.online.status import LONGEST_WAIT, explain_status

CONFIG = TeacherConfig(kind="openai", model="m")


def explain(status, code="", text="said", wait=None):
    return explain_status(status, code, text, wait, "http://e/v1", CONFIG)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, "", "authentication"),
        (403, "", "authentication"),
        (402, "", "quota"),
        (429, "insufficient_quota", "quota"),
        (400, "", "rejected request"),
        (404, "model_not_found", "rejected request"),
        (405, "", "rejected request"),
        (422, "", "rejected request"),
        (304, "", "rejected request"),
    ],
)
def test_what_is_refused_for_good(status, code, reason):
    refusal = explain(status, code)
    assert isinstance(refusal, Refused)
    assert refusal.reason == reason
    assert f"({status})" in str(refusal)
    assert "; " in str(refusal)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "rate limit"), *((status, "server error") for status in (408, 409, 425, 500, 503, 529))],
)
def test_what_may_pass(status, reason):
    failure = explain(status, wait=3.0)
    assert isinstance(failure, RequestFailed)
    assert (failure.reason, failure.wait, failure.charged) == (reason, 3.0, status == 408)
    assert str(failure) == f"the endpoint failed ({status}): said"


@pytest.mark.parametrize("status", [400, 403, 429, 500])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("content_filter", "refused by policy"),
        ("content_policy_violation", "refused by policy"),
        ("context_length_exceeded", "rejected request"),
    ],
)
def test_what_concerns_one_request_only(status, code, reason):
    failure = explain(status, code)
    assert isinstance(failure, RequestFailed)
    assert failure.reason == reason


@pytest.mark.parametrize("status", [429, 503])
def test_who_wants_to_be_left_alone_for_too_long(status):
    assert isinstance(explain(status, wait=LONGEST_WAIT), RequestFailed)
    refusal = explain(status, wait=LONGEST_WAIT + 1)
    assert isinstance(refusal, Refused)
    assert "http://e/v1 wants to be left alone for 15 min" in str(refusal)


@given(st.integers(300, 599), st.text(), st.text(), st.none() | st.floats(0))
def test_whatever_the_status_it_is_explained(status, code, text, wait):
    assert str(status) in str(explain(status, code, text, wait))


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (400, "", "prompt is too long: 211180 tokens > 200000 maximum"),
        (400, "", "The input (61709 tokens) is longer than the model's context length (40960 tokens)."),
        (400, "exceed_context_size_error", "request (4390 tokens) exceeds the available context size (4096 tokens)"),
        (400, "", "The number of tokens to keep from the initial prompt is greater than the context length"),
        (400, "", "The decoder prompt (length 10127) is longer than the maximum model length of 8192."),
        (400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed"),
        (413, "rate_limit_exceeded", "Request too large for model `m` on tokens per minute (TPM): Limit 6000"),
        (429, "", "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389."),
        (500, "server_error", "Context size has been exceeded."),
        (422, "", "This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
        (400, "", "input length and `max_tokens` exceed context limit: 197202 + 8192 > 200000"),
        (400, "", "Invalid request: Your request exceeded model token limit: 8192"),
        (400, "invalid_parameter_error", "Range of input length should be [1, 30720]"),
        (422, "", "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"),
        (422, "", "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens"),
        (400, "1261", "Prompt 超长"),
        (400, "ValidationException", "Input Tokens Exceeded: Number of input tokens exceeds maximum length"),
        (400, "", "The sum of prompt length (9000) and max_tokens (512) should not exceed max_num_tokens (8192)"),
    ],
)
def test_a_prompt_that_is_too_long(status, code, text):
    failure = explain(status, code, text)
    assert isinstance(failure, RequestFailed)
    assert failure.reason == "rejected request"
    assert "the prompt is too long" in str(failure)
    assert text in str(failure)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (400, "invalid_request_error", "Content Exists Risk"),
        (400, "data_inspection_failed", "Input data may contain inappropriate content."),
        (400, "", "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content."),
        (400, "invalid_prompt", "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
        (403, "", "openai/gpt-4o requires moderation on OpenAI. Your input was flagged for violence."),
        (403, "", "gpt-4o requires moderation. Your input was flagged for violence. No credits were charged."),
        (400, "1301", "系统检测到输入或生成内容可能包含不安全或敏感内容"),
        (403, "The caller does not have permission", "Content violates usage guidelines. Failed check: X"),
        (400, "content_filter", "The response was filtered due to the prompt triggering Azure's content policy"),
        (400, "", "Output blocked by content filtering policy"),
        (400, "", "Request blocked by guardrail: pii"),
        (446, "", "The guardrail has intervened"),
        (451, "censorship_blocked", "The content you provided or machine-outputted is blocked."),
        (400, "1301", "系统检测到输入或生成内容可能包含 sensitive content"),
    ],
)
def test_a_prompt_that_is_forbidden(status, code, text):
    failure = explain(status, code, text)
    assert isinstance(failure, RequestFailed)
    assert (failure.reason, failure.charged) == ("refused by policy", False)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (429, "exceeded_current_quota_error", "Your account is suspended due to insufficient balance"),
        (429, "", "You exceeded your current quota, please check your plan and billing details."),
        (429, "1113", "余额不足或无可用资源包,请充值。"),
        (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
        (403, "denied", "Your team has either used all available credits or reached its monthly spending limit."),
        (403, "", "Key limit exceeded (monthly limit)."),
        (403, "", "Quota exceeded for this API key"),
        (403, "", "You have exceeded your monthly quota."),
        (402, "", "Insufficient Balance"),
        (403, "NOT_ENOUGH_BALANCE", "not enough balance"),
        (403, "", "Your newly created team doesn't have any credits yet. You can purchase credits on https://x.ai"),
        (412, "PRECONDITION_FAILED", "Account a is suspended, possibly due to reaching the monthly spending limit"),
        (412, "PRECONDITION_FAILED", "Your account is suspended"),
        (403, "", "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing."),
        (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."),
        (400, "", "You have reached your specified API usage limits. You will regain access on 2026-12-01."),
        (400, "budget_exceeded", "Budget has been exceeded! Current cost: 2.0, Max budget: 1.0"),
        (429, "", "ExceededBudget: User=default over budget. Spend=1.0, Budget=1.0"),
    ],
)
def test_an_account_without_credits(status, code, text):
    refusal = explain(status, code, text)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.alone) == ("quota", None)
    assert text in str(refusal)


def test_words_of_a_quota_with_a_wait_are_a_limit():
    """Gemini says the same of what a minute may hold, and for how long to wait."""
    text = "You exceeded your current quota, please check your plan and billing details."
    assert explain(429, "RESOURCE_EXHAUSTED", text, 34.4).reason == "rate limit"
    assert explain(402, "", "in flight", 2.0).reason == "rate limit"
    refusal = explain(429, "RESOURCE_EXHAUSTED GenerateRequestsPerDayPerProjectPerModel-FreeTier", text, 26.6)
    assert isinstance(refusal, Refused)
    assert "the limit for a day" in str(refusal)


@pytest.mark.parametrize(
    "text",
    [
        "Too many tokens per day, please wait before trying again.",
        "you have used up your daily free allocation of 10,000 neurons",
    ],
)
def test_the_limit_of_a_day_ends_the_session_unless_a_wait_is_told(text):
    refusal = explain(429, text=text)
    assert isinstance(refusal, Refused)
    assert "the limit for a day" in str(refusal)
    assert explain(429, text=text, wait=20.0).wait == 20.0


@pytest.mark.parametrize("status", [424, 429, 498, 499, 529])
def test_what_is_too_much_passes(status):
    failure = explain(status)
    assert isinstance(failure, RequestFailed)
    assert failure.reason in TRANSIENT
    assert failure.crowded == (status in (429, 498, 529))
    assert not explain(status, wait=3.0).crowded
    assert not failure.charged


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.parametrize("text", ["context canceled", "context deadline exceeded: the prompt is too long to wait for"])
def test_what_a_gateway_gave_up_is_no_prompt_that_is_too_long(status, text):
    failure = explain(status, text=text)
    assert isinstance(failure, RequestFailed)
    assert failure.reason == "server error"


@pytest.mark.parametrize("status", [408, 502, 504, 524])
def test_a_gateway_that_gave_up_may_be_charged(status):
    assert explain(status).charged


@pytest.mark.parametrize("status", [500, 503, 520, 522, 529])
def test_others_are_not(status):
    assert not explain(status).charged


@pytest.mark.parametrize(
    ("status", "own"),
    [
        *((status, True) for status in (400, 403, 405, 406, 410, 418, 422, 431, 451)),
        (404, True),
        *((status, False) for status in (301, 304, 401, 407)),
    ],
)
def test_what_may_be_the_fault_of_one_request(status, own):
    assert (explain(status, text="computer says no").alone is not None) == own


@pytest.mark.parametrize(
    ("status", "text"),
    [(403, "Invalid API key"), (400, "API key not valid. Please pass a valid API key."), (401, "invalid x-api-key")],
)
def test_a_bad_key_is_never_the_fault_of_one_request(status, text):
    refusal = explain(status, text=text)
    assert (refusal.reason, refusal.alone) == ("authentication", None)
    assert f"refused the key ({status}); check $OPENAI_API_KEY (it says: {text})" in str(refusal)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (429, "This request would exceed your rate limit of 20,000 input tokens per minute. Please reduce the prompt"),
        (429, "Too many tokens, please wait before trying again."),
        (400, "ThrottlingException: Too many tokens, please wait before trying again."),
        (400, "Requests throttling triggered"),
        (403, "Rate limit exceeded"),
        (503, "Too many tokens in flight; reduce your input, or try again"),
    ],
)
def test_words_of_a_long_prompt_and_of_a_refusal_may_speak_of_a_limit(status, text):
    failure = explain(status, text=text)
    assert isinstance(failure, RequestFailed)
    assert failure.reason == ("server error" if status == 503 else "rate limit")
    assert failure.crowded == (status != 503)


@pytest.mark.parametrize("status", [429, 498, 529])
def test_a_wait_of_nothing_is_no_hint(status):
    """A time that has passed already: clocks differ."""
    assert explain(status, wait=0.0).crowded


@pytest.mark.parametrize(
    "text",
    ["Request contains a forbidden token sequence", "Sorry, you have been blocked: a certain word or key phrase"],
)
def test_a_key_of_another_kind_is_not_the_account_s(text):
    refusal = explain(403, text=text)
    assert refusal.alone is not None
    assert f"refused access (403): {text}" in str(refusal)


@pytest.mark.parametrize(
    "text", ["You must be a member of an organization", "Your team has no access to it: invalid tier"]
)
def test_access_is_no_matter_of_the_key(text):
    assert "refused access" in str(explain(401, "invalid_request_error", text))


@pytest.mark.parametrize("status", [404, 405, 410])
def test_what_is_said_of_a_model_is_seldom_one_request_s_own(status):
    refusal = explain(status)
    assert refusal.of_all
    assert refusal.alone.reason in TRANSIENT


@pytest.mark.parametrize("text", ["Unauthorized", "Your team has no access to it"])
def test_without_a_variable_for_the_key_none_is_named(text):
    config = CONFIG.model_copy(update={"key_env": None})
    refusal = str(explain_status(401, "", text, None, "http://e/v1", config))
    assert "teacher.extra_headers" in refusal
    assert "None" not in refusal


def test_a_proxy_s_login():
    assert "HTTPS_PROXY" in str(explain(407))
