"""Commands that a launcher starts in several processes, and programs that such a process starts."""

import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from tests.command import tutelage
from tests.processes import ONE_THREAD
from tests.student.ranks.several import environment
from tutelage.cli import app, group
from tutelage.launched import Place, alone, is_one_of_several

RANK_0, RANK_1 = (environment(rank, 2, 29_500) for rank in (0, 1))
REFUSED = sorted(set(get_command(app).commands) - group.IN_SEVERAL)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("command", REFUSED)
def test_a_command_for_one_process_refuses_several_in_one_line(command, monkeypatch):
    monkeypatch.setattr(group, "_BEHIND", 0.0)
    ends = []
    for variables in (RANK_0, RANK_1):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        result = tutelage(command)
        ends.append((result.exit_code, result.output))
    (first, line), other = ends
    assert first == 2
    assert line == (
        f"error: tutelage {command} works in one process, and a launcher has started several; start it without torchrun"
        " or accelerate (if one process is meant, unset WORLD_SIZE)\n"
    )
    assert other == (2, "")


@pytest.mark.parametrize("command", ["run", "demo"])
def test_those_that_share_their_work_go_on(command, monkeypatch):
    for name, value in RANK_0.items():
        monkeypatch.setenv(name, value)
    assert "one process" not in tutelage(command, "--no-such-option").output


@pytest.mark.parametrize("variables", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"WORLD_SIZE": "2"}])
def test_one_process_is_none_of_several(variables):
    assert not is_one_of_several(variables)


@pytest.mark.slow
def test_torchrun_shows_the_line_of_the_first(tmp_path):
    answers = tmp_path / "answers.jsonl"
    started = shlex.split(f"{sys.executable} -m torch.distributed.run --standalone --nproc_per_node 2")
    command = shlex.split(f"-m tutelage eval smollm2-135m --task leg_counting --answers {answers}")
    done = subprocess.run([*started, *command], env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.stderr.count("error: tutelage eval works in one process") == 1, done.stderr
    assert done.returncode != 0
    assert not answers.exists()


def test_a_program_beside_is_none_of_the_several():
    launched = {"TORCHELASTIC_USE_AGENT_STORE": "True", "GROUP_RANK": "0", "ROLE_NAME": "default", "FSDP_VERSION": "2"}
    kept = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0", "GROUP_ID": "7"}
    assert alone({**RANK_1, **launched, **kept, "PMI_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}) == kept


def test_the_command_that_goes_on_on_several_machines_says_where_they_meet():
    command = shlex.join(Place(rank=0, size=4, local_rank=0, local_size=2).launcher)
    assert command == (
        "torchrun --nnodes 2 --rdzv_backend c10d --rdzv_endpoint HOST:29400 --nproc_per_node 2 -m tutelage"
    )
    assert shlex.join(Place(rank=0, size=2, local_rank=0, local_size=2).launcher) == (
        "torchrun --nproc_per_node 2 -m tutelage"
    )
