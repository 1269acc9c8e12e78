"""MLflow: a run of an experiment, where MLFLOW_TRACKING_URI says, or else MLflow's own default.

The run is found again by its id, or by the tag with the id of ours.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from pathlib import Path

from tutelage.config.places import without_secrets
from tutelage.runs.files import unfinished
from tutelage.trackers.tracker import COLUMNS, MISTAKES, About, Has, Row, Table, among

_OURS = "tutelage.run_id"
_AT_ONCE, _PARAMS_AT_ONCE = 1000, 100
"""Metrics and parameters in a request: MLflow's limits."""
_LONGEST = 6000
"""Characters of a parameter's value."""
_TABLE = re.compile(rf"{MISTAKES}/round-(\d+)\.json")


class MLflow:
    """A run of an MLflow experiment."""

    def __init__(self, about: About, id: str) -> None:
        import mlflow

        for name in ("mlflow", "alembic"):  # how it makes its database
            logging.getLogger(name).setLevel(logging.WARNING)
        _make_database(mlflow.get_tracking_uri())
        self._client = mlflow.MlflowClient()
        experiment = self._experiment(about.in_project("MLFLOW_EXPERIMENT_NAME"))
        self.id = self._kept(id) or self._known(experiment, about.id) or self._created(experiment, about)
        self._client.update_run(self.id, status="RUNNING")
        self.where = f"run {about.name} in {without_secrets(mlflow.get_tracking_uri())}"
        self._tell_settings(about)

    def has(self) -> Has:
        """Read the run's metrics and the names of its tables."""
        names = self._client.get_run(self.id).data.metrics
        found = {(name, each.step) for name in names for each in self._client.get_metric_history(self.id, name)}
        tables = (_TABLE.fullmatch(each.path) for each in self._client.list_artifacts(self.id, MISTAKES))
        return among(found | {(MISTAKES, int(table[1])) for table in tables if table})

    def write(self, rows: Sequence[Row]) -> None:
        """Log metrics."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, row.step) for row in rows for name, value in row.values.items()]
        for start in range(0, len(metrics), _AT_ONCE):
            self._client.log_batch(self.id, metrics=metrics[start : start + _AT_ONCE])

    def write_table(self, table: Table) -> None:
        """Log the mistakes as a table of its own."""
        columns = {name: list(texts) for name, texts in zip(COLUMNS, zip(*table.rows, strict=True), strict=True)}
        self._client.log_table(self.id, columns, f"{MISTAKES}/round-{table.step:02d}.json")

    def flush(self) -> None:
        """Nothing waits."""

    def close(self, finished: bool) -> None:
        """Say how the run has ended."""
        self._client.set_terminated(self.id, "FINISHED" if finished else "KILLED")

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return self._client.create_experiment(name)
            except MlflowException:  # another run of the study was faster
                if (found := self._client.get_experiment_by_name(name)) is None:
                    raise
        return found.experiment_id

    def _kept(self, id: str) -> str:
        """The kept id, if such a run is there: one that was deleted takes no figures."""
        from mlflow.exceptions import MlflowException

        try:
            return id if id and self._client.get_run(id).info.lifecycle_stage == "active" else ""
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""

    def _known(self, experiment: str, ours: str) -> str:
        found = self._client.search_runs([experiment], filter_string=f"tags.`{_OURS}` = '{ours}'", max_results=1)
        return found[0].info.run_id if found else ""

    def _created(self, experiment: str, about: About) -> str:
        tags = {_OURS: about.id} | ({"arm": about.group} if about.group else {})
        return self._client.create_run(experiment, run_name=about.name, tags=tags).info.run_id

    def _tell_settings(self, about: About) -> None:
        """Settings are parameters. These never change in MLflow: one that has changed since becomes a tag."""
        from mlflow.entities import Param

        told = self._client.get_run(self.id).data.params
        ours = {re.sub(r"[^\w./ -]", "_", key): str(value)[:_LONGEST] for key, value in about.settings.items()}
        fresh = [Param(key, value) for key, value in ours.items() if key not in told]
        for start in range(0, len(fresh), _PARAMS_AT_ONCE):
            self._client.log_batch(self.id, params=fresh[start : start + _PARAMS_AT_ONCE])
        for key, value in ours.items():
            if told.get(key, value) != value:
                self._client.set_tag(self.id, f"now.{key}", value)


def _make_database(address: str) -> None:
    """Make the SQLite database aside if there is none yet, one process at a time.

    MLflow makes it in many steps. It can't use one that a kill has left half made, nor one that two processes make.
    """
    scheme, here, place = address.partition("sqlite:///")
    path = Path(place)
    if scheme or not here or path.exists():
        return
    from filelock import FileLock
    from mlflow import MlflowClient

    path.parent.mkdir(parents=True, exist_ok=True)
    aside = unfinished(path)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if not path.exists():
            aside.unlink(missing_ok=True)
            MlflowClient(f"sqlite:///{aside}").search_experiments(max_results=1)
            aside.replace(path)
