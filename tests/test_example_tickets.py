"""The example of support tickets: its data are those of its generator, and fit to be taught and tested with."""

import importlib.util
import json
import re
import sys
from itertools import chain

import pytest
import yaml

from tests.command import tutelage
from tests.pages import ROOT
from tutelage.config.file import load_config
from tutelage.tasks.data.places import files_of

FOLDER = ROOT / "examples" / "tickets"
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def made():
    """The module that makes the data, loaded as it is when it is started as a script."""
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("make_data", FOLDER / "make_data.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))
    del sys.modules["situations"]


def written(split: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_data_are_those_of_the_generator(made):
    assert made.rows() == {split: written(split) for split in SPLITS}
    assert made.rows(1) != made.rows()
    assert set(files_of(FOLDER)[0]) == {*SPLITS}


def test_tickets_are_many_and_differ(made):
    rows = [row for split in SPLITS for row in written(split)]
    questions = [row["question"] for row in rows]
    assert len(rows) > 400
    assert len({*map(str.lower, questions)}) == len(rows)
    assert not [text for text in questions if re.search(r"[{}]|  |\ba (ice|egg)\b", text, re.IGNORECASE)]
    queues = {situation.queue for situation in made.SITUATIONS}
    assert len(queues) == 9
    for split in SPLITS:
        assert {row["answer"] for row in written(split)} == queues
    wordings = [wording for situation in made.SITUATIONS for wording in situation.wordings]
    assert len({*wordings}) == len(wordings) == 110


def test_no_wording_is_in_two_splits(made):
    """So test measures tickets in words that the student has not read."""
    parts = [{*wordings} for _, wordings in made.EACH.values()]
    assert sorted(chain(*parts)) == [0, 1, 2, 3, 4]


def test_a_reason_says_nothing_that_its_ticket_does_not(made):
    """What a reason names in braces stands in every wording that it is given for."""
    for situation in made.SITUATIONS:
        for brace in re.findall(r"{\w+}", situation.reason):
            assert all(brace in wording for wording in situation.wordings), (brace, situation)


def test_the_request_of_the_page_asks_as_the_student_is_taught():
    request = json.loads((FOLDER / "request.json").read_text(encoding="utf-8"))
    system, ticket = request["messages"]
    assert system == {"role": "system", "content": load_config(FOLDER / "tickets.yaml").task.system}
    assert ticket["content"] not in [row["question"] for split in SPLITS for row in written(split)]
    assert request["temperature"] == 0


def test_the_task_is_sound(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = tutelage("tasks", "check", FOLDER / "tickets.yaml", "--rows", 0)
    assert result.exit_code == 0, result.output
    assert "gold answers that grade as correct: 462 of 462" in result.output
    assert "dropped, since a later split asks them too: 0" in result.output


def test_one_line_makes_it_a_lesson_of_a_model_behind_an_api():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^teacher: \{kind: openai.*$", page, re.M)
    config = load_config(FOLDER / "tickets.yaml", [f"teacher={line.removeprefix('teacher: ')}"])
    assert config.teacher.kind == "openai"
    text = (FOLDER / "tickets.yaml").read_text(encoding="utf-8")
    changed, lines = re.subn(r"(?m)^teacher: .*$", line, text)
    assert lines == 1
    assert yaml.safe_load(changed)["teacher"]["kind"] == "openai"
