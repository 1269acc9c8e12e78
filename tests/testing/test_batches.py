"""The Batch API, driven by OpenAI's own client library."""

import asyncio
import io
import json
import time

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testing.asking import ask, refused
from tests.work import given_time
from tutelage.testing import Fault, TeacherEndpoint
from tutelage.testing.batch_job import ENDPOINT, read_lines
from tutelage.testing.uploads import read_form

OVER = ("completed", "failed", "expired", "cancelled")


def echo(body):
    return body["messages"][0]["content"]


def line(name, body):
    return {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}


def lines(*texts):
    return [line(f"id-{number}", ask(text)) for number, text in enumerate(texts)]


def open_client(endpoint, key="k"):
    return openai.OpenAI(base_url=endpoint.base_url, api_key=key, max_retries=0, timeout=300)


def submit(client, rows, **options):
    data = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    file = client.files.create(file=("in.jsonl", io.BytesIO(data)), purpose="batch")
    assert client.files.content(file.id).content == data
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", **options
    )


def wait_for(client, batch, statuses=OVER):
    deadline = time.monotonic() + 300
    while (batch := client.batches.retrieve(batch.id)).status not in statuses:
        assert time.monotonic() < deadline, batch
        time.sleep(0.002)
    return batch


def read(client, identity):
    return [json.loads(row) for row in client.files.content(identity).content.splitlines()] if identity else []


def test_a_batch_is_answered_line_by_line():
    texts = ["one", "two — zwei é 𝄞\u2028", "three"]
    with TeacherEndpoint(echo, latency=30.0, requests_per_minute=1) as endpoint, open_client(endpoint) as client:
        created = submit(client, lines(*texts), metadata={"run": "a"})
        batch = wait_for(client, created)
        assert endpoint.requests == [ask(text) for text in texts]
        assert [seen.status for seen in endpoint.log] == [200] * 3
        assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
        rows = read(client, batch.output_file_id)
    assert (created.status, created.metadata) == ("validating", {"run": "a"})
    assert (batch.status, batch.error_file_id, batch.metadata) == ("completed", None, {"run": "a"})
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at
    assert batch.request_counts.model_dump() == {"total": 3, "completed": 3, "failed": 0}
    assert batch.usage.input_tokens == sum(seen.prompt_tokens for seen in endpoint.log)
    assert [row["custom_id"] for row in rows] == ["id-0", "id-1", "id-2"]
    assert [row["response"]["body"]["choices"][0]["message"]["content"] for row in rows] == texts
    assert all((row["error"], row["response"]["status_code"]) == (None, 200) for row in rows)


def test_it_goes_through_its_stages():
    def passes(seconds):
        with TeacherEndpoint(echo, batch_seconds=seconds) as endpoint, open_client(endpoint) as client:
            batch, seen, counts = submit(client, lines(*"abcdefgh")), [], []
            while not seen or seen[-1] not in OVER:
                batch = client.batches.retrieve(batch.id)
                seen.append(batch.status)
                counts.append(batch.request_counts.completed)
        assert seen == sorted(seen, key=["validating", "in_progress", "finalizing", "completed"].index)
        assert {"in_progress", "completed"} <= set(seen)
        assert counts == sorted(counts)
        assert len(set(counts)) > 2

    given_time(passes, 0.5)


def test_faults_apply_line_by_line():
    faults = [Fault.http(429, "slow"), None, Fault.reset(), Fault.garbage(), Fault.repeat(), Fault.twice()]
    with TeacherEndpoint(echo, faults=[*faults, Fault.half_body()]) as endpoint, open_client(endpoint) as client:
        rows = [*lines(*"abcdefg"), line("id-7", {"messages": 3})]
        batch = wait_for(client, submit(client, rows))
        output, errors = read(client, batch.output_file_id), read(client, batch.error_file_id)
    assert batch.request_counts.model_dump() == {"total": 8, "completed": 5, "failed": 3}
    assert [row["custom_id"][-1] for row in output] == [*"13455", "6"]
    bodies = [row["response"]["body"] for row in output]
    assert bodies[0] == bodies[2]
    assert isinstance(bodies[1], str)
    assert isinstance(bodies[5], str)
    limited, lost, wrong = errors
    assert (limited["response"]["status_code"], limited["response"]["body"]["error"]["message"]) == (429, "slow")
    assert (lost["response"], lost["error"]["code"]) == (None, "server_error")
    assert (wrong["custom_id"], wrong["response"]["status_code"]) == ("id-7", 400)


