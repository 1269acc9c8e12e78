"""Trackers for real, offline: what they hold is what stands in the run's files, each figure once."""

import json
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest

from tests.processes import ONE_THREAD
from tests.trackers.stores import EACH, READ, environment, in_files, is_installed, tables_in
from tutelage.records import Feedback
from tutelage.run_records import RunResult
from tutelage.runs.files import read_rows
from tutelage.runs.finished import read_kept
from tutelage.runs.seals import sealed
from tutelage.trackers.about import about_run
from tutelage.trackers.kept import read_kept_of
from tutelage.trackers.telling import catch_up, tracked

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the libraries

KILLED = """
import os, signal, sys
from pathlib import Path
from tutelage.trackers import follow
from tutelage.trackers.telling import _opening
run, name, writes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
follow.BATCH = 1
follower = follow.Follower(run, name, _opening(name))
write, flush, left = follower.tracker.write, follower.tracker.flush, writes
def counted(rows):
    global left
    if (left := left - 1) < 0:
        flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write(rows)
follower.tracker.write, follower.tracker.flush = counted, lambda: None
follower.tell()
"""


def told(name, run, said):
    result = read_kept(run, RunResult)
    assert result is not None
    catch_up([name], run, result, said.append)


def started(run, name, writes, folder):
    """A process that tells a tracker of a run, and kills itself after so many writes."""
    command = [sys.executable, "-c", KILLED, str(run), name, str(writes)]
    return subprocess.Popen(command, env={**ONE_THREAD, **environment(folder)})


def rename(run, id):
    mark = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(sealed({**mark, "id": id})))


@pytest.mark.parametrize("name", EACH)
def test_a_tracker_holds_what_the_files_of_the_run_hold(name, copied, tmp_path):
    said = []
    told(name, copied, said)
    assert len(said) == 1, said
    assert said[0].startswith(f"{name}: ")
    assert READ[name](tmp_path, copied) == in_files(copied)
    tables = tables_in(name, tmp_path, copied)
    assert tables.keys() == {1, 2}
    for number, text in tables.items():
        replies = read_rows(copied / f"round-{number:02d}" / "feedback.jsonl", Feedback)
        assert any(reply.text.split("\n")[0][:40] in text for reply in replies)
    told(name, copied, said)
    assert len(said) == 1  # nothing is left to be told


@pytest.mark.parametrize("name", EACH)
def test_a_run_that_goes_on_goes_on_in_the_same_tracker_run(name, copied, tmp_path):
    """First the tracker sees half of round 1, then the whole run; then the run is begun again with more rounds."""
    whole = shutil.copytree(copied, tmp_path / "whole")
    for path in [copied / "round-02", copied / "student"]:
        shutil.rmtree(path)
    for path in [copied / "result.json", copied / "round-01" / "result.json"]:
        path.unlink()
    steps = copied / "round-01" / "steps.jsonl"
    rows = steps.read_text().splitlines(keepends=True)
    steps.write_text("".join(rows[:1]) + rows[1][:20])  # torn
    said = []
    with tracked([name], copied, said.append):
        pass
    first = read_kept_of(copied, name)
    assert (first.rounds, first.steps, first.whole) == (1, 1, "")
    assert READ[name](tmp_path, copied) == in_files(copied)
    shutil.copytree(whole, copied, dirs_exist_ok=True)
    told(name, copied, said)
    assert [line.partition(":")[0] for line in said] == [name, name]
    assert READ[name](tmp_path, copied) == in_files(copied)
    assert read_kept_of(copied, name).id == first.id


@pytest.mark.skipif(not is_installed("wandb"), reason="wandb is not installed")
def test_wandb_runs_begun_in_the_same_second_are_one_run(copied, tmp_path):
    """wandb then adds -1 to the name of the later's folder."""
    id, now = about_run(copied).id, datetime.now()
    for second in range(120):
        begun = now + timedelta(seconds=second)
        (copied / f"wandb/offline-run-{begun:%Y%m%d_%H%M%S}-{id}").mkdir(parents=True)
    said = []
    told("wandb", copied, said)
    assert len(said) == 1, said
    assert said[0].endswith("-1")
    assert READ["wandb"](tmp_path, copied) == in_files(copied)


@pytest.mark.parametrize("writes", [0, 2, 5])
@pytest.mark.parametrize("name", EACH)
def test_killed_while_it_tells_no_step_is_told_twice_and_none_is_left_out(name, writes, copied, tmp_path):
    assert started(copied, name, writes, tmp_path).wait() == -9
    said = []
    told(name, copied, said)
    assert len(said) == 1, said
    assert READ[name](tmp_path, copied) == in_files(copied)


@pytest.mark.skipif(not is_installed("tensorboard"), reason="tensorboard is not installed")
def test_a_disk_that_refuses_ends_no_run_and_is_told_in_one_line(copied, tmp_path):
    (copied / "tensorboard").write_text("no folder")
    said, went_on = [], False
    with tracked(["tensorboard"], copied, said.append):
        went_on = True
    assert went_on
    assert len(said) == 1
    assert said[0].startswith("tensorboard could not be told (")
    assert said[0].endswith("the run goes on, and the same command tells it later")
    (copied / "tensorboard").unlink()
    told("tensorboard", copied, said)
    assert READ["tensorboard"](tmp_path, copied) == in_files(copied)


@pytest.mark.skipif(not is_installed("mlflow"), reason="mlflow is not installed")
def test_a_server_that_is_gone_ends_no_run(copied, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    said = []
    told("mlflow", copied, said)
    assert len(said) == 1
    assert "mlflow could not be told" in said[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", environment(tmp_path)["MLFLOW_TRACKING_URI"])
    told("mlflow", copied, said)
    assert READ["mlflow"](tmp_path, copied) == in_files(copied)
    (run,) = mlflow.MlflowClient().search_runs(["1"])
    assert run.data.params["training.epochs"] == "2"
    assert run.info.status == "FINISHED"


@pytest.mark.skipif(not is_installed("mlflow"), reason="mlflow is not installed")
def test_killed_while_mlflow_makes_its_database_it_is_made_anew(copied, tmp_path):
    process, unfinished = started(copied, "mlflow", 0, tmp_path), tmp_path / ".mlflow.db.part"
    while not (unfinished.exists() and unfinished.stat().st_size):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert not (tmp_path / "mlflow.db").exists()
    said = []
    told("mlflow", copied, said)
    assert len(said) == 1, said
    assert READ["mlflow"](tmp_path, copied) == in_files(copied)


@pytest.mark.skipif(not is_installed("mlflow"), reason="mlflow is not installed")
def test_seeds_of_a_study_are_runs_of_one_experiment(copied, tmp_path):
    import mlflow

    told_in = []
    for seed in (0, 1):
        run = shutil.copytree(copied, tmp_path / "legs" / "runs" / "full" / f"seed-{seed}")
        rename(run, f"{seed}" * 32)
        told_in.append(started(run, "mlflow", 10**9, tmp_path))
    for process in told_in:  # both at once, as with --jobs 2
        assert process.wait() == 0
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("legs")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    assert {run.info.run_name for run in found} == {"full/seed-0", "full/seed-1"}


@pytest.mark.skipif(not is_installed("trackio"), reason="trackio is not installed")
def test_two_runs_of_one_name_do_not_share_a_run_of_trackio(copied, tmp_path):
    other = shutil.copytree(copied, tmp_path / "elsewhere" / "demo")
    rename(other, "f" * 32)
    for run in (copied, other):
        told("trackio", run, [])
    assert [read_kept_of(run, "trackio").id for run in (copied, other)] == ["demo", "demo-ffffff"]
