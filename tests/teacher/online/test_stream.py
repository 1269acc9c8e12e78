"""Replies in odd wrappings: events, comments, a byte order mark."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.online.completion import ErrorInReply, read_completion
from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.online.stream import plain_body
from tutelage.teacher.online.usage import Taken

COMPLETION = b'{"choices": [{"message": {"content": "12"}, "finish_reason": "stop"}]}'
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def events(*chunks, end=True, line=b"\n"):
    done = [b"data: [DONE]"] if end else []
    return b"".join(part + line * 2 for part in [*(b"data: " + json.dumps(chunk).encode() for chunk in chunks), *done])


def chunk(finish=None, **delta):
    return {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@pytest.mark.parametrize(
    "before",
    [
        b"\xef\xbb\xbf",
        b": OPENROUTER PROCESSING\n\n",
        b": keep-alive\n\n" * 9,
        b"\n\n\n",
        b"// served by a proxy\n",
        b"/* two\nlines */\n",
        b"# x\n",
        b": x\n\xef\xbb\xbf",
    ],
)
def test_what_may_stand_before_a_completion(before):
    assert read_completion(before + COMPLETION).text == "12"


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"\r"])
def test_events_are_put_together(line):
    body = events(
        chunk(role="assistant", reasoning_content="Hm. "),
        chunk(reasoning_content="So."),
        chunk(content="3 × 4"),
        chunk(content=" = 12"),
        chunk("length"),
        {"id": "c1", "choices": [], "usage": USAGE},
        line=line,
    )
    reply = read_completion(b": hello" + line * 2 + body)
    assert (reply.text, reply.finish_reason, reply.reasoning) == ("3 × 4 = 12", "length", "Hm. So.")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.served, reply.id) == (5, 2, "m", "c1")


def test_of_several_usages_the_largest_counts():
    usages = [{"prompt_tokens": 200, "completion_tokens": 500, "cost": 0.5}, {"prompt_tokens": 200}, None]
    usages.append({"prompt_tokens": 200, "completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 9}})
    reply = read_completion(events(chunk(content="12"), chunk("stop"), *({"usage": usage} for usage in usages)))
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cost_usd, reply.thoughts) == (200, 500, 0.5, 9)


def test_a_whole_completion_as_one_event():
    assert read_completion(b"event: message\ndata: " + COMPLETION + b"\n\n").text == "12"


def test_events_that_are_not_told_apart_by_an_empty_line():
    body = events(chunk(content="3 × 4"), chunk(content=" = 12"), chunk("stop")).replace(b"\n\n", b"\n")
    assert read_completion(body).text == "3 × 4 = 12"


def test_data_of_several_lines_and_of_none():
    pretty = json.dumps(json.loads(COMPLETION), indent=1).encode()
    lines = b"".join(b"data: " + line + b"\n" for line in pretty.split(b"\n"))
    assert read_completion(b"data:\n\n" + lines + b"\n").text == "12"


def test_texts_and_parts_among_events_are_put_together():
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "3 × 4"}]
    reply = read_completion(events(chunk(content=parts), chunk(content=" = "), chunk(content="12"), chunk("stop")))
    assert (reply.text, reply.reasoning) == ("3 × 4 = 12", "Hm.")
    text = [{"type": "text", "text": "12"}]
    assert read_completion(events(chunk(content="3 × 4 = "), chunk(content=text), chunk("stop"))).text == "3 × 4 = 12"


def test_a_whole_message_after_its_deltas_is_not_added_to_them():
    last = {"choices": [{"message": {"content": "3 × 4 = 12"}, "finish_reason": "stop"}]}
    assert read_completion(events(chunk(content="3 × 4"), chunk(content=" = 12"), last)).text == "3 × 4 = 12"


def test_an_error_among_events_has_the_bill_before_it():
    body = events({"choices": [], "usage": {**USAGE, "cost": 0.01}}, {"error": {"code": 502, "message": "died"}})
    with pytest.raises(ErrorInReply) as raised:
        read_completion(body)
    assert raised.value.taken == Taken(5, 2, cost_usd=0.01)


def test_an_error_among_events_is_one():
    body = events(chunk(content="3"), {"error": {"code": 502, "message": "died"}, "choices": []})
    with pytest.raises(ErrorInReply) as raised:
        read_completion(body)
    assert (raised.value.said.meant, raised.value.said.text) == (502, "died")


def test_events_that_break_off_are_no_reply():
    with pytest.raises(RequestFailed, match="no chat completion") as failure:
        read_completion(events(chunk(content="3"), end=False))
    assert failure.value.charged


@given(st.binary())
def test_whatever_comes_the_plain_body_is_an_end_of_it(body):
    assert body.strip().endswith(plain_body(body))
