"""A run as one file to mail or publish: `tutelage view RUN --export page.html`.

The file asks nobody for anything: style and script stand in it, and its content security policy allows these two alone,
by their hashes. It holds as many stories as fit, of every course in turn, and says how many it left out.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path, PureWindowsPath
from typing import TypeVar

from jinja2 import ChoiceLoader, DictLoader, Environment
from markupsafe import Markup

from tutelage.errors import RunError
from tutelage.runs.files import write_text
from tutelage.runs.reader import open_run
from tutelage.view.class_book import book_page
from tutelage.view.facts import COURSES, BookPage, BookRow, Filter
from tutelage.view.glance import Glance, glance
from tutelage.view.index.index import RunIndex
from tutelage.view.mistakes import mistakes
from tutelage.view.pages import glance as glance_page
from tutelage.view.pages import mistakes as mistakes_page
from tutelage.view.pages import teacher as teacher_page
from tutelage.view.pages import training as training_page
from tutelage.view.site import environment
from tutelage.view.story import story
from tutelage.view.teacher import teacher_facts
from tutelage.view.telling import told
from tutelage.view.training import TrainingFacts, training

MOST_BYTES = 2_900_000
"""Bytes of a file: stories are left out beyond them. A mail takes it, and a browser opens it at once."""
MOST_ROWS = 2_000
"""Problems in its class book; a browser lays out more of them slowly."""
AROUND = 700
"""Bytes that a story takes beside itself: its heading, and the link to it."""
PATIENCE = 3600.0
"""Seconds that the index is waited for."""

STATIC = Path(__file__).parent / "static"
STYLES = ("view.css", "charts.css", "stories.css")
SCRIPT = "export.js"

Facts = TypeVar("Facts", Glance, TrainingFacts)
_FOLDERS = re.compile(r"(?<![\w.:/])(?:/|[A-Za-z]:[\\/]+)(?:[^\s/\\'\"]+[/\\]+)+")
"""The folders of a path of a machine; those of an address on the web are none."""
_LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


def export(run: Path, file: Path, most_bytes: int = MOST_BYTES) -> str:
    """Write the page of a run to a file, atomically; returns in words what it holds. Raises RunError."""
    open_run(run)  # says what is wrong before the index is made
    with RunIndex.open(run) as index:
        if not (found := index.wait(PATIENCE)).done:
            raise RunError(f"cannot read all of {run}: {found.doing}; try again")
        text, words = whole(index, most_bytes)
    write_text(file, text)
    return words


def whole(index: RunIndex, most_bytes: int = MOST_BYTES) -> tuple[str, str]:
    """The page of an indexed run, and in words what it holds."""
    made = environment()
    parts = _parts(index, made)
    book = book_page(index, Filter(), 1, MOST_ROWS)
    name = index.run.absolute().name
    room = most_bytes - _size(_page(made, name, parts, book, {}, "a" * 100))
    stories = _stories(index, made, book, room)
    left_out = (book.found - len(stories), book.found - len(book.rows))
    words = f"{len(stories):,} of {book.found:,} stories" + (
        f", {len(book.rows):,} rows of the class book" if left_out[1] else ""
    )
    return _page(made, name, parts, book, stories, words if any(left_out) else ""), words


def _page(
    made: Environment,
    name: str,
    parts: Sequence[tuple[str, str, Markup]],
    book: BookPage,
    stories: Mapping[str, Markup],
    told: str,
) -> str:
    style, script = "\n".join(_static(each) for each in STYLES), _static(SCRIPT)
    policy = f"style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    kinds = sorted(_kinds(book.rows))
    text = made.get_template("export.html").render(
        name=name,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; {policy}",
        parts=parts,
        book=book,
        kinds=kinds,
        kinds_of={row.id: [place for place, kind in enumerate(kinds) if kind in _kinds([row])] for row in book.rows},
        stories=stories,
        told=told,
        courses=COURSES,
    )
    return _within(text, stories)


def _kinds(rows: Sequence[BookRow]) -> set[str]:
    return {kind for row in rows for cell in row.cells for kind in cell.kinds}


def _parts(index: RunIndex, made: Environment) -> list[tuple[str, str, Markup]]:
    """The pages of the run that are one part each: id, title, content."""
    reader, facts = open_run(index.run), mistakes(index)
    lessons = _unplaced(training(reader))
    look = replace(_unplaced(glance(reader)), command=None, folder=index.run.absolute().name)
    look = replace(look, settings=[replace(each, value=_name_of(each.value)) for each in look.settings])
    teaching = teacher_facts(index)
    exams = [sitting.name for sitting in index.sittings() if sitting.split == "train"]
    shared = {"run_name": "", "progress": index.progress()}
    rounds = [(each, training_page.charts_of(each)) for each in lessons.rounds]
    most = max((cost.work.seconds for cost in lessons.costs), default=1.0) or 1.0
    pages = (
        ("run", "Run", "glance.html", {"glance": look, "charts": glance_page.charts_of(look)}),
        ("mistakes", "Mistakes", "mistakes.html", {"facts": facts, "charts": mistakes_page.charts_of(facts, exams)}),
        (
            "teacher",
            "Teacher",
            "teacher.html",
            {"facts": teaching, "charts": teacher_page.charts_of(teaching.over_time)},
        ),
        ("training", "Training", "training.html", {"facts": lessons, "rounds": rounds, "most": most}),
    )
    bare = _bare(made)
    return [
        (id, title, Markup(bare.get_template(template).render({**shared, **facts})))
        for id, title, template, facts in pages
    ]


def _unplaced(facts: Facts) -> Facts:
    """The facts, whose faults name files without their folders: no paths of this machine are to be published."""
    return replace(facts, faults=tuple(_FOLDERS.sub("…/", fault) for fault in facts.faults))


def _name_of(value: str) -> str:
    """A setting; of a path of this machine its last part."""
    path = value.strip("'\"")
    return f"…/{PureWindowsPath(path).name}" if _FOLDERS.match(path) or path.startswith("/") else value


def _bare(made: Environment) -> Environment:
    """The same templates, where a page of a run has no frame."""
    frame = DictLoader({"run.html": "{% block main %}{% endblock %}"})
    return made.overlay(loader=ChoiceLoader([frame, made.loader] if made.loader else [frame]))


def _stories(index: RunIndex, made: Environment, book: BookPage, room: int) -> dict[str, Markup]:
    """The stories that there is room for, by problem, in the order of the class book."""
    template, found = made.get_template("story_of.html"), dict[str, Markup]()
    for row in _in_turn(book.rows):
        if (one := story(index, row.id)) is None:
            continue
        text = template.render(story=one, rounds=told(one), anchor=f"{row.id}-")
        room -= _size(text) + AROUND
        if room < 0:
            break
        found[row.id] = Markup(text)
    return {row.id: found[row.id] for row in book.rows if row.id in found}


def _in_turn(rows: Sequence[BookRow]) -> Iterator[BookRow]:
    """Problems of every course in turn, so that a selection shows each."""
    by_course = [[row for row in rows if row.course == course] for course in COURSES]
    for each in zip_longest(*by_course):
        yield from (row for row in each if row is not None)


def _within(text: str, stories: Mapping[str, Markup]) -> str:
    """The page with links to what it holds; those to pages of the server become plain words.

    What a model wrote is escaped, so none of it looks like a link of ours.
    """

    def link(found: re.Match[str]) -> str:
        address = found[1]
        if address.startswith("#"):
            return found[0]
        problem = address.partition("/problems/")[2].partition("?")[0]
        return f'<a href="#problem-{problem}">{found[2]}</a>' if problem in stories else found[2]

    return _LINK.sub(link, text)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
