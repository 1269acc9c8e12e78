"""Who gets an answer, and what stands on it."""

import pytest
from starlette.testclient import TestClient

from tutelage.view.app import make_app
from tutelage.view.security import HEADERS


@pytest.fixture
def client(tmp_path) -> TestClient:
    return TestClient(make_app(tmp_path), base_url="http://127.0.0.1:8765", raise_server_exceptions=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"])
def test_our_own_names_are_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8765", "", "127.1:8765"],
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "<" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8765"},  # asked by the other of our names
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8765"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    ],
)
def test_other_origins_get_nothing(client, headers):
    assert client.get("/", headers=headers).status_code == 403


def test_a_link_on_another_page_may_lead_here(client):
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=followed).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(client, method):
    for headers in ({}, {"origin": "http://127.0.0.1:8765"}):
        answer = client.request(method, "/", headers=headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/view.css", "/static/../app.py", "/static/%2e%2e/app.py"])
def test_every_answer_has_the_headers(client, path):
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "make_app" not in answer.text


def test_a_fault_of_ours_is_a_page_with_the_headers_too(client, monkeypatch):
    monkeypatch.setattr("tutelage.view.pages.shelf.site_of", lambda request: 1 / 0)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "division by zero" in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
