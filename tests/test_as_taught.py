"""`eval` and `ask` put a run's student the same prompts: those that it was taught with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.rounds.conftest import two_rounds
from tutelage import Problem, Sampled, ask, evaluate, load_task
from tutelage.api import run, taught_student
from tutelage.cli.asking import Asking
from tutelage.config import EvaluationConfig, RoundsConfig, TaskConfig
from tutelage.rounds.outside import of_run
from tutelage.runs.files import write_json
from tutelage.student.student import Student

SHOTS = [
    {"question": f"What is {n} + {n}?", "rationale": f"{n} + {n} = {2 * n}.\nThe answer is {2 * n}."} for n in (1, 2)
]


class Listening:
    """An engine that notes its prompts and writes nothing."""

    key = "listening 1"

    def __init__(self):
        self.heard: list[str] = []
        self.cut_at: list[int] = []

    def __call__(self, model, ends):
        self.ends = ends
        return self

    def sample(self, prompts, seeds, settings, deliver):
        self.cut_at.append(settings.max_new_tokens)
        for number, prompt in enumerate(prompts):
            self.heard.append(self.ends.tokenizer.decode(list(prompt)))
            deliver(number, [[*self.ends.tokens][:1]] * settings.samples)
        return Sampled(0, 0)


@pytest.fixture
def taught(tiny, tmp_path):
    """A run whose student was taught behind two worked examples, below a system message."""
    shutil.copytree(tiny, tmp_path / "run" / "student")
    told = {"prompt": "plain", "examples": SHOTS, "system": "Be brief."}
    write_json(tmp_path / "run" / "student" / "tutelage.json", told)
    return str(tmp_path / "run")


@pytest.fixture
def task(tmp_path):
    rows = [{"question": f"What is {n} + 9?", "answer": str(n + 9)} for n in range(8)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_task("custom", path=tmp_path / "rows.jsonl")


def prompts(student, task) -> list[str]:
    engine = Listening()
    evaluate(student, task, "test", engine=engine)
    return engine.heard


def test_eval_asks_as_ask_does(taught, task):
    student, engine = taught_student(taught), Listening()
    questions = [problem.question for problem in task.problems("test")]
    list(ask(student, questions, engine=engine))
    assert prompts(student, task) == engine.heard
    assert engine.heard[0].startswith("Be brief.\n\nQuestion: What is 1 + 1?\nAnswer: 1 + 1 = 2.")
    assert engine.heard[0].endswith(f"Question: {questions[0]}\nAnswer:")


def test_what_was_taught_comes_before_the_tasks_own_examples(taught):
    task = load_task("leg_counting", train=4, validation=2, test=3)
    assert all("What is 1 + 1?" in each and "What is 2 + 2?" in each for each in prompts(taught_student(taught), task))
    one = prompts(taught_student(taught, few_shot=1), task)[0]
    assert "What is 1 + 1?" in one
    assert "What is 2 + 2?" not in one
    none = prompts(taught_student(taught, few_shot=0), task)[0]
    assert "What is" not in none
    more = prompts(taught_student(taught, few_shot=3), task)[0]  # so many were not taught
    assert "What is 1 + 1?" not in more
    assert task.examples[2].question in more


def test_a_problem_keeps_a_system_message_of_its_own(taught, task):
    own = replace(task, splits={**task.splits, "test": (Problem.of("What is 5 + 9?", "14", system="Be exact."),)})
    (heard,) = prompts(taught_student(taught), own)
    assert heard.startswith("Be exact.\n\n")
    assert "Be brief." not in heard


def cut_at(student, task, **asking) -> list[int]:
    """Where `ask` and `eval` cut an answer."""
    engine = Listening()
    list(ask(student, [task.problems("test")[0].question], engine=engine, **asking))
    evaluate(student, task, "test", EvaluationConfig(**asking), engine=engine)
    return engine.cut_at


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"max_new_tokens": "auto", "answer_tokens": 48}, 48),
        ({"max_new_tokens": 20, "answer_tokens": None}, 20),
        ({}, 256),  # of an earlier version
    ],
)
def test_answers_are_cut_where_those_of_the_runs_evaluation_were(taught, task, told, expected):
    file = Path(taught) / "student" / "tutelage.json"
    write_json(file, {**json.loads(file.read_text()), **told})
    assert cut_at(taught_student(taught), task) == [expected, expected]
    assert cut_at(taught_student(taught), task, max_new_tokens=7) == [7, 7]


def test_the_student_of_a_run_knows_its_limit(tiny, task, tmp_path):
    plan = two_rounds(tiny)
    auto = plan.model_copy(update={"evaluation": EvaluationConfig(), "rounds": RoundsConfig(max=0)})
    (only,) = run(auto, tmp_path / "run").rounds
    limit = only.limits["evaluation"]
    assert limit != 256  # what is not taught yet may take
    assert cut_at(taught_student(str(tmp_path / "run")), task) == [limit, limit]
    for folder in (tmp_path / "run" / "student", tmp_path / "run" / "round-00" / "model"):
        student, untrained = Asking()._both(tmp_path / "run", folder, [*folder.iterdir()])
        assert (student.student.answer_tokens, untrained.student.answer_tokens) == (limit, None)


@pytest.fixture(scope="session")
def below(tmp_path_factory, tiny):
    """A run of one round whose problems stand below a system message; only to be read."""
    folder = tmp_path_factory.mktemp("below")
    rows = [{"question": f"{n} + 9?", "answer": f"{n + 9}", "rationale": f"{n} + 9 = {n + 9}"} for n in range(12)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = TaskConfig(name="custom", path=str(folder / "rows.jsonl"), system="Be brief.")
    run(two_rounds(tiny).model_copy(update={"task": task, "rounds": RoundsConfig(max=0)}), folder / "run")
    return folder / "run"


def test_command_and_page_ask_both_students_of_a_run_alike(below, monkeypatch):
    heard, answer = list[str](), Student.answer

    def listening(student, problems, *arguments):
        heard.extend(problem.text for problem in problems)
        return answer(student, problems, *arguments)

    monkeypatch.setattr(Student, "answer", listening)
    asking, question = Asking(), "What is 2 + 9?"
    student, untrained = asking(below, below / "student", question)
    assert asking._students is not None
    assert all(each.student.memory._student is not None for each in asking._students), "both stay for the next question"
    said = tutelage("ask", below, question, "--beside", "untrained")
    assert said.output == f"{below}:\n{student}\nuntrained:\n{untrained}\n"
    assert tutelage("ask", below, question).output == f"{student}\n"
    assert heard == [f"Be brief.\n\n{question}"] * 5


def test_the_newest_student_of_a_stopped_run_is_asked_below_its_system_message_too(below):
    for asked in of_run(below, below / "round-00" / "model"):
        (problem,) = asked.problems([Problem.of("What is 2 + 9?", "")])
        assert problem.text == "Be brief.\n\nWhat is 2 + 9?"


def test_a_model_that_no_run_taught_gets_the_tasks_examples(tiny):
    task = load_task("leg_counting", train=4, validation=2, test=1)
    assert task.examples[0].question in prompts(taught_student(tiny, few_shot=1), task)[0]
