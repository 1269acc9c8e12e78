"""Whatever becomes of a file of a run, the run ends as one that was left alone, or in one line: never in other figures.

The rounds, the task, the teacher and the files are real; the student is a function of what it was taught.
"""

import dataclasses
import json
import os
import random
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutelage import assemble, inputs
from tutelage.api import run
from tutelage.config import StudentConfig
from tutelage.config.file import parse_config
from tutelage.errors import TutelageError
from tutelage.records import Attempt, Completion
from tutelage.report.progress import Show
from tutelage.rounds import error_summary
from tutelage.run_records import AskedAs, Precision, RunResult, StepRecord, TrainingSummary
from tutelage.runs.directory import Run
from tutelage.runs.files import append_rows, digest, read_rows, seed_of, write_json, write_rows, write_text
from tutelage.runs.reader import MISTAKES, PROBLEMS
from tutelage.runs.seals import sealed
from tutelage.student.engines.engine import Engine
from tutelage.student.sampler import Sampled
from tutelage.student.student import GoneError
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import Task

CONFIG = parse_config(
    {
        "task": {"name": "leg_counting", "train": 5, "validation": 3, "test": 3, "options": {"max_animals": 2}},
        "exam": {"samples": 2, "shard": 2},
        "rounds": {"max": 2, "patience": 3},
    }
)


class Stopped(BaseException):
    """What a kill is to the tests."""


@dataclass
class Student:
    """Right at some problems, by a hash of what it has learnt and the question; trained by writing that down."""

    key: str = "untrained"
    folder: Path | None = None
    stopped_at: int | None = None
    answer_tokens: int | None = None
    precision: Precision = field(default_factory=lambda: Precision("float32", "as told", "a model", "a machine"))
    config: StudentConfig = field(default_factory=StudentConfig)
    asked: AskedAs = field(default_factory=lambda: AskedAs("plain", "as the test has it"))
    thinks: bool = False
    system: None = None
    engine: Engine = field(default_factory=lambda: Engine("auto"))
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def answer(self, problems, seeds, sampling, answered):
        if self.folder and not self.folder.is_dir():
            raise GoneError(self.folder)
        learnt = json.loads((self.folder / "config.json").read_text())["learnt"] if self.folder else self.key
        for place, (problem, seed) in enumerate(zip(problems, seeds, strict=True)):
            if place == self.stopped_at and sampling.samples > 1:
                raise Stopped
            right = [seed_of(learnt, problem.id, seed, sample) % 3 == 0 for sample in range(sampling.samples)]
            numbers = [problem.answer if is_right else seed_of(learnt) % 90 + 100 for is_right in right]
            answered(place, [Completion(f"So it is.\nThe answer is {number}.", "stop", 5) for number in numbers])
        return Sampled(1, 0)

    def learn(self, examples, config, *, folder, steps, planned, advance, **others):
        planned(2, 0)
        append_rows(steps, [sealed(StepRecord(n, 0.5, 0.25, 1)) for n in (1, 2)])
        advance(2)
        write_json(folder / "config.json", {"learnt": digest(self.key, *examples)})
        return TrainingSummary(len(examples), 0, 9, 9, 0, 0.5, 0.5, 0.25, len(examples))

    def at(self, folder: Path, key: str, answer_tokens: int | None = None) -> "Student":
        return dataclasses.replace(self, key=key, folder=folder, answer_tokens=answer_tokens)

    def rationale_tokens(self, rationales):
        return [len(text.split()) for text in rationales]

    def room_for_answers(self, questions):
        return None

    def save(self, folder: Path, notes: str, max_new_tokens: object) -> None:
        write_json(folder / "config.json", {"learnt": self.key})
        write_text(folder / "README.md", notes)

    def release(self) -> None:
        """It takes no memory."""


@cache
def opened_task() -> Task:
    return open_task(CONFIG.task)


