"""How long a row of a run at work takes to the screen: a real Chromium on the pages that show it.

    python -m benchmarks.view_lag RUN [--rows 20]

RUN is a finished run with two rounds. A copy of it is taken back to before its last exam; its rows are then written one
by one, as the run wrote them, and the time is taken until the page's text changes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.view_served import serving
from tutelage.run_records import Now

PAGES = {"an attempt": ("problems", "exam"), "a reply": ("teacher", "feedback"), "a step": ("training", "steps")}
"""What comes, the page that shows it, and the file that it comes to."""
PARTS = {"problems": "book", "teacher": "teacher", "training": "training"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--rows", type=int, default=20)
    given = parser.parse_args()
    print("| what comes | rows | seconds to the screen, median | at most |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        shutil.copytree(given.run, run, ignore=shutil.ignore_patterns("model", "student", "checkpoints", ".view"))
        (run / "result.json").unlink(missing_ok=True)
        last = max(run.glob("round-*"))
        rows = {name: (last / f"{name}.jsonl").read_bytes().splitlines(keepends=True) for _, name in PAGES.values()}
        for path in last.iterdir():
            path.unlink() if path.is_file() else shutil.rmtree(path)
        with serving(run) as server:
            for what, (page, name) in PAGES.items():
                lags = lags_of(f"http://127.0.0.1:{server.port}", run, last, (page, name), rows[name][: given.rows])
                print(f"| {what} | {len(lags)} | {statistics.median(lags):.2f} | {max(lags):.2f} |", flush=True)


def lags_of(address: str, run: Path, round: Path, shown: tuple[str, str], rows: Sequence[bytes]) -> list[float]:
    """Seconds until the page shows each row that comes to a file."""
    from playwright.sync_api import sync_playwright

    (page_name, name), lags = shown, list[float]()
    text = f"document.querySelector('#{PARTS[page_name]}').innerHTML"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[] if os.geteuid() else ["--no-sandbox"]
        )
        page = chromium.new_page()
        page.goto(f"{address}/run/{run.name}/{page_name}")
        page.locator("#indexing .note").wait_for(state="detached")
        for row in rows:
            now = Now(time.time(), os.getpid(), "round 2: at work", "rows", 1, 2, time.time())
            (run / "now.json").write_text(json.dumps(asdict(now)))
            before = page.evaluate(text)
            began = time.monotonic()
            with (round / f"{name}.jsonl").open("ab") as file:
                file.write(row)
            page.wait_for_function(f"was => {text} !== was", arg=before, polling=20)
            lags.append(time.monotonic() - began)
            time.sleep(0.37)  # the page looks every 0.7 s: rows come at every part of that
        chromium.close()
    return lags


if __name__ == "__main__":
    main()
