"""Grades Python code by the `assert` lines of the question, as in MBPP. It runs what it reads: use a container.

Question:   Write double(n).\nassert double(3) == 6        Text:   ```python\ndef double(n):\n    return 2 * n\n```
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile

from tutelage.records import Problem, Verdict
from tutelage.text.statements import shorten

SECONDS = 10
"""Time limit of a program."""

_FENCED = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL)
_START = re.compile(r"^(?:def |class |import |from |@)", re.MULTILINE)


def grade_code(problem: Problem, text: str) -> Verdict:
    """Whether the code in a text passes the tests of the question, in a process of its own, with no environment."""
    code = code_in(text)
    if code is None:
        return Verdict(False, None, "no code in it")
    program = "\n".join([code, *tests_of(problem.question)])
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", program],
                cwd=folder,
                env={},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Verdict(False, code, f"it runs for more than {SECONDS} s")
        except (OSError, ValueError) as error:  # too long for a command, or with a null byte
            return Verdict(False, code, f"it cannot be run: {error}")
    if done.returncode == 0:
        return Verdict(True, code, "all tests pass")
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return Verdict(False, code, shorten(said[-1]) if said else f"it ends with {done.returncode}")


def code_in(text: str) -> str | None:
    """The last fenced block, or the text from its first definition or import."""
    if fenced := _FENCED.findall(text):
        return fenced[-1]
    start = _START.search(text)
    return text[start.start() :].rstrip(". \n") if start else None


def tests_of(question: str) -> list[str]:
    """The `assert` lines of a question."""
    return [line for line in question.splitlines() if line.startswith("assert ")]
