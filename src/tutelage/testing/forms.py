"""The forms in which servers other than OpenAI's reply and refuse, to rehearse a run for one of them.

TeacherEndpoint(reply, like="gemini")                   its replies, its usage without the reasoning that it charges
parse_script("ok*5,too-long,rate-limit", "gemini")      [{"error": {"code": 400, "status": "INVALID_ARGUMENT", …}}]

Each form names its source. Where a server's own form is unknown, OpenAI's is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from tutelage.testing.faults import Fault
from tutelage.testing.form import THOUGHT, WORDS, Form, Json, fault, openai
from tutelage.testing.local_forms import llama_cpp, lm_studio, sglang, vllm


def _anthropic() -> Form:
    """docs.claude.com/en/api/errors; the long prompt: claude-code#62560."""

    def error(status: int, kind: str, message: str, **headers: str) -> Fault:
        return fault(status, {"type": "error", "error": {"type": kind, "message": message}}, **headers)

    credit = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade."
    policy = "Output blocked by content filtering policy"
    limit = (
        "This request would exceed your organization's rate limit of 20,000 input tokens per minute. Please reduce the "
        "prompt length or the maximum tokens requested, or try again later."
    )
    return Form(
        {
            "too-long": error(400, "invalid_request_error", "prompt is too long: 211180 tokens > 200000 maximum"),
            "policy": error(400, "invalid_request_error", policy),
            "no-credits": error(400, "invalid_request_error", credit),
            "bad-key": error(401, "authentication_error", "invalid x-api-key"),
            "rate-limit": error(429, "rate_limit_error", limit, retry_after="1"),
            "overloaded": error(529, "overloaded_error", "Overloaded"),
        }
    )


def _gemini() -> Form:
    """Errors as a list: n4ze3m/page-assist#406; the wait: vercel/ai#18627; usage: discuss.ai.google.dev/t/98760."""

    def error(code: int, status: str, message: str, *details: Json) -> Fault:
        return fault(code, [{"error": {"code": code, "message": message, "status": status, "details": details}}])

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        return whole | {"usage": usage | {"total_tokens": usage["total_tokens"] + WORDS}}

    long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    quota = "You exceeded your current quota, please check your plan and billing details."
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.034s"}
    filtered = {"choices": [{"finish_reason": "content_filter", "index": 0, "message": {"role": "assistant"}}]}
    return Form(
        {
            "too-long": error(400, "INVALID_ARGUMENT", long),
            "policy": Fault(parts=filtered),
            "no-credits": error(403, "PERMISSION_DENIED", "Your prepayment credits are depleted: top up to go on."),
            "bad-key": error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
            "rate-limit": error(429, "RESOURCE_EXHAUSTED", quota, wait),
            "overloaded": error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        },
        shape,
        WORDS,
    )


def _openrouter() -> Form:
    """openrouter.ai/docs: api/reference/errors-and-debugging, use-cases/usage-accounting; open-webui/computer#293."""

    def error(code: int, message: str, status: int | None = None, **metadata: object) -> Fault:
        return fault(status or code, {"error": {"code": code, "message": message, "metadata": metadata}})

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens = usage["completion_tokens"] + WORDS
        details = {"reasoning_tokens": WORDS}
        whole["choices"][0]["message"] |= {"reasoning": THOUGHT}
        bill = {"cost": 0.00025, "is_byok": False, "completion_tokens": tokens, "completion_tokens_details": details}
        usage = usage | bill | {"total_tokens": usage["prompt_tokens"] + tokens}
        return whole | {"usage": usage, "provider": "BaseTen"}

    credit = (
        "This request requires more credits, or fewer max_tokens. You requested up to 512, but can only afford 200."
    )
    moderated = "gpt-4o requires moderation. Your input was flagged for violence. No credits were charged."
    flagged: Json = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI"}
    raw = "z-ai/glm-5.3-flash is temporarily rate-limited upstream. Please retry shortly."
    return Form(
        {
            "too-long": error(
                400, "This endpoint's maximum context length is 8192 tokens. However, you requested 9000."
            ),
            "policy": error(403, moderated, **flagged),
            "no-credits": error(402, credit),
            "bad-key": error(401, "No auth credentials found"),
            "rate-limit": error(429, "Provider returned error", raw=raw, provider_name="BaseTen"),
            "overloaded": error(502, "Provider returned error", 200, raw="upstream is down", provider_name="BaseTen"),
        },
        shape,
        WORDS,
        before=b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n",
    )


