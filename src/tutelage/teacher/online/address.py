"""Resolves an endpoint's URL, query, headers and API key from the configuration and the environment.

{base_url: None}                                                          https://api.openai.com/v1, $OPENAI_API_KEY
{base_url: None}, OPENAI_BASE_URL=https://llm.example/v1                  ConfigError: … write teacher.base_url …
{base_url: "https://r.azure.example/openai?api-version=2024-10-21"}       that query with every request
{base_url: http://192.168.1.7:8000/v1, key_env: null}                     no key is sent
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from tutelage.config import TeacherConfig
from tutelage.config.request_settings import REFERENCE, SHORTEST_KEY, kept_query
from tutelage.errors import ConfigError, TeacherError

OPENAI = "https://api.openai.com/v1"
_LIBRARY_HEADERS = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}
"""Variables that the openai library reads, and the headers that it sends them in."""


class Address:
    """An endpoint's URL, the query and headers of every request, and the key; None if no key is sent.

    Raises:
        ConfigError: the environment names another endpoint, and the configuration names none.
        TeacherError: a required variable is not set, or its value cannot be a key.
    """

    def __init__(self, config: TeacherConfig, environ: Mapping[str, str]) -> None:
        whole = config.base_url or _openai(environ)
        parts = urlsplit(whole)
        self.url = urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")).rstrip("/")
        self.shown = without_credentials(self.url)
        self.kept_query = kept_query(parts.query)
        """The query as the ledger may store it."""
        self._secrets = set[str]()
        self.query = {
            name: self._resolved(value, f"the query of teacher.base_url ({name})", environ)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        }
        self.headers = {
            "Authorization" if name.lower() == "authorization" else name: self._resolved(
                value, f"teacher.extra_headers.{name}", environ
            )
            for name, value in config.extra_headers.items()
        }
        self.key = self._read_key(config.key_env, environ)
        self.library_headers = [
            *(header for variable, header in _LIBRARY_HEADERS.items() if variable in os.environ),
            *(line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()),
        ]
        """Names of the headers that the openai library adds by itself, from the process's environment."""

    def scrub(self, text: str) -> str:
        """The text with the key and all other values from the environment replaced by `[key]`."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "[key]")
        return text

    def _read_key(self, variable: str | None, environ: Mapping[str, str]) -> str | None:
        if variable is None:
            return None
        key = environ.get(variable, "").strip()
        if not key:
            if not _is_loopback(self.url) and "Authorization" not in self.headers:
                raise TeacherError(
                    f"the environment variable {variable} is not set; put the endpoint's key into it, or set "
                    "teacher.key_env to null if the endpoint takes none"
                )
            return "none"
        return self._secret(key, variable)

    def _resolved(self, text: str, where: str, environ: Mapping[str, str]) -> str:
        """The text with every ${NAME} replaced."""
        for variable in REFERENCE.findall(text):
            value = environ.get(variable, "").strip()
            if not value:
                raise TeacherError(f"the environment variable {variable} is not set; {where} takes its value from it")
            text = text.replace(f"${{{variable}}}", self._secret(value, variable))
        return text

    def _secret(self, value: str, variable: str) -> str:
        if not value.isascii() or not value.isprintable() or " " in value:
            raise TeacherError(f"the environment variable {variable} holds characters that no key has; set it afresh")
        if len(value) >= SHORTEST_KEY:
            self._secrets.add(value)
        return value


def without_credentials(url: str) -> str:
    """The URL without user, password and query, to be shown and stored."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fault_of_proxies() -> str:
    """The error message for a proxy that the environment names and that cannot be used."""
    named = [
        f"${name} ({urlsplit(value).scheme or 'no scheme'})"
        for name, value in sorted(os.environ.items())
        if name.lower() in ("all_proxy", "http_proxy", "https_proxy") and value
    ]
    return (
        f"a proxy that the environment names cannot be used: {', '.join(named) or 'none is named'}; name an http:// "
        "proxy, install the package socksio for a socks5:// one, or unset the variable"
    )


def _openai(environ: Mapping[str, str]) -> str:
    """OpenAI's URL. Raises ConfigError if OPENAI_BASE_URL names another: the key must not go to the wrong place."""
    other = environ.get("OPENAI_BASE_URL", "").strip()
    if other and other.rstrip("/") != OPENAI:
        shown = without_credentials(other) if other.isprintable() else "another place"
        raise ConfigError(
            f"OPENAI_BASE_URL is {shown}, and teacher.base_url is not set: write teacher.base_url: {shown} to ask "
            f"there, or teacher.base_url: {OPENAI} to ask OpenAI"
        )
    return OPENAI


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
