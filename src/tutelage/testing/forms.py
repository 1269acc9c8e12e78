"""How servers other than OpenAI's answer and refuse, so that a run can be rehearsed for one of them.

TeacherEndpoint(reply, like="gemini")                   its replies, its usage without the thoughts that it charges
parse_script("ok*5,too-long,rate-limit", "gemini")      [{"error": {"code": 400, "status": "INVALID_ARGUMENT", …}}]

Each form says where it is from. What is not known of a server is as OpenAI has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tutelage.testing.faults import Fault

Json = dict[str, Any]
TROUBLES = ("too-long", "policy", "no-credits", "bad-key", "rate-limit", "overloaded")
"""What every form has its own words for."""
THOUGHT = "Let me see what is asked for, and go step by step."
_WORDS = len(THOUGHT.split())


def _same(whole: Json) -> Json:
    return whole


@dataclass(frozen=True, slots=True)
class Form:
    """One server's: `shape` turns OpenAI's completion into its own; `thoughts` are tokens charged beside the text."""

    troubles: Mapping[str, Fault]
    shape: Callable[[Json], Json] = _same
    thoughts: int = 0
    before: bytes = b""
    """Sent before every reply."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sent with every reply."""


def _fault(status: int, body: object, **headers: str) -> Fault:
    return Fault(status, {key.replace("_", "-"): value for key, value in headers.items()}, json.dumps(body).encode())


def _openai() -> Form:
    """platform.openai.com/docs/guides/error-codes; the flagged prompt: pal-mcp-server#178."""
    long = "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens."
    flagged = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
    quota = "You exceeded your current quota, please check your plan and billing details."
    limit = "Rate limit reached for gpt-4.1-mini on requests per min (RPM): Limit 3, Used 3. Please try again in 1s."
    return Form(
        {
            "too-long": Fault.http(400, long, code="context_length_exceeded"),
            "policy": Fault.http(400, flagged, code="invalid_prompt"),
            "no-credits": Fault.http(429, quota, code="insufficient_quota"),
            "bad-key": Fault.http(401, "Incorrect API key provided: sk-x.", code="invalid_api_key"),
            "rate-limit": Fault.http(429, limit, code="rate_limit_exceeded"),
            "overloaded": Fault.http(503, "The engine is currently overloaded, please try again later"),
        }
    )


def _anthropic() -> Form:
    """docs.claude.com/en/api/errors; the long prompt: claude-code#62560."""

    def error(status: int, kind: str, message: str, **headers: str) -> Fault:
        return _fault(status, {"type": "error", "error": {"type": kind, "message": message}}, **headers)

    credit = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade."
    policy = "Output blocked by content filtering policy"
    return Form(
        {
            "too-long": error(400, "invalid_request_error", "prompt is too long: 211180 tokens > 200000 maximum"),
            "policy": error(400, "invalid_request_error", policy),
            "no-credits": error(400, "invalid_request_error", credit),
            "bad-key": error(401, "authentication_error", "invalid x-api-key"),
            "rate-limit": error(429, "rate_limit_error", "This request would exceed your rate limit.", retry_after="1"),
            "overloaded": error(529, "overloaded_error", "Overloaded"),
        }
    )


def _gemini() -> Form:
    """Errors as a list: n4ze3m/page-assist#406; the wait: vercel/ai#18627; usage: discuss.ai.google.dev/t/98760."""

    def error(code: int, status: str, message: str, *details: Json) -> Fault:
        return _fault(code, [{"error": {"code": code, "message": message, "status": status, "details": details}}])

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        return whole | {"usage": usage | {"total_tokens": usage["total_tokens"] + _WORDS}}

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
        _WORDS,
    )


def _openrouter() -> Form:
    """openrouter.ai/docs: api/reference/errors-and-debugging, use-cases/usage-accounting; open-webui/computer#293."""

    def error(code: int, message: str, status: int | None = None, **metadata: object) -> Fault:
        return _fault(status or code, {"error": {"code": code, "message": message, "metadata": metadata}})

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens = usage["completion_tokens"] + _WORDS
        details = {"reasoning_tokens": _WORDS}
        whole["choices"][0]["message"] |= {"reasoning": THOUGHT}
        bill = {"cost": 0.00025, "is_byok": False, "completion_tokens": tokens, "completion_tokens_details": details}
        usage = usage | bill | {"total_tokens": usage["prompt_tokens"] + tokens}
        return whole | {"usage": usage, "provider": "BaseTen"}

    credit = (
        "This request requires more credits, or fewer max_tokens. You requested up to 512, but can only afford 200."
    )
    flagged: Json = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI"}
    raw = "z-ai/glm-5.3-flash is temporarily rate-limited upstream. Please retry shortly."
    return Form(
        {
            "too-long": error(
                400, "This endpoint's maximum context length is 8192 tokens. However, you requested 9000."
            ),
            "policy": error(403, "openai/gpt-4o requires moderation. Your input was flagged for violence.", **flagged),
            "no-credits": error(402, credit),
            "bad-key": error(401, "No auth credentials found"),
            "rate-limit": error(429, "Provider returned error", raw=raw, provider_name="BaseTen"),
            "overloaded": error(502, "Provider returned error", 200, raw="upstream is down", provider_name="BaseTen"),
        },
        shape,
        _WORDS,
        before=b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n",
    )


