"""`task.match: code`: the `assert` lines of the question decide."""

import json
from time import sleep

import pytest

from tutelage.errors import DataError
from tutelage.grading import code
from tutelage.grading.grade import grade
from tutelage.records import Problem
from tutelage.tasks.catalog import load_task

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
        ("```python\nimport sys\nsys.exit(0)\n```", False, "it ends before its tests"),
        ("```python\ndef double(n): return n\nimport os\nos._exit(0)\n```", False, "it ends before its tests"),
        (
            "```python\nimport sys\ndef double(n):\n    return 2 * n\n\n"
            'if __name__ == "__main__":\n    print(double(int(input())))\n    sys.exit(0)\n```',
            True,
            "all tests pass",
        ),
        ("```bash\npip install x\n```\nThen:\n```python\ndef double(n): return 2 * n\n```", True, "all tests pass"),
        ("```Python\ndef double(n): return 2 * n\n```\nIt prints:\n```\n6\n```", True, "all tests pass"),
        ("```python\ndef double(n):\n    return 2 * n", True, "all tests pass"),
        ("```python\ndef double(n):\n    # Example:\n    return 2 * n\n```\nQuestion: And 3?", True, "all tests pass"),
        (f"It adds up.\nThe answer is {DOUBLE.answer}.", True, "all tests pass"),
        ("The answer is\ndef double(n): return 2 * n.", True, "all tests pass"),
        ("```python\nx = [0] * 10**12\n```", False, "MemoryError"),
        ("```python\nx = '\ud800'\n```", False, "Unicode"),
    ],
)
def test_tests_decide(text, correct, reason):
    verdict = grade("text", DOUBLE, text, "code")
    assert (verdict.correct, verdict.reason.startswith(reason)) == (correct, True)


def test_tests_may_have_several_lines_and_brackets():
    problem = Problem.of(
        "Write double(n).\nassert(double(3) == 6)\nassert double(\n    4,\n) == 8\nassertions hold", "-"
    )
    assert code.tests_of(problem.question) == ["assert(double(3) == 6)", "assert double(\n    4,\n) == 8"]
    assert grade("text", problem, DOUBLE.answer, "code").correct
    assert not grade("text", problem, "def double(n): return 6", "code").correct


def test_without_tests_no_code_is_right(tmp_path):
    assert not grade("text", Problem.of("Write double(n).", "-"), DOUBLE.answer, "code").correct
    for test, told in (("", "no line of the question begins with assert"), ("assert double(3", "is no Python")):
        rows = [{"question": f"Write double{n}(n).\n{test}", "answer": "def double(n): return n"} for n in range(4)]
        file = tmp_path / "mine.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with pytest.raises(DataError, match=told):
            load_task("custom", path=file, match="code")


def test_what_it_writes_is_not_kept_and_what_it_starts_is_ended(tmp_path):
    spawned = tmp_path / "spawned"
    program = (
        "import subprocess, sys\ndef double(n):\n    return 2 * n\n"
        f"subprocess.Popen([sys.executable, '-c', \"import time; time.sleep(1); open({str(spawned)!r}, 'w')\"])\n"
        "print('x' * 10**7)\nsys.stderr.write('y' * 10**6)"
    )
    assert grade("text", DOUBLE, f"```python\n{program}\n```", "code").correct
    sleep(1.5)
    assert not spawned.exists()


def test_what_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(code, "SECONDS", 1)
    assert "runs for more than 1 s" in grade("text", DOUBLE, "```\nwhile True: pass\n```", "code").reason
