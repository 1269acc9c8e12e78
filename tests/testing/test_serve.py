import json
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.testing.asking import post, refused, text_of
from tutelage.errors import ConfigError, TutelageError
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.ways import Asking
from tutelage.testing import TeacherEndpoint
from tutelage.testing.serve import serve

PENS = Problem.of("How many pens are in 3 boxes of 4?", "12", equation="3 * 4")
ROW = json.dumps({"question": PENS.question, "answer": "12", "equation": "3 * 4"})


def test_the_command_serves_until_interrupted(tmp_path):
    bare = json.dumps({"question": "How many pens are there?", "answer": "12"})
    (tmp_path / "p.jsonl").write_text(f"{ROW}\n{bare}")
    options = ["--data", str(tmp_path / "p.jsonl"), "--port", "0", "--faults", "503,ok*2", "--requests-per-minute", "1"]
    command = [
        sys.executable,
        "-u",
        "-m",
        "tutelage",
        "serve-test-teacher",
        *options,
        "--key",
        "k",
        "--latency",
        "0.01",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1 of 2 problems served")
        address = re.search(r"base_url: (\S+)}", process.stdout.readline())
        assert address is not None
        served = SimpleNamespace(base_url=address[1])
        body = {"messages": Prompts("number").messages(FeedbackRequest(PENS), Asking("question"))}
        assert refused(served, body)[0] == 401
        assert refused(served, body, key="k")[0] == 503
        assert "3 × 4 = 12" in text_of(post(served, body, key="k"))
        assert refused(served, body, key="k")[0] == 429
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "\n3 requests answered\n"
        assert process.wait(10) == 0


USUAL = {"port": 0, "latency": 0.0, "requests_per_minute": None, "tokens_per_minute": None, "faults": "", "key": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faults": "ok,half"}, "'half' is no fault"),
        ({"latency": -1.0}, "latency is -1.0"),
        ({"latency": float("nan")}, "latency is nan"),
        ({"tokens_per_minute": -1}, "tokens-per-minute is -1"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(TutelageError, match=message):
        serve([PENS], **(USUAL | options))


def test_problems_without_a_solution_are_refused_if_no_other_is_there():
    bare = Problem.of("How many pens are there?", "12")
    with pytest.raises(ConfigError, match="none of the 1 problems has a worked solution to serve"):
        serve([bare], **USUAL)


def test_a_port_that_cannot_be_had_is_named():
    with TeacherEndpoint(lambda _: "") as endpoint:
        taken = int(endpoint.base_url.split(":")[2].split("/")[0])
        for port in (taken, 70000):
            with pytest.raises(ConfigError, match=f"cannot listen on port {port}: "):
                serve([PENS], **(USUAL | {"port": port}))


def test_ctrl_c_ends_it_quietly_wherever_it_comes(tmp_path):
    (tmp_path / "p.jsonl").write_text(ROW)
    options = ["--data", str(tmp_path / "p.jsonl"), "--port", "0"]
    command = [sys.executable, "-m", "tutelage", "serve-test-teacher", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()  # the second line is still to come
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().endswith("0 requests answered\n")
        assert process.stderr.read() == ""
