"""The pages of texts over HTTP: stories, mistakes, two students, a study."""

import html
import importlib
import json
import re
import shutil

import httpx2 as httpx
import pytest
import yaml

from tests.report.figures import study
from tests.view.served import serving, small_run
from tutelage.runs.files import write_json
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.view.facts import Indexing
from tutelage.view.index.index import RunIndex


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    write_json(place / "trial" / "study.json", study(["untrained", "full", "preference"], seeds=2))
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny):
    return small_run(tmp_path_factory, tiny)


@pytest.fixture(scope="module")
def client(run):
    with serving(run) as base, httpx.Client(base_url=base, follow_redirects=True) as found:
        for _ in range(1000):
            if "Reading the run" not in found.get("/run/run/problems").text:
                break
        yield found


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


def test_a_story_tells_the_mistake_the_feedback_and_what_became_of_it(client, run):
    mistake = next(row for row in rows(run / "round-01/mistakes.jsonl") if row["start"] is not None)
    attempt = next(
        row
        for row in rows(run / "round-01/exam.jsonl")
        if (row["problem_id"], row["sample"]) == (mistake["problem_id"], mistake["sample"])
    )
    page = client.get(f"/run/run/problems/{mistake['problem_id']}").text
    step = attempt["text"][mistake["start"] : mistake["end"]]
    marked = [plain(each) for each in re.findall(r"<mark>(.*?)</mark>", page, re.DOTALL)]
    assert " ".join(f"[first wrong step:] {step}".split()) in marked
    words = plain(page)
    assert "Since exam 1:" in words
    for reply in rows(run / "round-01/feedback.jsonl"):
        if reply["problem_id"] == mistake["problem_id"] and reply["verdict"]["correct"]:
            assert " ".join(reply["text"].split()) in words
            assert "The answer is 1." in words  # the refused reply to the first asking
    assert "Training:" in words


def test_a_story_has_its_neighbours_in_the_filtered_list(client):
    book = client.get("/run/run/problems?sort=-question").text
    ids = re.findall(r'href="/run/run/problems/(\w+)\?sort=-question"', book)
    assert len(ids) == 6
    page = client.get(f"/run/run/problems/{ids[1]}?sort=-question").text
    assert f'rel="prev" href="/run/run/problems/{ids[0]}?sort=-question"' in page
    assert f'rel="next" href="/run/run/problems/{ids[2]}?sort=-question"' in page
    assert "2 of 6" in page


def test_mistakes_are_counted(client, run):
    page = client.get("/run/run/mistakes").text
    kinds = {row["kind"] for row in rows(run / "round-01/mistakes.jsonl")}
    assert all(kind in page for kind in kinds if kind)
    assert page.count("<svg") >= 2
    assert "The most frequent wrong answers" in page


def test_before_and_after_stand_side_by_side(client):
    page = client.get("/compare?left=run:").text
    assert "McNemar" in page
    assert "test before: right" in plain(page)
    assert page.count('class="box pair"') == 4
    both = client.get("/compare?left=run:exam-1&right=run:exam-2&only=neither").text
    assert "exam 1: right" in plain(both)
    apart = client.get("/compare?left=run:exam-1&right=run:test-after").text
    assert "no problem in common" in apart
    for query in ("", "?left=nobody:x&right=", "?left=run:nothing&right=run:&only=<b>&page=99999999999"):
        assert client.get(f"/compare{query}").status_code == 200


def test_what_is_not_there_is_said(client):
    assert client.get("/run/run/problems/nothing").status_code == 404
    assert client.get("/run/run/problems/a%2F..%2Fb").status_code == 404
    assert client.get("/study/nothing/").status_code == 404


def test_a_study_shows_arms_and_pairs(folder):
    with serving(folder) as base, httpx.Client(base_url=base) as found:
        page = found.get("/study/trial/").text
        words = plain(page)
        assert "Do rounds of tailored feedback teach more than one round does?" in words
        assert "95 % interval" in words
        assert re.search(r"full</th>\s*<td>untrained", page)


def test_a_story_has_the_replies_as_they_came_with_price_and_time(client, run):
    with LedgerReader(run) as ledger:
        rows = list(ledger.rows())
    problem = max(rows_of(run, "feedback"), key=lambda row: (len(row["keys"]), row["verdict"]["correct"]))
    came = [row for row in rows if row.key in problem["keys"]]
    page = client.get(f"/run/run/problems/{problem['problem_id']}").text
    words = plain(page)
    assert len(came) > 1
    for row in came:
        assert " ".join(row.text.split()) in words.replace("[first wrong step:] ", "")
    assert re.search(r"tokens · \$\d[\d.]* · ", words)
    assert 'id="ledger"' not in page


@pytest.mark.parametrize("started", ["here", "elsewhere", "lost"])
def test_a_shared_ledger_is_found_where_the_run_was_started_and_else_it_is_said_where_it_was_sought(
    run, tmp_path, monkeypatch, started
):
    (tmp_path / "elsewhere").mkdir()
    copied = shutil.copytree(run, tmp_path / "runs" / "mine")
    (tmp_path / "shared").mkdir()
    for path in copied.glob("ledger.sqlite*"):
        path.rename(tmp_path / "shared" / path.name)
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["teacher"]["ledger"] = "shared/ledger.sqlite"
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    if started == "lost":
        shutil.rmtree(tmp_path / "shared")
    monkeypatch.chdir(tmp_path if started == "here" else tmp_path / "elsewhere")
    problem = max(rows_of(run, "feedback"), key=lambda row: len(row["keys"]))["problem_id"]
    with serving(copied) as base:
        for _ in range(1000):
            answer = httpx.get(f"{base}/run/mine/problems/{problem}")
            if answer.status_code == 200 and "Reading the run" not in answer.text:
                break
    assert ("It is in none of these places" in answer.text) == (started == "lost")
    assert (str(tmp_path / "shared" / "ledger.sqlite") in answer.text) == (started == "lost")
    assert ("in all, by the way of asking" in answer.text) == (started != "lost")


def rows_of(run, name):
    return [row for path in sorted(run.glob(f"round-*/{name}.jsonl")) for row in rows(path)]


@pytest.mark.parametrize(
    ("address", "module", "read"),
    [
        ("problems", "class_book", "book_page"),
        ("problems/{problem}", "story", "read_story"),
        ("mistakes", "mistakes", "read_mistakes"),
        ("teacher", "teacher", "teacher_facts"),
        ("teacher/refused", "teacher", "refused_page"),
    ],
)
def test_what_was_read_while_the_index_was_made_is_not_told_as_all(run, client, monkeypatch, address, module, read):
    pages, ended = importlib.import_module(f"tutelage.view.pages.{module}"), []
    reading = getattr(pages, read)

    def read_to_the_end(*arguments):
        facts = reading(*arguments)
        ended.append(True)  # the rest is indexed just behind the facts
        return facts

    monkeypatch.setattr(pages, read, read_to_the_end)
    monkeypatch.setattr(RunIndex, "progress", lambda index: Indexing(1, 0.5, "reading", bool(ended)))
    found = client.get(f"/run/run/{address.format(problem=rows_of(run, 'feedback')[0]['problem_id'])}")
    assert found.status_code == 200
    assert ended
    assert "Reading the run" in found.text
