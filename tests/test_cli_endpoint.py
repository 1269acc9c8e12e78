"""`tutelage serve-test-teacher`: a process of its own, asked over HTTP."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.test_cli import tutelage

PENS = "Tom has 3 boxes of 4 pens. How many pens?"


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "problems.jsonl"
    row = {"question": PENS, "answer": "12", "rationale": "3 × 4 = 12 pens."}
    path.write_text(json.dumps(row) + "\n")
    return path


def ask(base_url: str, key: str) -> tuple[int, str]:
    message = {"role": "user", "content": f"Question:\n{PENS}"}
    body = json.dumps({"model": "answer-key", "messages": [message]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{base_url}/chat/completions", body, headers)) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@contextmanager
def serving(*arguments) -> Iterator[str]:
    """The command at work in a process of its own; yields its address. It must end by Ctrl-C."""
    command = [sys.executable, "-u", "-m", "tutelage", "serve-test-teacher", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        try:
            yield next(found[0] for line in process.stdout if (found := re.search(r"http://[^\s}]+", line)))
            process.send_signal(signal.SIGINT)
            assert process.wait() == 0
        finally:
            process.kill()


def test_it_answers_as_scripted_until_ctrl_c(data):
    with serving("--data", data, "--key", "open-sesame", "--faults", "429,ok") as url:
        assert ask(url, "wrong")[0] == 401
        answers = [ask(url, "open-sesame") for _ in range(2)]
    assert [status for status, _ in answers] == [429, 200]
    assert "The answer is 12." in json.loads(answers[1][1])["choices"][0]["message"]["content"]


SAID = "3 × 4 = 12 pens.\nThe answer is 12."
TALK = [("system", "Hi."), ("user", PENS), ("assistant", SAID)]
DATA = {
    "p.csv": f"question;answer;rationale\n{PENS};12;3 × 4 = 12 pens.\n",
    "folder/train.json": json.dumps([{"messages": [{"role": role, "content": text} for role, text in TALK]}]),
    "other.jsonl": json.dumps({"ask": PENS, "so": "12", "why": "3 × 4 = 12 pens."}),
}
SETTINGS = {"other.jsonl": ["--set", "task.field={question: ask, answer: so, rationale: why}"]}


@pytest.mark.parametrize("name", DATA)
def test_it_reads_what_the_task_custom_reads(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(DATA[name])
    place = path.parent if "/" in name else path
    with serving("--data", place, *SETTINGS.get(name, [])) as url:
        assert "The answer is 12." in ask(url, "any")[1]


def test_what_it_cannot_do_is_told_in_one_line(data, tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n \n")
    for arguments, message in [
        (["--data", data, "--faults", "earthquake"], "earthquake"),
        (["--data", tmp_path / "none.jsonl"], "none.jsonl: cannot read the file"),
        (["--data", tmp_path / "empty.jsonl"], "empty.jsonl: the file has no rows"),
        (["--data", data, "--set", "task.field.question=ask"], "ask"),
    ]:
        result = tutelage("serve-test-teacher", *arguments)
        assert result.exit_code == 2
        assert result.output.startswith("error: ")
        assert message in result.output
    assert "Example: tutelage serve-test-teacher" in tutelage("serve-test-teacher", "--help").output
