"""Where requests go, with which key, headers and query; no secret of the environment stands anywhere else."""

import asyncio
import socketserver
import threading

import pytest

from tests.teacher.online.sessions import KEY, PROBLEMS, lost, make_teacher, requests, teach
from tutelage.config import TeacherConfig
from tutelage.config.file import dump_config, parse_config
from tutelage.errors import ConfigError, TeacherError
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.online.client import Endpoint
from tutelage.testing import Fault, answer_key_endpoint

SECRET = "geheim-0123456789"


def parse(**teacher):
    return parse_config({"task": {"name": "gsm8k"}, "teacher": {"kind": "openai", "model": "m"} | teacher})


def assert_nowhere(folder, *texts):
    assert not [text for text in texts if SECRET in text]
    for path in filter(lambda path: path.is_file(), folder.rglob("*")):
        assert SECRET.encode() not in path.read_bytes()


def test_headers_and_query_come_from_the_environment_and_go_nowhere_else(tmp_path):
    echo = Fault.http(401, f"you said {SECRET}")
    settings = {"extra_headers": {"X-Api-Key": "Key ${MINE}", "X-Title": "Tutelage"}, "key_env": None}
    with answer_key_endpoint(PROBLEMS, faults=[None, echo]) as endpoint:
        url = f"{endpoint.base_url}?api-version=2024-10-21&key=${{MINE}}"
        delivered, error = teach(tmp_path, url, requests(3), environ={"MINE": SECRET}, concurrency=1, **settings)
    received = endpoint.received[0]
    assert dict(received.query) == {"api-version": "2024-10-21", "key": SECRET}
    assert (received.headers["x-api-key"], received.headers["x-title"]) == (f"Key {SECRET}", "Tutelage")
    assert received.headers["authorization"] is None
    assert "you said [key]" in str(error)
    assert_nowhere(tmp_path, repr(delivered), str(error))
    with LedgerReader(tmp_path) as reader:
        [row] = reader.rows()
    assert '"query": "api-version=2024-10-21&key=${MINE}"' in row.request
    assert row.endpoint == endpoint.base_url


