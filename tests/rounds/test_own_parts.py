"""Runs with parts of the user's own: used in the place of ours, known by their keys, gone on with by the same alone."""

import json
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from tests.rounds.coin import CoinTask, noisy_student
from tutelage import (
    Compared,
    ConfigError,
    DataError,
    Feedback,
    FeedbackRequest,
    Problem,
    RunError,
    TutelageError,
    Verdict,
    evaluate,
    parse_config,
    run,
)
from tutelage.config import StudentConfig
from tutelage.own_parts import OwnParts
from tutelage.runs.files import read_rows


@dataclass(frozen=True)
class KeyedCoin(CoinTask):
    key: str = "coin 1"


@dataclass
class Telling:
    """A teacher that notes what it is asked; from `until` on it fails."""

    key: str = "telling 1"
    until: int = 1000
    asked: int = 0

    def teach(self, requests: list[FeedbackRequest], deliver) -> None:
        for request in requests:
            self.asked += 1
            if self.asked > self.until:
                raise ConnectionError("gone")
            text = f"One thinks about it in {self.asked} words.\nThe answer is {request.problem.answer}."
            deliver(Feedback(*request.identity, text, Verdict(True, request.problem.answer, "right")))


@dataclass(frozen=True)
class Always(KeyedCoin):
    """Every text that says what it must is right, none of the student's."""

    def grade(self, problem: Problem, text: str) -> Verdict:
        return Verdict(f"The answer is {problem.answer}." in text, None, "looked for")


class Push:
    key, likelihoods = "push 1", False

    def draw(self, example, rng):
        return (rng.choice(example.negatives),) if example.negatives else ()

    def compare(self, seen):
        far_S = torch.cosine_similarity(*seen.end_SED.unbind(1))
        return Compared(far_S.sum(), torch.ones_like(far_S), far_S.detach())


@pytest.fixture
def short(config):
    """One round more than round 0."""
    return config.model_copy(update={"rounds": config.rounds.model_copy(update={"max": 1})})


def parts_of(root: Path) -> dict[str, str]:
    return json.loads((root / "run.json").read_text(encoding="utf-8")).get("parts", {})


