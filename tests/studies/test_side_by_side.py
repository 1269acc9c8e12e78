"""Seeds side by side, each in a process of its own."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from tests.studies.small import ROUND_0, timeless, write_study
from tutelage import Feedback, Usage, Verdict, api, study
from tutelage.report.progress import Show
from tutelage.runs.files import read_record
from tutelage.studies.aggregate import gather
from tutelage.studies.running import run_study
from tutelage.studies.study_file import load_study
from tutelage.study_records import StudyFigures

pytestmark = pytest.mark.slow
QUIET = Show(quiet=True)


def test_side_by_side_it_comes_to_the_same_even_if_a_seed_is_killed(write, whole, tmp_path, capfd):
    """As the system does when memory runs out: it is told, and the study goes on when it is started again."""
    path, out = write(arms={"full": None, "one-round-same-budget": None}), tmp_path / "out"
    killer = threading.Thread(target=_kill_a_seed, args=(set(multiprocessing.active_children()),))
    killer.start()
    (fault,) = run_study(load_study(path), out, 2, QUIET)
    killer.join()
    assert ": its process has ended with SIGKILL, for its memory perhaps; start the study again" in fault
    assert api.study(path, out) == []
    assert capfd.readouterr().err == ""  # seeds of a quiet study say nothing
    one, two = (gather(load_study(path), folder, "") for folder in (whole, out))
    assert timeless(one) == timeless(two)


def _kill_a_seed(others: set[multiprocessing.process.BaseProcess]) -> None:
    while not (seeds := set(multiprocessing.active_children()) - others):
        time.sleep(0.01)
    os.kill(seeds.pop().pid or 0, signal.SIGKILL)


class Reading:
    """A teacher that can be handed to another process."""

    key = "reading 1"

    def teach(self, requests, deliver) -> None:
        for request in requests:
            text = f"One counts them all.\nThe answer is {request.problem.answer}."
            deliver(Feedback(*request.identity, text, Verdict(True, None, "right"), Usage(requests=1)))


def test_parts_are_handed_to_every_seed_and_named_in_the_figures(tiny, tmp_path):
    path, out = write_study(tmp_path, tiny, ROUND_0, arms={"full": None}), tmp_path / "out"
    assert study(path, out, jobs=2, teacher=Reading()) == []
    figures = read_record(out / "study.json", StudyFigures)
    assert (figures.parts, figures.teacher) == ({"teacher": "reading 1"}, "reading 1")
    assert [run.replies for run in figures.arms["full"].runs] == [5, 5]
    replies = (out / "runs" / "full" / "seed-1" / "round-00" / "annotation.jsonl").read_text(encoding="utf-8")
    assert "One counts them all." in replies
