import dataclasses
import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import UNMEASURED
from tutelage.errors import RunError
from tutelage.records import Attempt, Usage, Verdict
from tutelage.run_records import Accuracy
from tutelage.runs.directory import locked
from tutelage.runs.files import (
    append_rows,
    digest,
    disk_errors,
    read_json,
    read_record,
    read_rows,
    try_to_write_in,
    write_json,
    write_rows,
    write_text,
)


def attempt(sample: int, text: str = "4 × 3 = 12\nThe answer is 12."):
    return Attempt("ab12", sample, text, Verdict(True, "12", "right"), "stop", 9)


def test_rows_come_back_as_they_were(tmp_path):
    path = tmp_path / "deep" / "exam.jsonl"
    append_rows(path, [attempt(0), attempt(1, "tab\t, newline\n, emoji 🐄, \u2028 and \x85")])
    append_rows(path, [attempt(2)])
    assert read_rows(path, Attempt) == [
        attempt(0),
        attempt(1, "tab\t, newline\n, emoji 🐄, \u2028 and \x85"),
        attempt(2),
    ]


def test_half_a_surrogate_pair_does_not_break_the_file(tmp_path):
    append_rows(tmp_path / "exam.jsonl", [attempt(0, "a\ud800b")])
    assert read_rows(tmp_path / "exam.jsonl", Attempt) == [attempt(0, "a?b")]


def test_a_torn_last_row_is_cut_off_the_file(tmp_path):
    path = tmp_path / "exam.jsonl"
    append_rows(path, [attempt(0), attempt(1)])
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 20):
        path.write_bytes(whole[:length])
        assert read_rows(path, Attempt) == [attempt(0)]
        append_rows(path, [attempt(1)])
        assert path.read_bytes() == whole


def test_a_broken_row_names_file_and_line(tmp_path):
    path = tmp_path / "exam.jsonl"
    append_rows(path, [attempt(0)])
    with path.open("a") as file:
        file.write('{"problem_id": 3}\n')
    with pytest.raises(RunError, match=r"exam\.jsonl, line 2 is broken"):
        read_rows(path, Attempt)


def test_nothing_stands_at_the_name_before_the_file_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})

    def die(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert read_json(path) == {"a": 1}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EFBIG, "raise the limit"),
        (errno.EACCES, "choose another place"),
        (errno.EROFS, "cannot write"),
    ],
)
def test_a_full_or_closed_disk_is_told_with_the_remedy(code, message):
    with pytest.raises(RunError, match=message), disk_errors(Path("runs/x")):
        raise OSError(code, os.strerror(code))
    with pytest.raises(RunError, match="the disk is full"), disk_errors(Path("runs/x")):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(OSError, match="Input/output"), disk_errors(Path("runs/x")):
        raise OSError(errno.EIO, "Input/output")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_is_really_full(tmp_path):
    (tmp_path / "rows.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match="the disk is full"):
        append_rows(tmp_path / "rows.jsonl", [attempt(0)])


FILL = """
from pathlib import Path
import numpy, safetensors.numpy
from tutelage.errors import RunError
from tutelage.runs.files import disk_errors
try:
    with disk_errors(Path("{place}/student")):
        safetensors.numpy.save_file({{"weight": numpy.zeros(2**20)}}, "{place}/model.safetensors")
except RunError as error:
    print(type(error.__cause__).__name__, list(Path("{place}").iterdir()), error)
"""


def test_safetensors_tells_a_full_disk_in_its_text_alone(tmp_path):
    script = f"mount -t tmpfs -o size=2m none {tmp_path} && {sys.executable} -c '{FILL.format(place=tmp_path)}'"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = [*command, f"mount -t tmpfs none {tmp_path}"]
    if shutil.which("unshare") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    done = subprocess.run([*command, script], check=True, capture_output=True, text=True, env=UNMEASURED)
    said = f"SafetensorError [] the disk is full: cannot write {tmp_path}/student; free some space and start again\n"
    assert done.stdout == said


def test_digest_tells_content_not_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(Usage(1)) != digest(Usage(2))
    assert digest("a", "b") != digest("ab")


def test_digest_hashes_one_json_list():
    """Runs on disk have such digests."""
    for parts in ([], [1], [Usage(1), {"ä": [None]}, "b"]):
        data = [dataclasses.asdict(part) if isinstance(part, Usage) else part for part in parts]
        text = json.dumps(data, sort_keys=True, ensure_ascii=False)
        assert digest(*parts) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_records_in_json(tmp_path):
    write_json(tmp_path / "a.json", Accuracy(0.5, 0.4, 0.6, 10))
    assert read_record(tmp_path / "a.json", Accuracy) == Accuracy(0.5, 0.4, 0.6, 10)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(RunError, match="remove it"):
        read_record(tmp_path / "a.json", Accuracy)
    with pytest.raises(RunError, match="does not hold an object"):
        read_json(tmp_path / "a.json")
    with pytest.raises(RunError, match="cannot read"):
        read_json(tmp_path / "none.json")


def test_write_rows_replaces_all(tmp_path):
    write_rows(tmp_path / "e.jsonl", [attempt(0), attempt(1)])
    write_rows(tmp_path / "e.jsonl", [attempt(2)])
    assert read_rows(tmp_path / "e.jsonl", Attempt) == [attempt(2)]
    assert read_rows(tmp_path / "none.jsonl", Attempt) == []


def test_a_link_is_followed_and_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    for text in ("first", "second"):  # at first it leads nowhere
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_text() == text
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_rows(tmp_path / "pipe", [{"a": 1}, {"a": 2}])
    assert os.read(reader, 99) == b'{"a": 1}\n{"a": 2}\n'
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_devices_are_written_into(tmp_path):
    for device in ("/dev/null", "/dev/full"):
        kind = Path(device).stat().st_rdev
        (tmp_path / "link").symlink_to(device)
        for path in (Path(device), tmp_path / "link"):
            if device == "/dev/null":
                write_text(path, "x")
            else:
                with pytest.raises(RunError, match=f"the disk is full: cannot write {path}"):
                    write_text(path, "x")
        (tmp_path / "link").unlink()
        assert Path(device).stat().st_rdev == kind


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("to_file", [False, True])
def test_what_the_process_has_open_is_written_into(tmp_path, target, to_file):
    script = f"from tutelage.runs.files import write_text; from pathlib import Path; write_text(Path({target!r}), 'x')"
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=file if to_file else subprocess.PIPE, check=True, env=UNMEASURED
        )
    assert ((tmp_path / "out").read_bytes() if to_file else done.stdout) == b"x"


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "n" * 256, "loop"])
def test_names_that_cannot_be_are_told_in_one_line(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(RunError, match=r"^cannot (write|use) ") as error:
        write_text(tmp_path / name, "x")
    assert len(str(error.value).splitlines()) == 1
    with pytest.raises(RunError, match=r"^cannot (write|use) "), locked(tmp_path / name):
        pass


def test_a_place_that_takes_no_files_is_no_full_disk():
    for place in ("/proc/x", "/proc/x/y"):
        with pytest.raises(RunError, match=f"cannot write {place}: No such file or directory"):
            write_text(Path(place), "x")
    with pytest.raises(RunError, match="cannot write /proc/x: No such file"), locked(Path("/proc/x")):
        pass


def test_root_can_make_no_file_in_proc():
    with pytest.raises(FileNotFoundError):
        try_to_write_in(Path("/proc/x"))


def test_an_error_of_another_place_is_not_taken_for_ours(tmp_path):
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path / "a"):
        (tmp_path / "a" / "b" / "c").read_text()