def _deepseek() -> Form:
    """Empty lines: api-docs.deepseek.com/quick_start/rate_limit; usage: its reference; the refusal: BettaFish#108."""

    def error(status: int, message: str) -> Fault:
        kind = "invalid_request_error"
        return fault(status, {"error": {"message": message, "type": kind, "param": None, "code": kind}})

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens, cached = usage["completion_tokens"] + WORDS, usage["prompt_tokens"] // 2
        counted = {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
        cache = {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": usage["prompt_tokens"] - cached}
        details = {"completion_tokens_details": {"reasoning_tokens": WORDS}}
        whole["choices"][0]["message"] |= {"reasoning_content": THOUGHT}
        return whole | {"usage": usage | counted | cache | details}

    long = "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens."
    return Form(
        {
            "too-long": error(400, long),
            "policy": error(400, "Content Exists Risk"),
            "no-credits": error(402, "Insufficient Balance"),
            "bad-key": error(401, "Authentication Fails, Your api key: ****xxxx is invalid"),
            "rate-limit": error(429, "Rate Limit Reached"),
            "overloaded": Fault(finish_reason="insufficient_system_resource"),
        },
        shape,
        WORDS,
        before=b"\n\n\n\n",
    )


def _dashscope() -> Form:
    """camel-ai/owl#432; help.aliyun.com/zh/model-studio/error-code."""
    flagged, kind = "Input data may contain inappropriate content.", "data_inspection_failed"
    arrears = "Access denied, please make sure your account is in good standing."
    return Form(
        {
            **openai().troubles,
            "policy": fault(400, {"error": {"code": kind, "param": None, "message": flagged, "type": kind}}),
            "no-credits": fault(400, {"error": {"code": "Arrearage", "message": arrears, "type": "Arrearage"}}),
        }
    )


def _xai() -> Form:
    """inspect_ai#2267 for the words; docs.x.ai/developers/rate-limits for thoughts beside the completion's tokens."""

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        details = {"completion_tokens_details": {"reasoning_tokens": WORDS}}
        return whole | {"usage": usage | details | {"total_tokens": usage["total_tokens"] + WORDS}}

    denied = "The caller does not have permission to execute the specified operation"
    flagged = "Content violates usage guidelines. Team: x, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"
    spent = "Your team has either used all available credits or reached its monthly spending limit."
    long = "This model's maximum prompt length is 131072 but the request contains 537812 tokens."
    return Form(
        {
            **openai().troubles,
            "too-long": fault(400, {"code": "Client specified an invalid argument", "error": long}),
            "policy": fault(403, {"code": denied, "error": flagged}),
            "no-credits": fault(403, {"code": denied, "error": spent}),
            "bad-key": fault(
                400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"}
            ),
            "rate-limit": fault(429, {"code": "Some resource has been exhausted", "error": "Too many requests"}),
        },
        shape,
        WORDS,
    )


def _groq() -> Form:
    """console.groq.com/docs/errors, .../flex-processing; the long prompt: gpt-researcher#985."""
    size = (
        "Request too large for model `llama-3.1-70b-versatile` on tokens per minute (TPM): Limit 6000, Requested 14368"
    )
    busy = {"message": "Flex tier capacity exceeded", "type": "capacity_exceeded"}
    limit = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "1s"}
    return Form(
        {
            **openai().troubles,
            "too-long": fault(413, {"error": {"message": size, "type": "tokens", "code": "rate_limit_exceeded"}}),
            "rate-limit": fault(429, {"error": {"message": "Rate limit reached", "type": "requests"}}, **limit),
            "overloaded": fault(498, {"error": busy}),
        },
        headers={"x-ratelimit-reset-requests": "1764382407", "x-ratelimit-remaining-requests": "14370"},
    )


def _mistral() -> Form:
    """docs.mistral.ai/capabilities/reasoning; spring-projects/spring-ai#5020."""

    def shape(whole: Json) -> Json:
        message = whole["choices"][0]["message"]
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
        message["content"] = [thinking, {"type": "text", "text": message["content"]}]
        return whole

    return Form(openai().troubles, shape)


FORMS: Mapping[str, Form] = {
    "openai": openai(),
    "anthropic": _anthropic(),
    "dashscope": _dashscope(),
    "deepseek": _deepseek(),
    "gemini": _gemini(),
    "groq": _groq(),
    "llama.cpp": llama_cpp(),
    "lm-studio": lm_studio(),
    "mistral": _mistral(),
    "openrouter": _openrouter(),
    "sglang": sglang(),
    "vllm": vllm(),
    "xai": _xai(),
}
