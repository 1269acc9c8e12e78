"""`task.match: code`: the `assert` lines of the question decide."""

import pytest

from tutelage.grading import code
from tutelage.grading.grade import grade
from tutelage.records import Problem

DOUBLE = Problem.of("Write double(n).\nassert double(3) == 6\nassert double(0) == 0", "def double(n): return 2 * n")


@pytest.mark.parametrize(
    ("text", "correct", "reason"),
    [
        ("So:\n```python\ndef double(n):\n    return 2 * n\n```\nDone.", True, "all tests pass"),
        ("Twice.\ndef double(n):\n    return n + n", True, "all tests pass"),
        (DOUBLE.answer, True, "all tests pass"),
        ("```\ndef double(n):\n    return n\n```", False, "AssertionError"),
        ("```python\nimport os\nassert os.environ.get('HOME') is None\ndef double(n): return 2 * n\n```", True, "all"),
        ("It doubles.", False, "no code in it"),
    ],
)
def test_tests_decide(text, correct, reason):
    verdict = grade("text", DOUBLE, text, "code")
    assert (verdict.correct, verdict.reason.startswith(reason)) == (correct, True)


def test_what_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(code, "SECONDS", 1)
    assert "runs for more than 1 s" in grade("text", DOUBLE, "```\nwhile True: pass\n```", "code").reason
