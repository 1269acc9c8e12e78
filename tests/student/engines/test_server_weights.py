"""How a server gets the weights of the next student, and what is said where it can't or does not take them."""

import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from tests.processes import ONE_THREAD, until_ended
from tests.student.engines.student_server import StudentHost
from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_folder
from tutelage.config import LoraConfig, StudentConfig
from tutelage.errors import StudentError
from tutelage.records import Problem
from tutelage.student.engines.server import http
from tutelage.student.sampler import SamplingSettings
from tutelage.student.student import Student

PROBLEMS = [Problem.of(question, "1") for question in ("1 + 1?", "What is three times four?", "x", "How many legs?")]
DRAWN = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=8)
GREEDY = SamplingSettings(max_new_tokens=8)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(http, "WAITS", (0.0, 0.0))


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    place = tmp_path_factory.mktemp("rounds")
    return [tiny_folder(place / str(seed), seed) for seed in range(3)]


def student_on(url: str, folder: Path, **settings) -> Student:
    config = {"model": str(folder), "device": "cpu", "dtype": "float32", "engine": "server", "server": url, **settings}
    return Student(StudentConfig(**config), ())


def answers(student: Student, settings: SamplingSettings = DRAWN):
    found = {}
    student.answer(PROBLEMS, [11, 12, 13, 14], settings, found.setdefault)
    return [found[place] for place in range(len(PROBLEMS))]


def ours(folder: Path):
    return answers(Student(StudentConfig(model=str(folder), device="cpu", dtype="float32"), ()), GREEDY)


def refused(student: Student) -> str:
    with pytest.raises(StudentError) as caught:
        answers(student)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_untrained_student_is_taken_as_it_is_and_checked_once(folders):
    with StudentHost(folders[0], ways={"reload"}) as host:
        student = student_on(host.url, folders[0])
        assert answers(student, GREEDY) == ours(folders[0])
        assert host.calls == ["GET /v1/models", "GET /v1/models"]
        assert len(host.asked) == 4 + 4
        assert [body["logprobs"] for body in host.asked[:4]] == [0, 0, 0, 0]
        answers(student, GREEDY)
        assert len(host.asked) == 4 + 4 + 4


@pytest.mark.parametrize(
    ("way", "called"),
    [
        ("reload", ["POST /update_weights_from_disk", "POST /collective_rpc", "POST /reset_prefix_cache"]),
        ("disk", ["POST /update_weights_from_disk"]),
    ],
)
def test_the_next_student_s_weights_are_taken_over(folders, way, called):
    with StudentHost(folders[0], ways={way}) as host:
        first = student_on(host.url, folders[0])
        answers(first, GREEDY)
        host.calls.clear()
        second = first.at(folders[1], "second")
        assert answers(second, GREEDY) == ours(folders[1])
        assert [call for call in host.calls if call.startswith("POST")] == called
        assert answers(first.at(folders[2], "third"), GREEDY) == ours(folders[2])
        assert answers(first, GREEDY) == ours(folders[0])  # and back, as for the test of the untrained student


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ways", [{"adapter", "reload"}, {"reload"}], ids=["as adapters", "merged"])
def test_a_round_by_lora_is_loaded_beside_the_base_or_merged(folders, tmp_path, ways):
    with StudentHost(folders[0], ways=ways) as host:
        first = student_on(host.url, folders[0], weights="lora", lora=LoraConfig(rank=2))
        for place in (tmp_path / "round-00", tmp_path / "round-01"):
            answers(first, GREEDY)
            config = changed(epochs=1, learning_rate=3e-2)
            first.learn(
                EXAMPLES, config, seed=0, checkpoints=place / "c", folder=place / "model", advance=lambda _: None
            )
            first = first.at(place / "model", place.name)
            alone = Student(first.config.model_copy(update={"engine": "auto", "server": None}), (), place / "model")
            assert answers(first, GREEDY) == answers(alone, GREEDY)
        merged = [path.name for path in tmp_path.iterdir() if path.name.startswith(".served-")]
        if "adapter" in ways:
            assert list(host.adapters) == ["tutelage-round-01"]
            assert merged == []
        else:
            assert merged == [".served-round-01"]
        first.engine.close()
        assert not list(tmp_path.glob(".served-*"))


def test_a_run_that_goes_on_brings_the_server_back(folders):
    """It was left with another round's student; nothing but the weights tells."""
    with StudentHost(folders[2], ways={"reload"}) as host:
        assert answers(student_on(host.url, folders[0]), GREEDY) == ours(folders[0])


def test_old_weights_are_found_before_they_are_used(folders):
    with StudentHost(folders[0], ways={"reload"}, forgets=True) as host:
        first = student_on(host.url, folders[0])
        answers(first)
        asked = len(host.asked)
        told = refused(first.at(folders[1], "second"))
        assert (
            "does not sample the student of this round: /collective_rpc reload_weights: it samples from another" in told
        )
        assert "set student.server_command" in told
        assert len(host.asked) == asked + 4  # the probes alone


def test_a_server_without_a_way_to_take_weights_is_told_how(folders):
    with StudentHost(folders[0]) as host:
        first = student_on(host.url, folders[0])
        answers(first)
        assert "it has no way to take new weights; set student.server_command, or start vLLM with" in refused(
            first.at(folders[1], "second")
        )
        assert answers(first, GREEDY) == ours(folders[0])