@pytest.mark.slow
def test_a_run_with_own_parts_goes_on_with_the_same_ones_alone(short, tmp_path):
    root, own = tmp_path / "run", {"task": Always(), "reflection": Push()}
    noisy_student(tmp_path / "noisy")  # its attempts come to an end, so that they are compared
    student = short.student.model_copy(update={"model": str(tmp_path / "noisy")})
    short = short.model_copy(update={"student": student})
    with pytest.raises(TutelageError, match="the teacher 'telling 1' fails: ConnectionError: gone"):
        run(short, root, teacher=Telling(until=3), **own)
    assert parts_of(root) == {"task": "coin 1", "teacher": "telling 1", "reflection": "push 1"}
    again = Telling()
    result = run(short, root, teacher=again, **own)
    assert result.rounds[0].teacher.replies_used == 8
    assert again.asked == 5 + 8, "three were on disk; in round 1 every problem has a mistake"
    assert result.rounds[1].training.reflection_loss != 0
    assert "taught coin" in (root / "student" / "README.md").read_text(encoding="utf-8")
    assert run(short, root, teacher=Telling(until=0), **own) == result, "it is only read"
    for other in (
        {"teacher": Telling(key="telling 2"), **own},
        {"teacher": Telling(), "task": Always(key="coin 2"), "reflection": Push()},
        {"teacher": Telling(), "task": Always()},
        {},
    ):
        with pytest.raises(RunError, match=r"was run with other settings .* is now"):
            run(short, root, **other)
    alone = run(short, tmp_path / "at-once", teacher=Telling(), **own)
    assert alone.rounds[1].validation == result.rounds[1].validation


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"task": object()}, "the task object cannot be used"),
        ({"teacher": object()}, "the teacher object cannot be used"),
        ({"teacher": Telling(key=3)}, "its key is 3"),
        ({"reflection": object()}, "the reflection object cannot be used"),
        ({"engine": object()}, "the engine object cannot be used"),
        ({"task": CoinTask()}, "it has no key"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_written(short, tmp_path, part, said):
    with pytest.raises(ConfigError, match=said):
        run(short, tmp_path / "run", **part)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_has_no_say_is_refused(short, tmp_path):
    for change, said in (({"reflection": "none"}, "is 'none'"), ({"reflection_weight": 0.0}, "reflection_weight is 0")):
        config = short.model_copy(update={"training": short.training.model_copy(update=change)})
        with pytest.raises(ConfigError, match=f"{said}, so the reflection given would have no say"):
            run(config, tmp_path / "run", reflection=Push())


def test_a_task_of_the_users_own_is_evaluated(tiny):
    student = StudentConfig(model=tiny, device="cpu", dtype="float32")
    found, attempts = evaluate(student, KeyedCoin(1))
    assert (found.accuracy, found.n, len(attempts)) == (1.0, 4, 4)
    with pytest.raises(ConfigError, match="the task int"):
        evaluate(student, 3)


def test_keys_are_what_a_run_is_known_by(short, tmp_path):
    own = OwnParts(task=KeyedCoin(), teacher=Telling())
    assert own.keys(short) == {"task": "coin 1", "teacher": "telling 1"}
    assert OwnParts().keys(short) == {}
    assert own.applied(short).task == short.task.model_copy(
        update={"name": "coin", "train": None, "validation": 0.1, "test": None, "options": {}}
    )
    assert OwnParts().applied(short) is short


def test_parts_of_a_study_are_left_where_an_arm_has_its_own(short):
    own = OwnParts(teacher=Telling(), reflection=Push())
    assert own.in_arm(short, short) == own
    star = short.model_copy(update={"teacher": short.teacher.model_copy(update={"kind": "student"})})
    assert own.in_arm(star, short) == replace(own, teacher=None)
    off = short.model_copy(update={"training": short.training.model_copy(update={"reflection_weight": 0.0})})
    assert own.in_arm(off, short) == replace(own, reflection=None)


def test_several_jobs_need_parts_that_can_be_handed_over():
    OwnParts(task=KeyedCoin()).need_pickling()
    assert pickle.loads(pickle.dumps(OwnParts(teacher=Telling()))).teacher == Telling()
    with pytest.raises(ConfigError, match="several jobs need parts that can be pickled"):
        OwnParts(teacher=type("Local", (Telling,), {"__reduce__": None})()).need_pickling()


@pytest.mark.slow
def test_a_grader_of_a_file_is_part_of_the_run(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"question": f"{n} + 1?", "answer": str(n + 1), "rationale": f"{n} + 1 = {n + 1}."} for n in range(12)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    Path("limits.py").write_text("LONGEST = 500\n", encoding="utf-8")
    grader = "import limits\ndef grade(p, text):\n    return p.answer in text and len(text) < limits.LONGEST\n"
    Path("mine.py").write_text(grader, encoding="utf-8")
    settings = {
        "task": {"name": "custom", "path": "rows.jsonl", "grader": "mine.py:grade", "validation": 2},
        "student": {"model": tiny, "device": "cpu", "dtype": "float32"},
        "exam": {"samples": 1, "max_new_tokens": 6},
        "evaluation": {"max_new_tokens": 6},
        "training": {"epochs": 1},
        "rounds": {"max": 0},
    }
    config = parse_config(settings)
    result = run(config, "run")
    assert parts_of(Path("run")).keys() == {"grader"}
    assert all(reply.verdict.reason == "right" for reply in read_rows(Path("run/round-00/annotation.jsonl"), Feedback))
    Path("elsewhere").mkdir()
    for name in ("mine.py", "limits.py"):
        Path("elsewhere", name).write_text(Path(name).read_text(), encoding="utf-8")
    moved = config.task.model_copy(update={"grader": "elsewhere/mine.py:grade"})
    assert run(config.model_copy(update={"task": moved}), "run") == result, "the same content in another place"
    Path("limits.py").write_text("LONGEST = 5\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"grader: '.*' is now '.*'"):
        run(config, "run")
    Path("mine.py").unlink()
    with pytest.raises((ConfigError, DataError), match=r"task.grader: there is no file mine\.py"):
        run(config, "run")
