"""A whole run in several processes, as torchrun starts them: the same as in one, also after kill -9 of any of them.

Figures are equal on one machine; another may round otherwise and draw another token.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.processes import LIBRARIES, ONE_THREAD, import_before_forking
from tests.rounds.test_runs import TIMES, timeless
from tests.student.ranks.several import started
from tests.student.tiny import tiny_folder
from tests.test_kill import MOMENTS, OF_A_PROCESS, SETTINGS
from tutelage.config.file import parse_config
from tutelage.errors import RunError
from tutelage.records import Problem
from tutelage.runs.models import drop_model
from tutelage.tasks.catalog import open_task
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES, __name__)


@dataclass
class Started:
    """The processes of a run, and what each has said."""

    processes: list[BaseProcess]
    said: list[Path]

    def ended(self) -> tuple[list[int | None], list[str]]:
        for process in self.processes:
            process.join(120)
            assert not process.is_alive(), [path.read_text() for path in self.said]
        return [process.exitcode for process in self.processes], [path.read_text() for path in self.said]

    def __iter__(self):
        return iter(self.processes)


def run(config: Path, root: Path, size: int, *options: str, port: int = 0, different: str = "") -> Started:
    """`tutelage run` in so many processes; `different` is what is so in one of them."""
    said = [root.with_suffix(f".said-{rank}") for rank in range(size)]
    for path in said:
        path.write_text("")
    arguments = ["run", str(config), "--out", str(root), *options]
    return Started(started(_tutelage, size, arguments, said, port, different), said)


def _tutelage(rank: int, arguments: list[str], said: list[Path], port: int, different: str) -> None:
    from tutelage.__main__ import main

    if rank:
        sys.addaudithook(lambda event, told: _refuse(told[1], port) if event == "socket.connect" else None)
    if different and rank == DIFFERENCES[different][0]:
        DIFFERENCES[different][1](arguments)
    if os.environ["WORLD_SIZE"] == "1":
        for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
            del os.environ[name]
    os.environ.update(OMP_NUM_THREADS="1")
    sys.argv = ["tutelage", *arguments]
    with said[rank].open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.exit(main())


def _refuse(address: object, port: int) -> None:
    if isinstance(address, tuple) and address[1] == port:
        os._exit(99)  # only rank 0 asks the teacher


def _full_disk(arguments: list[str]) -> None:
    from tutelage.student import student

    def load(*_):
        raise RunError("the disk is full: cannot write the cache; free some space and start again")

    student.load_student = load


def _no_room(arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


DIFFERENCES: dict[str, tuple[int, Callable[[list[str]], object]]] = {
    "settings": (1, lambda arguments: arguments.extend(["--set", "training.epochs=5"])),
    "broken": (1, lambda arguments: arguments.extend(["--set", "training.epochs=many"])),
    "folder": (1, lambda arguments: arguments.__setitem__(3, arguments[3] + "-elsewhere")),
    "full disk": (1, _full_disk),
    "no room for files": (0, _no_room),
}
"""In which rank, and what."""


def settings(folder: Path, endpoint: TeacherEndpoint | None = None, **training: object) -> Path:
    student = {"model": str(tiny_folder(folder / "student")), "device": "cpu", "dtype": "float32"}
    teacher = (
        {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "concurrency": 2}
        if endpoint
        else {"kind": "answer_key"}
    )
    path = folder / "config.yaml"
    changes = {"training": {**SETTINGS["training"], **training}, "student": student, "teacher": teacher}
    path.write_text(yaml.safe_dump({**SETTINGS, **changes}))
    return path


def port_of(endpoint: TeacherEndpoint) -> int:
    return urlsplit(endpoint.base_url).port or 0


def problems() -> list[Problem]:
    return list(open_task(parse_config(SETTINGS).task).problems("train"))


def result(root: Path) -> dict:
    return timeless(json.loads((root / "result.json").read_text()), TIMES | OF_A_PROCESS)


def rows(root: Path, name: str) -> list[dict]:
    found = [json.loads(line) for path in sorted(root.rglob(name)) for line in path.read_text().splitlines()]
    return sorted(({**row, "seal": ""} for row in found), key=json.dumps)


def assert_same(one: object, two: object, where: str = "") -> None:
    """Equal, but for the rounding of sums of float32 in another order."""
    if isinstance(one, dict) and isinstance(two, dict):
        assert one.keys() == two.keys(), where
        for key in one:
            assert_same(one[key], two[key], f"{where}.{key}")
    elif isinstance(one, list) and isinstance(two, list):
        assert len(one) == len(two), where
        for n, (a, b) in enumerate(zip(one, two, strict=True)):
            assert_same(a, b, f"{where}[{n}]")
    elif isinstance(one, float):
        assert one == pytest.approx(two, rel=1e-3), where
    else:
        assert one == two, where


def assert_same_runs(one: Path, two: Path) -> None:
    assert_same(result(one), result(two))
    for name in ("exam.jsonl", "evaluation.jsonl", "test-before.jsonl", "test-after.jsonl", "examples.jsonl"):
        assert rows(one, name) == rows(two, name), name


def lines(said: list[str]) -> list[str]:
    """What all ranks have said of errors."""
    assert not any("Traceback" in text for text in said), "\n".join(said)
    return [line for text in said for line in text.splitlines() if line.startswith("error:")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run in one process, and the requests that it took."""
    folder = tmp_path_factory.mktemp("whole")
    with answer_key_endpoint(problems()) as endpoint:
        codes, said = run(settings(folder, endpoint), folder / "run", 1).ended()
        assert codes == [0], said
        return folder / "run", len(endpoint.requests)


