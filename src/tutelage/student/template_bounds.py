"""A chat template is an untrusted program. It is first run in a process of its own, with limits on time and memory.

    python template_bounds.py     {"template": …, "messages": […], "given": {…}} on standard input

The process exits with 3 if the template exceeds a limit. Other errors are left to the real rendering. The process loads
neither torch nor Transformers, so it starts fast.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn, cast

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_CHARACTERS, MOST_BYTES, MOST_SECONDS = 1_000_000, 2**29, 5
"""Limits of output, memory and CPU time. A normal prompt needs milliseconds and kilobytes."""


_TOO_MUCH = 3


def exceeds_bounds(template: str, messages: Sequence[Mapping[str, str]], given: Mapping[str, object]) -> bool:
    """Whether rendering these messages exceeds a limit. `given` has the special tokens and other variables."""
    return _exceeds(json.dumps({"template": template, "messages": messages, "given": given}, default=str))


def without_marks(template: str) -> str:
    """A template without the marks of what a model writes, which Transformers alone knows."""
    return re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", template)


@cache
def _exceeds(request: str) -> bool:
    command = [sys.executable, "-P", __file__]
    done = subprocess.run(command, input=request.encode(), capture_output=True, check=False)
    return done.returncode == _TOO_MUCH or done.returncode < 0  # below 0: killed by the system


def _within_bounds(request: Mapping[str, Any]) -> bool:
    """Render within the limits; runs in the separate process."""
    _limit_this_process()
    try:
        environment = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"])
        environment.globals |= {
            "raise_exception": _refuse,
            "strftime_now": lambda form: form,
        }  # as Transformers has them
        text = without_marks(str(request["template"]))
        given = {"messages": request["messages"], "add_generation_prompt": True, **request["given"]}
        written = 0
        if _folds_too_much(environment, text):
            return False
        for part in environment.from_string(text).generate(given):
            written += len(part)
            if written > MOST_CHARACTERS:
                return False
    except MemoryError:
        return False
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return True  # another error
    return True


def _folds_too_much(environment: ImmutableSandboxedEnvironment, template: str) -> bool:
    """Whether a constant in the template is too large: Jinja computes them while it compiles, in dead branches, too."""
    context = nodes.EvalContext(environment)
    for part in environment.parse(template).find_all(nodes.BinExpr):
        try:
            value = part.as_const(context)
        except nodes.Impossible as error:
            if isinstance(error.__cause__, MemoryError):
                return True
        else:
            if isinstance(value, str | list | tuple) and len(cast(Sequence[object], value)) > MOST_CHARACTERS:
                return True
    return False


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
