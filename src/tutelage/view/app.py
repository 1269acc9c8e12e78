"""The application behind `tutelage view`: the pages by their addresses, behind the guard.

/                                   one run, a study, or the list of a folder
/run/NAME/ …                        the pages of a run
/compare, /study/NAME/              of several
/static/…                           style and script
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from tutelage.errors import TutelageError
from tutelage.view.ask import Ask
from tutelage.view.pages import ask as asking
from tutelage.view.pages import class_book, compare, glance, mistakes, pulse, shelf, story, study, teacher, training
from tutelage.view.security import Guard
from tutelage.view.site import Site, page

STATIC = Path(__file__).parent / "static"

PAGES: tuple[list[BaseRoute], ...] = (
    *(shelf.ROUTES, glance.ROUTES, pulse.ROUTES, class_book.ROUTES, story.ROUTES, mistakes.ROUTES),
    *(teacher.ROUTES, training.ROUTES, compare.ROUTES, study.ROUTES, asking.ROUTES),
)
"""The routes of every module in pages/."""


def make_app(place: Path, ask: Ask | None = None) -> ASGIApp:
    """The pages for a run, a study or a folder with several. `ask` asks a run's student; None: nobody is asked."""
    site = Site(place, ask)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncGenerator[None]:
        yield
        site.close()

    app = Starlette(
        routes=[*(route for routes in PAGES for route in routes), Mount("/static", StaticFiles(directory=STATIC))],
        exception_handlers={HTTPException: missing, TutelageError: unreadable, Exception: bug},
        lifespan=life,
    )
    app.state.site = site
    return Guard(app)


def missing(request: Request, error: Exception) -> Response:
    """The page for an address that leads nowhere."""
    assert isinstance(error, HTTPException)
    title = "There is no such page" if error.status_code == 404 else "This is not possible"
    return page(request, "problem.html", error.status_code, title=title, words=error.detail, pulse=None)


def unreadable(request: Request, error: Exception) -> Response:
    """The page for a run that is broken, foreign or newer than this version."""
    return page(request, "problem.html", 422, title="This can't be shown", words=str(error), pulse=None)


def bug(request: Request, error: Exception) -> Response:
    """The page for a fault of ours. The traceback goes to the terminal."""
    words = f"{type(error).__name__}: {error}. This is a fault of Tutelage; the terminal shows where."
    return page(request, "problem.html", 500, title="Something went wrong", words=words, pulse=None)
