from typing import get_args

import pytest

from tests.testing.asking import ask, post, text_of
from tutelage.errors import DataError
from tutelage.records import FeedbackRequest, Problem, Way
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.ways import Asking
from tutelage.testing import answer_key_endpoint
from tutelage.testing.answers import read_problems

PENS = Problem.of("Tom has 3 boxes of 4 pens.\n\nHow many pens?", "12", equation="3 * 4")


def test_the_answer_key_puts_one_step_right_where_that_is_asked_for():
    request = FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7.")
    with answer_key_endpoint([PENS]) as endpoint:
        body = {"messages": Prompts("number").messages(request, Asking("mistake-repaired"))}
        assert text_of(post(endpoint, body)) == "Wrong: 3 + 4 = 7.\nRight: 3 × 4 = 12."


@pytest.mark.parametrize("way", [way for way in get_args(Way) if way != "mistake-repaired"])
def test_the_answer_key_knows_its_problems(way):
    mistaken, unworked = FeedbackRequest(PENS, "3 + 4 = 7. The answer is 7."), FeedbackRequest(Problem.of("Why?", "1"))
    body, other = ({"messages": Prompts("number").messages(asked, Asking(way))} for asked in (mistaken, unworked))
    with answer_key_endpoint([PENS, Problem.of("Why?", "1")]) as endpoint:
        text, unsolved, unknown = (text_of(post(endpoint, asked)) for asked in (body, other, ask("Hello?")))
    assert ("Multiply 3 by 4: 3 × 4 = 12." in text) == (way != "question")  # there it sees no mistake
    assert "3 × 4 = 12" in text
    assert text.endswith("\nThe answer is 12.")
    assert unsolved.startswith("There is no worked solution here")
    assert unknown == "This question is not known here."


def test_reads_problems(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"question": "q", "answer": 12, "equation": "3 * 4"}\n\n{"question": "r", "answer": "5", "rationale": "R."}\n'
    )
    assert read_problems(path) == [Problem.of("q", "12", equation="3 * 4"), Problem.of("r", "5", rationale="R.")]


def test_a_file_without_a_problem_is_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("\n \n")
    with pytest.raises(DataError, match=r"p\.jsonl: holds no problem"):
        read_problems(path)


def test_a_line_ends_with_a_line_feed_alone(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"question": "q\u2028r", "answer": "5"}\n', encoding="utf-8")
    assert read_problems(path) == [Problem.of("q\u2028r", "5")]


@pytest.mark.parametrize("row", ["{", "[1]", '{"question": "q"}', "4"])
def test_a_broken_row_is_named(tmp_path, row):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"question": "q", "answer": "1"}}\n{row}\n')
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: expected an object with question and answer"):
        read_problems(path)
