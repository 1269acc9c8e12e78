"""The pages in a real Chromium, on a small real run: nothing fails, nothing reaches out, nothing that was said acts."""

import dataclasses
import json
import os
import re
import shutil
import time
from urllib.parse import urlsplit

import pytest

from tests.report.figures import study
from tests.view.served import browser, serving, small_run
from tutelage.run_records import Now
from tutelage.runs.files import write_json

pytestmark = pytest.mark.slow

HOSTILE = (
    "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'><svg onload=window.hit=3></svg>"
    "\" onmouseover=\"window.hit = 4\" ' autofocus onfocus='window.hit = 5' </textarea></title>"
    "<iframe src=//evil.example></iframe><a href='javascript:window.hit=6'>x</a>"
    "{{ 7 * 7 }} {% raw %} \x1b[2J\x07 abc\u202edef\u2066 &lt;b&gt; \x00 "
)


def told(value, words):
    """A row as it would be if a model had said these words wherever it says anything."""
    if isinstance(value, dict):
        said = {"text", "mistake", "question", "rationale", "anchor", "reason", "answer", "corrects", "right", "step"}
        return {
            name: words if name in said and isinstance(each, str) else told(each, words) for name, each in value.items()
        }
    if isinstance(value, list):
        return [words if isinstance(each, str) and len(each) > 20 else told(each, words) for each in value]
    return value


def make_hostile(run, folder):
    shutil.copytree(run, folder)
    (folder / "result.json").unlink()
    for path in folder.rglob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        words = [HOSTILE, HOSTILE + "A" * 1_000_000, "lone \ud800 half"]
        changed = [told(row, words[place % 3]) for place, row in enumerate(rows)]
        path.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")


def begin_again(run, folder):
    """The run as it was in the middle of its last exam: two attempts are there, and it is at work."""
    shutil.copytree(run, folder)
    (folder / "result.json").unlink()
    exam = folder / "round-02" / "exam.jsonl"
    lines = exam.read_bytes().splitlines(keepends=True)
    for name in (
        "feedback.jsonl",
        "examples.jsonl",
        "steps.jsonl",
        "evaluation.jsonl",
        "result.json",
        "mistakes.jsonl",
    ):
        (folder / "round-02" / name).unlink(missing_ok=True)
    exam.write_bytes(b"".join(lines[:2]))
    return lines[2:]