def _vllm() -> Form:
    """vllm-project/vllm#20409; from 0.10 on the error stands in a section. Thoughts: `--reasoning-parser`."""

    def error(status: int, kind: str, message: str) -> Fault:
        return _fault(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})

    def shape(whole: Json) -> Json:
        whole["choices"][0]["message"] |= {"reasoning_content": None, "tool_calls": []}
        return whole | {"usage": whole["usage"] | {"prompt_tokens_details": None}}

    long = "This model's maximum context length is 16384 tokens. However, you requested 19591 tokens."
    return Form(
        {
            **_openai().troubles,
            "too-long": error(400, "BadRequestError", long),
            "bad-key": _fault(401, {"error": "Unauthorized"}),
        },
        shape,
    )


def _sglang() -> Form:
    """QwenLM/Qwen3#1321; usage: its protocol.py, where reasoning_tokens stand beside those that hold them."""

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens = usage["completion_tokens"] + _WORDS
        counted = {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
        whole["choices"][0]["message"] |= {"reasoning_content": THOUGHT}
        return whole | {"usage": usage | counted | {"reasoning_tokens": _WORDS}}

    long = "The input (61709 tokens) is longer than the model's context length (40960 tokens)."
    body = {"object": "error", "message": long, "type": "BadRequestError", "param": None, "code": 400}
    return Form({**_openai().troubles, "too-long": _fault(400, body)}, shape, _WORDS)


def _llama_cpp() -> Form:
    """ggml-org/llama.cpp#15780 and #19774."""
    long = "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it"
    error = {"code": 400, "message": long, "type": "exceed_context_size_error", "n_prompt_tokens": 4390, "n_ctx": 4096}
    loading = {"code": 503, "message": "Loading model", "type": "unavailable_error"}
    troubles = {"too-long": _fault(400, {"error": error}), "overloaded": _fault(503, {"error": loading})}
    return Form({**_openai().troubles, **troubles}, lambda whole: whole | {"timings": {"prompt_n": 40}})


def _lm_studio() -> Form:
    """lmstudio-ai/lmstudio-bug-tracker#237 and #2322: the status is a good one."""
    long = "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with less."
    return Form({**_openai().troubles, "too-long": _fault(200, {"error": long})})


def _deepseek() -> Form:
    """Empty lines: api-docs.deepseek.com/quick_start/rate_limit; usage: its reference; the refusal: BettaFish#108."""

    def error(status: int, message: str) -> Fault:
        kind = "invalid_request_error"
        return _fault(status, {"error": {"message": message, "type": kind, "param": None, "code": kind}})

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens, cached = usage["completion_tokens"] + _WORDS, usage["prompt_tokens"] // 2
        counted = {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
        cache = {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": usage["prompt_tokens"] - cached}
        details = {"completion_tokens_details": {"reasoning_tokens": _WORDS}}
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
        _WORDS,
        before=b"\n\n\n\n",
    )


def _dashscope() -> Form:
    """camel-ai/owl#432; help.aliyun.com/zh/model-studio/error-code."""
    flagged, kind = "Input data may contain inappropriate content.", "data_inspection_failed"
    arrears = "Access denied, please make sure your account is in good standing."
    return Form(
        {
            **_openai().troubles,
            "policy": _fault(400, {"error": {"code": kind, "param": None, "message": flagged, "type": kind}}),
            "no-credits": _fault(400, {"error": {"code": "Arrearage", "message": arrears, "type": "Arrearage"}}),
        }
    )


def _xai() -> Form:
    """inspect_ai#2267 for the words; docs.x.ai/developers/rate-limits for thoughts beside the completion's tokens."""

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        details = {"completion_tokens_details": {"reasoning_tokens": _WORDS}}
        return whole | {"usage": usage | details | {"total_tokens": usage["total_tokens"] + _WORDS}}

    denied = "The caller does not have permission to execute the specified operation"
    flagged = "Content violates usage guidelines. Team: x, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"
    spent = "Your team has either used all available credits or reached its monthly spending limit."
    long = "This model's maximum prompt length is 131072 but the request contains 537812 tokens."
    return Form(
        {
            **_openai().troubles,
            "too-long": _fault(400, {"code": "Client specified an invalid argument", "error": long}),
            "policy": _fault(403, {"code": denied, "error": flagged}),
            "no-credits": _fault(403, {"code": denied, "error": spent}),
            "bad-key": _fault(
                400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"}
            ),
            "rate-limit": _fault(429, {"code": "Some resource has been exhausted", "error": "Too many requests"}),
        },
        shape,
        _WORDS,
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
            **_openai().troubles,
            "too-long": _fault(413, {"error": {"message": size, "type": "tokens", "code": "rate_limit_exceeded"}}),
            "rate-limit": _fault(429, {"error": {"message": "Rate limit reached", "type": "requests"}}, **limit),
            "overloaded": _fault(498, {"error": busy}),
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

    return Form(_openai().troubles, shape)


FORMS: Mapping[str, Form] = {
    "openai": _openai(),
    "anthropic": _anthropic(),
    "dashscope": _dashscope(),
    "deepseek": _deepseek(),
    "gemini": _gemini(),
    "groq": _groq(),
    "llama.cpp": _llama_cpp(),
    "lm-studio": _lm_studio(),
    "mistral": _mistral(),
    "openrouter": _openrouter(),
    "sglang": _sglang(),
    "vllm": _vllm(),
    "xai": _xai(),
}
