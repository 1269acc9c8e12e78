"""What trackers have written, read back each in its own way."""

import json
import sqlite3
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tutelage.run_records import RoundResult, RunResult, StepRecord
from tutelage.runs.files import read_rows
from tutelage.runs.finished import read_kept
from tutelage.runs.layout import round_folders
from tutelage.trackers.figures import of_end, of_round, of_step
from tutelage.trackers.telling import TRACKERS

Written = Counter[tuple[str, int, float]]
"""How often a figure was written at a step, with a value (as TensorBoard rounds it)."""


def is_installed(name: str) -> bool:
    spec = find_spec(name)
    return spec is not None and spec.origin is not None


EACH = [
    pytest.param(name, marks=pytest.mark.skipif(not is_installed(name), reason=f"{name} is not installed"))
    for name in TRACKERS
]


def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All trackers write below a folder, and none asks for a network."""
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "WANDB_DIR", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    if is_installed("trackio"):  # it reads its variable when it is imported
        from trackio import sqlite_storage, utils

        for module in (utils, sqlite_storage):
            monkeypatch.setattr(module, "TRACKIO_DIR", folder / "trackio", raising=False)


def environment(folder: Path) -> dict[str, str]:
    return {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "TRACKIO_DIR": str(folder / "trackio"),
        "WANDB_MODE": "offline",
    }


def in_files(run: Path) -> Written:
    """What the files of a run say that trackers hold."""
    found, before = Written(), 0
    for folder in round_folders(run):
        steps = read_rows(folder / "steps.jsonl", StepRecord)
        for record in steps:
            found += of(of_step(record), before + record.step)
        before += len(steps)
        if result := read_kept(folder, RoundResult):
            found += of({"round": result.round, **of_round(result)}, result.round)
    if ended := read_kept(run, RunResult):
        found += of(of_end(ended), ended.rounds[-1].round)
    return found


def of(values: dict[str, float], step: int) -> Written:
    return Written({(name, step, rounded(value)): 1 for name, value in values.items()})


def rounded(value: float) -> float:
    return float(f"{value:.5g}")


def in_tensorboard(folder: Path, run: Path) -> Written:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = Written()
    for file in (run / "tensorboard").glob("events.*"):  # each by itself: of several, repeated steps would be left out
        events = EventAccumulator(str(file), size_guidance={"scalars": 0}).Reload()
        for name in events.Tags()["scalars"]:
            found.update((name, each.step, rounded(each.value)) for each in events.Scalars(name))
    return found


def in_mlflow(folder: Path, run: Path) -> Written:
    with sqlite3.connect(folder / "mlflow.db") as base:
        rows = base.execute("SELECT key, step, value FROM metrics").fetchall()
    return Written((name, step, rounded(value)) for name, step, value in rows)


def in_trackio(folder: Path, run: Path) -> Written:
    with sqlite3.connect(folder / "trackio" / "tutelage.db") as base:
        rows = base.execute("SELECT step, metrics FROM metrics").fetchall()
    return Written(
        (name, step, rounded(value))
        for step, metrics in rows
        for name, value in json.loads(metrics).items()
        if isinstance(value, int | float)
    )


def in_wandb(folder: Path, run: Path) -> Written:
    from tutelage.trackers.to_wandb import history

    found, places = Written(), list[object]()
    for file in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        for row in history(file):
            places.append(row["_step"])
            step = row.get("train/step", row.get("round"))
            for name, value in row.items():
                is_axis = name == "train/step" or (name == "round" and "validation/accuracy" not in row)
                if not name.startswith(("_", "sampled_mistakes")) and not is_axis and isinstance(value, int | float):
                    found[name, step, rounded(value)] += 1
    assert places == sorted(set(places))  # it wants them to rise
    return found


READ = {"tensorboard": in_tensorboard, "mlflow": in_mlflow, "trackio": in_trackio, "wandb": in_wandb}


def tables_in(name: str, folder: Path, run: Path) -> dict[int, str]:
    """The sampled mistakes of each round, as text."""
    if name == "tensorboard":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run / "tensorboard")).Reload()
        found = events.Tensors("sampled_mistakes")
        return {each.step: each.tensor_proto.string_val[0].decode() for each in found}
    if name == "mlflow":
        from mlflow import MlflowClient

        client = MlflowClient()
        (ours,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
        files = client.list_artifacts(ours.info.run_id, "sampled_mistakes")
        return {
            int(file.path[-7:-5]): str(
                json.loads(Path(client.download_artifacts(ours.info.run_id, file.path)).read_text())
            )
            for file in files
        }
    if name == "trackio":
        from trackio.sqlite_storage import SQLiteStorage  # it packs what is long

        rows = SQLiteStorage.get_logs("tutelage", run="demo")
        return {row["step"]: str(row["sampled_mistakes"]) for row in rows if "sampled_mistakes" in row}
    files = sorted(
        run.glob("wandb/offline-run-*/files/media/table/*.json"), key=lambda file: int(file.name.split("_")[2])
    )
    return {number: str(json.loads(file.read_text())) for number, file in enumerate(files, 1)}
