from functools import partial
from pathlib import Path

import pytest

from tests.once import made_once
from tests.rounds.conftest import one_thread
from tests.studies.small import write_study
from tutelage import api

__all__ = ["one_thread"]


@pytest.fixture
def write(tiny, tmp_path):
    """Writes the file of a study of this test's own."""
    return partial(write_study, tmp_path, tiny)


@pytest.fixture(scope="session")
def whole(tiny, tmp_path_factory) -> Path:
    """The folder of a whole study, run once; the tests here read it, and hold their own studies against it."""

    def make(folder: Path) -> None:
        assert api.study(write_study(folder, tiny), folder / "out") == []

    return made_once(tmp_path_factory, "study", make) / "out"
