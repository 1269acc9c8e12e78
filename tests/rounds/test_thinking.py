"""A run with a student that is asked through its chat template and may think: what it keeps, teaches and tells."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.command import tutelage
from tests.rounds.conftest import two_rounds
from tests.student.templates import QWEN3, folder_with
from tutelage.api import evaluate, run, taught_student
from tutelage.config import StudentConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError
from tutelage.records import Problem
from tutelage.report.progress import Show
from tutelage.rounds.as_read import as_read
from tutelage.rounds.lengths import THOUGHTS, answer_limit
from tutelage.runs.files import write_json
from tutelage.runs.seals import sealed
from tutelage.student.student import Student
from tutelage.tasks.catalog import open_task

COW = Problem.of("How many legs has a cow?", "4")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return folder_with(tmp_path_factory.mktemp("models") / "model", QWEN3, ("<|im_end|>", "</s>"))


@pytest.mark.parametrize("thinking", ["off", "keep"])
def test_a_run_says_how_its_student_is_asked_and_its_student_stays_so(model, tmp_path, thinking):
    settings = two_rounds(model).model_dump()
    settings["student"] |= {"prompt": "auto", "thinking": thinking}
    settings["rounds"]["max"] = 1
    said, root = StringIO(), tmp_path / "run"
    result = run(parse_config(settings), root, Show(Console(file=said, width=500)))
    assert (
        "the student is asked by its chat template: its chat template ends an answer with <|im_end|>" in said.getvalue()
    )
    assert result.prompt.startswith("chat: its chat template ends an answer with <|im_end|>")
    kept = json.loads((root / "student" / "tutelage.json").read_text())
    assert (kept["prompt"], kept["thinking"]) == ("chat", thinking)
    student = taught_student(str(root))
    assert (student.prompt, student.thinking) == ("chat", thinking)
    ends = json.loads((root / "student" / "generation_config.json").read_text())["eos_token_id"]
    assert len(ends) == 2  # the template's and the tokenizer's
    assert "questions put through its chat template" in (root / "student" / "README.md").read_text()
    attempts = [json.loads(line) for line in (root / "round-01" / "exam.jsonl").read_text().splitlines()]
    assert any(attempt["thoughts"] for attempt in attempts)  # it writes noise, think marks among it
    assert not any("think>" in attempt["text"] for attempt in attempts)
    stamp = (root / "round-01" / "exam.jsonl").stat().st_mtime_ns
    settings["rounds"]["max"] = 2
    assert len(run(parse_config(settings), root).rounds) == 3
    assert (root / "round-01" / "exam.jsonl").stat().st_mtime_ns == stamp
    accuracy, _ = evaluate(student, parse_config(settings).task, settings=parse_config(settings).evaluation)
    assert accuracy.n == 4


def test_a_run_goes_on_asking_as_it_began_though_the_model_now_seems_to_be_another(tmp_path):
    folder = folder_with(tmp_path / "model", QWEN3, ("<|im_end|>", "</s>"))
    settings = two_rounds(folder).model_dump()
    settings["student"] |= {"prompt": "auto", "thinking": "keep"}
    settings["rounds"]["max"] = 0
    began, root = run(parse_config(settings), tmp_path / "run"), tmp_path / "run"
    mark = json.loads((root / "run.json").read_text())
    assert mark["asked"]["prompt"] == "chat"
    del mark["pins"]  # as of a model of the hub
    write_json(root / "run.json", sealed(mark))
    generation = Path(folder) / "generation_config.json"
    generation.write_text(json.dumps({**json.loads(generation.read_text()), "eos_token_id": 1}))  # a base model's
    settings["rounds"]["max"] = 1
    said = StringIO()
    went_on = run(parse_config(settings), root, Show(Console(file=said, width=500)))
    assert went_on.prompt == began.prompt
    assert began.prompt.endswith("so does the model; it may think before it answers")
    assert "goes on with student.prompt chat, as it began; a new one has plain: its chat template" in said.getvalue()
    assert went_on.rounds[0] == began.rounds[0]  # it is the same student, so no stage is done again
    shown = tutelage("show", root).output
    assert f"prompt        {began.prompt}" in shown
    (root / "result.json").unlink()
    assert f"prompt        {began.prompt}" in tutelage("show", root).output  # of a run at work, as run.json has it
    assert run(parse_config(settings), tmp_path / "new").prompt.startswith("plain")


def test_a_student_that_may_think_gets_room_for_it(model):
    def limit(**settings):
        student = Student(StudentConfig(model=model, device="cpu", **settings), ())
        student.room_for_answers = lambda questions: None  # it can look at any number
        return answer_limit("auto", student, [COW.text], 64), answer_limit("auto", student, [COW.text], None)

    assert limit(prompt="chat") == (64, 256)
    assert limit(prompt="chat", thinking="keep") == (64 + THOUGHTS, 256 + THOUGHTS)
    student = Student(StudentConfig(model=model, device="cpu", prompt="chat", thinking="keep"), ())
    assert answer_limit("auto", student, [COW.text], None) == student.room_for_answers([COW.text]) < THOUGHTS
    assert answer_limit(77, student, [COW.text], None) == 77


def test_tasks_check_shows_how_it_is_asked(model):
    settings = two_rounds(model).model_dump()
    settings["student"] |= {"prompt": "auto", "thinking": "keep"}
    config = parse_config(settings)
    shown = as_read(open_task(config.task), config, 1)
    assert shown.startswith("the student is asked by its chat template: its chat template ends")
    assert "    <|im_start|>assistant\n" in shown


def test_thoughts_without_a_template_are_a_contradiction():
    task = {"task": {"name": "leg_counting"}}
    with pytest.raises(ConfigError, match="set prompt to 'chat' or 'auto', or thinking to 'off'"):
        parse_config({**task, "student": {"thinking": "keep"}})
    assert parse_config(task, ["student.thinking=off"]).student.thinking == "off"  # YAML's false
    with pytest.raises(ConfigError, match=r"student\.thinking"):
        parse_config(task, ["student.thinking=on"])
