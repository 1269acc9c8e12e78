"""Where the user's cache is."""

import os
import pwd
import tempfile

import pytest

from tutelage.errors import ConfigError
from tutelage.user_cache import user_cache


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A user of a container: no HOME, and no entry in the system's list."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "TUTELAGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"tutelage-{os.getuid()}"


def test_the_first_that_is_named_holds_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("TUTELAGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert user_cache() == tmp_path / ".cache" / "tutelage"
    monkeypatch.setenv("XDG_CACHE_HOME", "~/xdg")
    assert user_cache() == tmp_path / "xdg" / "tutelage"
    monkeypatch.setenv("TUTELAGE_CACHE", "/own")
    assert str(user_cache()) == "/own/tutelage"


def test_a_user_without_a_home_has_a_folder_of_their_own(nobody):
    assert user_cache() == user_cache() == nobody / "tutelage"
    assert nobody.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_to_is_not_used(nobody):
    nobody.mkdir()
    nobody.chmod(0o777)
    with pytest.raises(ConfigError, match=f"others can write to {nobody}; remove it, or set TUTELAGE_CACHE"):
        user_cache()
    nobody.rmdir()
    nobody.symlink_to(nobody.parent)
    with pytest.raises(ConfigError, match="others can write to"):
        user_cache()
    nobody.unlink()
    nobody.write_text("a file")
    with pytest.raises(ConfigError, match="File exists; set TUTELAGE_CACHE"):
        user_cache()


@pytest.mark.parametrize("name", ["TUTELAGE_CACHE", "XDG_CACHE_HOME"])
def test_the_home_of_a_user_that_there_is_not_is_told(monkeypatch, name):
    monkeypatch.delenv("TUTELAGE_CACHE", raising=False)
    monkeypatch.setenv(name, "~nosuchuser/x")
    with pytest.raises(ConfigError, match=f"cannot use {name}='~nosuchuser/x' .*name a folder by its whole path"):
        user_cache()
