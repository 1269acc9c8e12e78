"""Takes the pictures of README and docs/view.md: pages of a real run, in a real Chromium.

    python -m tools.screenshots [RUN]     runs/demo by default, which is made if it is not there

The pages are those of `tutelage view RUN`, served in this process. Pictures go to docs/images/view-*.png.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "images"
WIDE, NARROW = (1280, 800), (380, 760)

Scheme = Literal["light", "dark"]
PICTURES: tuple[tuple[str, str, tuple[int, int], Scheme], ...] = (
    ("run", "", WIDE, "light"),
    ("run-dark", "", WIDE, "dark"),
    ("run-narrow", "", NARROW, "light"),
    ("problems", "problems", WIDE, "light"),
    ("story", "problems?course=learnt", WIDE, "light"),
    ("mistakes", "mistakes", WIDE, "light"),
    ("teacher", "teacher", WIDE, "light"),
    ("training", "training", WIDE, "dark"),
)
"""Name, page below the run, size, theme. The story is that of the first problem in its list."""


@contextmanager
def served(run: Path) -> Generator[str]:
    """The address of a run's pages, without the last slash."""
    import uvicorn

    from tutelage.view.app import make_app
    from tutelage.view.serve import listening
    from tutelage.view.shelf import read_shelf

    with listening(0) as listener:
        server = uvicorn.Server(uvicorn.Config(make_app(run), log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/run/{next(iter(read_shelf(run.absolute()).runs))}/"
        finally:
            server.should_exit = True
            thread.join()


def take(run: Path, chromium: str, out: Path = OUT) -> list[Path]:
    """Take all pictures of a run; returns their files."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with served(run) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, page_name, (width, height), scheme in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(address + page_name)
            page.locator("#indexing .note").wait_for(state="detached")
            if name == "story":
                rows = page.locator("#book tbody th a")
                if not rows.count():
                    page.goto(address + "problems")
                rows.first.click()
                page.wait_for_url("**/problems/*")
                page.get_by_role("heading", name="Round 1").evaluate("heading => heading.scrollIntoView()")
            taken.append(out / f"view-{name}.png")
            page.screenshot(path=taken[-1])
            page.close()
        browser.close()
    return taken


def main(arguments: list[str]) -> None:
    """Make the run if need be, and take its pictures."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("there is no Chromium here; on Debian: apt-get install chromium")
    run = Path(arguments[0]) if arguments else ROOT / "runs" / "demo"
    if not arguments and not (run / "result.json").exists():
        subprocess.run([sys.executable, "-m", "tutelage", "demo", "--out", str(run)], check=True)
    for path in take(run, chromium):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
