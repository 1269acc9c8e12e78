import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.online.completion import LATEST, ErrorInReply, LatestReplies, Reply, read_completion
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.online.usage import Taken

COMPLETION = {
    "id": "chatcmpl-1",
    "choices": [{"message": {"role": "assistant", "content": "3 × 4 = 12"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 61, "completion_tokens": 9, "total_tokens": 70},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage"]), inner),
)


def read(**changes):
    return read_completion(json.dumps(COMPLETION | changes).encode())


def choice(**message):
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


def test_half_a_character_loses_no_reply():
    """JSON's escapes write a character beyond U+FFFF as a pair; a stream, or a cut, may separate the two."""
    body = json.dumps(COMPLETION | choice(content="12 \ud83d pens \ud83d\ude00"))
    assert read_completion(body.encode()).text == "12 \ufffd pens \U0001f600"
    events = [choice(content="12 pens \ud83d"), choice(content="\ude00")]
    lines = [json.dumps({"choices": [{"delta": each["choices"][0]["message"]}]}) for each in events]
    stream = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
    assert read_completion(stream.encode()).text == "12 pens \U0001f600"
    with pytest.raises(RequestFailed):
        read_completion(b"[" * 100_000 + b'"\\ud83d')


def test_what_is_read():
    assert read() == Reply("3 × 4 = 12", "stop", 61, 9, "chatcmpl-1")


@pytest.mark.parametrize(
    ("changes", "text", "finish"),
    [
        (choice(content="a"), "a", "stop"),
        (choice(content=None), "", "stop"),
        (choice(content="", refusal="no"), "no", "stop"),
        (choice(content=None, refusal="I must not"), "I must not", "content_filter"),
        (choice(content="a", refusal="no"), "a", "stop"),
        (choice(content="a", refusal=False), "a", "stop"),
        (choice(content="a", refusal={"type": "none"}), "a", "stop"),
        (choice(content=None, refusal={"text": "I must not"}), "I must not", "content_filter"),
        (choice(content=[{"type": "text", "content": "a"}]), "a", "stop"),
        ({"choices": [{"message": {"content": "a"}}]}, "a", "stop"),
        ({"choices": [{"message": {"content": "a", "reasoning": "b"}, "finish_reason": "length"}]}, "a", "length"),
        (choice(content="a\x00𝄞"), "a𝄞", "stop"),
        (choice(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "ab", "stop"),
        (choice(content=[{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}]), "a", "stop"),
        (choice(content=["a", {"type": "output_text", "text": {"value": "b"}}, {"type": "image_url"}]), "ab", "stop"),
        (choice(content={"parts": [{"text": "t", "thought": True}, {"text": "a"}]}), "a", "stop"),
        (choice(content=[{"type": "refusal", "refusal": "no"}]), "no", "content_filter"),
        (choice(content=[]), "", "stop"),
        (choice(content=[{"type": "text", "value": "a"}]), "a", "stop"),
        ({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, "a", "stop"),
        (choice(content="a") | {"error": {"code": 0, "message": "success"}}, "a", "stop"),
        (choice(), "", "stop"),
        ({"choices": [{"message": None, "finish_reason": "length"}]}, "", "length"),
        ({"choices": [{"text": "a", "finish_reason": "stop"}]}, "a", "stop"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "MAX_TOKENS"}]}, "a", "length"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "max_output_tokens"}]}, "a", "length"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "max_new_tokens"}]}, "a", "length"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "model_context_window_exceeded"}]}, "a", "length"),
        ({"choices": [{"message": {"content": "a"}, "finishReason": "TOKEN_LIMIT"}]}, "a", "length"),
        ({"choices": [{"message": {"content": "a"}, "finishReason": "TOOL"}]}, "a", "TOOL"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "end_turn"}]}, "a", "stop"),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter: SAFETY"}]}, "", "content_filter"),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "tool_calls"}]}, "a", "tool_calls"),
    ],
)
def test_forms_of_a_completion(changes, text, finish):
    reply = read(**changes)
    assert (reply.text, reply.finish_reason) == (text, finish)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (None, None)),
        ({}, (None, None)),
        ({"prompt_tokens": 61}, (61, None)),
        ({"prompt_tokens": None, "completion_tokens": 9}, (None, 9)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (None, None)),  # there is a prompt, and a text
        ({"prompt_tokens": 61, "completion_tokens": 0, "total_tokens": 61}, (61, None)),
        ({"prompt_tokens": -1, "completion_tokens": 9}, (None, 9)),
        ({"prompt_tokens": 10**25, "completion_tokens": "9"}, (None, None)),
        ("unknown", (None, None)),
    ],
)
def test_an_endpoint_may_not_say_what_it_took(usage, counts):
    reply = read(usage=usage)
    assert (reply.prompt_tokens, reply.completion_tokens) == counts


