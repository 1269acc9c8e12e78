"""The result of a finished run is read if what it was made from is as it was; what is gone is told."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.hub import Hub, use
from tests.once import made_once
from tests.processes import UNMEASURED
from tutelage import api
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.errors import RunError
from tutelage.report.progress import Show
from tutelage.run_records import RunResult
from tutelage.runs.files import write_rows
from tutelage.runs.finished import read_result

ROWS = [{"question": f"{n} + 9?", "answer": f"{n + 9}", "rationale": f"{n} + 9 = {n + 9}"} for n in range(12)]
SHOWN = [{"question": "2 + 2?", "answer": "4", "rationale": "It is 4."}]
DATA, TEACHER, STUDENT = "data/train.jsonl", "teacher.jsonl", "student/tokenizer_config.json"
ENDED = "runs/mine has finished, and its result is read; as they were: its settings"
UNREAD = "not compared, since it cannot be read: "


def settings(shots: int = 1, **task: object) -> RunConfig:
    return parse_config(
        {
            "task": {"name": "custom", **task},
            "student": {"model": "./student", "device": "cpu", "dtype": "float32", "few_shot": shots},
            "teacher": {"kind": "recorded", "path": TEACHER, "fallback": "answer_key"},
            "evaluation": {"max_new_tokens": 4},
            "training": {"epochs": 1, "max_rows": 2},
            "rounds": {"max": 0},
        }
    )


def write_inputs(folder: Path, tiny: str) -> None:
    shutil.copytree(tiny, folder / "student")
    write_rows(folder / DATA, ROWS)
    write_rows(folder / "data/examples.jsonl", SHOWN)
    write_rows(folder / TEACHER, [{"question": row["question"], "rationale": row["rationale"]} for row in ROWS])


@pytest.fixture
def finished(tiny, tmp_path, tmp_path_factory, monkeypatch) -> RunResult:
    """In the working folder: the result of the run in runs/mine."""

    def make(folder: Path) -> None:
        write_inputs(folder, tiny)
        monkeypatch.chdir(folder)
        api.run(settings(path="data"), "runs/mine")

    shutil.copytree(made_once(tmp_path_factory, "inputs", make), tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    result = read_result(Path("runs/mine"))
    assert result is not None
    return result


def read_again(config: RunConfig | None = None) -> tuple[RunResult, list[str]]:
    """The result of the run in runs/mine, and what was said meanwhile."""
    show, said = Show(quiet=True), list[str]()
    show.say = said.append
    return api.run(config or settings(path="data"), "runs/mine", show), said


def test_what_is_as_it_was_is_read_without_a_word_and_without_torch(finished):
    assert read_again() == (finished, [])
    script = "import sys; from tutelage import load_config, run; run(load_config('runs/mine/config.yaml'), 'runs/mine')"
    script += "; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], env=UNMEASURED, capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


@pytest.mark.parametrize(
    ("file", "was", "said"),
    [
        (DATA, "0 + 9?", "the problems of runs/mine have changed since it began; restore them"),
        ("data/examples.jsonl", "It is", "runs/mine began with another content of worked example 1; restore it"),
        (TEACHER, "0 + 9 = 9", "runs/mine began with another content of teacher.path; restore it"),
        (STUDENT, "{", "runs/mine began with another content of student.model ./student; restore it"),
    ],
)
def test_what_has_changed_is_refused(finished, file, was, said):
    text = Path(file).read_text()
    assert was in text
    Path(file).write_text(text.replace(was, f"{was} ", 1) if was == "{" else text.replace(was, f"So: {was}", 1))
    with pytest.raises(RunError, match=said):
        read_again()


def test_where_all_is_gone_the_result_is_read_and_told(finished):
    for each in ("data", "student"):
        shutil.rmtree(each)
    Path(TEACHER).unlink()
    result, (told,) = read_again()
    assert result == finished
    assert told.startswith(f"{ENDED}; {UNREAD}its problems (data: ")
    assert told.endswith("), student.model ./student, teacher.path")
    assert tutelage("show", "runs/mine").exit_code == 0


def test_what_is_left_is_compared(finished):
    Path(TEACHER).unlink()
    seen = f"{ENDED}, its problems, worked example 1, student.model ./student; {UNREAD}teacher.path"
    assert read_again() == (finished, [seen])
    Path("data").rename("moved")
    assert read_again(settings(path="moved")) == (finished, [seen])


def test_a_commit_of_the_hub_is_not_fetched_again(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path, tiny)
    with Hub() as hub:
        use(hub, monkeypatch, tmp_path)
        first = hub.push("ann/sums", {"train.jsonl": Path(DATA).read_bytes()})
        result = api.run(settings(0, path="hf://ann/sums"), "runs/mine")
        second = hub.push("ann/sums", {"train.jsonl": Path(DATA).read_bytes().partition(b"\n")[2]})
        shutil.rmtree("hub")
        hub.asked.clear()
        assert read_again(settings(0, path="hf://ann/sums")) == (result, [])
        assert hub.asked == []
        assert read_again(settings(0, path="hf://ann/sums", revision=first))[0] == result
        with pytest.raises(RunError, match="the problems of runs/mine have changed"):
            read_again(settings(0, path="hf://ann/sums", revision=second))
