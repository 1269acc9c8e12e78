"""Where the index of a run may stand, best first: RUN/.view, the user's cache folder, memory."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tutelage.user_cache import user_cache
from tutelage.view.index.schema import VERSION

FOLDER = ".view"


def places_of(run: Path) -> list[Path | None]:
    """The files that an index of a run may be kept in; None is memory."""
    name = f"index-{VERSION}.sqlite"
    known = hashlib.sha256(os.fsencode(os.path.realpath(run))).hexdigest()[:16]
    return [run / FOLDER / name, user_cache() / "view" / known / name, None]


def discard(path: Path) -> None:
    """Remove an index and the files that SQLite keeps beside it. Raises OSError."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)
