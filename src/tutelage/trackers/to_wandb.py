"""Weights & Biases: a run whose id is that of ours; with WANDB_MODE=offline, in wandb/ of the run's folder.

Rows are counted by their place, so that they rise as it demands; charts have training steps or rounds as their axis.
Each process of an offline run has a folder of its own: `wandb sync --append wandb/offline-run-*` sends them in order.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tutelage.errors import ConfigError
from tutelage.trackers.tracker import COLUMNS, MISTAKES, About, Has, Row, Table, among

_BY_ROUND = ("validation", "exam", "mistakes", "teacher", "training", "seconds", "tokens", "test", "run")
_BLOCK, _HEADER = 2**15, 7
"""Bytes of a block of an offline file, and of what stands at its beginning and before every part of a record."""
_WHOLE, _FIRST, _LAST = 1, 2, 4
_QUIET = 10.0
"""Seconds after which an offline file counts as ended."""


class WandB:
    """A run of Weights & Biases."""

    def __init__(self, about: About, id: str) -> None:
        import wandb

        self._folder = Path(os.environ.get("WANDB_DIR") or about.folder)
        self.id = id or about.id
        for file in self._files():  # its own process may outlive ours, and still write what ours has told it
            _wait_for_end(file)
        self._run = wandb.init(
            project=about.in_project("WANDB_PROJECT"),
            name=about.name,
            group=about.group or None,
            id=self.id,
            resume="allow",
            dir=str(self._folder),
            config=dict(about.settings),
            allow_val_change=True,
            settings=wandb.Settings(console="off", silent=True, x_disable_stats=True, finish_timeout=60),
        )
        self._is_offline, self._ended = bool(self._run.offline), False
        self.where = str(Path(self._run.dir).parent) if self._is_offline else self._run.url or "nowhere (WANDB_MODE)"
        self._run.define_metric("train/step", hidden=True)
        self._run.define_metric("train/*", step_metric="train/step")
        for name in _BY_ROUND:
            self._run.define_metric(f"{name}/*", step_metric="round")

    def has(self) -> Has | None:
        """Read the files of an offline run. Of another, the server says it when it is opened, and never again."""
        if not self._is_offline:
            if self._ended:
                return None
            start = self._run.starting_step
            return lambda row, name: row.place < start
        found: set[tuple[str, int]] = set()
        for file in self._files():
            for row in history(file):
                step = row.get("train/step", row.get("round"))
                found |= {(name, int(step)) for name in row} if isinstance(step, int | float) else set()
        return among(found)

    def write(self, rows: Sequence[Row]) -> None:
        """Log figures."""
        for row in rows:
            self._run.log({**row.values, row.axis: row.step}, step=row.place)

    def write_table(self, table: Table) -> None:
        """Log a table."""
        import wandb

        data = wandb.Table(columns=list(COLUMNS), data=[list(row) for row in table.rows])
        self._run.log({MISTAKES: data, "round": table.step}, step=table.place)

    def flush(self) -> None:
        """It sends by itself."""

    def close(self, finished: bool) -> None:
        """Send the rest."""
        self._run.finish(exit_code=0 if finished else 1)
        self._ended = True
        if self._is_offline:
            _wait_for_end(self._files()[-1])

    def _files(self) -> list[Path]:
        """The files of an offline run, in their order. Of two begun in the same second, the later folder ends in -1."""
        return sorted(self._folder.glob(f"wandb/offline-run-*-{self.id}*/run-{self.id}.wandb"))


def check_key() -> None:
    """Raise ConfigError if wandb would ask for a key, which nobody at the terminal expects in the middle of a run."""
    import wandb

    settings = wandb.setup().settings
    if settings.mode in (None, "online", "shared", "run") and not _is_known(settings.base_url, settings.api_key):
        raise ConfigError("report_to: wandb has no key: run `wandb login`, or set WANDB_MODE=offline")


def _is_known(host: str, key: str | None) -> bool:
    if key or os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    from wandb.sdk.lib.wbauth import wbnetrc

    return bool(wbnetrc.read_netrc_auth(host=host))


def history(file: Path) -> Iterator[dict[str, object]]:
    """The rows that were logged into an offline file, up to a torn one."""
    for kind, record in _records(file):
        if kind == "history":
            # of a table, each part has a path of keys
            yield {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}


def _wait_for_end(file: Path) -> None:
    """Wait until a file has its last record, or nobody has written to it for a while."""
    while time.time() - file.stat().st_mtime < _QUIET and not any(kind == "exit" for kind, _ in _records(file)):
        time.sleep(0.1)


def _records(file: Path) -> Iterator[tuple[str, Any]]:
    from wandb.proto.wandb_internal_pb2 import Record

    for data in _blocks(file.read_bytes()):
        record = Record.FromString(data)
        yield record.WhichOneof("record_type"), record


def _blocks(data: bytes) -> Iterator[bytes]:
    """The records of a file in blocks, each part behind its checksum, length and kind (LevelDB's log format)."""
    at, parts = _HEADER, b""
    while at + _HEADER <= len(data):
        if (left := _BLOCK - at % _BLOCK) < _HEADER:
            at += left  # filled with zeros
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEADER])
        part = data[at + _HEADER : at + _HEADER + length]
        if len(part) < length or not kind:
            return
        at += _HEADER + length
        parts = part if kind in (_WHOLE, _FIRST) else parts + part
        if kind in (_WHOLE, _LAST):
            yield parts
