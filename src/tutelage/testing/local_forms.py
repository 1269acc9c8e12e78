"""The forms of servers that users run themselves: vLLM, SGLang, llama.cpp and LM Studio."""

from __future__ import annotations

from tutelage.testing.faults import Fault
from tutelage.testing.form import THOUGHT, WORDS, Form, Json, fault, openai


def vllm() -> Form:
    """vllm-project/vllm#20409; from 0.10 on the error stands in a section. Thoughts: `--reasoning-parser`."""

    def error(status: int, kind: str, message: str) -> Fault:
        return fault(status, {"error": {"message": message, "type": kind, "param": None, "code": status}})

    def shape(whole: Json) -> Json:
        whole["choices"][0]["message"] |= {"reasoning_content": None, "tool_calls": []}
        return whole | {"usage": whole["usage"] | {"prompt_tokens_details": None}}

    long = "This model's maximum context length is 16384 tokens. However, you requested 19591 tokens."
    return Form(
        {
            **openai().troubles,
            "too-long": error(400, "BadRequestError", long),
            "bad-key": fault(401, {"error": "Unauthorized"}),
        },
        shape,
    )


def sglang() -> Form:
    """QwenLM/Qwen3#1321; usage: its protocol.py, where reasoning_tokens stand beside those that hold them."""

    def shape(whole: Json) -> Json:
        usage = whole["usage"]
        tokens = usage["completion_tokens"] + WORDS
        counted = {"completion_tokens": tokens, "total_tokens": usage["prompt_tokens"] + tokens}
        whole["choices"][0]["message"] |= {"reasoning_content": THOUGHT}
        return whole | {"usage": usage | counted | {"reasoning_tokens": WORDS}}

    long = "The input (61709 tokens) is longer than the model's context length (40960 tokens)."
    body = {"object": "error", "message": long, "type": "BadRequestError", "param": None, "code": 400}
    return Form({**openai().troubles, "too-long": fault(400, body)}, shape, WORDS)


def llama_cpp() -> Form:
    """ggml-org/llama.cpp#15780 and #19774."""
    long = "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it"
    error = {"code": 400, "message": long, "type": "exceed_context_size_error", "n_prompt_tokens": 4390, "n_ctx": 4096}
    loading = {"code": 503, "message": "Loading model", "type": "unavailable_error"}
    troubles = {"too-long": fault(400, {"error": error}), "overloaded": fault(503, {"error": loading})}
    return Form({**openai().troubles, **troubles}, lambda whole: whole | {"timings": {"prompt_n": 40}})


def lm_studio() -> Form:
    """lmstudio-ai/lmstudio-bug-tracker#237 and #2322: the status is a good one."""
    long = "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with less."
    return Form({**openai().troubles, "too-long": fault(200, {"error": long})})
