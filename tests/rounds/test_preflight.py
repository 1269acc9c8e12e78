"""Nothing is paid, and nothing written, before everything that can be known is known."""

import gc
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from transformers import PreTrainedModel

from tests.student.tiny import tiny_folder, tiny_student
from tutelage.api import run
from tutelage.assemble import offline_teacher
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError, DataError, RunError, StudentError, TeacherError, TutelageError
from tutelage.report.progress import Show
from tutelage.student.model import save_student
from tutelage.student.student import Student
from tutelage.student.training import fit
from tutelage.tasks.catalog import open_task
from tutelage.testing import TeacherEndpoint, answer_key_endpoint


def changed(config: RunConfig, **changes: Any) -> RunConfig:
    """The configuration with other values in some sections, or another seed."""
    data = config.model_dump()
    return parse_config(
        data | {name: data[name] | new if isinstance(new, dict) else new for name, new in changes.items()}
    )


@pytest.fixture
def endpoint(config):
    with answer_key_endpoint(open_task(config.task).problems("train")) as serving:
        yield serving


def online(config: RunConfig, endpoint: TeacherEndpoint, **sections) -> RunConfig:
    teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url}
    return changed(config, teacher=teacher | sections.pop("teacher", {}), **sections)


LORA = {"weights": "lora"}


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"student": {"model": "nobody/nothing"}}, "neither such a folder|no such folder"),
        ({"student": LORA | {"lora": {"targets": ["nope"]}}}, "'nope', which the student does not have"),
        ({"student": LORA | {"lora": {"targets": ["q_proj", "FAKE"]}}}, "'FAKE'"),
        ({"student": LORA | {"lora": {"targets": ["norm"]}}}, "no linear layer"),
        ({"student": LORA | {"lora": {"targets": ["embed_tokens"]}}}, "no linear layer"),
        ({"student": {"engine": "vllm"}}, "student.engine is 'vllm': vLLM "),
        ({"student": {"device": "mps"}}, "student.device is 'mps'"),
        ({"training": {"max_tokens": 20}}, "no example fits training.max_tokens = 20"),
        ({"exam": {"max_new_tokens": 1000}}, "an answer of 1000 exceed the student's context of 1024"),
        ({"evaluation": {"max_new_tokens": 1000}}, "an answer of 1000 exceed the student's context of 1024"),
        ({"teacher": {"base_url": "https://api.example.com/v1", "key_env": "NO_SUCH_KEY"}}, "NO_SUCH_KEY is not set"),
        ({"teacher": {"base_url": "nowhere"}}, "teacher.base_url"),
        ({"teacher": {"kind": "recorded", "path": "no/such/file.jsonl"}}, "no/such/file.jsonl"),
    ],
)
def test_what_could_be_known_is_told_before_a_request_and_a_file(config, endpoint, tmp_path, sections, told):
    with pytest.raises(TutelageError, match=told):
        run(online(config, endpoint, **sections), tmp_path / "run")
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("broken", ["end token", "template", "weights"])
def test_so_is_a_student_that_is_unfit(config, endpoint, tmp_path, broken):
    student = tiny_student()
    if broken == "template":
        student.tokenizer.chat_template = "{{ 'x' * 10**10 }}"
    save_student(student, tmp_path / "model")
    if broken == "end token":
        for name in ("tokenizer_config.json", "special_tokens_map.json"):
            if (file := tmp_path / "model" / name).exists():
                settings = json.loads(file.read_text())
                file.write_text(json.dumps({key: value for key, value in settings.items() if key != "eos_token"}))
    if broken == "weights":
        (tmp_path / "model" / "model.safetensors").unlink()
    asked = {"model": str(tmp_path / "model"), "prompt": "chat"}
    with pytest.raises(StudentError):
        run(online(config, endpoint, student=asked), tmp_path / "run")
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


def test_a_run_that_has_bought_replies_and_trained_nothing_takes_another_student(
    config, endpoint, tmp_path, monkeypatch
):
    short = online(config, endpoint, rounds={"max": 0})

    def full(*args: object, **kwargs: object) -> None:
        raise StudentError("memory is short")

    with monkeypatch.context() as patched:
        patched.setattr(Student, "learn", full)
        with pytest.raises(StudentError, match="memory is short"):
            run(short, tmp_path / "run")
    bought = len(endpoint.requests)
    assert bought == 6
    other = changed(short, student={"model": str(tiny_folder(tmp_path / "other", seed=3))}, training={"epochs": 1})
    with pytest.raises(RunError, match=r"other settings \(seed"):
        run(changed(other, seed=5), tmp_path / "run")
    run(other, tmp_path / "run")
    assert len(endpoint.requests) == bought
    with pytest.raises(RunError, match="other settings"):
        run(short, tmp_path / "run")


