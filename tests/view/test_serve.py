"""The command `tutelage view`: how it begins and ends, and what it needs."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.command import tutelage
from tests.processes import UNMEASURED
from tests.view.served import small_run

VIEW = [sys.executable, "-m", "tutelage", "view"]


def test_ctrl_c_ends_it_with_one_line(tmp_path):
    with subprocess.Popen(
        [*VIEW, str(tmp_path), "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=UNMEASURED,
    ) as served:
        assert served.stdout
        line = served.stdout.readline()
        address = line.split(" is shown at ")[1].split()[0]
        with urllib.request.urlopen(address) as answer:
            assert b"There is no run here yet" in answer.read()
        served.send_signal(signal.SIGINT)
        out, errors = served.communicate()
    assert (out, errors.strip()) == ("", "stopped")
    assert served.returncode == 130


def test_a_port_in_use_is_one_line_with_the_remedy(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = tutelage("view", tmp_path, "--port", port, "--no-browser")
    assert result.exit_code == 2
    assert result.output.strip() == (
        f"error: cannot listen on port {port}: it is in use, perhaps by another `tutelage view`; "
        "name another with --port, or 0 for any"
    )


@pytest.mark.parametrize(
    ("name", "words"), [("nothing", "there is nothing at"), ("file", "is a file; name the folder")]
)
def test_a_place_with_nothing_to_show_is_told(tmp_path, name, words):
    (tmp_path / "file").touch()
    result = tutelage("view", tmp_path / name, "--no-browser")
    assert result.exit_code == 2
    assert words in result.output


LOOK = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from tutelage.view.app import make_app
with TestClient(make_app(Path(sys.argv[1])), base_url="http://127.0.0.1:8330") as client:
    for page in ("", "problems", "mistakes", "teacher", "teacher/refused", "training", "pulse"):
        answer = client.get("/run/run/" + page)
        assert answer.status_code == 200, (page, answer.text)
print(*[name for name in ("torch", "transformers", "reasoning_gym", "openai", "matplotlib") if name in sys.modules])
"""


@pytest.mark.slow
def test_the_server_loads_nothing_heavy_and_makes_nothing_but_the_index(tmp_path_factory, tiny):
    run = small_run(tmp_path_factory, tiny)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if ".view" not in path.parts and path != run}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(run)], capture_output=True, text=True, env=UNMEASURED, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if ".view" not in path.parts and path != run}
    assert after == before
