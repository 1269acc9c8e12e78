"""Tasks and graders of the user's own: what is wrong with them is said before a run begins, in one line."""

import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.records import Choice, Problem, Verdict, WorkedExample
from tutelage.tasks.own import checked_grader, own_task

ANY = TaskConfig(name="any")
PROBLEM = Problem.of("2 + 3?", "5")


def problems(split: str, count: int = 3) -> list[Problem]:
    return [Problem.of(f"{split}: {n} + 1?", str(n + 1)) for n in range(count)]


def given() -> dict[str, Any]:
    return {split: problems(split) for split in ("train", "validation", "test")}


@dataclass
class Sums:
    key: Any = "sums 1"
    name: Any = "sums"
    kind: Any = "number"
    examples: Any = (WorkedExample("1 + 1?", "1 + 1 = 2.\nThe answer is 2."),)
    parts: dict[str, Any] = field(default_factory=given)
    verdict: Any = None

    def problems(self, split: str):
        return self.parts[split]

    def grade(self, problem: Problem, text: str):
        return self.verdict or Verdict(problem.answer in text, None, "looked for")


class Moving(Sums):
    """Its key is another at each look."""

    calls = 0

    @property
    def key(self):
        Moving.calls += 1
        return f"sums {Moving.calls}"

    @key.setter
    def key(self, value): ...


class Shuffled(Sums):
    def problems(self, split: str):
        self.parts[split] = self.parts[split][::-1]
        return self.parts[split]


class Failing(Sums):
    def problems(self, split: str):
        raise KeyError(split)


class Ending(Sums):
    def problems(self, split: str):
        sys.exit(3)


class Async(Sums):
    async def grade(self, problem: Problem, text: str): ...


class Narrow(Sums):
    def grade(self, text):
        return True


class NoGrade:
    key, name, kind, examples = "a", "a", "text", ()

    def problems(self, split: str):
        return problems(split)


def test_a_task_of_the_users_own_is_a_task():
    task = own_task(Sums(), ANY)
    assert (task.name, task.kind, task.examples) == ("sums", "number", Sums.examples)
    assert [problem.answer for problem in task.problems("test")] == ["1", "2", "3"]
    assert task.grade(PROBLEM, "it is 5").correct
    assert not task.grade(PROBLEM, "").correct
    assert own_task(Sums(verdict=True), ANY).grade(PROBLEM, "") == Verdict(True, None, "right")
    assert own_task(task, ANY) is task, "one of ours needs no look"
    assert own_task(Sums(), ANY).key != own_task(Sums(key="sums 2"), ANY).key


def test_the_configuration_draws_of_it():
    assert len(own_task(Sums(), TaskConfig(name="any", train=2, test=1)).problems("train")) == 2
    with pytest.raises(DataError, match="9 train problems are asked for, but there are 3"):
        own_task(Sums(), TaskConfig(name="any", train=9))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_configuration_draws_of_one_of_ours_as_of_any_other(split):
    asked = TaskConfig.model_validate({"name": "any", split: 2})
    drawn, other = own_task(own_task(Sums(), ANY), asked), own_task(Sums(), asked)
    for each in ("train", "validation", "test"):
        assert len(drawn.problems(each)) == (2 if each == split else 3)
        assert drawn.problems(each) == other.problems(each)
    assert drawn.key == other.key


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (object(), "has no method problems"),
        (3, "the task int cannot be used"),
        (NoGrade(), "has no method grade"),
        (Narrow(), "its grade takes .*text.*, but is called with 2 arguments"),
        (Sums(key=None), "has no key; give it one"),
        (Sums(key=7), "its key is 7, a int; make it text"),
        (Sums(key=" "), "give it 1 to 200 characters"),
        (Sums(key=lambda: "a"), "its key is a method"),
        (Moving(), "its key changes: 'sums"),
        (Sums(name=None), "its name is None"),
        (Sums(kind="words"), "its kind is 'words'; make it one of number"),
        (Sums(examples=None), "examples gives a NoneType, not a list of WorkedExample"),
        (Sums(examples=["2 + 2"]), "examples gives a str at place 0, not a WorkedExample"),
        (Failing(), "problems\\('train'\\) fails: KeyError"),
        (Shuffled(), "other problems the second time"),
        (Sums(parts=given() | {"test": []}), "problems\\('test'\\) is empty"),
        (Sums(parts=given() | {"test": None}), "gives a NoneType, not a list of Problem"),
        (Sums(parts=given() | {"test": ["2 + 2?"]}), "gives a str at place 0, not a Problem"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, id="")]}), "its id is '', not a text; Problem.of"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, id=None)]}), "its id is None"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, answer=5)]}), "its answer is 5"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, question="\ud800")]}), "its question is"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, equation=5)]}), "its rationale or its equation"),
        (Sums(parts=given() | {"test": [replace(PROBLEM, choices=[Choice("A", "a")])]}), "its choices are"),
        (Sums(parts=given() | {"test": [PROBLEM, PROBLEM]}), "stands twice in test"),
        (Sums(parts=given() | {"test": problems("train")}), "stands in train and in test"),
        (Ending(), "problems\\('train'\\) fails: SystemExit: 3"),
        (Async(), "its grade is async, but is called as an ordinary function"),
        (Sums, r"it is a class: give an object of it, Sums\("),
        (Sums(parts=given() | {"test": [replace(PROBLEM, id="a", question="train: 0 + 1?")]}), "stands in train, too"),
        (Sums(verdict=np.True_), "gives np.True_, a numpy.bool; give True"),
        (Sums(verdict="right"), "gives 'right', a str; give True, False or Verdict"),
        (Sums(verdict=Verdict(1, None, "")), "gives Verdict\\(correct=1"),
        (Sums(verdict=Verdict(True, 5, "")), "gives Verdict\\(correct=True, answer=5"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(task, said):
    with pytest.raises(ConfigError, match=said) as error:
        own_task(task, ANY)
    assert "\n" not in str(error.value)


def test_a_grader_that_fails_or_ends_the_program_is_the_users_fault():
    def fails(problem, text):
        raise ZeroDivisionError("in\ntwo lines")

    def ends(problem, text):
        raise SystemExit(3)

    def stopped(problem, text):
        raise KeyboardInterrupt

    with pytest.raises(
        ConfigError, match=f"mine fails on problem {PROBLEM.id} with the text 'a': ZeroDivisionError: in"
    ):
        checked_grader(fails, "mine")(PROBLEM, "a")
    with pytest.raises(ConfigError, match="SystemExit: 3"):
        checked_grader(ends, "mine")(PROBLEM, "a")
    with pytest.raises(KeyboardInterrupt):
        checked_grader(stopped, "mine")(PROBLEM, "a")
