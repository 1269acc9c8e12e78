import json
import re
import signal
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tutelage.errors import DataError
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.prompts import first_messages
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint
from tutelage.testing.__main__ import main
from tutelage.testing.answers import read_problems

PENS = Problem.of("Tom has 3 boxes of 4 pens.\n\nHow many pens?", "12", equation="3 * 4")


def post(endpoint, body, *, path="/chat/completions", key="none"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    with urlopen(Request(endpoint.base_url + path, data, headers), timeout=5) as response:
        return json.load(response)


def ask(*texts):
    return {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}


def test_answers_with_realistic_figures():
    with TeacherEndpoint(lambda body: body["messages"][0]["content"].upper()) as endpoint:
        completion = post(endpoint, ask("three little words"))
        assert endpoint.requests == [ask("three little words")]
    assert completion["choices"][0]["message"]["content"] == "THREE LITTLE WORDS"
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def test_answers_from_a_mapping():
    with TeacherEndpoint({"How many": "Some.", "How many pens?": "Twelve."}) as endpoint:
        texts = [
            post(endpoint, ask(f"Question: {q}"))["choices"][0]["message"]["content"]
            for q in ("How many pens?", "Who?")
        ]
    assert texts == ["Twelve.", "This question is not known here."]


@pytest.mark.parametrize(
    ("fault", "finish_reason", "text"),
    [
        (Fault.length(), "length", "12"),
        (Fault.content_filter(), "content_filter", ""),
        (Fault.slow(0.01), "stop", "1234"),
    ],
)
def test_faults_of_a_completion(fault, finish_reason, text):
    with TeacherEndpoint(lambda _: "1234", faults=[fault]) as endpoint:
        choice = post(endpoint, ask("q"))["choices"][0]
        assert post(endpoint, ask("q"))["choices"][0]["finish_reason"] == "stop"
    assert (choice["finish_reason"], choice["message"]["content"]) == (finish_reason, text)


def test_faults_of_http():
    faults = [Fault.http(429, "later", code="rate_limit", retry_after="3"), Fault.html(), Fault.empty(), Fault.reset()]
    with TeacherEndpoint(lambda _: "", faults=faults) as endpoint:
        with pytest.raises(HTTPError) as error:
            post(endpoint, ask("q"))
        with error.value as response:
            assert (response.status, response.headers["retry-after"]) == (429, "3")
            assert json.load(response)["error"]["code"] == "rate_limit"
        for _ in range(2):
            with pytest.raises(json.JSONDecodeError):
                post(endpoint, ask("q"))
        with pytest.raises(ConnectionError):
            post(endpoint, ask("q"))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"body": ask("q"), "key": "wrong"}, 401),
        ({"body": ask("q"), "path": "/models"}, 404),
        ({"body": b"{", "key": "right"}, 400),
        ({"body": {"messages": []}, "key": "right"}, 400),
    ],
)
def test_refusals(arguments, status):
    with TeacherEndpoint(lambda _: "", key="right") as endpoint:
        with pytest.raises(HTTPError) as error:
            post(endpoint, **arguments)
        with error.value as response:
            assert response.status == status
        with pytest.raises(HTTPError) as error:
            urlopen(endpoint.base_url, timeout=5)
        error.value.close()


def test_the_answer_key_knows_its_problems():
    body = {"messages": first_messages(FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7."), "number")}
    other = {"messages": first_messages(FeedbackRequest(Problem.of("Why?", "1")), "number")}
    with answer_key_endpoint([PENS, Problem.of("Why?", "1")]) as endpoint:
        text = post(endpoint, body)["choices"][0]["message"]["content"]
        unsolved = post(endpoint, other)["choices"][0]["message"]["content"]
        unknown = post(endpoint, ask("Hello?"))["choices"][0]["message"]["content"]
    assert "3 × 4 = 4 + 4 + 4 = 12" in text
    assert text.endswith("\nThe answer is 12.")
    assert unsolved.startswith("There is no worked solution here")
    assert unknown == "This question is not known here."


def test_reads_problems(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"question": "q", "answer": 12, "equation": "3 * 4"}\n\n{"question": "r", "answer": "5", "rationale": "R."}\n'
    )
    assert read_problems(path) == [Problem.of("q", "12", equation="3 * 4"), Problem.of("r", "5", rationale="R.")]


@pytest.mark.parametrize("row", ["{", "[1]", '{"question": "q"}', "4"])
def test_a_broken_row_is_named(tmp_path, row):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"question": "q", "answer": "1"}}\n{row}\n')
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: expected an object with question and answer"):
        read_problems(path)


def test_the_command_serves_until_interrupted(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({"question": PENS.question, "answer": "12", "equation": "3 * 4"}))
    command = [sys.executable, "-m", "tutelage.testing", "--data", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1 problems served")
        address = re.search(r"base_url: (\S+)}", process.stdout.readline())
        assert address is not None
        body = json.dumps({"messages": first_messages(FeedbackRequest(PENS), "number")}).encode()
        with urlopen(Request(f"{address[1]}/chat/completions", body), timeout=5) as response:
            assert "3 × 4 = 12" in json.load(response)["choices"][0]["message"]["content"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_the_command_names_what_is_wrong(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "nowhere.jsonl")]) == 2
    assert "nowhere.jsonl: cannot be read" in capsys.readouterr().err