def test_weights_that_the_server_does_not_see_are_its_own_words(folders, tmp_path):
    with StudentHost(folders[0], ways={"reload"}) as host:
        host._take = lambda folder: StudentHost._take(host, tmp_path / "elsewhere")
        told = refused(student_on(host.url, folders[0]).at(folders[1], "second"))
        assert f"/collective_rpc reload_weights: no model in {tmp_path / 'elsewhere'} (500)" in told


def test_a_server_of_another_model_is_found_at_the_start(folders):
    with StudentHost(folders[1]) as host:
        told = refused(student_on(host.url, folders[0]))
        assert "does not sample the untrained student: as it is: it samples from another student" in told


def test_a_server_with_another_tokenizer_is_found_at_the_start(folders):
    with StudentHost(folders[0]) as host:
        own = host.tokenizer

        class Shifted:
            def decode(self, tokens):
                return own.decode([2 + (token + 17) % 256 for token in tokens])

        host.tokenizer = Shifted()
        assert "as it is: it has another tokenizer: tokens" in refused(student_on(host.url, folders[0]))


def test_nobody_there_is_a_line_with_the_remedy(folders):
    told = refused(student_on(f"http://127.0.0.1:{free_port()}/v1", folders[0]))
    assert "can't be reached" in told
    assert "start it, or set student.server_command" in told


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


COMMAND = f"{sys.executable} -m tests.student.engines.student_server {{model}}"


@pytest.mark.slow
def test_the_command_is_started_for_each_student_and_ended(folders, monkeypatch):
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(Path(__file__).parents[3])
    port, told = free_port(), list[str]()
    first = student_on(f"http://127.0.0.1:{port}/v1", folders[0], server_command=f"{COMMAND} {port}")
    first.engine.say = told.append
    try:
        assert answers(first, GREEDY) == ours(folders[0])
        second = first.at(folders[1], "second")
        assert answers(second, GREEDY) == ours(folders[1])
        assert [line.rpartition(" ")[2] for line in told] == [str(folder) for folder in folders[:2]]
        process = first.engine.server.process._process
        process.kill()
        process.wait()
        assert re_started(second, folders[1])
    finally:
        first.engine.close()
    assert "can't be reached" in refused(student_on(f"http://127.0.0.1:{port}/v1", folders[0]))


def re_started(student: Student, folder: Path) -> bool:
    """One that has died is started again for the next exam."""
    return answers(student, GREEDY) == ours(folder)


def test_a_command_that_ends_says_so_with_its_last_words(folders):
    words = f"{sys.executable} -c \"import sys; print('no GPU for {{model}}'); sys.exit(3)\""
    student = student_on(f"http://127.0.0.1:{free_port()}/v1", folders[0], server_command=words)
    told = refused(student)
    assert "has ended (exit code 3); the last that it said, in" in told
    assert f"'no GPU for {folders[0]}'" in told


def test_a_command_is_none_of_the_processes_that_a_launcher_started(folders, monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_USE_AGENT_STORE"):
        monkeypatch.setenv(name, "1")
    words = "sh -c 'echo \"<$RANK$WORLD_SIZE$TORCHELASTIC_USE_AGENT_STORE>\"'"
    student = student_on(f"http://127.0.0.1:{free_port()}/v1", folders[0], server_command=words)
    assert "is '<>'" in refused(student)


STARTS = """
import sys, time
from pathlib import Path
from tutelage.student.engines.server.command import ServerProcess
server = ServerProcess(sys.argv[1])
server.start(Path("model"))
print(server._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_command_ends_with_a_run_that_is_killed(tmp_path):
    words = [sys.executable, "-c", "import time; time.sleep(600)"]
    starts = [sys.executable, "-c", STARTS, shlex.join(words)]
    environment = ONE_THREAD | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(starts, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        while child.cmdline() != words:
            time.sleep(0.05)
        parent.kill()
    until_ended(child)


def test_a_command_that_is_not_there_and_one_without_quotes(folders):
    url = f"http://127.0.0.1:{free_port()}/v1"
    assert "'no-such-program': No such file" in refused(
        student_on(url, folders[0], server_command="no-such-program {model}")
    )
    assert "mend its quotes" in refused(student_on(url, folders[0], server_command="vllm '{model}"))


def test_a_command_that_does_not_listen_there_is_ended(folders):
    command = f"{sys.executable} -c 'import time; time.sleep(600)' {{model}}"
    student = student_on(f"http://127.0.0.1:{free_port()}/v1", folders[0], server_command=command, server_timeout=0.5)
    assert "does not answer at http://127.0.0.1:" in refused(student)
    assert not student.engine.server.process.started


def test_a_server_that_was_not_started_here_is_not_ended(folders):
    with StudentHost(folders[0]) as host:
        student = student_on(host.url, folders[0], server_command="no-such-program {model}")
        answers(student)
        told = refused(student.at(folders[1], "second"))
        assert "a server that this run has not started answers there; end it" in told


def test_a_student_in_training_is_never_asked_through_the_server(folders):
    """It would have the weights of before."""
    student = student_on("http://127.0.0.1:9/v1", folders[0])
    learning = student._in_training(student.loaded(torch.float32))
    assert answers(learning, GREEDY) == ours(folders[0])


def test_where_it_is_sampled_is_no_part_of_its_key(folders):
    usual = Student(StudentConfig(model=str(folders[0])), ()).key
    assert student_on("http://127.0.0.1:9/v1", folders[0], dtype="auto", device="auto").key == usual
