"""Answers without an end: they are read so far and no further, packed or plain, and end as a failure by name."""

import asyncio
import gzip
import tracemalloc

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.teacher.batch.sessions import Sessions
from tests.teacher.batch.sessions import requests as lines
from tests.teacher.online.sessions import PROBLEMS, failures, lost, requests, teach
from tutelage.errors import TeacherError
from tutelage.teacher.batch.client import split_lines
from tutelage.teacher.online.client_bounds import MOST_OF_A_REPLY, MOST_OF_AN_ERROR, bound_body
from tutelage.teacher.online.failures import RequestFailed
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

SOME = 48 * 2**20
"""Bytes that client and endpoint together may take: a few times the most of a reply, a hundredth of a flood."""


@pytest.fixture(autouse=True)
def bounded_memory():
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SOME


@pytest.mark.parametrize("packed", [True, False])
def test_a_reply(tmp_path, packed):
    with answer_key_endpoint(PROBLEMS, faults=[None, Fault.flood(packed=packed)]) as endpoint:
        delivered, error = teach(tmp_path, endpoint, requests(3), concurrency=1)
    assert error is None
    assert [feedback.failure for feedback in delivered] == [None, "broken reply", None]
    assert "the reply is longer than 4 MiB" in delivered[1].verdict.reason
    assert failures(tmp_path) == {"broken reply": 1}
    assert lost(tmp_path).requests == 1  # it may have been charged


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("status", "reason"), [(401, "authentication"), (404, "rejected request")])
def test_the_body_of_a_refusal(tmp_path, packed, status, reason):
    with TeacherEndpoint({}, faults=lambda *_: Fault.flood(packed=packed, status=status)) as endpoint:
        _, error = teach(tmp_path, endpoint, requests(1))
    assert isinstance(error, TeacherError)
    assert len(str(error)) < 600
    assert failures(tmp_path) == {reason: 1}


@pytest.mark.parametrize(("status", "reason"), [(401, "authentication"), (400, "rejected request")])
def test_a_refusal_that_is_packed_in_another_way_is_told_by_its_status(tmp_path, status, reason):
    fault = Fault(status, {"content-encoding": "br"}, b"\x0b\x02\x80abc\x03")
    with TeacherEndpoint({}, faults=lambda *_: fault) as endpoint:
        _, error = teach(tmp_path, endpoint, requests(3), retries=5)
    assert f"({status})" in str(error)
    assert set(failures(tmp_path)) == {reason}
    assert lost(tmp_path).requests == 0


@pytest.mark.parametrize("packing", ["x-gzip", "utf-8", "none", ""])
def test_what_is_packed_by_another_name_or_not_at_all(packing):
    data = b"x" * 300
    packed = gzip.compress(data) if packing == "x-gzip" else data
    assert asyncio.run(read_as(packed, packing)) == data


def test_the_body_of_a_server_error_is_tried_again(tmp_path):
    with answer_key_endpoint(PROBLEMS, faults=[Fault.flood(status=500)]) as endpoint:
        [feedback], error = teach(tmp_path, endpoint, requests(1), retries=1)
    assert (feedback.failure, error) == (None, None)


@pytest.mark.parametrize(
    "call", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches", "GET /v1/batches/*", "GET /v1/files/*/content"]
)
def test_the_answer_to_a_call_of_the_batch_api(tmp_path, call):
    lost = [Fault.reset()] if call == "GET /v1/batches" else []  # then the batch is looked for
    size = 64 if call.endswith("/content") else 4096  # a file may be long, a line of it may not
    faults = {call: [Fault.flood(size)], **({"POST /v1/batches": lost} if lost else {})}
    with answer_key_endpoint(PROBLEMS) as known, TeacherEndpoint(known.reply, batch_faults=faults) as endpoint:
        delivered, error = Sessions(tmp_path).hold(endpoint, lines(3), retries=2)
    assert error is None
    assert [feedback.failure for feedback in delivered] == [None] * 3


def test_one_line_of_results(tmp_path):
    def reply(body):
        return "x" * (MOST_OF_A_REPLY + 1) if "Tom has 3 " in str(body) else "2 × 4 = 8.\nThe answer is 8."

    with TeacherEndpoint(reply, keep=False) as endpoint:
        delivered, error = Sessions(tmp_path).hold(endpoint, lines(2))
    assert error is None
    assert [feedback.failure for feedback in delivered] == [None, "broken reply"]


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "\x01nonsense"])
def test_what_is_packed_in_another_way_is_not_unpacked(tmp_path, packing):
    fault = Fault(headers={"content-encoding": packing.replace("\x01", "")}, body=b"x")
    with TeacherEndpoint({}, faults=[fault]) as endpoint:
        [feedback], _ = teach(tmp_path, endpoint, requests(1))
    assert feedback.failure == "broken reply"
    assert "which was not asked for" in feedback.verdict.reason


@given(st.binary(max_size=300), st.sampled_from([None, "gzip"]), st.integers(1, 40))
def test_what_fits_arrives_whole(data, packing, piece):
    assert asyncio.run(read(200, data, packing, piece)) == data


def test_the_bounds_are_exact():
    assert len(asyncio.run(read(200, b"x" * MOST_OF_A_REPLY, "gzip", 1000))) == MOST_OF_A_REPLY
    with pytest.raises(RequestFailed, match="longer than 4 MiB"):
        asyncio.run(read(200, b"x" * (MOST_OF_A_REPLY + 1), "gzip", 1000))
    assert len(asyncio.run(read(500, b"x" * (MOST_OF_AN_ERROR + 1), None, 1000))) == MOST_OF_AN_ERROR


@given(st.lists(st.integers(0, 12)), st.integers(1, 7))
def test_lines_over_the_bound_come_empty_and_the_others_whole(lengths, piece):
    data = b"\n".join(b"x" * length for length in lengths)

    async def split():
        return [len(line) async for line in split_lines(pieces_of(data, piece), most=8)]

    assert asyncio.run(split()) == [length if length <= 8 else 0 for length in lengths or [0]]


async def pieces_of(data, size):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(status, data, packing, size):
    packed = gzip.compress(data) if packing else data
    return await read_as(packed, packing, status, size)


async def read_as(packed, packing, status=200, size=1000):
    response = httpx2.Response(
        status, headers={"content-encoding": packing} if packing else {}, content=pieces_of(packed, size)
    )
    response.request = httpx2.Request("POST", "http://e/v1/chat/completions")
    await bound_body(response)
    return await response.aread()
