"""What is refused before a run, what trackers are told of it, and that nobody needs them."""

import sys

import pytest

from tests.export.made import made_run
from tests.rounds.conftest import two_rounds
from tests.trackers.stores import is_installed
from tutelage.api import run
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError
from tutelage.run_records import RunResult
from tutelage.runs.finished import read_kept
from tutelage.runs.reader import RunReader
from tutelage.runs.resume_rules import FREE, differences
from tutelage.trackers.about import about_run
from tutelage.trackers.figures import of_round
from tutelage.trackers.follow import Follower, is_whole
from tutelage.trackers.mistakes import sampled_mistakes
from tutelage.trackers.telling import TRACKERS, _Telling, catch_up, check_trackers
from tutelage.trackers.tracker import COLUMNS


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mlflow", ["mlflow"]),
        (["wandb", "trackio"], ["wandb", "trackio"]),
        ("tensorboard, mlflow", ["tensorboard", "mlflow"]),
        (["mlflow", "mlflow"], ["mlflow"]),
        ("none", []),
        ([], []),
    ],
)
def test_trackers_are_named_as_elsewhere(written, meant):
    assert parse_config({"task": {"name": "leg_counting"}, "report_to": written}).report_to == meant


def test_an_unknown_tracker_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"report_to.*'tensorboard', 'trackio', 'mlflow' or 'wandb'.*'comet'"):
        parse_config({"task": {"name": "leg_counting"}, "report_to": ["comet"]})


def test_trackers_may_change_at_any_time():
    config = two_rounds("tiny")
    assert differences(config, config.model_copy(update={"report_to": ["mlflow"]}), FREE) == []


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_written(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    config = two_rounds("no-such-model").model_copy(update={"report_to": [name]})
    with pytest.raises(ConfigError, match=rf'{name} is not installed: pip install "tutelage\[{name}\]"'):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_a_trackers_name_is_no_tracker(tmp_path, monkeypatch):
    if is_installed("wandb"):
        pytest.skip("wandb is installed")
    (tmp_path / "wandb").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="wandb is not installed"):
        check_trackers(["wandb"])


@pytest.mark.skipif(not is_installed("wandb"), reason="wandb is not installed")
@pytest.mark.filterwarnings("ignore")
def test_wandb_without_a_key_is_refused_unless_it_is_offline(tmp_path, monkeypatch):
    import wandb

    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_MODE", "online")
    wandb.teardown()
    with pytest.raises(ConfigError, match="`wandb login`, or set WANDB_MODE=offline"):
        check_trackers(["wandb"])
    monkeypatch.setenv("WANDB_MODE", "offline")
    wandb.teardown()
    check_trackers(["wandb"])


@pytest.mark.slow
def test_what_is_told_of_a_run(copied):
    result = read_kept(copied, RunResult)
    assert result is not None
    catch_up([], copied, result, print)
    about = about_run(copied)
    assert (about.project, about.name, about.group) == ("tutelage", "demo", "")
    assert about.settings["training.epochs"] == 2
    first, second, _ = (of_round(each) for each in result.rounds)
    assert second["exam/mistakes"] == sum(count for name, count in second.items() if name.startswith("mistakes/")) == 12
    assert not any(name.startswith("exam") for name in first)
    assert second["validation/accuracy_low"] <= second["validation/accuracy"] <= second["validation/accuracy_high"]
    assert {"teacher/replies_used", "teacher/usd", "teacher/completion_tokens", "seconds/exam", "tokens/exam"} <= set(
        second
    )
    rows = sampled_mistakes(RunReader(copied), 1)
    assert rows == sampled_mistakes(RunReader(copied), 1)
    assert len(rows) == 12
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert sampled_mistakes(RunReader(copied), 0) == []


@pytest.mark.slow
def test_no_secret_is_told(copied):
    written = copied / "config.yaml"
    text = written.read_text().replace("base_url: null", "base_url: http://user:hidden@localhost:1/v1?key=${KEY}")
    written.write_text(text.replace("extra_headers: {}", "extra_headers: {X-Api-Key: '${MY_KEY}'}"))
    told = repr(about_run(copied).settings)
    assert "localhost" in told
    assert not any(word in told for word in ("user", "hidden", "KEY", "Api"))


def test_a_message_of_a_tracker_shows_no_password(tmp_path):
    said = []
    _Telling("mlflow", tmp_path, said.append).failed(
        "OSError: https://me:hidden@host/api?x=1 is gone\n(see https://docs/)"
    )
    assert len(said) == 1
    assert "(OSError: https://…@host/api?x=1 is gone (see https://docs/))" in said[0]


@pytest.mark.slow
@pytest.mark.skipif(not is_installed("wandb"), reason="wandb is not installed")
@pytest.mark.filterwarnings("ignore")
def test_what_wandb_keeps_elsewhere_is_not_told_as_lost(copied, monkeypatch):
    """As with a server: what it holds can't be read again at the end."""
    import wandb

    monkeypatch.setenv("WANDB_MODE", "disabled")
    result, said = read_kept(copied, RunResult), []
    assert result is not None
    catch_up(["wandb"], copied, result, said.append)
    assert said == ["wandb: nowhere (WANDB_MODE)"]
    assert is_whole(copied, "wandb", result)
    wandb.teardown()  # else runs of this process stay without a file


def test_a_tracker_that_cannot_be_read_is_closed(tmp_path):
    class Unreadable:
        id, where, is_open = "1", "here", True

        def __init__(self, about, id):
            opened.append(self)

        def has(self):
            raise OSError("torn")

        def close(self, finished):
            self.is_open = False

    opened = []
    with pytest.raises(OSError, match="torn"):
        Follower(made_run(tmp_path / "run"), "mine", Unreadable)  # pyright: ignore[reportArgumentType] - it comes to nothing else
    assert [each.is_open for each in opened] == [False]