def at_work(root: Path, show: Show | None = None, **student) -> RunResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "make_student", lambda *_: Student(**student))
        patch.setattr(assemble, "preflight", lambda *_: None)  # of a real model
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(inputs, "open_task", lambda *_: opened_task())
        return run(CONFIG, root, show)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, RunResult]:
    root = tmp_path_factory.mktemp("finished") / "run"
    result = at_work(root)
    assert len(result.rounds) == 3
    assert at_work(root) == result
    return root, result


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, finished) -> tuple[Path, RunResult]:
    """In the exam of its first round, when a shard of it was saved; the teaching of round 0 is marked as unfinished."""
    root = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Stopped):
        at_work(root, stopped_at=3)
    assert len(read_rows(root / "round-01" / "exam.jsonl", Attempt)) == 4
    stages = json.loads((root / "round-00" / "stages.json").read_text())
    stages["annotation"] = {"key": stages["annotation"]["key"], "done": False}
    write_json(root / "round-00" / "stages.json", stages)
    return root, finished[1]


FOR_READERS = (PROBLEMS, MISTAKES)
FIGURES = ("rounds", "best_round", "stopped_because", "test", "unused")


def figures(result: RunResult) -> object:
    return timeless({name: value for name, value in dataclasses.asdict(result).items() if name in FIGURES})


