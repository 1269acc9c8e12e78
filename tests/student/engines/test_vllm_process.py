"""How vLLM's process starts and ends; vLLM itself is in test_real_vllm.py."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.processes import until_ended
from tests.student.ranks.several import environment
from tutelage.errors import StudentError
from tutelage.stopping import stoppable
from tutelage.student.engines.vllm_process import SETTINGS, starting_vllm

linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
OF_RANKS = {*environment(1, 2, 29_500), "TORCHELASTIC_USE_AGENT_STORE"}
SHARES = ("CUDA_VISIBLE_DEVICES", "VLLM_CPU_OMP_THREADS_BIND")


def inside(cpu_build: bool) -> dict[str, str]:
    """The environment in which vLLM starts; the one around it must stay as it is, but for SETTINGS."""
    before = SETTINGS | dict(os.environ)
    with starting_vllm(cpu_build):
        found = dict(os.environ)
    assert dict(os.environ) == before
    return found


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in (*SHARES, *OF_RANKS):
        monkeypatch.delenv(name, raising=False)
    for name in SETTINGS:
        monkeypatch.setenv(name, "")  # put back at the end, whatever the block sets
        monkeypatch.delenv(name)


@pytest.fixture
def second_of_two(monkeypatch):
    for name, value in environment(1, 2, 29_500).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")


def test_one_process_has_the_whole_machine(monkeypatch):
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    found = inside(cpu_build=False)
    assert not found.keys() & set(SHARES)
    assert found["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"
    assert found["VLLM_LOGGING_LEVEL"] == "DEBUG", "the user's value"


@pytest.mark.parametrize(("seen", "own"), [("", "1"), ("4,6", "6"), ("GPU-a,GPU-b", "GPU-b"), ("6", "6")])
def test_of_several_each_has_its_gpu_and_no_group(seen, own, second_of_two, monkeypatch):
    if seen:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    found = inside(cpu_build=False)
    assert found["CUDA_VISIBLE_DEVICES"] == own
    assert not found.keys() & OF_RANKS


def test_on_a_cpu_each_has_its_share_of_the_cores(second_of_two, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 0, 2, 1, 9})
    assert inside(cpu_build=True)["VLLM_CPU_OMP_THREADS_BIND"] == "1,3"
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5})
    assert inside(cpu_build=True)["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0-1")
    assert inside(cpu_build=True)["VLLM_CPU_OMP_THREADS_BIND"] == "0-1", "the user's value"


SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]


def failed_as_it_was_stopped() -> None:
    with starting_vllm(cpu_build=True):
        signal.raise_signal(signal.SIGTERM)
        raise StudentError("vLLM cannot start")


def stopped_and_then_failed() -> None:
    with stoppable(), pytest.raises(KeyboardInterrupt):  # other processes of the run hear of a stop, not of an error
        failed_as_it_was_stopped()


def test_what_a_stopped_start_fails_with_is_no_error_of_the_run():
    with pytest.raises(SystemExit) as ended:
        stopped_and_then_failed()
    assert ended.value.code == 143


def stopped_while_it_starts() -> None:
    with stoppable(), starting_vllm(cpu_build=True):
        begun = subprocess.Popen(SLEEPS)
        signal.raise_signal(signal.SIGTERM)  # pyzmq drops the exception that this would raise
        assert begun.wait(30) == -signal.SIGKILL


def test_a_signal_ends_what_has_begun_to_start_and_then_the_command():
    other = subprocess.Popen(SLEEPS)
    try:
        with pytest.raises(SystemExit) as ended:
            stopped_while_it_starts()
        assert ended.value.code == 143
        assert other.poll() is None, "what was there before goes on"
    finally:
        other.kill()
        other.wait()


STARTS = """
import subprocess, sys, time
from tutelage.student.engines.vllm_process import starting_vllm
with starting_vllm(cpu_build=True):
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(600)
"""
WORKS = """
import time
from tutelage.student.engines.vllm_process import end_with_parent
time.sleep({before})
end_with_parent()
{then}
time.sleep(600)
"""


@linux
@pytest.mark.parametrize("late", [False, True])
def test_its_process_ends_with_one_that_is_killed(late, tmp_path):
    ready = tmp_path / "ready"
    work = WORKS.format(before=3 if late else 0, then=f"open({str(ready)!r}, 'w')")
    with subprocess.Popen([sys.executable, "-c", STARTS, work], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        while not late and not ready.exists():
            time.sleep(0.05)
        parent.kill()
    until_ended(child)
    assert not (late and ready.exists())


def test_another_vllm_of_the_environment_is_left_alone():
    code = "from tutelage.student.engines.vllm_process import end_with_parent; end_with_parent(); print('on')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "on\n"
