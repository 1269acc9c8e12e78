from contextlib import suppress

import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tutelage.config import TeacherConfig
from tutelage.config.file import parse_config
from tutelage.config.places import is_hub_name
from tutelage.errors import ConfigError
from tutelage.teacher.online.client import Endpoint


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://localhost:abc/v1", "Port could not be cast to integer"),
        ("http://localhost:99999/v1", "Port out of range 0-65535"),
        ("http://localhost:-1/v1", "Port"),
        ("http://localhost:0/v1", "nothing listens on port 0"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://[zz]/v1", "IPv"),
        ("localhost:8000", "it does not begin with http:// or https://"),
        ("ftp://localhost/v1", "it does not begin with"),
        ("file:///etc/passwd", "it does not begin with"),
        ("", "it does not begin with"),
        ("http://", "it names no host"),
        ("http:///v1", "it names no host"),
        ("http://a..b/v1", "it names no host"),
        ("http://*/v1", "it names no host"),
        ("http://a\\b/v1", "it names no host"),
        ("http://-/v1", "it names no host"),
        ("http://localhost/v1#there", "what is asked would stand behind its #"),
        (f"http://{'a' * 64}/v1", "it names no host"),
        ("http://local host/v1", "it has spaces or control characters"),
        (" http://localhost/v1", "it has spaces or control characters"),
        ("http://localhost/\x1b[2J", "it has spaces or control characters"),
        ("http://localhost/\n", "it has spaces or control characters"),
        ("http://local\u202ehost/", "it has spaces or control characters"),
        ("http://user:geheim@localhost:abc/v1", "Port could not be cast"),
    ],
)
def test_a_url_that_can_be_none_is_refused_in_one_line(url, fault):
    with pytest.raises(ConfigError, match="write a URL such as http://localhost:8000/v1") as error:
        parse_config({"task": {"name": "gsm8k"}, "teacher": {"base_url": url}})
    assert str(error.value).startswith("teacher.base_url is ")
    assert fault in str(error.value)
    assert "geheim" not in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/v1", "https://api.example.com", "http://[::1]:8000/v1", "http://10.0.0.1:1/", "HTTP://H/v1/",
     "http://user:secret@h/v1", "http://müller.example/v1", "http://a_b.local:65535/v1?token=x"],
)  # fmt: skip
def test_others_are_taken(url):
    assert TeacherConfig(base_url=url).base_url == url


@given(st.text(max_size=30) | st.text("ab:/@[]1.%?#\\ ", max_size=20).map("http://".__add__))
def test_any_text_is_a_url_or_a_fault_of_the_configuration(text):
    with suppress(ConfigError):
        config = TeacherConfig(kind="openai", model="m", base_url=text)
        Endpoint(config, {"OPENAI_API_KEY": "sk-0123456789"}).connect()


@pytest.mark.parametrize(
    "path",
    [
        ":memory:",
        {":memory": None},
        ":memory:?cache=shared",
        "file:x?mode=memory",
        "file::memory:",
        "file:/tmp/l.sqlite",
        "",
        "  ",
        "a\nb",
    ],
)
def test_a_ledger_that_would_not_be_kept_is_refused(path):
    with pytest.raises(ConfigError, match=r"teacher\.ledger is .*; name a file, such as ledgers/mine\.sqlite") as error:
        parse_config({"task": {"name": "gsm8k"}, "teacher": {"ledger": path}})
    assert str(error.value).isprintable()


def test_a_ledger_whose_name_no_file_can_have_is_refused():
    with pytest.raises(ConfigError, match=r"teacher\.ledger: 'a\\x00b' holds characters that no name has"):
        parse_config({"task": {"name": "gsm8k"}, "teacher": {"ledger": "a\0b"}})


def test_other_names_are_taken():
    for path in ("ledger.sqlite", "../shared ledgers/ü.db", "/tmp/x", "memory", None):
        assert TeacherConfig(ledger=path).ledger == path
    with pytest.raises(ValidationError):
        TeacherConfig(ledger=3)


@pytest.mark.parametrize("name", ["", " ", "A B", "A=B", "=A", "A\nB", "\x1b[31mKEY", "KEY\u202e"])
def test_a_name_that_no_environment_variable_has(name):
    with pytest.raises(ConfigError, match=r"teacher\.key_env is .*: no environment variable has such a name"):
        TeacherConfig(key_env=name)


PART = st.text("aZ0_.-é\n", max_size=5) | st.sampled_from(["b.git", "b" * 96, "b" * 97])


@given(st.builds("{}/{}".format, PART, PART))
def test_a_name_on_the_hub_is_one_by_the_hub_s_own_rules(name):
    try:
        validate_repo_id(name)
        theirs = name.isascii()
    except HFValidationError:
        theirs = False
    assert is_hub_name(name) == theirs
