"""Grades Python code by the `assert` lines of the question, as in MBPP. It runs what it reads: use a container.

Question:   Write double(n).\nassert double(3) == 6        Text:   ```python\ndef double(n):\n    return 2 * n\n```
"""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

from tutelage.records import Problem, Verdict
from tutelage.text.run_on import cut
from tutelage.text.statements import shorten

SECONDS = 10
"""Time limit of a program."""
MOST_MEMORY, MOST_WRITTEN = 4 * 2**30, 16 * 2**20
"""Bytes that a program may have, and may write to one file, where the system can hold it to that."""

_BLOCK = re.compile(r"(?:python|py)?3?[ \t]*\n(.*)", re.DOTALL | re.IGNORECASE)
_START = re.compile(r"^(?:async def |def |class |import |from |@)", re.MULTILINE)
_STATED = "The answer is "
_TEST = re.compile(r"assert\b")
_LONGEST_TEST = 50
"""Lines of one test, at most."""
_RUNNER = f"""
import json, os, sys, types
try:
    import resource
    for kind, most in ((resource.RLIMIT_AS, {MOST_MEMORY}), (resource.RLIMIT_FSIZE, {MOST_WRITTEN})):
        resource.setrlimit(kind, (most, most))
except (ImportError, OSError, ValueError):
    pass
code, tests, sign = json.load(sys.stdin)
answer = sys.modules["answer"] = types.ModuleType("answer")
exec(compile(code, "answer", "exec"), answer.__dict__)
exec(compile(tests, "tests", "exec"), answer.__dict__)
sys.stderr.write(sign)
sys.stderr.flush()
os._exit(0)
"""
"""Runs code as a module, so that what stands below `if __name__ == "__main__"` is left out, then the tests. It says a
sign that the code does not know, since code that ends early, or ends all right, has passed no test."""


def grade_code(problem: Problem, text: str) -> Verdict:
    """Whether the code in a text passes the tests of the question, in a process of its own, with no environment."""
    code, tests = code_in(text), tests_of(problem.question)
    if code is None:
        return Verdict(False, None, "no code in it")
    if not tests:
        return Verdict(False, code, "the question has no test")
    sign = secrets.token_hex()
    try:
        said = _run(json.dumps([code, "\n".join(tests), sign]))
    except subprocess.TimeoutExpired:
        return Verdict(False, code, f"it runs for more than {SECONDS} s")
    if said.endswith(sign):
        return Verdict(True, code, "all tests pass")
    lines = said.strip().splitlines()
    return Verdict(False, code, shorten(lines[-1]) if lines else "it ends before its tests")


def _run(program: str) -> str:
    """What a program writes as errors, at least the end of it; all that it has started is ended with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _RUNNER],
            cwd=folder,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            process.communicate(program.encode(), timeout=SECONDS)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 10_000))
        return errors.read().decode(errors="replace")


def code_in(text: str) -> str | None:
    """The last fenced block that defines something, else the last one, else the text from its first definition."""
    text = without_run_on(text)
    blocks = [found[1] for part in text.split("```")[1::2] if (found := _BLOCK.match(part))]
    if blocks:
        return next((block for block in reversed(blocks) if _START.search(block)), blocks[-1])
    stated = text.rpartition(_STATED)[2]
    text = stated if _START.match(stated) else cut(text)
    start = _START.search(text)
    return text[start.start() :].rstrip(". \n") if start else None


def without_run_on(text: str) -> str:
    """The text up to a further question; a line such as "# Example:" within a fenced block is none."""
    parts = text.split("```")
    hidden = ["x" * len(part) if place % 2 else part for place, part in enumerate(parts)]
    return text[: len(cut("```".join(hidden)))]


def tests_of(question: str) -> list[str]:
    """The `assert` statements of a question that begin a line."""
    lines = question.splitlines()
    return [_whole(lines[at : at + _LONGEST_TEST]) for at, line in enumerate(lines) if _TEST.match(line)]


def check_tests(question: str) -> None:
    """Refuse a question without tests, or with one that is no Python. Raises ValueError."""
    tests = tests_of(question)
    if not tests:
        raise ValueError("no line of the question begins with assert, so that any code would do; add its tests")
    for test in tests:
        if not _is_python(test):
            raise ValueError(f"the test {shorten(test)!r} is no Python")


def _whole(lines: list[str]) -> str:
    """The statement that these lines begin with; the first line if there is none."""
    beginnings = ("\n".join(lines[:count]) for count in range(1, len(lines) + 1))
    return next((text for text in beginnings if _is_python(text)), lines[0])


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
