import os
import shutil
import time
from pathlib import Path

import pytest

from tests.processes import forked, import_before_forking
from tutelage.runs.directory import Stage
from tutelage.runs.stage_cache import LEFT_BEHIND, StageCache

import_before_forking(__name__)

ENTRY = {"key": "k", "done": True, "seconds": 1.5}


@pytest.fixture
def made(tmp_path):
    """A folder with what a stage has made: a model and some rows."""
    (tmp_path / "made" / "model").mkdir(parents=True)
    (tmp_path / "made" / "model" / "weights").write_text("0.1 0.2")
    (tmp_path / "made" / "rows.jsonl").write_text("{}\n")
    return tmp_path / "made"


def test_what_is_put_is_taken_without_a_second_copy(made, tmp_path):
    cache = StageCache(tmp_path / "cache", 10**9)
    cache.put("k", made, ["model", "rows.jsonl", "never-written"], ENTRY)
    (tmp_path / "other" / "model").mkdir(parents=True)
    (tmp_path / "other" / "model" / "stale").write_text("of another key")
    assert cache.take("k", tmp_path / "other") == ENTRY
    assert {path.name for path in (tmp_path / "other").rglob("*")} == {"model", "weights", "rows.jsonl"}
    assert (tmp_path / "other" / "model" / "weights").samefile(made / "model" / "weights")


def test_nothing_lies_under_another_key_or_in_another_part(made, tmp_path):
    cache = StageCache(tmp_path / "cache", 10**9)
    assert cache.take("k", made) is None
    cache.part("a").put("k", made, ["model"], ENTRY)
    assert cache.take("k", made) is None
    assert cache.part("b").take("k", made) is None
    assert cache.part("a").take("l", made) is None


def test_who_comes_second_replaces_it(made, tmp_path):
    cache = StageCache(tmp_path / "cache", 10**9)
    cache.put("k", made, ["rows.jsonl"], ENTRY)
    cache.put("k", made, ["model"], {**ENTRY, "seconds": 9.0})
    assert cache.take("k", tmp_path / "other") == {**ENTRY, "seconds": 9.0}
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["model"]
    assert [path.name for path in cache.root.iterdir()] == ["k"]


def test_what_was_not_wanted_for_longest_is_put_away(made, tmp_path):
    cache = StageCache(tmp_path / "cache", 300)
    for age, key in enumerate(["wanted", "old", "new"]):  # the oldest is the one that is wanted again
        (made / "rows.jsonl").unlink(missing_ok=True)
        (made / "rows.jsonl").write_text("x" * 60)
        if key == "new":
            cache.take("wanted", tmp_path / "other")
        cache.put(key, made, ["rows.jsonl"], ENTRY)
        if key != "new":
            os.utime(cache.root / key, (age, age))
    held = {path.name for path in cache.root.iterdir()}
    assert {"new", "wanted"} <= held
    assert "old" not in held
    assert (tmp_path / "other" / "rows.jsonl").exists()  # what was taken stays


def test_the_bytes_of_all_parts_count_together(made, tmp_path):
    (made / "rows.jsonl").write_text("x" * 200)
    cache = StageCache(tmp_path / "cache", 300)
    for age, part in enumerate(["a", "b"]):
        cache.part(part).put("k", made, ["rows.jsonl"], ENTRY)
        if part == "a":
            os.utime(cache.root / part / "k", (age, age))
    assert cache.part("a").take("k", tmp_path / "other") is None
    assert cache.part("b").take("k", tmp_path / "other") == ENTRY


def test_without_hard_links_it_copies(made, tmp_path, monkeypatch):
    def refused(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    cache = StageCache(tmp_path / "cache", 10**9)
    cache.put("k", made, ["model"], ENTRY)
    shutil.rmtree(made)
    assert cache.take("k", tmp_path / "other") == ENTRY
    assert (tmp_path / "other" / "model" / "weights").read_text() == "0.1 0.2"


def test_a_stage_finds_what_another_run_has_done(tmp_path):
    cache = StageCache(tmp_path / "cache", 10**9)
    first = Stage(tmp_path / "a", "exam", "k", cache)
    first.begin("exam.jsonl", scratch=["notes"])
    (tmp_path / "a" / "exam.jsonl").write_text("{}\n")
    (tmp_path / "a" / "notes").write_text("of no use later")
    first.finish(summary={"marks": 3})
    second = Stage(tmp_path / "b", "exam", "k", cache)
    assert second.done
    assert second.summary == first.summary
    assert [path.name for path in sorted((tmp_path / "b").iterdir())] == ["exam.jsonl", "stages.json"]
    assert not Stage(tmp_path / "c", "exam", "other", cache).done
    assert not Stage(tmp_path / "c", "exam", "k").done


@pytest.mark.parametrize("damaged", ["exam.jsonl", "entry.json"])
def test_what_was_damaged_is_done_again_once(tmp_path, damaged):
    cache = StageCache(tmp_path / "cache", 10**9)

    def did(run: str) -> bool:
        """Whether the run found it done; if not, it has done it."""
        stage = Stage(tmp_path / run, "exam", "k", cache)
        if done := stage.done:
            return done
        stage.begin("exam.jsonl")
        (stage.folder / "exam.jsonl").write_text("{}\n")
        stage.finish()
        return False

    assert [did("a"), did("b")] == [False, True]
    (cache.root / "k" / damaged).write_text("{]\n")  # and with it those of both runs, which it is a link of
    assert [did("c"), did("d")] == [False, True]
    assert (tmp_path / "d" / "exam.jsonl").read_text() == "{}\n"


def put_again_and_again(root: str, made: str) -> None:
    """Put stages that do not all fit."""
    cache = StageCache(Path(root), 400)
    for number in range(40):
        cache.put(f"k{number % 6}", Path(made), ["model", "rows.jsonl"], ENTRY)


def test_several_processes_at_once_find_a_stage_whole_or_not_at_all(made, tmp_path):
    (made / "model" / "weights").write_text("w" * 120)
    root = tmp_path / "cache"
    others = [forked(put_again_and_again, str(root), str(made)) for _ in range(2)]
    taken = missed = 0
    while any(process.is_alive() for process in others) or (taken + missed) % 6:  # at the end, once more each
        folder = tmp_path / "taken"
        shutil.rmtree(folder, ignore_errors=True)
        if StageCache(root, 400).take(f"k{(taken + missed) % 6}", folder) is None:
            missed += 1
            continue
        assert (folder / "model" / "weights").read_text() == "w" * 120
        assert (folder / "rows.jsonl").exists()
        taken += 1
    assert [process.exitcode for process in others] == [0, 0]
    assert taken
    assert missed  # there was not room for all


def test_what_a_killed_process_left_behind_goes_after_a_while(made, tmp_path):
    cache = StageCache(tmp_path / "cache", 10**9)
    for name, age in ((".old.77", 2 * LEFT_BEHIND), (".new.78", 1.0)):
        (cache.root / name).mkdir(parents=True)
        os.utime(cache.root / name, (time.time() - age,) * 2)
    cache.put("k", made, ["rows.jsonl"], ENTRY)
    assert {path.name for path in cache.root.iterdir()} == {"k", ".new.78"}
