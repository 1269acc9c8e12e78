"""The user's cache folder: what is unpacked or measured once is kept there."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """`tutelage/` in TUTELAGE_CACHE, else in XDG_CACHE_HOME, else in `~/.cache`. It may not exist yet."""
    root = os.environ.get("TUTELAGE_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "tutelage"
