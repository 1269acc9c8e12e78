import json
import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from tests.view.served import serving, small_run
from tutelage.cli.asking import Asking
from tutelage.errors import RunError
from tutelage.runs.reader import open_run
from tutelage.view.ask import LONGEST_QUESTION, AskBox


@pytest.fixture(scope="session")
def small(tmp_path_factory, tiny):
    return small_run(tmp_path_factory, tiny)


@pytest.fixture
def run(small, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(small, tmp_path / "run")


def fixed(run, folder, question):
    return f"<script>alert(1)</script> of {question}", "untrained\x1b[2J"


def test_both_students_of_a_run_answer(small):
    asking = Asking()
    student, untrained = asking(small, small / "student", "How many legs do 3 cows have?")
    assert isinstance(student, str)
    assert isinstance(untrained, str)
    assert asking.holds
    assert asking(small, small / "student", "How many legs do 3 cows have?") == (student, untrained)
    asking.release()
    assert not asking.holds


def test_models_are_kept_for_some_time(small):
    asking = Asking(kept=0.01)
    asking(small, small / "student", "How many?")
    for _ in range(1000):
        if not asking.holds:
            break
        time.sleep(0.01)
    assert not asking.holds


def test_a_stopped_run_is_asked_by_its_newest_whole_student(run):
    asked = []

    def noted(run, folder, question):
        asked.append(folder)
        return "said", None

    for number in (0, 1, 2):
        shutil.copytree(run / "student", run / f"round-{number:02d}" / "model")
    shutil.rmtree(run / "student")
    (run / "result.json").unlink()
    stages = json.loads((run / "round-02/stages.json").read_text())
    del stages["training"]
    (run / "round-02/stages.json").write_text(json.dumps(stages))
    AskBox(noted).answers(open_run(run), "q")
    assert asked == [run / "round-01" / "model"]
    assert len(Asking()(run, asked[0], "How many?")) == 2
    with serving(run, noted) as base:
        assert "the student of round 1, the newest that is whole" in httpx.get(base + "/run/run/ask").text


def test_a_form_is_known_by_the_token_of_its_visitor():
    box, other = AskBox(fixed), AskBox(fixed)
    one, two = box.visitor(None), box.visitor(None)
    assert one != two
    assert box.visitor(one) == one
    assert box.knows(one, box.token(one))
    for visitor, token in (
        (two, box.token(one)),
        (one, other.token(one)),
        (None, box.token(one)),
        (one, ""),
        (one, "é"),
    ):
        assert not box.knows(visitor, token)


def test_a_question_is_refused_in_words(run):
    box = AskBox(fixed)
    assert box.answers(open_run(run), " q ")[0].endswith("of q")
    for question, words in ((" ", "no question"), ("x" * (LONGEST_QUESTION + 1), "at most")):
        with pytest.raises(RunError, match=words):
            box.answers(open_run(run), question)
    with pytest.raises(RunError, match="without a student"):
        AskBox().answers(open_run(run), "q")
    shutil.rmtree(run / "student")
    with pytest.raises(RunError, match="no student"):
        box.answers(open_run(run), "q")


def test_one_question_is_answered_at_a_time(run):
    asked, go_on = threading.Event(), threading.Event()

    def slow(run, folder, question):
        asked.set()
        go_on.wait(60)
        return question, None

    box = AskBox(slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(box.answers, open_run(run), "one")
        asked.wait(60)
        with pytest.raises(RunError, match="Another question"):
            box.answers(open_run(run), "two")
        go_on.set()
        assert first.result() == ("one", None)
    assert box.answers(open_run(run), "three") == ("three", None)


def test_the_page_asks_and_shows_the_answers_harmlessly(run):
    with serving(run, fixed) as base, httpx.Client(base_url=base) as client:
        token = re.search(r'name="token" value="(\w+)"', client.get("/run/run/ask").text)[1]
        headers = {"origin": base}
        shown = client.post("/run/run/ask", data={"token": token, "question": "<i>why</i>"}, headers=headers)
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert "&lt;script&gt;alert(1)" in shown.text
        assert "<i>why" not in shown.text
        assert "\x1b" not in shown.text
        fields = {"token": token, "question": "q"}
        assert client.post("/run/run/ask", data=fields).status_code == 405  # no origin
        assert client.post("/run/run/ask", data=fields, headers={"origin": "http://evil.example"}).status_code == 403
        assert client.post("/run/run/ask", data=fields | {"token": "x"}, headers=headers).status_code == 403
        assert client.post("/run/run/ask", json=fields, headers=headers).status_code == 415
        assert client.post("/run/run/ask", data=fields | {"x": "y" * 70_000}, headers=headers).status_code == 413
        long = client.post("/run/run/ask", data=fields | {"question": "x" * 5_000}, headers=headers)
        assert long.status_code == 409
        assert "4,000 at most" in long.text
        client.cookies.clear()
        assert client.post("/run/run/ask", data=fields, headers=headers).status_code == 403
