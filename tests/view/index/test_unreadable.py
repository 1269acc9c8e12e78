"""One file, or one value, that can't be read costs itself alone: all others are indexed and shown."""

import json
import os

import pytest

from tests.view.index.runs import attempt, mistake, problem, reply, run_in, write
from tutelage.view.class_book import book_page
from tutelage.view.facts import Filter
from tutelage.view.index.index import RunIndex
from tutelage.view.story import story
from tutelage.view.teacher import refused_page

ODD = (None, True, -1, 10**400, float("nan"), float("inf"), "", "x", "x" * 100_000, "\ud800", [], {}, [[]], [{"a": 1}])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(tmp_path):
    made = run_in(tmp_path / "run")
    write(made / "problems.jsonl", [problem("a"), problem("b")])
    write(made / "round-01" / "exam.jsonl", [attempt(name, 0, False) for name in "ab"])
    return made


def blocked(path, how):
    path.parent.mkdir(exist_ok=True)
    {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda p: p.symlink_to("/dev/zero"), "loop": _loop}[how](path)


def _loop(path):
    path.symlink_to(path.name)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices have no names elsewhere")
@pytest.mark.parametrize("how", ["pipe", "folder", "device", "loop"])
@pytest.mark.parametrize("name", ["feedback.jsonl", "mistakes.jsonl"])
def test_what_is_no_file_is_told_and_keeps_nothing_else_out(run, name, how):
    blocked(run / "round-01" / name, how)
    with RunIndex.open(run) as index:
        found = index.wait()
        assert found.done
        assert [said.partition(":")[0] for said in found.unread] == [f"round-01/{name}"]
        assert book_page(index, Filter()).found == 2


@pytest.mark.skipif(os.name != "posix", reason="needs a link to itself")
def test_a_round_that_is_no_folder_is_passed_over(run):
    _loop(run / "round-02")
    with RunIndex.open(run) as index:
        assert index.wait().done
        assert book_page(index, Filter()).found == 2


def spoilt(row):
    """The row with each of its fields, at any depth, replaced by odd values."""
    for key in row:
        for value in ODD:
            yield {**row, key: value}
        inner = row[key][0] if isinstance(row[key], list) and row[key] else row[key]
        if isinstance(inner, dict):
            yield from ({**row, key: [each] if isinstance(row[key], list) else each} for each in spoilt(inner))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("exam.jsonl", attempt("a", 0, False)),
        ("mistakes.jsonl", mistake("a", 0, "arithmetic")),
        ("feedback.jsonl", reply("a", "wrong answer")),
        ("failed.jsonl", reply("a", "timeout")),
        ("examples.jsonl", {"problem": problem("a")["problem"], "anchor": "so", "positives": ["x"], "negatives": []}),
    ],
)
def test_no_value_stops_the_index_or_a_page(run, name, row):
    from tutelage.view.site import environment
    from tutelage.view.telling import told

    rows = list(spoilt({**row, "corrects": None} if name == "examples.jsonl" else row))
    (run / "round-01" / name).write_text("".join(json.dumps(each) + "\n" for each in [row, *rows]))
    with RunIndex.open(run) as index:
        assert index.wait().doing == "up to date"
        one = story(index, "a")
        assert one is not None
        text = environment().get_template("story_of.html").render(story=one, rounds=told(one), anchor="")
        assert "How many?" in text
        assert refused_page(index).rows or name not in ("feedback.jsonl", "failed.jsonl")
