"""TensorBoard: event files in the run's folder. `tensorboard --logdir runs` shows them.

Each process writes a file of its own, as is usual; what is in the others is read before, so that no step is in two.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tutelage.trackers.tracker import COLUMNS, MISTAKES, About, Has, Row, Table, among

FOLDER = "tensorboard"
_SETTINGS = "_hparams_/session_start_info"
"""What TensorBoard calls its record of hyperparameters."""


class TensorBoard:
    """The event files of a run."""

    def __init__(self, about: About, id: str) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = about.folder / FOLDER
        self.id, self.where, self._folder = FOLDER, str(folder), folder
        told = self._told()
        self._writer = EventFileWriter(str(folder))
        if (_SETTINGS, 0) not in told:
            from tensorboard.plugins.hparams.summary_v2 import hparams_pb

            self._add(hparams_pb(dict(about.settings), trial_id=about.name), 0)

    def has(self) -> Has:
        """Read all event files."""
        return among(self._told())

    def write(self, rows: Sequence[Row]) -> None:
        """Add scalars."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        for row in rows:
            values = [Summary.Value(tag=name, simple_value=value) for name, value in row.values.items()]
            self._add(Summary(value=values), row.step)

    def write_table(self, table: Table) -> None:
        """Add the mistakes as a text, since there are no tables."""
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._add(text_pb(MISTAKES, _as_markdown(table)), table.step)

    def flush(self) -> None:
        """Write to the disk."""
        self._writer.flush()

    def close(self, finished: bool) -> None:
        """Close the file."""
        self._writer.close()

    def _add(self, summary: object, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))

    def _told(self) -> set[tuple[str, int]]:
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
        from tensorboard.compat.proto.event_pb2 import Event

        found: set[tuple[str, int]] = set()
        for file in sorted(Path(self._folder).glob("events.out.tfevents.*")):
            for raw in RawEventFileLoader(str(file)).Load():  # ends at a torn record
                event = Event.FromString(raw)
                found |= {(value.tag, event.step) for value in event.summary.value}
        return found


def _as_markdown(table: Table) -> str:
    """Each mistake under a heading, its texts in blocks of code: they hold Markdown of their own."""
    parts: list[str] = []
    for number, row in enumerate(table.rows, 1):
        parts.append(f"### {number}. {row[0]}")
        parts += [
            f"{column}:\n\n" + "\n".join(f"    {line}" for line in text.splitlines())
            for column, text in zip(COLUMNS[1:], row[1:], strict=True)
            if text
        ]
    return "\n\n".join(parts)
