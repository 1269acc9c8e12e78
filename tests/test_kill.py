"""kill -9 at any moment: the continued run ends as one that was never stopped, and no reply is paid for twice.

Its figures are equal to the other's on one machine; another may round otherwise.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import yaml

from tests.processes import LIBRARIES, forked_command, import_before_forking
from tests.rounds.coin import noisy_student
from tests.rounds.test_runs import timeless
from tests.student.tiny import tiny_folder
from tutelage.config.file import parse_config
from tutelage.tasks.catalog import open_task
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES)

SETTINGS = {
    "task": {"name": "leg_counting", "train": 8, "validation": 3, "test": 3, "options": {"max_animals": 2}},
    "exam": {"samples": 2, "max_new_tokens": 16, "shard": 2},
    "evaluation": {"max_new_tokens": 12},
    "training": {"epochs": 4, "batch_size": 2, "learning_rate": 1e-3},
    "rounds": {"max": 1},
}
OF_A_PROCESS = {"seconds", "work", "computed_tokens", "padded_tokens"}
"""What a result says of the process that finished a stage, and not of the whole run."""

MOMENTS: dict[str, Callable[[Path], bool]] = {
    "in the annotation": lambda root: size(root / "round-00" / "annotation.jsonl") > 2,
    "in the training of round 0": lambda root: bool(list(root.glob("round-00/checkpoints/*/trainer_state.json"))),
    "in the exam": lambda root: size(root / "round-01" / "exam.jsonl") > 0,
    "in the feedback": lambda root: size(root / "round-01" / "feedback.jsonl") > 0,
    "in the practice": lambda root: size(root / "round-01" / "practice.jsonl") > 0,
    "in the training of round 1": lambda root: bool(list(root.glob("round-01/checkpoints/*/model.safetensors"))),
    "before the result": lambda root: (root / "test-before.jsonl").exists(),
}


def size(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def forked(config: Path, root: Path) -> tuple[BaseProcess, Path]:
    errors = root.with_suffix(".err")
    errors.write_text("")
    return forked_command(["run", str(config), "--out", str(root)], errors), errors


def killed_at(moment: str, config: Path, root: Path, by: signal.Signals) -> tuple[BaseProcess, str]:
    """The process that went on with the run until the moment had come, ended; what it had to say."""
    process, errors = forked(config, root)
    while not MOMENTS[moment](root):
        assert process.is_alive(), f"the run ended before the moment {moment!r}: {errors.read_text()}"
        time.sleep(0.002)
    os.kill(process.pid or 0, by)
    process.join()
    return process, errors.read_text()


def finish(config: Path, root: Path) -> dict:
    process, errors = forked(config, root)
    process.join()
    assert process.exitcode == 0, errors.read_text()
    return timeless(json.loads((root / "result.json").read_text()), OF_A_PROCESS)


def write_config(folder: Path, endpoint: TeacherEndpoint) -> Path:
    # In float32 an attempt does not depend on who is asked beside it: after a kill there are others.
    student = {"model": str(tiny_folder(folder / "student")), "device": "cpu", "dtype": "float32"}
    teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "concurrency": 2, "practice": 1}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "student": student, "teacher": teacher}))
    return path


def test_killed_again_and_again_a_run_ends_as_if_it_had_never_been(tmp_path):
    problems = open_task(parse_config(SETTINGS).task).problems("train")
    with answer_key_endpoint(problems, faults=lambda number, body: Fault.slow(0.1)) as endpoint:
        config = write_config(tmp_path, endpoint)
        expected = finish(config, tmp_path / "whole")
        paid = len(endpoint.requests)
        root, kills = tmp_path / "killed", 0
        for moment in MOMENTS:
            process, _ = killed_at(moment, config, root, signal.SIGKILL)
            assert process.exitcode == -signal.SIGKILL
            kills += 1
        assert finish(config, root) == expected
        # The endpoint saw again at most what was in flight when a process was killed in the middle of asking.
        assert paid <= len(endpoint.requests) - paid <= paid + 3 * 2
    assert kills == len(MOMENTS)


def test_killed_in_the_midst_of_learning_repairs_it_learns_them_as_if_it_had_never_been(tmp_path):
    student = noisy_student(tmp_path / "student").config.model_dump()
    training = {**SETTINGS["training"], "reflection": "repair", "unlikelihood": 0.1}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**SETTINGS, "student": student, "training": training}))
    expected = finish(config, tmp_path / "whole")
    assert expected["rounds"][1]["training"]["repairs"] > 0
    killed_at("in the training of round 1", config, tmp_path / "killed", signal.SIGKILL)
    assert finish(config, tmp_path / "killed") == expected
    repairs, steps = (
        [(tmp_path / run / "round-01" / name).read_text() for run in ("whole", "killed")]
        for name in ("repairs.jsonl", "steps.jsonl")
    )
    assert repairs[0] == repairs[1]
    assert steps[0] == steps[1]


def test_ctrl_c_ends_a_run_with_the_command_that_goes_on(tmp_path):
    """So does SIGTERM; one run is stopped by both, one after the other."""
    problems = open_task(parse_config(SETTINGS).task).problems("train")
    with answer_key_endpoint(problems) as endpoint:
        config, root = write_config(tmp_path, endpoint), tmp_path / "run"
        for moment, by, code in [
            ("in the training of round 0", signal.SIGINT, 130),
            ("in the exam", signal.SIGTERM, 143),
        ]:
            process, errors = killed_at(moment, config, root, by)
            assert process.exitcode == code
            assert f"go on with: tutelage run {config} --out {root}" in errors
            assert "Traceback" not in errors
        finish(config, root)