def test_a_count_of_nothing_for_no_text_is_a_count():
    assert read(**choice(content=None)).completion_tokens == 9
    reply = read(**choice(content=None), usage={"prompt_tokens": 61, "completion_tokens": 0})
    assert (reply.prompt_tokens, reply.completion_tokens) == (61, 0)


@pytest.mark.parametrize("wrapper", ["data", "response", "result"])
def test_a_completion_that_a_gateway_passes_on_in_a_section(wrapper):
    assert read_completion(json.dumps({"code": 0, wrapper: COMPLETION}).encode()).text == "3 × 4 = 12"
    with pytest.raises(ErrorInReply) as raised:
        read_completion(json.dumps({wrapper: {"error": {"code": 429, "message": "slow"}}}).encode())
    assert raised.value.said.meant == 429


@pytest.mark.parametrize(
    "beside",
    [
        {"reasoning_tokens": 900},
        {"choices": [{"message": {"content": "a"}, "reasoning_tokens": 900}]},
        {"choices": [{"message": {"content": "a", "reasoning_tokens": 900}}]},
        {"choices": [{"message": {"content": "a"}, "usage": {"prompt_tokens": 61, "total_tokens": 1001}}]},
        {"choices": [{"message": {"content": "a", "usage": {"prompt_tokens": 61, "completion_tokens": 940}}}]},
    ],
)
def test_what_stands_beside_the_usage_counts(beside):
    reply = read(
        **({"usage": {"prompt_tokens": 61, "completion_tokens": 40, "total_tokens": 101, "cost": 1.5}} | beside)
    )
    counted = reply.least_tokens or (reply.prompt_tokens or 0) + (reply.completion_tokens or 0)
    assert (counted, reply.cost_usd) == (1001, 1.5)


@pytest.mark.parametrize(
    ("parts", "cost"),
    [
        ({"cost": 0.005}, 0.005),
        ({"cost": {"total_cost": 0.005}}, 0.005),
        ({"usage": {"cost": 0}, "x": {"usage": {"cost": 0.005}}}, 0.005),
        ({"usage": {"cost": 0.001}, "x": {"usage": {"cost": 0.005}}}, 0.001),
        ({"cost": 0, "usage": {"cost": 0.005}}, 0.005),
    ],
)
def test_the_charge_may_stand_elsewhere(parts, cost):
    assert read(**parts).cost_usd == cost


def test_usage_in_a_section_of_the_vendor_s():
    usage = {"prompt_tokens": 61, "completion_tokens": 940}
    reply = read(usage=None, x_groq={"id": "req_1", "usage": usage})
    assert (reply.prompt_tokens, reply.completion_tokens) == (61, 940)


@pytest.mark.parametrize(
    ("usage", "taken"),
    [
        ({"cost": 0.01}, Taken(cost_usd=0.01)),
        ({"prompt_tokens": 61, "completion_tokens": 9, "cost": 0.01}, Taken(61, 9, cost_usd=0.01)),
        ({"prompt_tokens": 61, "completion_tokens": 9}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0, "cost": 0}, None),
        (None, None),
    ],
)
def test_an_error_takes_what_it_says(usage, taken):
    with pytest.raises(ErrorInReply) as error:
        read(choices=[{"message": {"content": "3 ×"}, "finish_reason": "error"}], usage=usage)
    assert error.value.taken == taken
    said = {"error": {"code": 502, "message": "died"}, "usage": usage}
    for body in (said, [said], {"data": said}, {"error": {**said["error"], "usage": usage}}):
        with pytest.raises(ErrorInReply) as error:
            read_completion(json.dumps(body).encode())
        assert error.value.taken == taken
    with pytest.raises(RequestFailed) as failure:
        read(choices=[7], usage=usage)
    assert failure.value.taken == taken