def at_work(folder, **figures):
    known = {"at": time.time(), "pid": os.getpid(), "title": "round 2: exam", "done": 2, "total": 12}
    known |= {"began": time.time() - 4, "units": "attempts", **figures}
    names = {each.name for each in dataclasses.fields(Now)}
    (folder / "now.json").write_text(json.dumps({name: value for name, value in known.items() if name in names}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    run, place = small_run(tmp_path_factory, tiny), tmp_path_factory.mktemp("view") / "runs"
    shutil.copytree(run, place / "small")
    make_hostile(run, place / "hostile")
    begin_again(run, place / "live")
    write_json(place / "trial" / "study.json", study(["untrained", "full", "preference"], seeds=2))
    (place / "broken").mkdir()
    (place / "broken" / "run.json").write_text("{")
    return place


@pytest.fixture(scope="module")
def site(folder):
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


class Watched:
    """A page that notes what it should not do."""

    def __init__(self, chromium, site, **options):
        self.page = chromium.new_page(base_url=site, **options)
        self.faults, host = [], urlsplit(site).netloc
        self.page.on("console", lambda said: said.type == "error" and self.faults.append(said.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda sent: urlsplit(sent.url).netloc == host or self.faults.append(sent.url))

    def open(self, path):
        """Open a page, once the run is indexed."""
        answer = self.page.goto(path)
        assert answer.status == 200, (path, answer.status)
        self.page.locator("#indexing .note").wait_for(state="detached")
        return self.page


@pytest.fixture
def watched(chromium, site):
    made = Watched(chromium, site)
    yield made
    made.page.close()
    assert made.faults == []


def links(page):
    return page.eval_on_selector_all("a[href]", "all => all.map(each => each.getAttribute('href'))")


def kind_of_page(address):
    """Two addresses of one kind show the same page of something else."""
    path, _, query = address.partition("?")
    return re.sub(r"/[0-9a-f]{16}\b", "/ID", path) + "?" + "&".join(sorted(re.findall(r"(\w+)=", query)))


@pytest.mark.parametrize("run", ["small", "hostile"])
def test_every_page_opens_and_asks_nobody_else(watched, run):
    both = f"/compare?left={run}:exam-1&right={run}:exam-2"
    waiting, seen = [f"/run/{run}/", both, "/study/trial/"], set()
    while waiting and len(seen) < 40:
        address = waiting.pop()
        if kind_of_page(address) in seen:
            continue
        seen.add(kind_of_page(address))
        page = watched.open(address)
        assert page.title()
        assert page.evaluate("window.hit") is None, address
        text = page.inner_text("body")
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text), address
        assert len(text) < 400_000
        base = urlsplit(page.url).path
        waiting += [
            link if link.startswith("/") else base + link
            for link in links(page)
            if link.startswith(("/run", "/compare", "?"))
        ]
    assert {kind_of_page(both), "/study/trial/?"} <= seen
    assert {
        f"/run/{run}/{name}?" for name in ("", "problems", "problems/ID", "mistakes", "teacher", "training", "ask")
    } <= seen


def test_what_was_said_is_shown_as_it_was_said(watched):
    page = watched.open("/run/hostile/problems")
    assert "<script>window.hit = 1</script>" in page.inner_text("#book")


def test_a_filter_and_a_search_find_what_they_should(watched):
    page = watched.open("/run/small/problems")
    assert page.locator("#book tbody tr").count() == 6
    page.locator("#courses a", has_text="never right").click()
    page.wait_for_url("**/problems?*")
    found = page.locator("#book tbody tr")
    assert 0 < found.count() <= 6
    assert set(found.locator("td.course").all_inner_texts()) == {"never right"}
    page.goto("/run/small/problems")
    question = page.locator("#book tbody th").first.inner_text()
    word = max(re.findall(r"[a-z]+", question), key=len)
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=*")
    questions = page.locator("#book tbody th").all_inner_texts()
    assert questions
    assert question in questions
    page.get_by_label("Words in question").fill("nobodysaidthis")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("No problem is like this").wait_for()


def test_columns_sort_both_ways(watched):
    page = watched.open("/run/small/problems")
    page.get_by_role("link", name="Problem", exact=True).click()
    page.wait_for_url("**sort=question*")
    assert page.locator("thead th[aria-sort=ascending]").count() == 1
    first = page.locator("#book tbody th").all_inner_texts()
    page.locator("thead th[aria-sort] a").click()
    page.wait_for_url("**sort=-question*")
    assert page.locator("#book tbody th").all_inner_texts() == first[::-1]


def test_a_live_run_moves_and_what_is_typed_stays(watched, folder):
    at_work(folder / "live")
    page = watched.open("/run/live/problems")
    cells = "#book tbody td:nth-of-type(3) .cell:not(.none)"
    page.wait_for_function("selector => document.querySelectorAll(selector).length === 1", arg=cells)
    page.get_by_label("Words in question").fill("half a wor")
    page.evaluate("window.same = document.querySelector('#book tbody tr')")
    with (folder / "live/round-02/exam.jsonl").open("ab") as file:
        file.write(b"".join((folder / "small/round-02/exam.jsonl").read_bytes().splitlines(keepends=True)[2:6]))
    page.wait_for_function("selector => document.querySelectorAll(selector).length === 3", arg=cells)
    assert page.get_by_label("Words in question").input_value() == "half a wor"
    assert page.evaluate("document.activeElement.name") == "q"
    assert page.evaluate("window.same === document.querySelector('#book tbody tr')")


@pytest.mark.parametrize(("part", "name"), [("teacher", "feedback"), ("training", "steps")])
def test_a_row_of_a_live_run_is_shown_as_it_comes(watched, folder, part, name):
    at_work(folder / "live")
    page = watched.open(f"/run/live/{part}")
    text, before = f"document.querySelector('#{part}').innerText", page.inner_text(f"#{part}")
    for row in (folder / f"small/round-02/{name}.jsonl").read_bytes().splitlines(keepends=True)[:2]:
        with (folder / f"live/round-02/{name}.jsonl").open("ab") as file:
            file.write(row)
        page.wait_for_function(f"was => {text} !== was", arg=before)
        before = page.inner_text(f"#{part}")


def test_the_stage_of_a_run_at_work_is_shown_as_it_goes_on(watched, folder):
    at_work(folder / "live")
    page = watched.open("/run/live/")
    assert page.get_by_text("at work").is_visible()
    page.get_by_text("2 of 12 attempts").wait_for()
    at_work(folder / "live", done=7)
    page.get_by_text("7 of 12 attempts").wait_for()


def test_paper_is_white_and_has_nothing_to_click(chromium, site):
    page = Watched(chromium, site, color_scheme="dark").open("/run/small/problems")
    cell = "getComputedStyle(document.querySelector('#book .cell')).getPropertyValue('--s0').trim()"
    assert page.evaluate(cell) == "#14171b"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(cell) == "#ffffff"
    assert not page.locator("form").first.is_visible()
    assert page.locator("#book").is_visible()
    page.close()


def test_pages_work_without_javascript(chromium, site):
    watched = Watched(chromium, site, java_script_enabled=False)
    page = watched.page
    page.goto("/run/small/problems?q=nobodysaidthis")
    page.get_by_role("link", name="All problems").last.click()
    page.wait_for_url(re.compile("problems[?]?$"))
    assert page.locator("#book tbody tr").count() == 6
    page.get_by_label("Taught").select_option("yes")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**taught=yes*")
    page.close()
    assert watched.faults == []


def test_what_cannot_be_read_is_said(chromium, site):
    page = chromium.new_page(base_url=site)
    for path, status, words in [
        ("/run/broken/", 422, "run.json"),
        ("/run/broken/problems", 422, "run.json"),
        ("/run/none/", 404, "there is no run 'none'"),
    ]:
        assert page.goto(path).status == status
        assert words in page.inner_text("main")
    assert page.goto("/").status == 200
    assert "unreadable" in page.inner_text("main")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_needs_no_scrolling_sideways(chromium, site, scheme):
    page = chromium.new_page(base_url=site, viewport={"width": 380, "height": 700}, color_scheme=scheme)
    both = "/compare?left=small:exam-1&right=small:exam-2"
    below = ("", "problems", "mistakes", "teacher", "training", "ask")
    for path in ("/", both, "/study/trial/", *(f"/run/small/{name}" for name in below)):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, path
    page.close()


def test_a_narrow_class_book_shows_what_became_of_a_problem_below_its_question(chromium, site):
    page = chromium.new_page(base_url=site, viewport={"width": 380, "height": 700})
    page.goto("/run/small/problems")
    row = page.locator("#book tbody tr").first
    question, cells = row.locator("th").bounding_box(), row.locator("td .cell")
    assert cells.count() == 2
    assert question["width"] > 330
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["y"] >= question["y"] + question["height"]
        assert box["x"] + box["width"] <= 380
    page.close()


def test_charts_beside_each_other_have_one_scale(chromium, site):
    page = chromium.new_page(base_url=site, viewport={"width": 1280, "height": 800})
    for name in ("", "training", "mistakes"):
        page.goto(f"/run/small/{name}")
        scales = page.eval_on_selector_all(
            "svg.plot", "all => all.map(each => each.getBoundingClientRect().width / each.viewBox.baseVal.width)"
        )
        assert len(scales) > 1, name
        assert max(scales) - min(scales) < 0.02, name
    page.close()
