"""Validates a configuration's additions to every request (key variable, headers, body), from the text alone.

key_env: OPENAI_API_KEY    accepted    key_env: sk-proj-0123…          ConfigError: … has such a name …
X-Api-Key: ${MY_KEY}       accepted    X-Api-Key: 0123456789abcdef     ConfigError: … may be secret …
{reasoning_effort: low}    accepted    {max_tokens: 9}                 ConfigError: … set teacher.max_tokens …

Keys are never written to a file. A value that may be one must be given as ${NAME}, an environment variable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl

from tutelage.errors import ConfigError

REFERENCE = re.compile(r"\$\{([^{}]*)\}")
"""A reference to an environment variable in a value."""
SHORTEST_KEY = 8
"""The fewest characters of a key; shorter values, such as EMPTY, are ordinary words and not secret."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_WORD = 20
"""Part of a name between underscores: with this many characters, small letters and digits, it looks like a key."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name (RFC 9110)."""
_SECRET_NAME = re.compile(r"auth|key|token|secret|passw|credential|cookie|signature|^(code|sig|pwd)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(sk|pk|gsk|hf|xai|nvapi|ghp|AIza)[-_A-Za-z0-9]{16,}")
_SCHEME = re.compile(r"^\s*(bearer|basic|token|api-?key)\s+", re.IGNORECASE)
_SECRET_PART = re.compile(r"(^|[-_])(api[-_]?key|secret|password|authorization)$", re.IGNORECASE)
_OWN_HEADERS = frozenset(
    ("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "accept-encoding")
)
_LIMIT = "set teacher.max_tokens, by which the budget counts, and teacher.token_limit for its name"
_OWN_PARTS = {
    "model": "set teacher.model",
    "messages": "Tutelage writes them",
    "stream": "replies are read whole",
    "stream_options": "replies are read whole",
    "n": "one reply is asked for at a time",
    "best_of": "one reply is asked for at a time",
    "temperature": "set teacher.temperature",
    "top_p": "set teacher.top_p",
    "seed": "set teacher.seed",
} | dict.fromkeys(
    ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict", "num_predict"), _LIMIT
)


def check_variable(name: str | None, setting: str = "teacher.key_env") -> str | None:
    """The name, if it is valid for an environment variable; None is for an endpoint without a key.

    Raises ConfigError, with the name of the setting; it shows only the start, since the value may be a key.
    """
    if name is not None and not is_variable(name):
        shown = name if len(name) < SHORTEST_KEY else f"{name[:3]}…"
        raise ConfigError(
            f"{setting} is {shown!r}: no environment variable has such a name; put the key itself into one and "
            "name that, such as MY_KEY, or write null for an endpoint that takes no key"
        )
    return name


def check_server_variable(name: str | None) -> str | None:
    """The same for the key of a student's server."""
    return check_variable(name, "student.server_key_env")


def is_variable(name: str) -> bool:
    """Whether a variable may have this name, and it does not look like a key."""
    words = name.split("_")
    like_a_key = any(
        len(word) >= _LONGEST_WORD and re.search("[a-z]", word) and re.search("[0-9]", word) for word in words
    )
    return bool(_VARIABLE.fullmatch(name)) and not like_a_key


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, if they are valid and hold no secret. Raises ConfigError; its message shows no value."""
    seen = set[str]()
    for name, value in headers.items():
        if fault := _fault_of_header(name, value, seen):
            raise ConfigError(f"teacher.extra_headers.{name[:80]}: {fault}")
        seen.add(name.lower())
    return headers


def check_body(body: Mapping[str, object]) -> Mapping[str, object]:
    """The additions to a request's body, if none is Tutelage's own or may be secret. Raises ConfigError."""
    for name in body:
        if name in _OWN_PARTS:
            raise ConfigError(f"teacher.extra_body.{name}: {_OWN_PARTS[name]}")
    try:
        json.dumps(body, allow_nan=False)
    except ValueError as error:
        raise ConfigError(
            f"teacher.extra_body is no JSON ({error}); write numbers, texts, lists and mappings"
        ) from None
    for place, name, text in _texts(body):
        if _SECRET_PART.search(name) and len(text) >= SHORTEST_KEY:
            raise ConfigError(
                f"teacher.extra_body.{place} may be secret, and what is sent is kept in the ledger; send it as a "
                "header: extra_headers: {NAME: '${VARIABLE}'}"
            )
    return body


def secret_in_query(query: str) -> str | None:
    """The name of the first parameter of a URL's query with a secret in plain text; None if there is none."""
    for name, value in parse_qsl(query, keep_blank_values=True):
        if _is_secret(name, value):
            return name
    return None


def kept_query(query: str) -> str:
    """A URL's query as it may be stored: with references to variables, and without values that may be secret."""
    parts = parse_qsl(query, keep_blank_values=True)
    return "&".join(
        f"{name}={'…' if _SECRET_NAME.search(name) and _in_the_clear(value) else value}" for name, value in parts
    )


def _fault_of_header(name: str, value: str, seen: set[str]) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "no header has this name; write one such as X-Title"
    if name.lower() in seen | _OWN_HEADERS:
        return "this header is Tutelage's own, or stands there twice"
    if not value.isascii() or not value.isprintable():
        return "its value has characters that no header has; write it in ASCII"
    if wrong := [variable for variable in REFERENCE.findall(value) if not is_variable(variable)]:
        return f"no variable has a name such as the one in ${{…}} ({len(wrong[0])} characters)"
    if _is_secret(name, value):
        return "its value may be secret, and no key stands in a file; put it into a variable and write '${VARIABLE}'"
    return None


def _is_secret(name: str, value: str) -> bool:
    """Whether a plain value may be a key, by its name or its form."""
    plain = _in_the_clear(value)
    return bool(_SECRET_VALUE.search(plain)) or (len(plain) >= SHORTEST_KEY and bool(_SECRET_NAME.search(name)))


def _in_the_clear(value: str) -> str:
    """The part of a value that comes from no variable, without an authentication scheme such as Bearer."""
    return _SCHEME.sub("", REFERENCE.sub("", value)).strip()


def _texts(value: object, place: str = "", name: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text in plain data: its path, its name and the text."""
    if isinstance(value, str):
        yield place, name, value
    elif isinstance(value, Mapping):
        for key, inner in cast(Mapping[str, object], value).items():
            yield from _texts(inner, f"{place}.{key}" if place else key, key)
    elif isinstance(value, list):
        for inner in cast(list[object], value):
            yield from _texts(inner, place, name)