def test_a_batch_that_expires():
    with TeacherEndpoint(echo, batch_expires_after=2) as endpoint, open_client(endpoint) as client:
        batch = wait_for(client, submit(client, lines(*"abcd")))
        output, errors = read(client, batch.output_file_id), read(client, batch.error_file_id)
        assert len(endpoint.log) == 2
        assert wait_for(client, submit(client, lines(*"ab"))).status == "completed"
    assert (batch.status, batch.expired_at is None, batch.completed_at) == ("expired", False, None)
    assert [row["custom_id"] for row in output] == ["id-0", "id-1"]
    assert [(row["custom_id"], row["error"]["code"]) for row in errors] == [
        ("id-2", "batch_expired"),
        ("id-3", "batch_expired"),
    ]


def test_a_batch_that_is_cancelled():
    with TeacherEndpoint(echo, batch_seconds=20.0) as endpoint, open_client(endpoint) as client:
        batch = submit(client, lines(*"abcdefghij"))
        while client.batches.retrieve(batch.id).request_counts.completed == 0:
            time.sleep(0.002)
        assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
        batch = wait_for(client, batch)
        output, errors = read(client, batch.output_file_id), read(client, batch.error_file_id)
        with pytest.raises(openai.ConflictError, match="it cannot be cancelled"):
            client.batches.cancel(batch.id)
        assert len(endpoint.log) == len(output) < 10
    assert (batch.status, batch.cancelling_at is None, batch.cancelled_at is None) == ("cancelled", False, False)
    assert len(output) + len(errors) == 10
    assert {row["error"]["code"] for row in errors} == {"batch_cancelled"}


def test_lists_the_newest_first():
    with TeacherEndpoint(echo) as endpoint, open_client(endpoint) as client:
        assert client.batches.list().data == []
        made = [submit(client, lines("a"), metadata={"n": str(n)}).id for n in range(5)]
        page = client.batches.list(limit=2)
        assert ([batch.id for batch in page.data], page.has_more) == ([made[4], made[3]], True)
        assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]  # page by page
        assert [batch.metadata for batch in client.batches.list(after=made[2])] == [{"n": "1"}, {"n": "0"}]
        with pytest.raises(openai.BadRequestError, match="limit is '0'"):
            client.batches.list(limit=0)
        with pytest.raises(openai.NotFoundError):
            client.batches.list(after="batch_9")


def test_a_file_with_wrong_lines_fails():
    rows = [*lines("a"), lines("b")[0], {"custom_id": "c"}, [1], {"method": "POST"}]
    with TeacherEndpoint(echo) as endpoint, open_client(endpoint) as client:
        batch = wait_for(client, submit(client, rows))
        empty = wait_for(client, submit(client, []))
        assert endpoint.log == []
    assert (batch.status, batch.output_file_id) == ("failed", None)
    assert [(error.line, error.code) for error in batch.errors.data] == [
        (2, "duplicate_custom_id"),
        (3, "invalid_request"),
        (4, "invalid_json_line"),
        (5, "missing_required_parameter"),
    ]
    assert [error.code for error in empty.errors.data] == ["empty_file"]


