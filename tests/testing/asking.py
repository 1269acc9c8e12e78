"""How the tests of the endpoint ask it: by the standard library, or by a bare socket where the wire is the point."""

import json
import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest


def ask(*texts):
    return {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}


def post(endpoint, body, *, path="/chat/completions", key="none"):
    with send(endpoint, body, path=path, key=key) as response:
        return json.load(response)


def send(endpoint, body, *, path="/chat/completions", key="none"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return urlopen(Request(endpoint.base_url + path, data, headers), timeout=300)


def refused(endpoint, body, **options):
    """The status, headers and error of an answer that is none."""
    with pytest.raises(HTTPError) as error:
        send(endpoint, body, **options)
    with error.value as response:
        return response.status, response.headers, json.load(response)["error"]


def text_of(completion):
    return completion["choices"][0]["message"]["content"]


def connect(endpoint):
    port = int(endpoint.base_url.split(":")[2].split("/")[0])
    return socket.create_connection(("127.0.0.1", port), timeout=300)


def raw(body):
    data = json.dumps(body).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)