def test_two_processes_end_as_one_does_and_the_first_alone_asks(tmp_path, whole):
    root, asked = whole
    with answer_key_endpoint(problems()) as endpoint:
        config = settings(tmp_path, endpoint)
        started = run(config, tmp_path / "run", 2, port=port_of(endpoint))
        codes, (first, second) = started.ended()
        assert codes == [0, 0], first + second
        assert len(endpoint.requests) == asked
    assert second == "", "one process speaks"
    assert_same_runs(root, tmp_path / "run")


KILLS = [
    ("in the annotation", 2, 1),
    ("in the training of round 0", 2, 0),
    ("in the exam", 1, 0),
    ("in the feedback", 2, 0),
    ("in the training of round 1", 2, 1),
    ("before the result", 3, 2),
]
"""At which moment, of how many processes, which one is killed."""


def test_killed_again_and_again_with_other_processes_a_run_ends_as_one_that_never_was(tmp_path, whole):
    expected, asked = whole
    with answer_key_endpoint(problems(), faults=lambda number, body: Fault.slow(0.1)) as endpoint:
        config, root = settings(tmp_path, endpoint), tmp_path / "run"
        for moment, size, victim in KILLS:
            started = run(config, root, size, port=port_of(endpoint))
            while not MOMENTS[moment](root):
                assert all(process.is_alive() for process in started), [path.read_text() for path in started.said]
                time.sleep(0.002)
            os.kill(started.processes[victim].pid or 0, signal.SIGKILL)
            codes, said = started.ended()
            assert codes == [-signal.SIGKILL if rank == victim else 4 for rank in range(size)], said
            told = lines(said)
            assert len(told) == (size > 1), told
            assert all(f"rank {victim}" in line and "the same command goes on" in line for line in told), told
        codes, said = run(config, root, 2, port=port_of(endpoint)).ended()
        assert codes == [0, 0], said
        in_flight = 2 * len(KILLS)  # what was asked for when a process was killed is asked for again
        assert asked <= len(endpoint.requests) <= asked + in_flight
    assert_same_runs(expected, root)


def test_two_processes_that_split_the_student_end_as_one_does(tmp_path, whole):
    with answer_key_endpoint(problems()) as endpoint:
        config = settings(tmp_path, endpoint, parallel="fsdp")
        codes, said = run(config, tmp_path / "run", 2, port=port_of(endpoint)).ended()
        assert codes == [0, 0], said
    assert_same_runs(whole[0], tmp_path / "run")


