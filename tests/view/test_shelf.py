"""What is found in a place."""

import pytest

from tutelage.view.listed import listed
from tutelage.view.shelf import read_shelf, slug


def begun(folder, text="{}"):
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text)
    return folder


def test_a_run_is_shown_alone(tmp_path):
    shelf = read_shelf(begun(tmp_path / "my run"))
    assert (shelf.kind, list(shelf.runs)) == ("run", ["my-run"])


def test_a_study_has_its_runs_in_order(tmp_path):
    for seed in (10, 2):
        begun(tmp_path / "first" / "runs" / "auto" / f"seed-{seed}")
    shelf = read_shelf(tmp_path / "first")
    assert (shelf.kind, list(shelf.studies)) == ("study", ["first"])
    assert list(shelf.runs_of(tmp_path / "first")) == ["runs~auto~seed-2", "runs~auto~seed-10"]


def test_a_folder_has_what_is_below_it_but_not_what_is_hidden_linked_or_in_a_run(tmp_path):
    begun(tmp_path / "a" / "b")
    begun(tmp_path / "a" / "b" / "student" / "copy")
    begun(tmp_path / ".hidden")
    begun(tmp_path / "s" / "runs" / "full" / "seed-0")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    shelf = read_shelf(tmp_path)
    assert shelf.kind == "folder"
    assert shelf.runs == {"a~b": tmp_path / "a" / "b", "s~runs~full~seed-0": tmp_path / "s/runs/full/seed-0"}
    assert shelf.studies == {"s": tmp_path / "s"}
    assert shelf.name_of(tmp_path / "a" / "b") == "a~b"
    assert shelf.name_of(tmp_path) is None


def test_names_that_would_be_the_same_are_told_apart(tmp_path):
    for name in ("é", "ü", "x:y", "x y"):
        begun(tmp_path / name)
    assert sorted(read_shelf(tmp_path).runs) == ["-", "-~2", "x-y", "x-y~2"]


@pytest.mark.parametrize("name", ["..", "a/b", "%2e", "a:b", "<b>", "é\ud800", ""])
def test_a_name_stands_in_an_address_as_it_is(name):
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-~._")
    assert slug(name).strip(".")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("{}", "is not the run.json of a run"),
        ('{"format": 99, "id": "x", "data": "y"}', "newer Tutelage"),
    ],
)
def test_a_run_that_cannot_be_read_is_listed_with_the_reason(tmp_path, text, words):
    found = listed("a", begun(tmp_path / "a", text))
    assert found.state == "unreadable"
    assert words in found.fault
