"""A small real run, and the pages served on loopback, for tests with and without a browser."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tutelage.view.ask import Ask

WRONG = "2 + 2 = 4\nThe answer is 1."
"""What the teacher says wherever it sees a mistake: it is refused, and the question alone is asked."""


def small_run(factory: pytest.TempPathFactory, tiny: str) -> Path:
    """A finished run of two rounds with a teacher over HTTP, some of whose replies are refused. Only to be read."""

    def make(folder: Path) -> None:
        from tutelage.api import run
        from tutelage.studies.arms import changed
        from tutelage.tasks.catalog import open_task
        from tutelage.testing import TeacherEndpoint, answer_key_reply

        settings = two_rounds(tiny)
        right = answer_key_reply(open_task(settings.task).problems("train"))

        def answer(body):
            return WRONG if "<attempt>" in body["messages"][-1]["content"] else right(body)

        with TeacherEndpoint(answer) as endpoint:
            price = {"prompt": 1.0, "completion": 2.0}
            teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "price": price}
            run(changed(settings, teacher=teacher), folder / "run")
        for model in folder.glob("run/round-*/model"):
            shutil.rmtree(model)

    return made_once(factory, "run-to-view", make) / "run"


@contextmanager
def serving(place: Path, ask: Ask | None = None) -> Generator[str]:
    """The pages of a place on a free port; gives their address without the last slash."""
    import uvicorn

    from tutelage.view.app import make_app
    from tutelage.view.serve import listening

    listener = listening(0)
    config = uvicorn.Config(
        make_app(place, ask), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def chromium_path() -> str:
    """Where Chromium is; skips the test, with a reason, where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium here; on Debian: apt-get install chromium")
    return found


@contextmanager
def browser():
    """A real Chromium, driven by Playwright."""
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        chromium = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield chromium
        chromium.close()
