"""What every test stands on: no network but loopback, deterministic hypothesis, the benchmark data where it is."""

import gc
import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.once import made_once

os.environ["HF_HUB_OFFLINE"] = "1"  # read by huggingface_hub when it is imported, so it must stand before any test

settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci")

_CONNECTING = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}
"""Audit events of the interpreter that reach for a host, and which argument names it."""


class NetworkError(RuntimeError):
    """A test reached for the network."""


def _is_local(address: object) -> bool:
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not isinstance(host, str) or host in ("", "localhost") or host.startswith("/"):
        return True  # nobody in particular, this machine, or a Unix socket
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    position = _CONNECTING.get(event)
    if position is not None and not _is_local(arguments[position]):
        raise NetworkError(f"{event} to {arguments[position]!r}: tests reach loopback only")


def pytest_configure() -> None:
    sys.addaudithook(_stay_at_home)  # holds for every socket of the process, whichever library opens it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "slow" not in item.keywords)  # the long ones first: no core waits for them in the end


TOGETHER = {
    "test_kill",
    "test_cli_studies",
    "test_stopping",
    "test_ledger",
    "test_stage_cache",
    "test_extending",
    "test_side_by_side",
    "test_together",
    "test_training_together",
    "test_group",
}
"""Files whose tests go to one worker: they fork one process, which is long in importing what they need."""


class OneByOne(LoadScopeScheduling):
    """Hands out tests one by one, as workers get free, and those of the files above to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return "forks" if Path(nodeid.partition("::")[0]).stem in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return OneByOne(config, log)


_FROZEN: set[str] = set()
"""Modules whose objects the garbage collector no longer walks through."""


def pytest_runtest_setup() -> None:
    """What was imported stays: with it, collections take ten times as long, and every run has a dozen of them."""
    if len(sys.modules) > len(_FROZEN):
        gc.freeze()
        _FROZEN.update(sys.modules)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the public benchmark data, beside the project; a test that needs it skips without it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no benchmark data at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> str:
    """The folder of a tiny real student, made once."""
    from tests.student.tiny import tiny_folder  # torch, which most tests do without

    return str(made_once(tmp_path_factory, "student", lambda folder: tiny_folder(folder / "tiny")) / "tiny")
