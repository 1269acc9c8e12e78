"""What a student thought before it answered, on the page of the problem: folded, escaped, apart from the answer."""

import html
import re

import httpx2 as httpx
import pytest

from tests.view.index.runs import attempt, problem, run_in, write
from tests.view.served import serving

THOUGHTS = "\nLet me see: <script>alert(1)</script>\n3 + 4 & so on\x1b[2J"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    run = run_in(tmp_path_factory.mktemp("runs") / "run")
    write(run / "problems.jsonl", [problem("a")])
    exam = [
        attempt("a", 0, True, "So it is 12.", "12") | {"thoughts": THOUGHTS},
        attempt("a", 1, True),
        attempt("a", 2, True),
    ]
    write(run / "round-01" / "exam.jsonl", [*exam[:2], exam[2] | {"thoughts": ["no", "text"]}])
    with serving(run) as base, httpx.Client(base_url=base) as client:
        for _ in range(1000):
            found = client.get("/run/run/problems/a")
            if found.status_code == 200 and "Reading the run" not in found.text:
                break
    return found.text


def test_thoughts_are_folded_and_escaped_above_the_answer(page):
    attempts = page.split("<article")[1:]
    assert [each.count("What it thought") for each in attempts] == [1, 0, 0]
    folded = re.search(r"<details>(.*?)</details>", attempts[0], re.DOTALL)[1]
    assert folded.startswith("<summary>What it thought before it answered</summary>")
    assert "<script>" not in folded
    assert "\x1b" not in folded
    assert "Let me see: <script>alert(1)</script>\n3 + 4 & so on" in html.unescape(folded)
    assert attempts[0].index("</details>") < attempts[0].index("So it is 12.")  # the answer is not folded away
