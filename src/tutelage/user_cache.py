"""The user's cache folder: what is unpacked or measured once is kept there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tutelage.errors import ConfigError


def user_cache() -> Path:
    """`tutelage/` in TUTELAGE_CACHE, else in XDG_CACHE_HOME, else in `~/.cache`. It may not exist yet.

    A user without a home, as in some containers, has it in a folder of their own below the system's temporary one.
    Raises ConfigError for a variable with the home of a user that there is not.
    """
    for name in ("TUTELAGE_CACHE", "XDG_CACHE_HOME"):
        if root := os.environ.get(name):
            try:
                return Path(root).expanduser() / "tutelage"
            except RuntimeError as error:
                raise ConfigError(f"cannot use {name}={root!r} ({error}); name a folder by its whole path") from None
    try:
        return Path("~/.cache/tutelage").expanduser()
    except RuntimeError:
        return _without_a_home() / "tutelage"


def _without_a_home() -> Path:
    """A folder that nobody else can write to: kernels that are kept there are run. Raises ConfigError."""
    folder = Path(tempfile.gettempdir()) / f"tutelage-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigError(f"no home folder, and cannot use {folder}: {error.strerror}; set TUTELAGE_CACHE") from None
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise ConfigError(f"no home folder, and others can write to {folder}; remove it, or set TUTELAGE_CACHE")
    return folder
