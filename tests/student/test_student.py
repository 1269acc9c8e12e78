"""The student as the rounds see it: answers in any engine and precision, and weights that are float32 on disk."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.student.doubles import students_in_doubles
from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_folder
from tutelage.config import GuardConfig, StudentConfig
from tutelage.records import Problem, WorkedExample
from tutelage.student import student as student_module
from tutelage.student.engines.engine import Engine
from tutelage.student.model import load_student
from tutelage.student.sampler import Sampled, SamplingSettings
from tutelage.student.student import Student

PROBLEMS = [Problem.of(question, "1") for question in ("1 + 1?", "What is three times four?", "x", "How many legs?")]
SEEDS = [11, 12, 13, 14]
DRAWN = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=8)
SHOTS = [WorkedExample("2 + 2?", "2 + 2 = 4\nThe answer is 4.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("students") / "tiny")


def student_in(folder, **settings):
    settings = {"device": "cpu", "dtype": "float32", **settings}
    return Student(StudentConfig(model=str(folder), **settings), SHOTS)


def answers(student, settings=DRAWN):
    found = {}
    cost = student.answer(PROBLEMS, SEEDS, settings, found.setdefault)
    assert cost.computed_tokens > 0
    return [found[place] for place in range(len(PROBLEMS))]


@pytest.mark.parametrize("few_shot", [0, 1])
def test_answers_are_the_same_whatever_the_engine_and_the_rows(folder, few_shot):
    with students_in_doubles():
        expected = answers(student_in(folder, few_shot=few_shot))
        assert [len(given) for given in expected] == [2, 2, 2, 2]
        assert len({given.text for pair in expected for given in pair}) > 4
        for engine in ("shared-prefix", "generate"):
            student = student_in(folder, few_shot=few_shot, engine=engine)
            for rows in (1, 4):
                assert answers(student, SamplingSettings(2, 1.0, 8, rows)) == expected


class Longest:
    """An engine of the user's own that looks for the longest prompt, so there must be one."""

    key = "longest"

    def __call__(self, model, ends):
        return self

    def sample(self, prompts, seeds, settings, deliver):
        return Sampled(max(map(len, prompts)), 0)


def test_an_engine_is_not_asked_for_no_answer(folder):
    config = StudentConfig(model=str(folder), device="cpu", dtype="float32")
    student = Student(config, SHOTS, engine=Engine(own=Longest(), config=config))
    assert student.answer([], [], DRAWN, lambda place, completions: None) == Sampled(0, 0)


def test_length_and_stop_are_told_apart(folder):
    student = student_in(folder)
    greedy = SamplingSettings(max_new_tokens=3)
    assert all(answer.finish == "length" and answer.tokens == 3 for (answer,) in answers(student, greedy))
    loaded = student.loaded(torch.float32)
    loaded.model.generation_config.eos_token_id = list(range(len(loaded.tokenizer)))
    assert all(answer.finish == "stop" and answer.tokens == 1 for (answer,) in answers(student, greedy))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_learnt_is_kept_in_float32_and_answered_from(folder, tmp_path, dtype):
    student = student_in(folder, dtype=dtype)
    before = answers(student)
    told: list[int] = []
    config = changed(epochs=3, learning_rate=1e-2)
    model = tmp_path / "model"
    student.learn(EXAMPLES, config, seed=0, checkpoints=tmp_path / "checkpoints", folder=model, advance=told.append)
    assert sum(told) == 3
    weights = load_file(model / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert any(not torch.equal(weight, weight.bfloat16().float()) for weight in weights.values())
    assert (model / "config.json").read_text() == (folder / "config.json").read_text()
    later = student.at(model, "later")
    assert (later.key, later.engine) == ("later", student.engine)
    assert answers(later) != before
    assert answers(student) == before  # the student of before is still in its folder


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nothing_is_read_between_a_training_and_the_next(folder, tmp_path, monkeypatch, dtype):
    """The one in memory has lost nothing by its answers: it learns as the one on disk would."""
    loads: list[Path | None] = []
    monkeypatch.setattr(student_module, "load_student", lambda *of: loads.append(of[1]) or load_student(*of))
    config = changed(epochs=1, learning_rate=1e-2)

    def learnt(student, name):
        where = {"checkpoints": tmp_path / f"{name}-checkpoints", "folder": tmp_path / name}
        student.learn(EXAMPLES, config, seed=0, **where, advance=lambda _: None)
        return student.at(tmp_path / name, name)

    once = learnt(student_in(folder, dtype=dtype), "once")
    assert answers(once) == answers(Student(once.config, SHOTS, once.folder, key="once"))
    assert loads == [None, tmp_path / "once"]
    loads.clear()
    twice = learnt(once, "twice")
    assert loads == []
    once.release()
    again = learnt(once, "again")
    assert loads == [tmp_path / "once"]
    assert all(
        torch.equal(weight, load_file(again.folder / "model.safetensors")[name])
        for name, weight in load_file(twice.folder / "model.safetensors").items()
    )


@pytest.mark.parametrize("weights", ["full", "lora"])
def test_the_guard_asks_the_student_as_it_is_in_training(folder, tmp_path, weights):
    """It answers by the weights of that moment, in training's own engine, and is the same one all the time."""
    student, greedy = student_in(folder, weights=weights), SamplingSettings(max_new_tokens=6)
    given, students = [], set()

    def check(learning):
        students.add(id(learning.loaded(learning.dtype).model))
        given.append(answers(learning, greedy))
        return 0.0

    config = changed(epochs=2, learning_rate=3e-2, guard=GuardConfig(checks=2, likelihood_drop=99.0))
    model, steps = tmp_path / "model", tmp_path / "steps.jsonl"
    before = answers(student, greedy)
    student.learn(
        EXAMPLES,
        config,
        seed=0,
        checkpoints=tmp_path / "checkpoints",
        folder=model,
        advance=lambda _: None,
        check=check,
        steps=steps,
    )
    assert (len(given), len(students)) == (3, 1)
    assert given[0] == before
    assert given[-1] == answers(student.at(model, "later"), greedy) != before
    assert len(steps.read_text().splitlines()) == 2


def test_a_student_in_training_is_never_asked_through_vllm(folder):
    """vLLM would load its folder, in which the weights of before are."""
    student = student_in(folder, engine="vllm")
    learning = student._in_training(student_in(folder).loaded(torch.float32))
    assert learning.engine.is_vllm
    assert answers(learning) == answers(student_in(folder))


def test_it_answers_in_its_precision_and_is_saved_as_it_was(folder, tmp_path):
    student = student_in(folder, dtype="bfloat16")
    answers(student)
    assert student.loaded(torch.bfloat16).model.dtype == torch.bfloat16
    student.save(tmp_path / "saved", "# A student")
    given, saved = (load_file(each / "model.safetensors") for each in (folder, tmp_path / "saved"))
    assert all(torch.equal(weight, saved[name]) for name, weight in given.items())


def test_how_it_is_asked_decides_its_key_not_how_it_computes(folder):
    usual = student_in(folder).key
    assert student_in(folder, engine="generate").key == usual
    assert student_in(folder, few_shot=1).key != usual
    assert student_in(folder, dtype="bfloat16").key != usual


def test_nobody_is_asked_nothing(folder):
    student = student_in(folder)
    assert student.answer([], [], DRAWN, pytest.fail).computed_tokens == 0
