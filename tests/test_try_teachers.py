"""The tool that tries real servers, on servers of our own: one that answers, one that ends, one that is not there."""

import json
import shlex
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools import try_teachers
from tools.try_teachers import GGUF, Server, Skipped, install, serve


def server(command: str) -> Server:
    """A program of the machine's own."""
    return Server("mine", "mine, as installed", (), GGUF, command, "teacher")


@pytest.fixture(autouse=True)
def _servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_teachers, "SERVERS", tmp_path)


def test_a_server_is_asked_at_its_address_and_stopped_at_the_end(tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps({"question": "1 + 1?", "rationale": "1 + 1 = 2.", "answer": "2"}) + "\n")
    test_teacher = f"{shlex.quote(sys.executable)} -m tutelage serve-test-teacher --data {{file}} --port {{port}}"
    with serve(server(test_teacher), problems, "float32", seconds=60) as (url, model):
        address = urlsplit(url)
        socket.create_connection((address.hostname or "", address.port or 0), timeout=5).close()
    assert model == "teacher"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=5)


def test_a_server_that_ends_is_told_with_its_last_line(tmp_path: Path) -> None:
    ends = f"{shlex.quote(sys.executable)} -c 'raise SystemExit(\"no such model\")'"
    with pytest.raises(Skipped, match="ended at once: no such model"), serve(server(ends), tmp_path, "float32", 60):
        pass


def test_a_server_that_stays_silent_is_given_up(tmp_path: Path) -> None:
    silent = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'"
    with pytest.raises(Skipped, match="did not answer within"), serve(server(silent), tmp_path, "float32", 1.5):
        pass


def test_a_program_that_is_not_there_is_told_and_one_that_is_needs_no_installing() -> None:
    with pytest.raises(Skipped, match="no no-such-program on the PATH"):
        install(server("no-such-program --port {port}"), "torch", 60)
    install(server(f"{sys.executable} --port {{port}}"), "torch", 60)
