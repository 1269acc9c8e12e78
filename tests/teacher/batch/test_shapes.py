"""A Batch API's answers, whatever their shape and words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.batch.shapes import BatchState, fault_in, is_too_much, read_id, read_list, read_state

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["id", "status", "job", "data", "errors", "error", "progress", "request_counts", "total"]),
            inner,
        )
    ),
    max_leaves=12,
)


def state(**batch):
    return read_state(json.dumps(batch).encode())


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("completed COMPLETED Completed succeeded SUCCESS JOB_STATE_SUCCEEDED ended done", "completed"),
        ("failed FAILED error JOB_STATE_FAILED BATCH_STATUS_FAILED", "failed"),
        ("expired EXPIRED TIMEOUT_EXCEEDED timed-out", "expired"),
        ("cancelled CANCELLED canceled JOB_STATE_CANCELLED", "cancelled"),
    ],
)
def test_the_words_of_an_end(words, status):
    for word in words.split():
        assert (state(id="b", status=word).status, state(id="b", status=word).ended) == (status, True)


@pytest.mark.parametrize(
    "word", ["validating", "IN_PROGRESS", "in-progress", "PROGRESS", "QUEUED", "RUNNING", "Cancelling"]
)
def test_the_words_of_one_on_its_way(word):
    assert (state(status=word).ended, state(status=word).known) == (False, True)


def test_a_strange_word_is_waited_out():
    assert (state(status="brewing").ended, state(status="brewing").known) == (False, False)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ({"status": "in_progress", "request_counts": {"total": 9, "completed": 4, "failed": 1}}, "5 of 9 done"),
        ({"status": "RUNNING", "total_requests": 9, "completed_requests": 4, "failed_requests": 1}, "5 of 9 done"),
        ({"status": "PROGRESS", "total": 9, "completed": 5}, "5 of 9 done"),
        ({"status": "IN_PROGRESS", "progress": 44.4}, "44 % done"),
        ({"status": "in_progress", "request_counts": None}, "it is in_progress"),
        ({"status": "in_progress", "request_counts": {"total": "x"}, "progress": "?"}, "it is in_progress"),
    ],
)
def test_how_far_it_is(batch, expected):
    assert state(**batch).progress == expected


@pytest.mark.parametrize(
    ("batch", "files"),
    [
        ({"output_file_id": "a", "error_file_id": "b"}, ("a", "b")),
        ({"output_file_id": "a", "error_file_id": ""}, ("a",)),
        ({"output_file": "a", "error_file": None}, ("a",)),
        ({}, ()),
    ],
)
def test_its_files(batch, files):
    assert state(status="completed", **batch).files == files


@pytest.mark.parametrize(
    ("batch", "errors"),
    [
        ({"errors": {"object": "list", "data": [{"code": "a", "message": "b", "line": 3}]}}, "b"),
        ({"errors": [{"code": "a"}, "c"]}, "a; c"),
        ({"errors": {"code": "a", "message": "b"}}, "b"),
        ({"errors": "b"}, "b"),
        ({"error": "b", "errors": None}, "b"),
        ({"errors": "", "error": ""}, ""),
        ({"errors": {"data": [{"message": str(n)} for n in range(9)]}}, "0; 1; 2; and 6 more"),
    ],
)
def test_what_the_endpoint_has_against_it(batch, errors):
    assert state(status="failed", **batch).errors == errors


@pytest.mark.parametrize(
    "text",
    [
        "token_limit_exceeded",
        "Enqueued token limit reached for gpt-4o-mini in organization org-x. Limit: 2,000,000 enqueued tokens.",
        "Batch rate limit exceeded: 3 requests but only 2 are left",
        "The file is too large",
        "too many requests in the batch",
        "Batch input file exceeds the limit of 50,000 requests",
    ],
)
def test_too_much(text):
    assert is_too_much(text)
    assert state(status="failed", error=text).too_much
    assert not state(status="completed", error=text).too_much


@pytest.mark.parametrize("text", ["invalid JSON in line 3", "Rate limit reached", "model not found", ""])
def test_not_too_much(text):
    assert not is_too_much(text)


@pytest.mark.parametrize("body", [{"id": "a"}, {"job": {"id": "a"}, "warning": ""}, {"data": {"id": "a"}}])
def test_the_id_of_what_was_made(body):
    assert read_id(json.dumps(body).encode()) == "a"


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: {"data": rows, "has_more": True}, lambda rows: {"jobs": rows}]
)
def test_a_list(wrap):
    rows = [{"id": "a", "metadata": {"tutelage": "t"}}, {"id": "b", "input_file_id": "f"}, {"object": "?"}, 3]
    found, _ = read_list(json.dumps(wrap(rows)).encode())
    assert [(batch.id, batch.token, batch.file) for batch in found] == [("a", "t", ""), ("b", "", "f")]


@given(JSON)
def test_any_json_is_read_or_refused(value):
    body = json.dumps(value).encode()
    for read in (read_id, read_list, read_state):
        try:
            read(body)
        except ValueError:
            continue
    assert isinstance(str(fault_in(value)), str)


@given(
    st.dictionaries(st.sampled_from(["errors", "error", "progress", "request_counts", "total", "output_file"]), JSON)
)
def test_any_batch_has_a_state(batch):
    found = state(**batch, status="failed")
    assert isinstance(found, BatchState)
    assert 0 <= found.done <= max(found.total, 0)
    assert isinstance(f"{found.errors}{found.progress}", str)