@pytest.mark.parametrize("cut", [b"12 \xc3", b"\xd7 12", b"12 \xf0\x9f\x98"])
def test_bytes_of_no_character_lose_no_reply(cut):
    body = json.dumps(COMPLETION | choice(content="12")).encode().replace(b'"12"', b'"' + cut + b'"')
    assert "12" in read_completion(body).text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the reply has an empty body"),
        (b" \n", "the reply has an empty body"),
        (b"<html>x</html>", "the reply is HTML: the body is wrong or missing; it begins '<html>x</html>'"),
        (b'{"choices": [', "the reply is no chat completion: the body is wrong"),
        (b"[]", "the reply is no chat completion: the body is wrong"),
        (b'{"detail": "pong"}', 'no chat completion: choices is wrong or missing; it begins \'{"detail": "pong"}\''),
        (b'{"choices": []}', "no chat completion: choices is wrong"),
        (b'{"choices": [{}]}', r"choices.0.message is wrong or missing"),
        (b'{"choices": [{"message": {"content": 7}}]}', r"choices.0.message.content is wrong"),
        (b"\xff\xfe", "no chat completion: the body is wrong"),
    ],
)
def test_what_is_no_completion_says_where(body, message):
    with pytest.raises(RequestFailed, match=message) as failure:
        read_completion(body)
    assert (failure.value.reason, failure.value.charged) == ("broken reply", True)


def test_html_is_known_by_its_type_too():
    with pytest.raises(RequestFailed, match="the reply is HTML"):
        read_completion(b"Bad gateway", "text/html; charset=utf-8")


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_reply_or_a_failure_in_one_line(body):
    failure = None
    try:
        assert read_completion(body).text.encode()
    except RequestFailed as caught:
        failure = caught
    assert failure is None or (failure.charged and "\n" not in str(failure) and len(str(failure)) < 500)


def test_a_reply_that_comes_again_for_another_question():
    latest, first, second = LatestReplies(), [{"content": "a"}], [{"content": "b"}]
    reply = Reply("3 × 4 = 12", "stop", 1, 1, "id-1")
    assert not latest.is_repeat(reply, first)
    assert not latest.is_repeat(reply, first)  # a cache may answer the same question so
    assert latest.is_repeat(reply, second)
    assert not latest.is_repeat(Reply("3 × 4 = 12", "stop", 1, 1, "id-2"), second)
    assert not latest.is_repeat(Reply("5 × 4 = 20", "stop", 1, 1, "id-1"), second)


def test_an_id_of_two_texts_tells_no_repeat():
    """A server that gives all replies one id may say the same of a question that is asked in two ways."""
    latest, one, other = LatestReplies(), [{"content": "a"}], [{"content": "b"}]
    assert not latest.is_repeat(Reply("12", "stop", 1, 1, "id"), one)
    assert not latest.is_repeat(Reply("20", "stop", 1, 1, "id"), one)
    assert not latest.is_repeat(Reply("20", "stop", 1, 1, "id"), other)
    assert not latest.is_repeat(Reply("12", "stop", 1, 1, "id"), other)


@pytest.mark.parametrize(
    ("text", "identity"), [("12", ""), ("", "id-1"), ("Hens do not fly.\nThe answer is no.", "id-1")]
)
def test_what_cannot_be_told_apart_is_no_repeat(text, identity):
    latest, reply = LatestReplies(), Reply(text, "stop", 1, 1, identity)
    assert not latest.is_repeat(reply, [{"content": "a"}])
    assert not latest.is_repeat(reply, [{"content": "b"}])


def test_only_the_latest_replies_are_remembered():
    latest = LatestReplies()
    for number in range(LATEST + 1):
        assert not latest.is_repeat(Reply("12", "stop", 1, 1, f"id-{number}"), [{"content": "a"}])
    assert latest.is_repeat(Reply("12", "stop", 1, 1, "id-1"), [{"content": "b"}])
    assert not latest.is_repeat(Reply("12", "stop", 1, 1, "id-0"), [{"content": "b"}])


