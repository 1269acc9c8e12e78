"""What a configuration adds to every request: the key's variable, headers, parts of the body. Told from the text alone.

key_env: OPENAI_API_KEY       taken    key_env: sk-proj-0123…          ConfigError: … is no name of a variable …
X-Api-Key: ${MY_KEY}          taken    X-Api-Key: 0123456789abcdef     ConfigError: … may be secret …
{reasoning_effort: low}       taken    {max_tokens: 9}                 ConfigError: … set teacher.max_tokens …

Keys never stand in a file. What may be one is written as ${NAME}, the environment variable that holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl

from tutelage.errors import ConfigError

REFERENCE = re.compile(r"\$\{([^{}]*)\}")
"""An environment variable named in a value."""
SHORTEST_KEY = 8
"""Characters; what is shorter is no secret but a word, such as EMPTY, that may stand in any text."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_WORD = 20
"""Characters of a name between two underscores, of small letters and digits too; a longer one is a key."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name, by RFC 9110."""
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


def check_variable(name: str | None) -> str | None:
    """The name of an environment variable, if it can be one; None stands for an endpoint that takes no key.

    Raises ConfigError, which shows no more than its start: it may be a key.
    """
    if name is not None and not is_variable(name):
        shown = name if len(name) < SHORTEST_KEY else f"{name[:3]}…"
        raise ConfigError(
            f"teacher.key_env is {shown!r}: no environment variable has such a name; put the key itself into one and "
            "name that, such as MY_KEY, or write null for an endpoint that takes no key"
        )
    return name


def is_variable(name: str) -> bool:
    """Whether a variable may have this name; what looks like a key has none."""
    words = name.split("_")
    like_a_key = any(
        len(word) >= _LONGEST_WORD and re.search("[a-z]", word) and re.search("[0-9]", word) for word in words
    )
    return bool(_VARIABLE.fullmatch(name)) and not like_a_key


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers that may be sent and kept in a file. Raises ConfigError, which shows no value."""
    seen = set[str]()
    for name, value in headers.items():
        if fault := _fault_of_header(name, value, seen):
            raise ConfigError(f"teacher.extra_headers.{name[:80]}: {fault}")
        seen.add(name.lower())
    return headers


def check_body(body: Mapping[str, object]) -> Mapping[str, object]:
    """Parts of a request's body that may be added to ours. Raises ConfigError."""
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
    """The first part of a URL's query whose value may be secret and stands there in the clear; its name."""
    for name, value in parse_qsl(query, keep_blank_values=True):
        if _is_secret(name, value):
            return name
    return None


def kept_query(query: str) -> str:
    """A URL's query as it may be kept in a file: variables by their names, no value that may be secret."""
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
    """Whether a value in the clear may be a key: by its name, or by its looks."""
    plain = _in_the_clear(value)
    return bool(_SECRET_VALUE.search(plain)) or (len(plain) >= SHORTEST_KEY and bool(_SECRET_NAME.search(name)))


def _in_the_clear(value: str) -> str:
    """What of a value comes from no variable, without the word that says what kind of key it is."""
    return _SCHEME.sub("", REFERENCE.sub("", value)).strip()


def _texts(value: object, place: str = "", name: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text in plain data: where it stands, under which name, and the text."""
    if isinstance(value, str):
        yield place, name, value
    elif isinstance(value, Mapping):
        for key, inner in cast(Mapping[str, object], value).items():
            yield from _texts(inner, f"{place}.{key}" if place else key, key)
    elif isinstance(value, list):
        for inner in cast(list[object], value):
            yield from _texts(inner, place, name)