def test_the_query_is_part_of_the_key(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        for query in ("", "?api-version=1", "?api-version=2", "?api-version=1", ""):
            teach(tmp_path, endpoint.base_url + query, requests(1))
        assert len(endpoint.requests) == 3


@pytest.mark.parametrize("path", ["", "/"])
def test_a_batch_goes_out_with_query_and_headers_too(tmp_path, path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        url = f"{endpoint.base_url}{path}?api-version=1"
        delivered, error = teach(tmp_path, url, requests(3), batch=True, batch_poll=0.02)
        assert (error, len(delivered)) == (None, 3)


def test_a_header_of_the_user_s_takes_the_place_of_ours(tmp_path):
    with answer_key_endpoint(PROBLEMS, key=SECRET) as endpoint:
        headers = {"authorization": "Bearer ${MINE}", "user-agent": "mine/1"}
        _, error = teach(tmp_path, endpoint, requests(1), environ={"MINE": SECRET}, extra_headers=headers)
        assert error is None
        assert endpoint.received[0].headers.get_all("authorization") == [f"Bearer {SECRET}"]
        assert endpoint.received[0].headers.get_all("user-agent") == ["mine/1"]


def test_without_a_key_none_is_sent(tmp_path):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(1), key_env=None)
        assert endpoint.received[0].headers["authorization"] is None
    make_teacher(tmp_path, "http://192.168.1.7:8000/v1", environ={}, key_env=None)


@pytest.mark.parametrize(
    ("settings", "environ", "message"),
    [
        ({}, {}, "OPENAI_API_KEY is not set; put the endpoint's key into it, or set teacher.key_env to null"),
        ({"extra_headers": {"X-Key": "${MINE}"}}, {}, "MINE is not set; teacher.extra_headers.X-Key takes its value"),
        ({"extra_headers": {"X-Key": "${MINE}"}}, {"MINE": "a\nb"}, "MINE holds characters that no key has"),
        ({"base_url": "http://h/v1?key=${MINE}"}, {}, "MINE is not set; the query of teacher.base_url"),
    ],
)
def test_a_variable_that_is_not_set(settings, environ, message):
    environ = environ if not settings else environ | {"OPENAI_API_KEY": KEY}
    with pytest.raises(TeacherError) as error:
        Endpoint(TeacherConfig(**{"kind": "openai", "model": "m", "base_url": "http://h/v1"} | settings), environ)
    assert message in str(error.value)


@pytest.mark.parametrize("name", [
    "", " ", "sk-proj-0123456789abcdef", "MY KEY", "MY-KEY", "1KEY", "$KEY", "${KEY}", "KEY=1", "schlüssel",
    "gsk_0a1b2c3d4e5f6a7b8c9d0e1f", "hf_AbCdEfGh12345678IjKlMn", "f0e1d2c3b4a59687f0e1d2c3b4a59687", "KEY\n",
])  # fmt: skip
def test_what_can_be_no_variable_is_refused_and_not_shown(name):
    with pytest.raises(ConfigError, match=r"teacher\.key_env is .*: no environment variable has such a name") as error:
        parse(key_env=name)
    assert len(name.strip()) < 8 or name not in str(error.value)


@pytest.mark.parametrize("name", ["KEY", "_key", "my_teacher_key_of_2026", "OPENAI_API_KEY", "K1", None])
def test_names_of_variables_are_taken(name):
    assert parse(key_env=name).teacher.key_env == name


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": SECRET},
        {"api-key": f"Key {SECRET}"},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "${SCHEME} " + SECRET},
        {"Cookie": f"session={SECRET}"},
        {"X-Anything": "sk-proj-0123456789abcdef"},
        {"X-Anything": "Bearer gsk_0123456789abcdef"},
    ],
)
def test_a_secret_in_the_clear_is_refused_and_not_shown(headers):
    with pytest.raises(
        ConfigError, match=r"no key stands in a file; put it into a variable and write '\$\{VARIABLE\}'"
    ) as e:
        parse(extra_headers=headers)
    assert not [value for value in headers.values() if value in str(e.value)]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X Title": "a"}, "no header has this name"),
        ({"": "a"}, "no header has this name"),
        ({"Host": "a"}, "Tutelage's own"),
        ({"content-length": "1"}, "Tutelage's own"),
        ({"X-A": "1", "x-a": "2"}, "stands there twice"),
        ({"X-A": "a\r\nb: c"}, "characters that no header has"),
        ({"X-A": "schlüssel"}, "characters that no header has"),
        ({"X-A": "${no-name}"}, "no variable has a name such as"),
        ({"X-A": 3}, "input should be a valid string"),
    ],
)
def test_what_can_be_no_header_is_refused(headers, message):
    with pytest.raises(ConfigError, match=r"teacher\.extra_headers") as error:
        parse(extra_headers=headers)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP-Referer": "https://github.com/me/mine", "X-Title": "Tutelage"},
        {"anthropic-version": "2023-06-01"},
        {"X-Api-Key": "${MY_KEY}"},
        {"Authorization": "Basic ${MY_KEY}"},
        {"X-Auth": "none"},
    ],
)
def test_others_are_taken_and_kept_as_they_are(headers):
    config = parse(extra_headers=headers)
    assert config.teacher.extra_headers == headers
    assert all(value in dump_config(config) for value in headers.values())


