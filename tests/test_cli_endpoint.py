"""`tutelage serve-test-teacher`: a process of its own, asked over HTTP."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.test_cli import tutelage


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "problems.jsonl"
    row = {"question": "Tom has 3 boxes of 4 pens. How many pens?", "answer": "12", "rationale": "3 × 4 = 12 pens."}
    path.write_text(json.dumps(row) + "\n")
    return path


def ask(base_url: str, key: str) -> tuple[int, str]:
    message = {"role": "user", "content": "Question:\nTom has 3 boxes of 4 pens. How many pens?"}
    body = json.dumps({"model": "answer-key", "messages": [message]}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{base_url}/chat/completions", body, headers)) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_answers_as_scripted_until_ctrl_c(data):
    command = [sys.executable, "-u", "-m", "tutelage", "serve-test-teacher", "--data", str(data), "--port", "0"]
    command += ["--key", "open-sesame", "--faults", "429,ok"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        try:
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://[^\s}]+", line)))
            assert ask(url, "wrong")[0] == 401
            answers = [ask(url, "open-sesame") for _ in range(2)]
            process.send_signal(signal.SIGINT)
            assert process.wait() == 0
        finally:
            process.kill()
    assert [status for status, _ in answers] == [429, 200]
    assert "The answer is 12." in json.loads(answers[1][1])["choices"][0]["message"]["content"]


def test_what_it_cannot_do_is_told_in_one_line(data, tmp_path):
    for arguments, message in [
        (["--data", data, "--faults", "earthquake"], "earthquake"),
        (["--data", tmp_path / "none.jsonl"], "none.jsonl"),
    ]:
        result = tutelage("serve-test-teacher", *arguments)
        assert result.exit_code == 2
        assert result.output.startswith("error: ")
        assert message in result.output
    assert "Example: tutelage serve-test-teacher" in tutelage("serve-test-teacher", "--help").output