def test_so_do_two_that_split_it_under_adapters(tmp_path):
    config, adapters = settings(tmp_path), ("--set", "student.weights=lora")
    for name, size, options in (("one", 1, ()), ("two", 2, ("--set", "training.parallel=fsdp"))):
        codes, said = run(config, tmp_path / name, size, *adapters, *options).ended()
        assert codes == [0] * size, said
    assert_same_runs(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two" / "student" / "adapter").is_dir()


def test_a_model_that_is_needed_again_is_trained_again_by_two(tmp_path):
    config, root, whole = settings(tmp_path), tmp_path / "run", tmp_path / "whole"
    codes, said = run(config, root, 2).ended()
    assert codes == [0, 0], said
    shutil.copytree(root, whole)
    assert drop_model(root / "round-00") > 0
    (root / "round-01" / "exam.jsonl").unlink()
    codes, said = run(config, root, 2).ended()
    assert codes == [0, 0], said
    assert "was removed and is needed: it is trained again" in said[0]
    assert_same_runs(whole, root)


STOPS = [
    ("in the annotation", signal.SIGINT, (0, 1)),
    ("in the training of round 0", signal.SIGTERM, (0, 1)),
    ("in the exam", signal.SIGINT, (0,)),
    ("in the feedback", signal.SIGTERM, (1,)),
    ("in the training of round 1", signal.SIGTERM, (1,)),
]
"""At which moment, by which signal, who is stopped: all, as by torchrun, or one."""


def test_stopped_again_and_again_all_end_with_one_line_and_leave_nothing(tmp_path, whole):
    expected, _ = whole
    with answer_key_endpoint(problems(), faults=lambda number, body: Fault.slow(0.1)) as endpoint:
        config, root = settings(tmp_path, endpoint), tmp_path / "run"
        go_on = f"\nstopped; go on with: torchrun --nproc_per_node 2 -m tutelage run {config} --out {root}\n"
        for moment, by, ranks in STOPS:
            started = run(config, root, 2, port=port_of(endpoint))
            while not MOMENTS[moment](root):
                assert all(process.is_alive() for process in started), [path.read_text() for path in started.said]
                time.sleep(0.002)
            for rank in ranks:
                os.kill(started.processes[rank].pid or 0, by)
            codes, (first, second) = started.ended()
            assert codes == [128 + by] * 2, (moment, first, second)
            assert first.endswith(go_on), (moment, first)
            assert first.count("stopped;") == 1, (moment, first)
            assert lines([first, second]) == []
            assert second == "", (moment, second)
            assert not (root / "now.json").exists(), moment
        codes, said = run(config, root, 1).ended()
        assert codes == [0], said
    assert_same_runs(expected, root)


@pytest.mark.parametrize(
    ("difference", "code", "message"),
    [
        ("settings", 2, "was started with other settings than rank 0 (training.epochs: 4 is now 5); start all alike"),
        ("broken", 2, "config.yaml: training.epochs: input should be a valid integer"),
        ("folder", 2, "does not see the run in"),
        ("full disk", 2, "rank 1: the disk is full"),
        ("no room for files", 2, "cannot write"),
    ],
)
def test_what_is_wrong_with_one_rank_is_one_line(tmp_path, difference, code, message):
    codes, said = run(settings(tmp_path), tmp_path / "run", 2, different=difference).ended()
    assert codes == [code, code], said
    (line,) = lines(said)
    assert message in line, said


def test_a_guard_of_a_split_student_is_refused_before_anything_is_taught(tmp_path):
    started = run(settings(tmp_path, parallel="fsdp", guard={"checks": 2}), tmp_path / "run", 2)
    codes, said = started.ended()
    assert codes == [2, 2], said
    (line,) = lines(said)
    assert "training.guard.checks is 2, which asks the whole student" in line
    assert not (tmp_path / "run" / "round-00").exists()


LAUNCHERS = {
    "torchrun": "-m torch.distributed.run --standalone --nproc_per_node 2",
    "accelerate": "-m accelerate.commands.launch --multi_gpu --num_processes 2 --main_process_port 0",
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_starts_a_run(launcher, tmp_path, whole):
    with answer_key_endpoint(problems()) as endpoint:
        config = settings(tmp_path, endpoint)
        command = [sys.executable, *LAUNCHERS[launcher].split()]
        command += ["-m", "tutelage", "run", str(config), "--out", str(tmp_path / "run")]
        done = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout.count("student ") == 1, "one process prints the table"
    assert_same_runs(whole[0], tmp_path / "run")
