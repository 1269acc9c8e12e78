"""Trackio: a run of a project in its local database (TRACKIO_DIR), or at the Space or server that its variables name.

It knows runs by their names. Where another run of the project has ours already, ours gets a part of its id.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import os
from collections.abc import Sequence

from tutelage.trackers.tracker import COLUMNS, MISTAKES, About, Has, Row, Table, among

_REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")


class Trackio:
    """A run of a Trackio project."""

    def __init__(self, about: About, id: str) -> None:
        import trackio
        from trackio import run, utils

        for module in (trackio, run, utils):  # what it has to say would stand on our standard output
            vars(module).setdefault("print", lambda *words, **how: None)
        self._project = about.in_project("TRACKIO_PROJECT")
        self._is_local = not any(os.environ.get(name) for name in _REMOTE)
        self.id = id or self._free_name(about)
        self._run = trackio.init(
            project=self._project,
            name=self.id,
            group=about.group or None,
            config=dict(about.settings),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        self.where = f"`trackio show --project {self._project}`, run {self.id}"

    def has(self) -> Has | None:
        """Read its rows from the database; None if it is elsewhere."""
        if not self._is_local:
            return None
        from trackio.sqlite_storage import SQLiteStorage

        rows = SQLiteStorage.get_logs(self._project, run=self.id, run_id=self._run.id)
        return among({(name, row["step"]) for row in rows for name in row})

    def write(self, rows: Sequence[Row]) -> None:
        """Log figures."""
        for row in rows:
            self._run.log(dict(row.values), step=row.step)

    def write_table(self, table: Table) -> None:
        """Log a table."""
        from trackio import Table as TrackioTable

        data = TrackioTable(columns=list(COLUMNS), data=[list(row) for row in table.rows])
        self._run.log({MISTAKES: data}, step=table.step)

    def flush(self) -> None:
        """It sends by itself, twice a second."""

    def close(self, finished: bool) -> None:
        """Send the rest."""
        self._run.finish()

    def _free_name(self, about: About) -> str:
        from trackio.sqlite_storage import SQLiteStorage

        taken = self._is_local and about.name in SQLiteStorage.get_runs(self._project)
        return f"{about.name}-{about.id[:6]}" if taken else about.name