@pytest.mark.parametrize(
    "message",
    [
        {"content": "a", "reasoning_content": "t"},
        {"content": "a", "reasoning": "t"},
        {"content": "a", "reasoning_details": [{"type": "reasoning.text", "text": "t"}]},
        {"content": "a", "thinking": "t"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"type": "text", "text": "a"}]},
        {"content": {"parts": [{"text": "t", "thought": True}, {"text": "a"}]}},
    ],
)
def test_thoughts_are_kept_beside_the_text(message):
    reply = read(**choice(**message), model="m-2026", provider="p")
    assert (reply.text, reply.reasoning, reply.served, reply.provider) == ("a", "t", "m-2026", "p")


@pytest.mark.parametrize(
    ("changes", "only"),
    [
        (choice(content="", reasoning="t"), True),
        (choice(content=None, reasoning_content="t"), True),
        (choice(content="a", reasoning="t"), False),
        (choice(content="<think>t</think>a"), False),
        (choice(content="<think>t</think>"), True),
        ({"choices": [{"message": {"content": "<think>t"}, "finish_reason": "length"}]}, True),
        (choice(content=None, thinking_blocks=[{"type": "thinking", "thinking": "t"}]), True),
        (choice(content=""), False),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}, True),  # thoughts that are hidden
        ({"choices": [{"message": {"content": "", "reasoning": "t"}, "finish_reason": "content_filter"}]}, False),
    ],
)
def test_whether_the_model_only_thought(changes, only):
    assert read(**changes).only_thought == only


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Rate limit exceeded"},
        {"error_message": "Too many requests"},
        {"errno": 336100, "errmsg": "too many requests"},
        {"__type": "ThrottlingException", "message": "Too many requests"},
        {"Message": "Too many requests"},
        {"success": False, "errors": [{"code": 7009, "message": "rate limit"}]},
    ],
)
def test_an_error_that_is_the_whole_body(body):
    with pytest.raises(ErrorInReply) as raised:
        read_completion(json.dumps(body).encode())
    assert raised.value.said.meant == 429


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"index": 0, "message": None, "finish_reason": None}], "usage": {"prompt_tokens": 20}},
        {"choices": None, "usage": {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 20}},
        {"choices": [], "usage": {"prompt_tokens": 20, "total_tokens": 20}},
        {"object": "chat.completion", "usage": {"prompt_tokens": 20, "total_tokens": 20}},  # Gemini
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 20}},
    ],
)
def test_what_was_withheld_without_a_word(body):
    reply = read_completion(json.dumps(body).encode())
    assert (reply.text, reply.finish_reason, reply.prompt_tokens) == ("", "content_filter", 20)


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({"choices": None, "error": {"code": 429, "message": "slow down"}}, 429),
        ({"error": {"code": "402", "message": "pay"}}, 402),
        ({"choices": [{"error": {"code": 503, "message": "x"}, "message": {"content": ""}}]}, 503),
        ({"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]}, 502),
        ({"choices": [{"message": {"content": "half"}, "finish_reason": "insufficient_system_resource"}]}, 503),
        ({"choices": [], "code": 500, "msg": "404 NOT_FOUND", "success": False}, None),
        (choice(content="", error={"code": 429, "message": "x"}), 429),
        (choice(content=None, error="Rate limit exceeded"), 429),
        ({"choices": [{"errors": [{"message": "Too many requests"}], "message": {"content": ""}}]}, 429),
        ({"choices": [{"delta": {"error": {"code": 503, "message": "x"}}}]}, 503),
        ({"choices": None, "error": True, "message": "Too many requests"}, 429),
        ({"choices": None, "error": 429, "message": "x"}, 429),
        ({"choices": None, "Error": {"Code": "Throttling", "Message": "Requests throttled"}}, 429),
        *(
            ({"choices": [{"message": {"content": "half"}, "finish_reason": reason}]}, meant)
            for reason, meant in {
                "failed": 502,
                "server_error": 502,
                "cancelled": 502,
                "aborted": 502,
                "timeout": 502,
                "engine_overloaded": 503,
                "rate_limit": 429,
            }.items()
        ),
    ],
)
def test_an_error_with_a_good_status(changes, meant):
    if meant is None:
        with pytest.raises(RequestFailed):
            read(**changes)
        return
    with pytest.raises(ErrorInReply) as raised:
        read(**changes)
    assert raised.value.said.meant == meant
