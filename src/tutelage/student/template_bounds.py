"""A chat template is a program of the model's author: it is run once apart, within bounds, before it is run at all.

    python template_bounds.py     {"template": …, "messages": […], "tokens": {…}} on standard input

The process ends with 3 where the template needs more than the bounds; what else is wrong with it, its own rendering
tells. It loads neither torch nor Transformers, so it starts at once.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_CHARACTERS, MOST_BYTES, MOST_SECONDS = 1_000_000, 2**29, 5
"""Of text, of memory, of computing (not of waiting): a prompt takes a template milliseconds and kilobytes."""


_TOO_MUCH = 3


def exceeds_bounds(template: str, messages: Sequence[Mapping[str, str]], tokens: Mapping[str, object]) -> bool:
    """Whether rendering these messages takes more text, memory or computing than any prompt should."""
    return _exceeds(json.dumps({"template": template, "messages": messages, "tokens": tokens}, default=str))


@cache
def _exceeds(request: str) -> bool:
    command = [sys.executable, "-P", __file__]
    done = subprocess.run(command, input=request.encode(), capture_output=True, check=False)
    return done.returncode == _TOO_MUCH or done.returncode < 0  # below 0: the system has ended it


def _within_bounds(request: Mapping[str, Any]) -> bool:
    """In the process apart: render, and count."""
    _limit_this_process()
    try:
        environment = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"])
        environment.globals |= {
            "raise_exception": _refuse,
            "strftime_now": lambda form: form,
        }  # as Transformers has them
        text = re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", str(request["template"]))
        given = {"messages": request["messages"], "add_generation_prompt": True, **request["tokens"]}
        written = 0
        for part in environment.from_string(text).generate(given):
            written += len(part)
            if written > MOST_CHARACTERS:
                return False
    except MemoryError:
        return False
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return True  # a fault of another kind
    return True


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _limit_this_process() -> None:
    try:
        import resource  # not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


if __name__ == "__main__":
    sys.exit(0 if _within_bounds(json.load(sys.stdin)) else _TOO_MUCH)