def test_what_does_not_exist_is_not_found():
    with TeacherEndpoint(echo, key="k") as endpoint, open_client(endpoint) as client:
        for call in (
            client.files.retrieve,
            client.files.content,
            client.files.delete,
            client.batches.retrieve,
            client.batches.cancel,
        ):
            with pytest.raises(openai.NotFoundError):
                call("file-9")
        for wrong in ({"input_file_id": "file-9"}, {"completion_window": "1h"}, {"endpoint": "/v1/embeddings"}):
            options = {"input_file_id": "file-1", "endpoint": ENDPOINT, "completion_window": "24h"} | wrong
            with pytest.raises(openai.BadRequestError):
                client.batches.create(**options)
        assert [refused(endpoint, data, path="/batches", key="k")[0] for data in (b"{", b"[]")] == [400, 400]
        with pytest.raises(openai.BadRequestError, match="purpose=batch"):
            client.files.create(file=b"x", purpose="user_data")
        with open_client(endpoint, "other") as stranger, pytest.raises(openai.AuthenticationError):
            stranger.batches.list()


def test_a_file_is_deleted():
    with TeacherEndpoint(echo) as endpoint, open_client(endpoint) as client:
        first = client.files.create(file=b"x", purpose="batch")
        assert client.files.delete(first.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(first.id)
        assert client.files.create(file=b"x", purpose="batch").id != first.id


def test_a_batch_on_its_way_ends_with_the_endpoint():
    with TeacherEndpoint(echo, batch_seconds=3600) as endpoint, open_client(endpoint) as client:
        submit(client, lines("a"))
    assert endpoint.log == []


def test_by_the_asynchronous_client():
    async def use(endpoint):
        async with openai.AsyncOpenAI(base_url=endpoint.base_url, api_key="k") as client:
            row = json.dumps(lines("a")[0]).encode()
            file = await client.files.create(file=("in.jsonl", row), purpose="batch")
            batch = await client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            while (batch := await client.batches.retrieve(batch.id)).status != "completed":
                await asyncio.sleep(0.002)
            return json.loads((await client.files.content(batch.output_file_id)).text)

    with TeacherEndpoint(echo) as endpoint:
        assert asyncio.run(use(endpoint))["custom_id"] == "id-0"


@settings(max_examples=40)
@given(st.binary(max_size=300), st.text("abc-", min_size=1, max_size=10))
def test_a_form_is_read_as_it_was_sent(content, name):
    boundary = b"b0undary-that-is-long-enough-not-to-be-drawn"
    disposition = f'content-disposition: form-data; name="file"; filename="{name}"'.encode()
    body = b"".join(
        [
            b"--%s\r\n" % boundary,
            b'content-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
            b"--%s\r\n%s\r\ncontent-type: application/octet-stream\r\n\r\n" % (boundary, disposition),
            b"%s\r\n--%s--\r\n" % (content, boundary),
        ]
    )
    found = read_form(f"multipart/form-data; boundary={boundary.decode()}", body)
    assert found == {"purpose": (None, b"batch"), "file": (name, content)}


@settings(max_examples=40)
@given(st.binary(max_size=200) | st.lists(st.none() | st.text()).map(lambda value: json.dumps(value).encode()))
def test_any_file_is_read_or_refused(data):
    found, faults = read_lines(data)
    assert found == []
    assert faults


def test_calls_fail_as_scripted():
    faults = {
        "POST /v1/files": [Fault.http(500, "not now")],
        "POST /v1/batches": [Fault.reset()],
        "GET /v1/batches/*": [None, Fault.rate_limited(2)],
    }
    with TeacherEndpoint(echo, batch_faults=faults) as endpoint, open_client(endpoint) as client:
        with pytest.raises(openai.InternalServerError, match="not now"):
            submit(client, lines("a"))  # the file was not kept
        with pytest.raises(openai.APIConnectionError):
            submit(client, lines("a"))  # the batch was made all the same
        [batch] = client.batches.list()
        assert client.batches.retrieve(batch.id).input_file_id == "file-1"
        with pytest.raises(openai.RateLimitError) as limited:
            client.batches.retrieve(batch.id)
        assert wait_for(client, batch).status == "completed"
        calls = list(endpoint.batch_calls)
    assert limited.value.response.headers["retry-after"] == "2"
    assert calls[:5] == [
        "POST /v1/files",
        "POST /v1/files",
        "GET /v1/files/file-1/content",
        "POST /v1/batches",
        "GET /v1/batches",
    ]
