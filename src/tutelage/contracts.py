"""Checks of a user's own object: its methods, and its key.

A key identifies the behaviour of the object, such as "my-teacher 2". A run resumes only with the same key. When the
behaviour changes, the user must change the key.
"""

from __future__ import annotations

import builtins
import inspect
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, cast

from tutelage.errors import ConfigError
from tutelage.json_lines import is_unicode
from tutelage.records import Verdict

_LONGEST = 200
"""Maximum characters of a foreign message and of a key."""


def key_of(role: str, part: object) -> str:
    """The key of a user's object. Raises ConfigError if it is missing, not text, or not constant."""
    try:
        key, again = getattr(part, "key", None), getattr(part, "key", None)
    except Exception as error:  # the user's property may fail in any way
        refuse(role, part, f"its key cannot be read: {told(error)}", error)
    if key is None:
        refuse(role, part, f'it has no key; give it one, such as key = "my-{role} 1", and another when it changes')
    if callable(key):
        refuse(role, part, "its key is a method; make it an attribute or a property")
    if not isinstance(key, str):
        refuse(role, part, f"its key is {key!r}, a {type(key).__name__}; make it text")
    if not key.strip() or len(key) > _LONGEST or not is_unicode(key):
        refuse(role, part, f"its key is {key[:_LONGEST]!r}; give it 1 to {_LONGEST} characters")
    if key != again:
        refuse(role, part, f"its key changes: {key!r}, then {again!r}; it must be the same in every run that goes on")
    return key


def need_methods(role: str, part: object, methods: Mapping[str, int]) -> None:
    """Check that an object has these methods and that they accept this many arguments. Raises ConfigError."""
    for name, arguments in methods.items():
        method = getattr(part, name, None)
        if method is None:
            refuse(role, part, f"it has no method {name}")
        if not callable(method):
            refuse(role, part, f"its {name} is a {type(method).__name__}, not a method")
        if (fault := takes(method, arguments)) is not None:
            made = f"; it is a class: give an object of it, {name_of(part)}(…)" if isinstance(part, type) else ""
            refuse(role, part, f"its {name} {fault}{made}")


def takes(function: object, arguments: int) -> str | None:
    """Why a function can't be called with this many positional arguments; None if it can or if that is unknown."""
    return _cannot(function, f"is called with {arguments} argument{'s' * (arguments != 1)}", *range(arguments))


def takes_named(function: object, arguments: Mapping[str, object]) -> str | None:
    """The same for arguments by their names."""
    return _cannot(function, f"is called with {', '.join(arguments) or 'nothing'}", **arguments)


def _cannot(function: object, called: str, *values: object, **named: object) -> str | None:
    for code in (function, getattr(function, "__call__", None)):  # noqa: B004 - an object may be called, too
        if inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code):
            return "is async, but is called as an ordinary function; use asyncio.run inside it"
        if inspect.isgeneratorfunction(code):
            return "has a `yield`, so a call would do nothing; make it an ordinary function"
    try:
        signature = inspect.signature(function)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*values, **named)
    except TypeError:
        return f"takes {signature}, but {called}"
    return None


def each_is(role: str, part: object, what: str, found: object, kind: type) -> Sequence[object]:
    """`found` as a sequence of items of type `kind`. Raises ConfigError if it is not one."""
    if isinstance(found, str) or not isinstance(found, Sequence):
        refuse(role, part, f"{what} gives a {type(found).__name__}, not a list of {kind.__name__}")
    items = cast(Sequence[object], found)
    for place, item in enumerate(items):
        if not isinstance(item, kind):
            refuse(role, part, f"{what} gives a {type(item).__name__} at place {place}, not a {kind.__name__}")
    return items


def each_in_tuple(found: object, kind: type) -> bool:
    """Whether it is a tuple of items of type `kind`."""
    return isinstance(found, tuple) and all(isinstance(item, kind) for item in cast(tuple[object, ...], found))


def kind_of(found: object) -> str:
    """The name of a value's type in an error, with its module where it is that of another built-in type."""
    kind = type(found)
    return kind.__name__ if kind is getattr(builtins, kind.__name__, kind) else f"{kind.__module__}.{kind.__name__}"


def shown(found: object) -> str:
    """A user's value in one short line."""
    return f"{' '.join(repr(found).split()):.80}"


def is_text(found: object) -> bool:
    """Whether it is text that can be encoded."""
    return isinstance(found, str) and is_unicode(found)


def is_verdict(found: object) -> bool:
    """Whether it is a Verdict with fields of the right types."""
    if not isinstance(found, Verdict):
        return False
    return type(found.correct) is bool and is_text(found.reason) and (found.answer is None or is_text(found.answer))


def name_of(part: object) -> str:
    """The name of a user's object in an error: its class, or its own name if it is a class or a function."""
    named = part if isinstance(part, type) or inspect.isroutine(part) else type(part)
    return str(getattr(named, "__name__", named))


def told(error: BaseException, path: Path | None = None) -> str:
    """A foreign error in one line; with `path`, also the line of that file where it was raised."""
    text = " ".join(str(error).split())
    text = f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f" (line {lines[-1]})" if path is not None and lines else ""
    return f"{type(error).__name__}{f': {text}' if text else ''}{where}"


def refuse(role: str, part: object, fault: str, cause: BaseException | None = None) -> NoReturn:
    """Raise the ConfigError about an object of the user's."""
    raise ConfigError(f"the {role} {name_of(part)} cannot be used: {fault}") from cause
