"""How processes come together, and what ends them before a run has begun."""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from tests.processes import LIBRARIES, forked, import_before_forking
from tests.student.ranks.several import environment, free_port, results, started
from tutelage.errors import ConfigError
from tutelage.launched import is_first, place
from tutelage.stopping import stoppable
from tutelage.student.ranks import watch
from tutelage.student.ranks.group import Ranks, joined

pytestmark = pytest.mark.slow
import_before_forking(*LIBRARIES, __name__)


def _refused(ranks: Ranks) -> list[str]:
    found = []
    for device in ("cuda", "mps"):
        with pytest.raises(ConfigError) as error:
            ranks.check_devices(torch.device(device))
        found.append(str(error.value))
    ranks.check_devices(torch.device("cpu"))
    return found


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there are GPUs for both")
def test_more_processes_than_devices_are_refused(tmp_path):
    for few, one in results(_refused, 2, tmp_path):
        assert few.startswith(f"2 processes were started on a machine with {torch.cuda.device_count()} GPU")
        assert "--nproc_per_node" in few
        assert one.startswith("student.device 'mps' computes in one process")


def _hold_the_store(port: int) -> None:
    _ = TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False)
    signal.pause()


def test_a_store_that_answers_no_more_is_a_lost_run(monkeypatch):
    """As when the machine of rank 0 has lost its power or its network: nothing closes the connection."""
    monkeypatch.setattr(watch, "BEAT", 0.05)
    monkeypatch.setattr(watch, "LOST", 0.5)
    port = free_port()
    holder = forked(_hold_the_store, port)
    store = TCPStore("127.0.0.1", port, is_master=False, wait_for_workers=False)
    store.set("beat/0", "0")
    os.kill(holder.pid or 0, signal.SIGSTOP)
    watching = watch.Watch(store, 1, ["rank 0 (there, process 7)", "rank 1"])
    found = watching.wait(60)
    watching.end()
    os.kill(holder.pid or 0, signal.SIGKILL)
    assert found is not None
    assert found.text.startswith("rank 0 (there, process 7) has ended or can't be reached")


def _with_one_gpu_each(ranks: Ranks) -> None:
    torch.cuda.device_count = lambda: 1
    os.environ["CUDA_VISIBLE_DEVICES"] = str(ranks.rank)
    ranks.check_devices(torch.device("cuda"))
    os.environ["CUDA_VISIBLE_DEVICES"] = "0"
    with pytest.raises(ConfigError, match="2 processes were started on a machine with 1 GPU;"):
        ranks.check_devices(torch.device("cuda"))


def test_each_may_see_a_device_of_its_own(tmp_path):
    """As with `torchrun --virtual-local-rank`, or Slurm's `--gpus-per-task`."""
    results(_with_one_gpu_each, 2, tmp_path)


def _joined_again(ranks: Ranks) -> bool:
    with joined() as same:
        return same is ranks


def test_who_has_joined_is_not_joined_once_more(tmp_path):
    assert results(_joined_again, 2, tmp_path) == [True, True]


def _twice(folder: str) -> None:
    seen = []
    for _ in range(2):
        with joined() as ranks:
            assert ranks is not None
            seen.append(sum(ranks.gathered(ranks.rank)))
    (Path(folder) / os.environ["RANK"]).write_text(str(seen))


def test_one_group_may_follow_another(tmp_path):
    port = free_port()
    processes = [forked(_with, environment(rank, 2, port), _twice, str(tmp_path)) for rank in range(2)]
    for process in processes:
        process.join()
    assert [(tmp_path / str(rank)).read_text() for rank in range(2)] == ["[1, 1]"] * 2


def _with(variables: dict[str, str], target, *arguments: str) -> None:
    os.environ.update(variables)
    target(*arguments)


def _with_a_group_of_its_own(rank: int) -> None:
    torch.distributed.init_process_group("gloo")
    with pytest.raises(ConfigError, match="has a process group already"), joined():
        pass
    ranks = [None, None]
    torch.distributed.all_gather_object(ranks, rank)
    assert ranks == [0, 1]


def test_a_process_group_of_the_user_is_refused_and_left_alone():
    processes = started(_with_a_group_of_its_own, 2)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]


def _waiting(folder: str) -> None:
    os.dup2(os.open(Path(folder) / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    with stoppable("stopped; here"):
        (Path(folder) / "waits").touch()
        with joined():
            sys.exit(1)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_for_the_others_hears_a_signal(tmp_path, by):
    process = forked(_with, environment(0, 2, free_port()), _waiting, str(tmp_path))
    while not (tmp_path / "waits").exists():
        process.join(0.01)
    process.join(0.5)
    os.kill(process.pid or 0, by)
    process.join()
    assert (process.exitcode, (tmp_path / "said").read_text()) == (128 + by, "\nstopped; here\n")


MPI = {
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29500",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
}


def test_the_place_under_other_launchers():
    found = place({**MPI, "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "1"})
    assert (found.rank, found.size, found.local_rank, found.local_size) == (3, 4, 1, 2)
    assert [is_first({**MPI, "OMPI_COMM_WORLD_RANK": rank}) for rank in "013"] == [True, False, False]
    assert is_first({})
    assert is_first({"RANK": "0", "WORLD_SIZE": "2"})
    assert not is_first({"RANK": "1", "WORLD_SIZE": "2"})


def test_one_process_where_several_were_asked_for_is_refused():
    """accelerate launch --cpu --num_processes 2, without mpirun."""
    with pytest.raises(ConfigError, match=r"started one process.* use torchrun --nproc_per_node N"):
        place({"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1"})
    assert place({"ACCELERATE_USE_CPU": "True"}).size == 1
    assert place({**MPI, "ACCELERATE_USE_CPU": "True", "OMPI_COMM_WORLD_RANK": "0"}).size == 4


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"RANK": ""}, "names several processes, but not well"),
        ({"RANK": "2"}, "names several processes, but not well"),
        ({"MASTER_ADDR": ""}, "names several processes, but not well"),
        ({"MASTER_PORT": ""}, "names several processes, but not well"),
        ({"MASTER_PORT": "99999"}, r"not well \(RANK=1, WORLD_SIZE=2, MASTER_ADDR=127.0.0.1, MASTER_PORT=99999\)"),
        ({"MASTER_PORT": "-1"}, "sets MASTER_PORT to '-1', which is no number"),
    ],
)
def test_an_environment_that_makes_no_sense(wrong, told):
    with pytest.raises(ConfigError, match=told):
        place({**environment(1, 2, 29500), **wrong})
