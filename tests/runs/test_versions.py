import json
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.export.made import ended, made_run
from tutelage.errors import RunError
from tutelage.runs.finished import read_result
from tutelage.runs.mark import read_mark
from tutelage.runs.reader import open_run
from tutelage.runs.versions import check_major, is_version, newest


@pytest.fixture
def run(tmp_path):
    root = made_run(tmp_path / "run", problems=False)
    ended(root)
    return root


def change(path: Path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("version", [1, "1.0.0", "1.7.0", "1.0.3"])
def test_a_run_of_the_same_major_version_is_read(run, version):
    change(run / "run.json", format=version)
    change(run / "result.json", version=str(version), what_is_new={"since": version})
    assert read_mark(run / "run.json")["format"] == version
    assert read_result(run).version == str(version)
    assert tutelage("show", run).exit_code == 0


@pytest.mark.parametrize(
    ("name", "key", "version", "told"),
    [
        (
            "run.json",
            "format",
            "2.0.0",
            "by a newer Tutelage (format 2.0.0, and this one reads 1.x); upgrade",
        ),
        ("run.json", "format", 99, "a newer Tutelage (format 99"),
        ("run.json", "format", "0.9.0", "an older Tutelage (format 0.9.0"),
        ("run.json", "format", "one", "is not the run.json of a run"),
        ("run.json", "format", True, "is not the run.json of a run"),
        ("result.json", "version", "2.1.0", "result.json was written by a newer Tutelage (version 2.1.0"),
        ("result.json", "version", "0.1.0", "result.json was written by an older Tutelage (version 0.1.0"),
        ("result.json", "version", "1.x", "its version is '1.x', and no version such as 1.0.0"),
        ("result.json", "version", None, "its version is 'None'"),
    ],
)
def test_another_major_version_is_refused_in_one_line(run, name, key, version, told):
    change(run / name, **{key: version})
    with pytest.raises(RunError) as refusal:
        read_result(run)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
    shown = tutelage("show", run)
    if name == "run.json":
        assert shown.exit_code == 2
        assert told in shown.output.replace("\n", " ")
    else:
        assert any(told in fault for fault in open_run(run).faults)


def test_another_result_is_refused_for_its_version_and_not_for_its_form(run):
    (run / "result.json").write_text('{"version": "2.0.0", "figures": []}')
    with pytest.raises(RunError, match="newer Tutelage"):
        read_result(run)


def test_a_run_keeps_the_newest_version_that_wrote_in_it():
    assert newest(1, "1.0.0") == "1.0.0"
    assert newest("1.2.0", "1.10.0") == "1.10.0"
    assert newest("1.11.0", "1.10.4") == "1.11.0"


def test_what_is_a_version():
    assert all(map(is_version, (1, "1", "1.0.0", "12.345.6")))
    assert not any(map(is_version, (None, True, 1.5, "1.0", "1.0.0-rc1", "v1.0.0", "", "9" * 20, [1])))
    check_major(Path("run.json"), "format", 1, "1.4.2")