def timeless(value: object) -> object:
    """Without what is measured by the clock, and what only the process that did the work knows."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in ("seconds", "work")}
    return [timeless(inner) for inner in value] if isinstance(value, list | tuple) else value


def rows_of(root: Path) -> dict[str, list[str]]:
    """The rows of a run's tables, which a run that goes on may write in another order.

    Those for readers are left out: a finished run is only read, and no figure comes from them.
    """
    tables = [path for path in root.rglob("*.jsonl") if path.name not in FOR_READERS]
    return {str(path.relative_to(root)): sorted(path.read_text().splitlines()) for path in tables}


def texts(root: Path) -> list[str]:
    found = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.stat().st_size]
    return sorted(name for name in found if not name.endswith("sqlite"))


def assert_it_ends_alike_or_in_one_line(root: Path, expected: tuple[Path, RunResult]) -> None:
    line, result = None, None
    try:
        result = at_work(root)
    except TutelageError as error:
        line = str(error)
    if result is None:
        assert len(line.splitlines()) == 1
        assert any(remedy in line for remedy in ("restore it", "remove it", "--out"))
        return
    assert figures(result) == figures(expected[1])
    assert rows_of(root) == rows_of(expected[0])
    assert (root / "student" / "config.json").read_text() == (expected[0] / "student" / "config.json").read_text()
    written = json.loads((root / "result.json").read_text())
    assert written == json.loads(json.dumps(dataclasses.asdict(result)))


def altered(row: str, rng) -> str:
    """Another digit, or another letter of a value."""
    places = [place for place, letter in enumerate(row) if letter.isalnum()]
    if not places:
        return row + " x"
    place = rng.choice(places)
    return row[:place] + ("7" if row[place] != "7" else "3") + row[place + 1 :]


def damaged(text: str, how: str, row: int, rng) -> str:
    rows = text.splitlines(keepends=True)
    row %= len(rows)
    if how == "torn":
        return "".join(rows[:row]) + rows[row][: len(rows[row]) // 2]
    if how == "cut":
        return "".join(rows[:row])
    middle = {
        "doubled": [rows[row]] * 2,
        "dropped": [],
        "altered": [altered(rows[row], rng)],
        "another": [rows[(row + 1) % len(rows)]],
        "garbage": ["\x00\x01 no row {]\n"],
    }[how]
    return "".join([*rows[:row], *middle, *rows[row + 1 :]])


HOW = ("torn", "cut", "doubled", "dropped", "altered", "another", "garbage")


@pytest.mark.parametrize("state", ["finished", "stopped"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_gives_no_other_figures(state, finished, stopped, tmp_path_factory, data):
    source, _ = finished if state == "finished" else stopped
    name = data.draw(st.sampled_from(texts(source)))
    how, row = data.draw(st.sampled_from(HOW)), data.draw(st.integers(0, 60))
    root = tmp_path_factory.getbasetemp() / "damaged"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(source, root)
    text = (root / name).read_text()
    (root / name).write_text(damaged(text, how, row, data.draw(st.randoms())))
    assert_it_ends_alike_or_in_one_line(root, finished)


@pytest.mark.parametrize("state", ["finished", "stopped"])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_what_comes_from_another_place_of_the_run_gives_no_other_figures(
    state, finished, stopped, tmp_path_factory, data
):
    """Files exchanged, one in the place of another, and rows of one in another; each is whole and has its seal."""
    source, _ = finished if state == "finished" else stopped
    names = [name for name in texts(source) if name.endswith(("json", "jsonl"))]
    one, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    how = data.draw(st.sampled_from(("exchanged", "copied", "appended", "gone")))
    root = tmp_path_factory.getbasetemp() / "damaged"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(source, root)
    here, there = (root / one).read_text(), (root / other).read_text()
    match how:
        case "exchanged":
            (root / one).write_text(there), (root / other).write_text(here)
        case "copied":
            (root / one).write_text(there)
        case "appended":
            (root / one).write_text(here + there[: len(there) // 2])
        case "gone":
            (root / one).unlink()
    assert_it_ends_alike_or_in_one_line(root, finished)


@pytest.mark.parametrize("name", ["exam", "feedback", "annotation", "evaluation", "steps", "examples"])
@pytest.mark.parametrize("how", HOW)
def test_rows_that_changed_are_owed_again_and_it_is_said(finished, tmp_path, name, how):
    root, said = tmp_path / "run", list[str]()
    shutil.copytree(finished[0], root)
    path = root / ("round-00" if name == "annotation" else "round-01") / f"{name}.jsonl"
    text = path.read_text()
    path.write_text(damaged(text, how, 1, random.Random(0)))
    show = Show(quiet=True)
    show.say = said.append
    result = at_work(root, show)
    assert figures(result) == figures(finished[1])
    assert sorted(path.read_text().splitlines()) == sorted(text.splitlines())
    assert name == "examples" or f"{path} has changed since it was written: " in " ".join(said)


@pytest.mark.parametrize("name", ["problems.jsonl", "round-01/mistakes.jsonl"])
@pytest.mark.parametrize("how", [*HOW, "gone", "folder", "pipe", "dangling"])
def test_what_is_for_readers_is_written_again_when_the_run_goes_on_and_no_work_is_done_for_it(
    finished, tmp_path, name, how
):
    root, said = tmp_path / "run", list[str]()
    shutil.copytree(finished[0], root)
    path, text = root / name, (root / name).read_text()
    path.unlink()
    if how in HOW:
        path.write_text(damaged(text, how, 1, random.Random(0)))
    elif how != "gone":
        {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "dangling": lambda: path.symlink_to("nowhere")}[how]()
    assert at_work(root) == finished[1]  # of a finished run it is left as it is
    (root / "result.json").unlink()
    before = {each: each.stat().st_mtime_ns for each in root.rglob("*.jsonl") if each != path}
    show = Show(quiet=True)
    show.say = said.append
    assert figures(at_work(root, show)) == figures(finished[1])
    assert path.read_text() == text
    assert {each: each.stat().st_mtime_ns for each in before} == before
    assert not [line for line in said if name in line]


def test_only_the_mistakes_whose_rows_changed_are_marked_again(finished, tmp_path, monkeypatch):
    root, marked = tmp_path / "run", list[object]()
    shutil.copytree(finished[0], root)
    path = root / "round-01" / "mistakes.jsonl"
    text = path.read_text()
    first = json.loads(text.splitlines()[0])
    path.write_text(text.replace('"sample": ', '"sample":  ', 1).replace('"right": "', '"right": "7', 1))
    (root / "result.json").unlink()
    mark = error_summary.marked_mistake
    monkeypatch.setattr(error_summary, "marked_mistake", lambda *about: marked.append(about[2]) or mark(*about))
    assert figures(at_work(root)) == figures(finished[1])
    assert [(each.problem_id, each.sample) for each in marked] == [(first["problem_id"], first["sample"])]
    assert path.read_text() == text


@pytest.mark.parametrize("name", ["exam", "feedback", "annotation"])
def test_rows_without_seals_are_no_rows_of_a_run_that_writes_them(finished, tmp_path, name):
    root = tmp_path / "run"
    shutil.copytree(finished[0], root)
    path = root / ("round-00" if name == "annotation" else "round-01") / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        del row["seal"]
        row["verdict"]["correct"] = not row["verdict"]["correct"]
    write_rows(path, rows)
    (root / "result.json").unlink()
    assert figures(at_work(root)) == figures(finished[1])


@pytest.mark.parametrize("what", ["folder", "pipe", "dangling"])
def test_what_stands_in_the_place_of_a_table_gives_way(finished, tmp_path, what):
    root = tmp_path / "run"
    shutil.copytree(finished[0], root)
    exam = root / "round-01" / "exam.jsonl"
    exam.unlink()
    {"folder": exam.mkdir, "pipe": lambda: os.mkfifo(exam), "dangling": lambda: exam.symlink_to("nowhere")}[what]()
    assert figures(at_work(root)) == figures(finished[1])
    assert exam.is_file()


@pytest.mark.parametrize("what", ["gone", "file", "link", "dangling", "altered", "part is a link"])
def test_a_student_that_is_not_there_is_saved_again(finished, tmp_path, what):
    root, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    shutil.copytree(finished[0], root)
    student = root / "student"
    if what == "altered":
        (student / "config.json").write_text("{}")
    else:
        shutil.rmtree(student)
    if what == "link":
        elsewhere.mkdir()
        (elsewhere / "precious").write_text("")
    if what in ("link", "dangling"):
        student.symlink_to(elsewhere)
    if what == "file":
        student.write_text("")
    assert figures(at_work(root)) == figures(finished[1])
    assert not student.is_symlink()
    assert (student / "config.json").read_text() == (finished[0] / "student" / "config.json").read_text()
    assert what != "link" or (elsewhere / "precious").exists()


def test_a_run_without_digests_is_read_as_it_is(finished, tmp_path):
    """As those of before there were any."""
    root = tmp_path / "run"
    shutil.copytree(finished[0], root)
    for path in root.rglob("stages.json"):
        stages = {name: entry for name, entry in json.loads(path.read_text()).items() if name != "result"}
        for entry in stages.values():
            entry.pop("files"), entry.pop("seal")
        write_json(path, stages)
    for path in root.rglob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        write_rows(path, [{key: value for key, value in row.items() if key != "seal"} for row in rows])
    marker = json.loads((root / "run.json").read_text())
    write_json(root / "run.json", {key: value for key, value in marker.items() if key != "seal"})
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert at_work(root) == finished[1]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    shutil.rmtree(root / "student")
    assert figures(at_work(root)) == figures(finished[1])
    assert (root / "student" / "config.json").exists()
    (root / "result.json").unlink()
    assert figures(at_work(root)) == figures(finished[1])
    exam = root / "round-01" / "exam.jsonl"
    (root / "result.json").unlink()
    exam.write_text(exam.read_text().replace("{", "[", 1))  # a broken row is owed again here, too
    assert figures(at_work(root)) == figures(finished[1])


def test_an_opened_run_keeps_what_it_was(finished, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(finished[0], root)
    marker = (root / "run.json").read_text()
    Run.open(root, CONFIG, json.loads(marker)["data"])
    assert (root / "run.json").read_text() == marker
