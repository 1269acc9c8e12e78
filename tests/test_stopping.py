"""Ctrl-C and SIGTERM at any moment of a command: one line, 130 or 143, no traceback; a second one ends it at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import yaml

from tests.command import SETTINGS, tutelage
from tests.processes import LIBRARIES, UNMEASURED, forked, forked_command, import_before_forking
from tutelage.records import Problem
from tutelage.stopping import cancelled_by_signals, ends_at_once, run_stoppable, stoppable
from tutelage.testing import answer_key_endpoint

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux which signals are handled")
pytestmark = [pytest.mark.slow, linux]
import_before_forking(*LIBRARIES, __name__)

STOPPED, CODES = "\nstopped\n", {signal.SIGINT: 130, signal.SIGTERM: 143}


def until_handled(pid: int) -> None:
    """Wait until the process handles SIGTERM: before that, Python starts."""
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1 or "State:\tZ" in status:
            return
        time.sleep(0.001)


def interrupted(start: Callable[[], BaseProcess], errors: Path, seconds: float, *by: signal.Signals) -> tuple[int, str]:
    errors.write_text("")
    process = start()
    until_handled(process.pid)
    time.sleep(seconds)
    for sent in by:
        if process.is_alive():
            os.kill(process.pid, sent)
    process.join()
    return process.exitcode, errors.read_text()


def check(code: int, said: str, by: signal.Signals, lines: tuple[str, ...]) -> None:
    """`lines` are those that may be said; before its first line of Python a command ends without any."""
    if code == 0:  # it had ended
        return
    assert code == CODES[by], said
    assert "Traceback" not in said
    assert said.count("stopped") <= 1
    assert said == "" or said.endswith(lines), said


@pytest.fixture
def config(tmp_path, tiny) -> Path:
    path = tmp_path / "legs.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "student": {"model": tiny, "device": "cpu"}}))
    return path


@pytest.mark.parametrize("command", ["run", "eval", "ask", "estimate", "serve-test-teacher"])
def test_at_any_moment_of_a_command(command, config, tiny, tmp_path):
    out, errors = tmp_path / "out", tmp_path / "errors"
    (tmp_path / "p.jsonl").write_text('{"question": "2 + 3?", "answer": "5", "rationale": "2 + 3 = 5"}\n')
    arguments = {
        "run": [str(config), "--out", str(out)],
        "eval": [tiny, "--task", "leg_counting", "--limit", "20", "--max-new-tokens", "30"],
        "ask": [tiny, "2 + 2?"],
        "estimate": [str(config)],
        "serve-test-teacher": ["--data", str(tmp_path / "p.jsonl"), "--port", "0"],
    }
    line = [command, *arguments[command]]
    go_on = f"\nstopped; go on with: tutelage run {config} --out {out}\n"
    for n in range(8):
        by = (signal.SIGINT, signal.SIGTERM)[n % 2]
        code, said = interrupted(lambda: forked_command(line, errors), errors, 0.002 * 2.4**n, by)
        check(code, said, by, (STOPPED, go_on))


def test_a_second_signal_neither_takes_the_line_away_nor_adds_one(config, tmp_path):
    out, errors = tmp_path / "out", tmp_path / "errors"
    go_on = f"\nstopped; go on with: tutelage run {config} --out {out}\n"
    line = ["run", str(config), "--out", str(out)]
    for n in range(6):
        by = (signal.SIGINT, signal.SIGTERM)[n % 2]
        ended = interrupted(lambda: forked_command(line, errors), errors, 0.1 * 1.6**n, by, by, by)
        check(*ended, by, (STOPPED, go_on))


def test_in_the_imports_of_the_command(config):
    command = [sys.executable, "-m", "tutelage", "run", str(config)]
    for n in range(6):
        by = (signal.SIGINT, signal.SIGTERM)[n % 2]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=UNMEASURED, cwd=config.parent) as process:
            until_handled(process.pid)
            time.sleep(0.02 * 2.5**n)
            process.send_signal(by)
            said = process.communicate()[1]
        check(process.returncode, said, by, (STOPPED, f"tutelage run {config} --out runs/legs\n"))


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_in_code_that_a_library_has_written(by, tmp_path):
    """An interrupt that leaves `exec` of a text would have `python -m` end as if by Ctrl-C, whoever catches it."""
    work = f"import os, time; os.kill(os.getpid(), {by.value}); time.sleep(60)"
    (tmp_path / "work.py").write_text(f"from tutelage.stopping import stoppable\nwith stoppable():\n    exec({work!r})")
    command = [sys.executable, "-m", "work"]
    done = subprocess.run(command, env=UNMEASURED, capture_output=True, text=True, check=False, cwd=tmp_path)
    check(done.returncode, done.stderr, by, (STOPPED,))


def _hang(where: str, errors: str) -> None:
    ends_at_once()
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    with stoppable("stopped; outside"), stoppable("stopped; inside"):
        _PLACES[where]()


def _for_ever() -> None:
    while True:
        time.sleep(0.01)


def _swallowed() -> None:
    """An exception is lost in __del__."""

    class Held:
        def __del__(self) -> None:
            _for_ever()

    Held()
    _for_ever()


def _turned_into_another_error() -> None:
    try:
        _for_ever()
    except KeyboardInterrupt:
        raise ImportError("initialisation failed") from None


def _asked() -> None:
    async def work() -> None:
        with cancelled_by_signals():
            await asyncio.sleep(3600)

    asyncio.run(work())


def _never_at_a_step() -> None:
    async def work() -> None:
        with cancelled_by_signals():
            _for_ever()

    asyncio.run(work())


def _ended_in_order() -> None:
    try:
        _for_ever()
    except KeyboardInterrupt:
        return


_PLACES = {
    "in a loop": _for_ever,
    "in __del__": _swallowed,
    "another error": _turned_into_another_error,
    "in asyncio": _asked,
    "in asyncio without a step": _never_at_a_step,
    "in order": _ended_in_order,
}


@pytest.mark.parametrize("by", CODES, ids=lambda by: by.name)
@pytest.mark.parametrize("where", _PLACES)
def test_wherever_it_comes_the_innermost_line_is_said(where, by, tmp_path):
    errors = tmp_path / "errors"
    code, said = interrupted(lambda: forked(_hang, where, str(errors)), errors, 0.3, by)
    if where == "in order" and by == signal.SIGINT:
        assert (code, said) == (0, "")
    else:
        assert (code, said) == (CODES[by], "\nstopped; inside\n")


def _never_heard() -> None:
    """Work that drops the first interrupt and gets a second."""
    try:
        _for_ever()
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        _for_ever()


def _interrupted_as_it_speaks(work: Callable[[], None], errors: str) -> None:
    """Signals come after every write of the line: to `os` where the process ends at once, to stderr in order."""
    ends_at_once()
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    write, print_to = os.write, sys.stderr.write

    def written(file: int, line: bytes) -> int:
        done = write(file, line)
        os.kill(os.getpid(), signal.SIGTERM)
        return done

    def printed(line: str) -> int:
        done = print_to(line)
        os.kill(os.getpid(), signal.SIGINT)
        return done

    os.write, sys.stderr.write = written, printed
    with stoppable("stopped; here"):
        work()


@pytest.mark.parametrize("work", [_for_ever, _never_heard], ids=["in order", "at once"])
def test_a_signal_that_comes_as_the_line_is_said_adds_none(work, tmp_path):
    """The second signal is sent once the first has been handled: of two that come together, either may be the first."""
    errors = tmp_path / "errors"
    ended = interrupted(lambda: forked(_interrupted_as_it_speaks, work, str(errors)), errors, 0.3, signal.SIGINT)
    assert ended == (130, "\nstopped; here\n")


def _interrupted_twice(folder: Path) -> None:
    """As in a notebook, with work that comes to no step until the second interrupt has been raised."""

    async def work() -> None:
        (folder / "begun").touch()
        try:
            while not (folder / "left").exists():
                time.sleep(0.01)
            await asyncio.sleep(0)
            (folder / "went on").touch()
        finally:
            (folder / "ended").touch()

    async def cell() -> None:
        run_stoppable(work())

    try:
        asyncio.new_event_loop().run_until_complete(cell())
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        (folder / "left").touch()
    while not (folder / "ended").exists():
        time.sleep(0.01)


def test_in_a_notebook_a_second_interrupt_does_not_wait_for_the_work_and_the_work_ends(tmp_path):
    process = forked(_interrupted_twice, tmp_path)
    while not (tmp_path / "left").exists():
        assert process.is_alive()
        if (tmp_path / "begun").exists():
            os.kill(process.pid, signal.SIGINT)
        time.sleep(0.2)
    process.join()
    assert process.exitcode == 0
    assert not (tmp_path / "went on").exists()


def test_what_an_import_makes_of_it_is_not_seen(tmp_path):
    """Libraries catch exceptions of their own imports, and some turn them into others."""
    (tmp_path / "deaf.py").write_text(
        "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass\n"
    )
    script = "from tutelage.stopping import stoppable\nwith stoppable('stopped; here'):\n    import deaf"
    for by, code in CODES.items():
        with subprocess.Popen(
            [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, env=UNMEASURED, cwd=tmp_path
        ) as process:
            until_handled(process.pid)
            time.sleep(0.1)
            process.send_signal(by)
            assert process.communicate()[1] == "\nstopped; here\n"
        assert process.returncode == code


def test_handlers_are_as_before_when_a_command_has_ended():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook
    assert tutelage("tasks").exit_code == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook) == before


@pytest.mark.parametrize("kind", ["answer_key", "openai"])
def test_a_grader_without_end_is_ended(kind, config, tmp_path):
    """In asyncio it takes no step at which its task could be cancelled."""
    sleep = "time.sleep(3600)" if kind == "answer_key" else "pass"
    (tmp_path / "grader.py").write_text(
        "import time\nfrom pathlib import Path\n\n\ndef grade(problem, text):\n"
        "    if not text or text.startswith('The answer is'):\n        return bool(text)\n"
        f"    Path({str(tmp_path / 'hangs')!r}).touch()\n    while True:\n        {sleep}\n"
    )
    rows = [
        {"question": f"What is {n} + 1?", "answer": str(n + 1), "rationale": f"{n} + 1 = {n + 1}"} for n in range(9)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    problems = [Problem.of(row["question"], row["answer"], rationale=row["rationale"]) for row in rows]
    out, errors = tmp_path / "out", tmp_path / "errors"
    with answer_key_endpoint(problems) as endpoint:
        settings = yaml.safe_load(config.read_text())
        settings["task"] = {"name": "custom", "path": str(tmp_path / "rows.jsonl"), "kind": "text", "train": 4}
        settings["task"] |= {"grader": f"{tmp_path / 'grader.py'}:grade", "validation": 2, "test": 2}
        if kind == "openai":
            settings["teacher"] = {"kind": kind, "model": "test", "base_url": endpoint.base_url}
        config.write_text(yaml.safe_dump(settings))
        errors.write_text("")
        process = forked_command(["run", str(config), "--out", str(out)], errors)
        while not (tmp_path / "hangs").exists():
            assert process.is_alive(), errors.read_text()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        process.join(60)
        assert process.exitcode == 130, errors.read_text()
    assert errors.read_text().endswith(f"\nstopped; go on with: tutelage run {config} --out {out}\n")
    assert "Traceback" not in errors.read_text()
