"""What every page is made from: the runs of a place, and the templates.

A page is a function in pages/ that takes a request and returns `page(request, "name.html", …)`; its module lists it in
ROUTES, and app.py lists the module. Starlette runs it in a thread. Whatever a template is given is escaped and made
printable; long texts go through the filter `said`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tutelage.report.format import p_value
from tutelage.runs.reader import RunReader, open_run
from tutelage.view import figures, harmless
from tutelage.view.ask import Ask, AskBox
from tutelage.view.charts import bar, whisker
from tutelage.view.facts import Indexing
from tutelage.view.index.index import RunIndex
from tutelage.view.marked import marked
from tutelage.view.shelf import Shelf, read_shelf

OPEN = 12
"""Indexes that are open at once; each has a thread. The one that was asked for longest ago is closed for another."""
FRESH = 2.0
"""Seconds for which a shelf that was read is taken for what is there."""


@dataclass(frozen=True, slots=True)
class Tab:
    """An entry of a run's navigation."""

    title: str
    url: str
    current: bool


TABS = (
    ("Run", ""),
    ("Problems", "problems"),
    ("Mistakes", "mistakes"),
    ("Teacher", "teacher"),
    ("Training", "training"),
    ("Compare", "compare"),
    ("Ask", "ask"),
)
"""The pages of a run, and where they are below it."""


class Site:
    """The runs of a place as they are now, and what the pages share. Safe to use from several threads."""

    def __init__(self, place: Path, ask: Ask | None = None) -> None:
        self.place, self.box = place.absolute(), AskBox(ask)
        self.templates = environment()
        self._shelf, self._read_at = read_shelf(self.place), time.monotonic()
        self._indexes: OrderedDict[Path, RunIndex] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def shelf(self) -> Shelf:
        """What lies in the place, read again if it was read a while ago."""
        with self._lock:
            if time.monotonic() - self._read_at > FRESH:
                self._shelf, self._read_at = read_shelf(self.place), time.monotonic()
            return self._shelf

    def run(self, name: str) -> Path:
        """The folder of a run by its name in addresses. Raises HTTPException: there is none."""
        return self._found(self.shelf.runs, name, "run")

    def study(self, name: str) -> Path:
        """The folder of a study by its name in addresses. Raises HTTPException: there is none."""
        return self._found(self.shelf.studies, name, "study")

    def reader(self, name: str) -> RunReader:
        """A reader of a run as it is now. Raises HTTPException: there is none. Raises RunError: it can't be read."""
        return open_run(self.run(name))

    def index(self, name: str) -> RunIndex:
        """The index of a run, which goes on being made. Raises as `reader`."""
        folder = self.reader(name).root
        with self._lock:
            if folder not in self._indexes:
                self._indexes[folder] = RunIndex.open(folder)
            self._indexes.move_to_end(folder)
            surplus = [self._indexes.popitem(last=False)[1]] if len(self._indexes) > OPEN else []
            found = self._indexes[folder]
        for index in surplus:
            index.close()
        return found

    def _found(self, named: dict[str, Path], name: str, noun: str) -> Path:
        if name not in named:
            raise HTTPException(404, f"there is no {noun} {name!r} in {self.place}")
        return named[name]

    def close(self) -> None:
        """End what runs beside the server."""
        with self._lock:
            indexes, self._indexes = self._indexes, OrderedDict()
        for index in indexes.values():
            index.close()


def environment() -> Environment:
    """The templates, with the figures' formats and `said`, `brief` as filters."""
    made = Environment(
        loader=PackageLoader("tutelage.view"),
        autoescape=True,
        finalize=harmless.plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    formats = (figures.percent, figures.points, figures.count, figures.decimal, figures.usd, figures.duration)
    texts = (harmless.said, harmless.brief, marked, p_value)
    named = {each.__name__: each for each in (*formats, figures.size, figures.counted, figures.moment, *texts)}
    made.filters.update(named)  # pyright: ignore[reportUnknownMemberType] - Jinja leaves it untyped
    made.globals.update(bar=bar, whisker=whisker)  # pyright: ignore[reportUnknownMemberType]
    return made


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    return request.app.state.site


def index_of(request: Request) -> tuple[RunIndex, Indexing]:
    """The index of the run that a request is for, and how far it is.

    That is looked up before the facts of a page, so that it never says that more was read than they show.
    """
    index = site_of(request).index(request.path_params["name"])
    return index, index.progress()


def page(request: Request, template: str, status: int = 200, **facts: Any) -> Response:  # noqa: ANN401
    """A page from a template and facts. What is the same on all pages of a run comes from the address."""
    site = site_of(request)
    name = request.path_params.get("name") if request.url.path.startswith("/run/") else None
    shared = {
        "site": site,
        "shelf": site.shelf,
        "run_name": name,
        "tabs": tabs(name, request.url.path) if name else [],
        "query": request.query_params,
        "pulse": f"/run/{name}/pulse" if name in site.shelf.runs else None,
    }
    text = site.templates.get_template(template).render({**shared, **facts})
    return Response(text.encode("utf-8", "backslashreplace"), status, media_type="text/html")


def tabs(name: str, path: str) -> list[Tab]:
    """The navigation of a run, seen from one of its pages, or from a comparison."""
    base = f"/run/{name}/"
    here = path.removeprefix(base if path.startswith(base) else "/").partition("/")[0]
    return [
        Tab(title, f"/compare?left={name}:" if below == "compare" else base + below, below == here)
        for title, below in TABS
    ]