def test_a_configuration_that_was_copied_is_held_to_the_same(config, tmp_path):
    """`model_copy` validates nothing."""
    teacher = config.teacher.model_copy(update={"kind": "recorded", "path": None})
    with pytest.raises(ConfigError, match=r"teacher\.path"):
        run(config.model_copy(update={"teacher": teacher}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_last_seed_there_is_can_be_run(config, tmp_path):
    run(changed(config, seed=2**32 - 1, rounds={"max": 1}), tmp_path / "run")


@pytest.mark.parametrize("start", ["untrained", "previous"])
def test_one_model_is_in_memory_while_a_round_trains(config, tmp_path, monkeypatch, start):
    alive: list[int] = []
    before, learn = _models(), Student.learn

    def counted(self, examples, settings, *, advance, **more):
        counts = iter([True])

        def step(done: int) -> None:
            if next(counts, False):
                alive.append(len(_models() - before))
            advance(done)

        return learn(self, examples, settings, advance=step, **more)

    monkeypatch.setattr(Student, "learn", counted)
    run(changed(config, training={"epochs": 1, "init_from": start}), tmp_path / "run")
    assert alive == [1, 1, 1]


def _models() -> set[int]:
    gc.collect()
    kept = [each for each in gc.get_objects() if issubclass(type(each), PreTrainedModel)]
    return {id(each) for each in kept if each.get_output_embeddings() is not None and each.device.type != "meta"}


def test_a_folder_that_is_damaged_later_is_told_when_the_run_goes_on(config, tmp_path):
    folder = Path(shutil.copytree(config.student.model, tmp_path / "model"))
    own = changed(config, student={"model": str(folder)}, rounds={"max": 0})
    run(own, tmp_path / "run")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(StudentError, match="cannot load the student"):
        run(changed(own, rounds={"max": 1}), tmp_path / "run")


def test_a_model_that_fails_as_soon_as_it_trains(config, endpoint, tmp_path):
    folder = tiny_folder(tmp_path / "model")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"attention_dropout": 7.0}))
    with pytest.raises(StudentError, match="dropout"):
        run(online(config, endpoint, student={"model": str(folder)}), tmp_path / "run")
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


def test_the_memory_that_adapters_take_in_training_is_looked_at_first(config, endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "available_memory", lambda device: 100_000)
    with pytest.raises(StudentError, match=r"training on a question of .* lower training\.max_tokens") as told:
        run(online(config, endpoint, student=LORA), tmp_path / "run")
    assert "set student.weights to lora" not in str(told.value)
    assert endpoint.requests == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ledger", ["folder", "text", "/dev/null", "text/ledger.sqlite", "x" * 300, "/proc/x"])
def test_a_ledger_that_cannot_be_used(config, endpoint, tmp_path, monkeypatch, ledger):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("text").write_text("no ledger")
    with pytest.raises(RunError, match="ledger"):
        run(online(config, endpoint, teacher={"ledger": ledger}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_recorded_rationales_that_are_none(config, tmp_path):
    settings = changed(config, teacher={"kind": "recorded", "path": "/dev/null"})
    with pytest.raises(DataError, match="/dev/null: holds no rationale"):
        run(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_directory_where_nothing_can_be_made(config, tmp_path):
    with pytest.raises(RunError, match="cannot write /proc/x: No such file"):
        run(changed(config, student={"model": str(tmp_path / "none")}), "/proc/x")  # before anything is loaded


def test_recorded_rationales_of_other_questions(config, tmp_path):
    path = tmp_path / "recorded.jsonl"
    path.write_text('{"question": "Another?", "rationale": "It is 3."}\n')
    settings = changed(config, teacher={"kind": "recorded", "path": str(path)})
    with pytest.raises(TeacherError, match=r"no rationale recorded .*; check that teacher\.path, .*, is of this task"):
        run(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("fallback", "others"), [(None, "get none"), ("answer_key", "are the answer key's")])
def test_recorded_rationales_of_some_problems_are_said_to_be_so(config, tmp_path, fallback, others):
    problems, path, out = open_task(config.task).problems("train"), tmp_path / "recorded.jsonl", StringIO()
    rows = [{"question": problem.question, "rationale": problem.rationale} for problem in problems]
    settings = changed(config, teacher={"kind": "recorded", "path": str(path), "fallback": fallback})
    for count in (2, len(rows)):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows[:count]))
        offline_teacher(settings, open_task(config.task), Show(Console(file=out, width=500)).say)
    assert out.getvalue() == f"{path} has rationales for 2 of {len(rows)} training problems; the others {others}\n"
