"""The pages as a site: links that lead somewhere, settings as the code has them, figures as a run printed them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field
from rich.console import Console

from tools import schema
from tools.settings_page import settings_page
from tools.site import BESIDE, ROOT, links, pages, staged
from tutelage.config import Section
from tutelage.config.file import flat, parse_config
from tutelage.report.table import print_run
from tutelage.run_records import RunResult
from tutelage.runs.files import read_record

PLACES = "*.md", "docs/**/*.md", "examples/**/*.md"
PAGES = sorted(path.relative_to(ROOT).as_posix() for place in PLACES for path in ROOT.glob(place))
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```.*?^```$", re.S | re.M)


def anchors(page: Path) -> set[str]:
    """What GitHub and the site call the headings of a page."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    for link in links((ROOT / page).read_text(encoding="utf-8")):
        if link.leads_out:
            continue
        path, _, anchor = link.target.partition("#")
        # findings.md becomes a part of docs/results.md, and links as that does
        folder = ROOT / "docs" if page == "docs/studies/findings.md" else (ROOT / page).parent
        target = folder / path if path else ROOT / page
        assert target.exists(), f"{page} links to {link.target}"
        if anchor:
            assert anchor in anchors(target), f"{page} links to {link.target}; {path} has {sorted(anchors(target))}"


def test_every_page_is_in_the_navigation_and_none_else():
    def names(entry: object) -> list[str]:
        match entry:
            case str():
                return [entry]
            case dict():
                return [name for inner in entry.values() for name in names(inner)]
            case list():
                return [name for inner in entry for name in names(inner)]
        raise AssertionError(entry)

    navigation = names(tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"])
    assert sorted(navigation) == sorted(name for name in pages().values() if name.endswith(".md"))


def test_no_page_fetches_anything_from_outside():
    for place in pages():
        if place.endswith(".md"):
            text = (ROOT / place).read_text(encoding="utf-8")
            assert not [link for link in links(text) if link.picture and link.leads_out], place
            assert not re.search(r"<(script|img|iframe|link)\b", FENCED.sub("", text)), place
    assert tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["theme"]["font"] is False


def test_links_on_the_site_are_those_of_the_project_and_source_files_are_text():
    page = "[a](docs/method.md#words) [`b`](src/b.py) ![c](docs/images/demo.png) [d](https://d.org) `[e](docs/x.md)`"
    where = pages()
    assert staged(page, "README.md", where) == (
        "[a](<method.md#words>) `b` ![c](<images/demo.png>) [d](https://d.org) `[e](docs/x.md)`"
    )
    assert staged("[a](../../README.md)", "docs/results/svamp.md", where) == "[a](<../index.md>)"
    assert all((ROOT / place).is_file() for place in (*BESIDE, *where))


def test_the_page_of_settings_is_that_of_the_code():
    """Where it differs, `make docs` writes it anew."""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_schema_of_a_result_is_that_of_the_code():
    """Where it differs, `make docs` writes it anew, and RESULT_VERSION gets a new minor or major version."""
    assert (ROOT / "docs" / "schemas" / "result.schema.json").read_text(encoding="utf-8") == schema.written()


def test_the_page_of_settings_has_every_setting():
    page = settings_page()
    whole = parse_config({"task": {"name": "leg_counting"}}).model_dump(mode="json")
    listed = re.findall(r"^\| `([\w.]+)` \|", page, re.M)
    assert set(flat(whole)) <= {*listed}
    assert len(listed) == len(set(listed))


class Inner(Section):
    """US dollars for a million tokens."""

    prompt: float = Field(default=0.0, ge=0, le=1e6)
    """What is read."""


class Teaching(Section):
    """Who teaches, and
    for how much.
    """

    name: str
    """Which one | or another."""
    kind: Literal["right", "left"] = "right"
    """Where it stands."""
    wait: float | None = Field(default=None, gt=0)
    """Seconds until it is asked again; None: never."""
    share: float = Field(default=0.25, gt=0, le=1)
    """Share of what is asked."""
    batch: bool = False
    """Requests go up as a file."""
    targets: Sequence[str] | Literal["all"] = "all"
    """Names of them."""
    options: Mapping[str, int | str] = Field(default_factory=dict)
    """Whatever else."""
    inner: Inner = Inner()


class Whole(Section):
    """All."""

    teaching: Teaching
    seed: Annotated[int, Field(ge=-(2**63), lt=2**32)] = 0
    """Draws."""


def test_a_page_of_settings_says_type_unit_default_and_bounds():
    header = "| setting | type | unit | default | bounds | what it is |\n| --- | --- | --- | --- | --- | --- |\n"
    assert settings_page(Whole).partition("\n## ")[2] == (
        "teaching\n\nWho teaches, and for how much.\n\n"
        + header
        + """\
| `teaching.name` | text |  | required |  | Which one \\| or another. |
| `teaching.kind` | `right`, `left` |  | `right` |  | Where it stands. |
| `teaching.wait` | number or none | seconds | none | > 0 | Seconds until it is asked again; None: never. |
| `teaching.share` | number | share | `0.25` | > 0, ≤ 1 | Share of what is asked. |
| `teaching.batch` | `true` or `false` |  | `false` |  | Requests go up as a file. |
| `teaching.targets` | list of text or `all` |  | `all` |  | Names of them. |
| `teaching.options` | mapping |  | `{}` |  | Whatever else. |

## teaching.inner

US dollars for a million tokens.

"""
        + header
        + """\
| `teaching.inner.prompt` | number | US dollars a million tokens | `0.0` | ≥ 0, ≤ 1,000,000 | What is read. |

## seed

"""
        + header
        + """\
| `seed` | integer |  | `0` | ≥ -2^63, < 2^32 | Draws. |
"""
    )


def test_the_readme_is_short_and_comes_to_the_point():
    assert len(README.split()) <= 1000
    assert len(README.split("```sh\n")[0].split()) <= 70


def test_the_figures_of_the_demo_are_those_that_a_run_printed():
    result = read_record(ROOT / "docs" / "images" / "demo.json", RunResult)
    quickstart = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    console = Console(file=StringIO(), width=80)
    print_run(result, console, "runs/demo")
    lines = console.file.getvalue().splitlines()
    rows = [line.rpartition("│")[0].rpartition("│")[0] for line in lines if line.startswith("│")]
    assert len(rows) == len(result.rounds) == 3
    for line in [*rows, *(line for line in lines if line.startswith(("test ", "gain")))]:
        assert line in quickstart  # all but seconds, which are those of the machine that is named there
    for seen in (*(row.validation for row in result.rounds), result.test.before, result.test.after):
        assert f"{100 * seen.accuracy:.1f} % " in README
