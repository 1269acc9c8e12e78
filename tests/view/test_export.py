import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.view.served import browser, small_run
from tests.view.test_browser import make_hostile
from tutelage.view.class_book import book_page
from tutelage.view.export import _name_of, export
from tutelage.view.index.index import RunIndex
from tutelage.view.query import read_filter


@pytest.fixture(scope="session")
def small(tmp_path_factory, tiny):
    return small_run(tmp_path_factory, tiny)


@pytest.fixture(scope="module")
def file(small, tmp_path_factory):
    made = tmp_path_factory.mktemp("exported") / "page.html"
    words = export(small, made)
    assert words == "6 of 6 stories"
    return made


def test_a_page_stands_for_itself(file, small):
    text = file.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("<style>") == 1
    assert "default-src 'none'; style-src 'sha256-" in text.replace("&#39;", "'")
    assert not re.search(r"(?:src|href|action)=\"(?!#)", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert set(re.findall(r'href="#([^"]*)"', text)) <= set(ids)
    assert "tutelage run " not in text
    assert str(small) not in text
    for words in ("Exam: ", "Teaching", "The most frequent wrong answers", "By round", "What the stages took"):
        assert words in text


def test_stories_are_left_out_beyond_a_bound_and_that_is_said(small, tmp_path):
    whole, bounded = tmp_path / "whole.html", tmp_path / "bounded.html"
    export(small, whole)
    size = whole.stat().st_size
    export(small, bounded, 0)
    bound = (bounded.stat().st_size + size) // 2
    words = export(small, bounded, bound)
    assert re.fullmatch(r"[1-5] of 6 stories", words)
    assert bounded.stat().st_size <= bound
    assert words in bounded.read_text(encoding="utf-8")


def test_the_command_writes_it_and_says_what_it_holds(small, tmp_path):
    done = tutelage("view", small, "--export", tmp_path / "a.html")
    assert done.exit_code == 0, done.output
    assert "6 of 6 stories" in done.output
    assert (tmp_path / "a.html").stat().st_size < 3_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    for folder in (tmp_path, tmp_path / "nothing"):
        refused = tutelage("view", folder, "--export", tmp_path / "b.html")
        assert refused.exit_code == 2
        assert not (tmp_path / "b.html").exists()
    (broken := tmp_path / "broken").mkdir()
    (broken / "run.json").write_text(json.dumps({"format": 99, "id": "x", "data": "y"}))
    assert "newer" in tutelage("view", broken, "--export", tmp_path / "b.html").output


def book_page_of(run, name: str, chosen: str) -> int:
    """How many problems the class book of the server shows with this choice."""
    with RunIndex.open(run) as index:
        index.wait()
        return book_page(index, read_filter({name: chosen})).found


def opened(file: Path, chromium):
    """The file in a browser, and what it did that it should not do."""
    page, faults = chromium.new_page(), list[str]()
    page.on("console", lambda said: faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda sent: sent.url == file.as_uri() or faults.append(sent.url))
    page.goto(file.as_uri())
    return page, faults


@pytest.mark.slow
def test_it_opens_from_disk(file, small, tmp_path):

    make_hostile(small, tmp_path / "hostile")
    export(tmp_path / "hostile", tmp_path / "hostile.html")
    with browser() as chromium:
        page, faults = opened(file, chromium)
        page.locator("tr[data-course] a").first.click()
        story = page.locator("details.story[open]")
        story.wait_for()  # one alone, else this is an error
        assert story.locator(".attempt").count() == 4
        for name in ("kind", "taught", "rejected"):
            page.select_option(f"select[name={name}]", index=1)
            expected = book_page_of(small, name, page.locator(f"select[name={name}] option").nth(1).inner_text())
            page.locator("#found", has_text=f"{expected} of 6 problems").wait_for()
            page.select_option(f"select[name={name}]", index=0)
        page.fill("input[name=q]", "nobodysaidthis")
        page.locator("#found", has_text="0 of 6 problems").wait_for()
        assert faults == []
        page, faults = opened(tmp_path / "hostile.html", chromium)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("window.hit") is None
        assert faults == []


def test_no_place_on_this_machine_is_in_it(small, tmp_path):
    made = shutil.copytree(small, tmp_path / "secret-place" / "run")
    (made / "result.json").write_text("{")
    export(made, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert "result.json" in page
    assert "secret-place" not in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/ann/my models/135m", "…/135m"),
        ("'C:\\\\Users\\\\ann\\\\135m'", "…/135m"),
        ("http://127.0.0.1:8123/v1", "http://127.0.0.1:8123/v1"),
        ("HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M"),
        ("0.5", "0.5"),
    ],
)
def test_a_setting_names_no_folder_of_this_machine(value, shown):
    assert _name_of(value) == shown


@pytest.mark.skipif(os.name != "posix", reason="there is no /dev/stdout elsewhere")
def test_a_page_on_stdout_is_the_page_alone(small):
    done = subprocess.run(
        [sys.executable, "-m", "tutelage", "view", small, "--export", "/dev/stdout"], capture_output=True, check=True
    )
    assert done.stdout.endswith(b"</html>") or done.stdout.endswith(b"</html>\n")
    assert b"stories" in done.stderr
