"""Practice problems on the pages: in the class book, in the story of the failed problem, in their own story."""

import html
import re
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.view.index.runs import attempt, problem, reply, run_in, write
from tests.view.served import serving
from tutelage.view.index.index import RunIndex
from tutelage.view.practised import practised
from tutelage.view.story import story

NEW = problem("new", "Ann has 5 bags of 6 nuts. How many?", "30", rationale="5 × 6 = 30 nuts.")


def practice(name: str, made: dict | None, failure: str | None = None, text: str = "5 × 6 = 30\nThe answer is 30."):
    return {**reply(name, failure, text), "asked": [], "problem": made}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    run = run_in(tmp_path_factory.mktemp("runs") / "run")
    write(run / "problems.jsonl", [problem("a", "Tom has 3 boxes of 4 pens. How many?"), NEW])
    write(run / "round-00" / "annotation.jsonl", [reply("a")])
    first, second = run / "round-01", run / "round-02"
    write(first / "exam.jsonl", [attempt("a", 0, False)])
    write(first / "feedback.jsonl", [reply("a")])
    dropped = {**NEW["problem"], "id": "other"}
    made = [(NEW["problem"], None), (dropped, "known problem"), (None, "no new problem")]
    write(first / "practice.jsonl", [practice("a", *each) for each in made])
    learnt = {"problem": NEW["problem"], "anchor": "5 × 6 = 30", "positives": [], "negatives": [], "corrects": None}
    write(first / "examples.jsonl", [learnt])
    write(second / "exam.jsonl", [attempt("a", 0, True), attempt("new", 0, True)])
    return run


def test_the_story_of_the_failed_problem_has_them(run):
    with RunIndex.open(run) as index:
        assert index.wait().done
        told = story(index, "a")
        assert told is not None
        made = [shown for each in told.rounds for shown in each.practice]
        assert [shown.failure for shown in made] == [None, "known problem", "no new problem"]
        assert [shown.question for shown in made] == [NEW["problem"]["question"]] * 2 + [None]
        assert [len(each.replies) for each in told.rounds] == [1, 1, 0], "they are no replies to the problem itself"
        own = story(index, "new")
        assert own is not None
        assert own.solution == "5 × 6 = 30 nuts."
        assert [len(each.examples) for each in own.rounds] == [1, 0]
        assert len(own.rounds[1].attempts) == 1


def test_the_pages_show_them(run):
    with serving(run) as base, httpx.Client(base_url=base, follow_redirects=True) as client:

        def words(address: str) -> str:
            for _ in range(1000):
                found = client.get(f"/run/run/{address}")
                assert found.status_code == 200, address
                if "Reading the run" not in found.text:
                    break
            return " ".join(html.unescape(re.sub(r"<[^>]*>", "", found.text)).split())

        assert "Ann has 5 bags of 6 nuts." in words("problems")
        failed = words("problems/a")
        assert "Practice made from it: 3 problems" in failed
        assert "✗ dropped: known problem" in failed
        assert "Ann has 5 bags of 6 nuts." in words("problems/new")
        assert "known problem" in words("teacher/refused")
        for address in ("", "mistakes", "teacher", "training"):
            assert words(address)


def test_odd_rows_end_no_story():
    rows = [{}, {"problem": 3, "verdict": []}, {"problem": {"id": 4, "question": None}, "text": 5}]
    assert [shown.failure for shown in practised(rows)] == ["dropped"] * 3
