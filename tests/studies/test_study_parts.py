"""A study with parts of the user's own, its seeds side by side."""

import pytest

from tests.studies.test_running import ROUND_0, write_study
from tutelage import Feedback, Usage, Verdict, study
from tutelage.runs.files import read_record
from tutelage.study_records import StudyFigures


class Reading:
    """A teacher that can be handed to another process."""

    key = "reading 1"

    def teach(self, requests, deliver) -> None:
        for request in requests:
            text = f"One counts them all.\nThe answer is {request.problem.answer}."
            deliver(Feedback(*request.identity, text, Verdict(True, None, "right"), Usage(requests=1)))


@pytest.mark.slow
def test_parts_are_handed_to_every_seed_and_named_in_the_figures(tiny, tmp_path):
    path, out = write_study(tmp_path, tiny, ROUND_0, arms={"full": None}), tmp_path / "out"
    assert study(path, out, jobs=2, teacher=Reading()) == []
    figures = read_record(out / "study.json", StudyFigures)
    assert (figures.parts, figures.teacher) == ({"teacher": "reading 1"}, "reading 1")
    assert [run.replies for run in figures.arms["full"].runs] == [5, 5]
    replies = (out / "runs" / "full" / "seed-1" / "round-00" / "annotation.jsonl").read_text(encoding="utf-8")
    assert "One counts them all." in replies