@pytest.mark.parametrize(
    "query", [f"key={SECRET}", f"a=b&api_key={SECRET}", "x=sk-proj-0123456789abcdef", f"code={SECRET}"]
)
def test_a_secret_in_the_query_is_refused_and_not_shown(query):
    with pytest.raises(ConfigError, match="no key stands in a file") as error:
        parse(base_url=f"http://h/v1?{query}")
    assert SECRET not in str(error.value)
    assert "sk-proj" not in str(error.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_tokens": 9}, "set teacher.max_tokens"),
        ({"max_completion_tokens": 9}, "set teacher.max_tokens"),
        ({"n_predict": 9}, "set teacher.max_tokens"),
        ({"temperature": 1.0}, "set teacher.temperature"),
        ({"model": "n"}, "set teacher.model"),
        ({"messages": []}, "Tutelage writes them"),
        ({"stream": True}, "replies are read whole"),
        ({"n": 4}, "one reply is asked for at a time"),
        ({"a": {"b": float("nan")}}, "teacher.extra_body"),
        ({"litellm": {"api_key": SECRET}}, "may be secret"),
    ],
)
def test_what_must_not_be_added_to_the_body(body, message):
    with pytest.raises(ConfigError, match=r"teacher\.extra_body") as error:
        parse(extra_body=body)
    assert message in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("other", ["https://llm.example/v1", "https://llm.example/v1/?token=" + SECRET])
def test_another_endpoint_of_the_environment_is_refused_where_none_is_configured(other):
    environ = {"OPENAI_BASE_URL": other, "OPENAI_API_KEY": KEY}
    with pytest.raises(ConfigError, match=r"write teacher\.base_url: https://llm\.example/v1") as error:
        Endpoint(TeacherConfig(kind="openai", model="m"), environ)
    assert SECRET not in str(error.value)
    configured = TeacherConfig(kind="openai", model="m", base_url="https://mine.example/v1")
    assert Endpoint(configured, environ).shown == "https://mine.example/v1"


@pytest.mark.parametrize("same", ["", " ", "https://api.openai.com/v1", "https://api.openai.com/v1/"])
def test_openai_s_own_address_in_the_environment_is_no_other(same):
    endpoint = Endpoint(TeacherConfig(kind="openai", model="m"), {"OPENAI_BASE_URL": same, "OPENAI_API_KEY": KEY})
    assert endpoint.shown == "https://api.openai.com/v1"


def test_what_the_library_takes_from_the_environment_goes_to_openai_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Gateway: {SECRET}")
    names = ("OpenAI-Organization", "OpenAI-Project", "X-Gateway")

    async def sent_to_openai():
        async with Endpoint(TeacherConfig(kind="openai", model="m"), {"OPENAI_API_KEY": KEY}).connect() as client:
            return [client.default_headers[name] for name in names]

    assert asyncio.run(sent_to_openai()) == ["org-mine", "proj-mine", SECRET]
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teach(tmp_path, endpoint, requests(1), extra_headers={"x-gateway": "mine"})
        teach(tmp_path, endpoint, requests(2))
    assert [[seen.headers[name] for name in names] for seen in endpoint.received] == [
        [None, None, "mine"],
        [None, None, None],
    ]


class _Proxy(socketserver.StreamRequestHandler):
    status = b"502 Bad Gateway"

    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 " + self.status + b"\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "told"),
    [(b"407 Proxy Authentication Required", "is behind a proxy that wants a login"), (b"502 Bad Gateway", "proxy")],
)
def test_a_proxy_that_opens_no_way_costs_nothing(tmp_path, monkeypatch, status, told):
    monkeypatch.setattr(_Proxy, "status", status)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        delivered, error = teach(tmp_path, "https://llm.example/v1", requests(5), concurrency=1)
        proxy.shutdown()
    assert told in str(error)
    assert ("HTTPS_PROXY" in str(error)) == status.startswith(b"407")
    assert lost(tmp_path).requests == 0
    assert all(feedback.failure == "unreachable" for feedback in delivered)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
@pytest.mark.parametrize("proxy", ["socks5://user:geheim-0123456789@127.0.0.1:1", "socks5h://127.0.0.1:1", "foo://h:1"])
def test_a_proxy_that_cannot_be_used_is_said_in_one_line(tmp_path, monkeypatch, variable, proxy):
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ConfigError, match=rf"cannot be used: .*\${variable} \({proxy.partition(':')[0]}\)") as error:
        make_teacher(tmp_path, "http://localhost:1/v1")
    assert SECRET not in str(error.value)
    assert "\n" not in str(error.value)
