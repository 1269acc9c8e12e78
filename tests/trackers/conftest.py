"""A finished run of the tiny student, once for all tests of trackers."""

import shutil
from pathlib import Path

import pytest

from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tests.student.tiny import tiny_folder
from tests.trackers.stores import in_folder
from tutelage.api import run
from tutelage.trackers.kept import FOLDER


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    def make(folder: Path) -> None:
        run(two_rounds(str(tiny_folder(folder / "student"))), folder / "demo")

    return made_once(tmp_path_factory, "tracked", make) / "demo"


@pytest.fixture
def copied(finished, tmp_path, monkeypatch) -> Path:
    """A finished run of this test's own, which no tracker was told of; trackers write into the test's folder."""
    in_folder(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert not (finished / FOLDER).exists()
    return shutil.copytree(finished, tmp_path / "demo")
