"""The pages of a run that learns repairs: what was put right stands in the story, what it did on the training page."""

import html
import re

import httpx2 as httpx
import pytest

from tests.rounds.coin import noisy_student
from tests.rounds.conftest import two_rounds
from tests.view.served import serving
from tutelage.api import run
from tutelage.mistakes.repair import Repair
from tutelage.runs.files import read_rows
from tutelage.studies.arms import changed

pytestmark = pytest.mark.slow


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


def test_what_was_put_right_is_in_the_story_and_its_loss_on_the_training_page(tiny, tmp_path):
    noisy_student(tmp_path / "student")
    training = {"reflection": "repair", "unlikelihood": 0.1}
    config = changed(two_rounds(tiny), student={"model": str(tmp_path / "student")}, training=training)
    run(changed(config, rounds={"max": 1}), tmp_path / "run")
    (repair, *others) = read_rows(tmp_path / "run" / "round-01" / "repairs.jsonl", Repair)
    of_problem = 1 + sum(other.problem == repair.problem for other in others)
    with serving(tmp_path / "run") as base, httpx.Client(base_url=base, follow_redirects=True) as client:
        for _ in range(1000):
            if "Reading the run" not in client.get("/run/run/problems").text:
                break
        story = plain(client.get(f"/run/run/problems/{repair.problem.id}").text)
        page = client.get("/run/run/training")
    assert re.search(rf"{of_problem} mistakes? put right, and learnt from there", story)
    assert " ".join(repair.right.split()) in story
    assert page.status_code == 200
    told = plain(page.text)
    assert f"{2 * (1 + len(others))} repairs of its own mistakes" in told
    assert "nats a repaired token" in told
    assert "nats a wrong token" in told
