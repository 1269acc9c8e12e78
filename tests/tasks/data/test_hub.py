"""Data sets of a hub on loopback: splits, configurations, commits, caches, and what is refused."""

import os
import subprocess
import sys

import pytest

from tests.command import SETTINGS
from tests.hub import Hub, use
from tests.tasks.data.written import as_csv, as_jsonl, as_parquet
from tutelage.api import run
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS
from tutelage.report.progress import Show
from tutelage.tasks.catalog import load_task
from tutelage.tasks.check import check_task, describe
from tutelage.tasks.data.hub import HubPlace, place_of

pytest.importorskip("datasets")


def rows(start, count=8):
    return [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(start, start + count)]


def card(*names, default=None):
    lines = [f"- config_name: {n}\n  data_files: {n}/*.csv" + "\n  default: true" * (n == default) for n in names]
    return ("---\nconfigs:\n" + "\n".join(lines) + "\n---\n").encode()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with Hub() as found:
        use(found, monkeypatch, tmp_path)
        yield found


def sizes(task):
    return [len(task.problems(split)) for split in SPLITS]


def test_splits_are_read_at_a_commit(hub):
    first = hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(0, 20)), "test.jsonl": as_jsonl(rows(50))})
    task = load_task("custom", path="hf://ann/sums")
    assert (sizes(task), task.commit) == ([18, 2, 8], first)
    assert f"read from the hub at commit {first}" in describe(check_task(task))
    second = hub.push("ann/sums", {"data/train-00000-of-00001.parquet": as_parquet(rows(0, 30))})
    later = load_task("custom", path="hf://datasets/ann/sums")
    assert (sum(sizes(later)), later.commit) == (30, second)
    assert load_task("custom", path="hf://ann/sums", revision=first).splits == task.splits
    assert load_task("custom", path=f"hf://ann/sums@{first}/train.jsonl").report.read["train"] == 16
    assert sizes(load_task("custom", path="hf://ann/sums", revision=first, split="train[:10]")) == [7, 1, 2]
    swapped = load_task("custom", path="hf://ann/sums", revision=first, split={"train": "test", "test": "train"})
    assert sizes(swapped) == [7, 1, 20]


def test_configurations_are_those_of_the_card(hub):
    files = {"a/train.csv": as_csv(rows(0)), "b/train.csv": as_csv(rows(20, 5))}
    hub.push("ann/two", {"README.md": card("a", "b"), **files})
    with pytest.raises(
        DataError, match=r"hf://ann/two: it has several configurations; name one as task\.config .*: a, b"
    ):
        load_task("custom", path="hf://ann/two")
    assert sum(sizes(load_task("custom", path="hf://ann/two", config="b"))) == 5
    assert not any("a/train.csv" in asked for asked in hub.asked)
    with pytest.raises(DataError, match=r"it has no configuration 'c' \(task\.config\); its configurations are a, b"):
        load_task("custom", path="hf://ann/two", config="c")
    hub.push("ann/two", {"README.md": card("a", "b", default="a"), **files})
    assert sum(sizes(load_task("custom", path="hf://ann/two"))) == 8


def test_a_row_of_the_hub_that_is_left_out_is_named_by_its_place(hub):
    other = {"messages": [{"role": "tool", "content": "a"}]}
    usual = [
        {"messages": [{"role": "user", "content": str(n)}, {"role": "assistant", "content": "a"}]} for n in range(19)
    ]
    commit = hub.push("ann/talks", {"train.jsonl": as_jsonl([*usual, other])})
    task = load_task("custom", path=f"hf://ann/talks@{commit}/train.jsonl")
    assert task.report.told[0].startswith(
        f"rows left out, which are not one question and its answer: 1 of 20; hf://ann/talks@{commit}"
    )


def test_a_run_goes_on_with_the_commit_that_it_began_with(hub, tmp_path, tiny):
    first = hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(0, 20))})
    settings = {
        **SETTINGS,
        "task": {"name": "custom", "path": "hf://ann/sums", "train": 4, "validation": 2, "test": 3},
        "student": {"model": str(tiny)},
        "teacher": {"kind": "answers"},
        "rounds": {"max": 0},
    }
    config = parse_config(settings, origin="test")
    told, show = list[str](), Show(quiet=True)
    show.say = told.append
    result = run(config, tmp_path / "run", show)
    assert sum(first[:12] in line for line in told) == 1
    hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(100, 20))})
    (tmp_path / "run" / "result.json").unlink()
    assert run(config, tmp_path / "run").test == result.test
    assert first in (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    pinned = parse_config({**settings, "task": {**settings["task"], "revision": first}}, origin="test")
    assert run(pinned, tmp_path / "run").test == result.test


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"path": "hf://ann/none"}, "there is no such data set on the hub, or it is private"),
        ({"path": "hf://ann/gated"}, "gives it to those alone who have asked; accept its terms on the hub"),
        ({"path": "hf://ann/sums", "revision": "v9"}, "it has no revision 'v9'"),
        ({"path": "hf://ann/sums/tests.jsonl"}, "it has no file 'tests.jsonl'"),
        ({"path": "hf://ann/sums", "split": "tset"}, "Unknown split"),
        ({"path": "hf://ann/sums", "split": {"train": "tran"}}, "did you mean 'train'?"),
        ({"path": "hf://ann/script"}, "task.revision: refs/convert/parquet"),
        ({"path": "hf://ann/broken"}, "the data set cannot be read"),
        ({"path": "hf://ann/odd"}, "hf://ann/odd, train, field 'answer': row 2: the field is empty"),
    ],
)
def test_what_is_not_to_be_had_is_told_in_one_line(hub, settings, told):
    hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(0)), "test.jsonl": as_jsonl(rows(50))})
    hub.push("ann/gated", {"train.jsonl": as_jsonl(rows(0))})
    hub.push("ann/script", {"script.py": b"print(1)", ".gitattributes": b"*.bin filter=lfs"})
    hub.push("ann/broken", {"train.parquet": b"PAR1 no more"})
    hub.push("ann/odd", {"train.jsonl": as_jsonl([*rows(0, 1), {"question": "a", "answer": ""}])})
    hub.gated.add("ann/gated")
    with pytest.raises(ConfigError, match=r"task\.split names no train; say which split it is, .*, of train, test"):
        load_task("custom", path="hf://ann/sums", split={"test": "test"})
    with pytest.raises(DataError) as error:
        load_task("custom", **settings)
    assert told in str(error.value)
    assert str(error.value).startswith("hf://ann/")
    assert "\n" not in str(error.value)


def test_without_the_hub_its_cache_is_read(hub):
    hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(0))})
    task = load_task("custom", path="hf://ann/sums")
    hub.push("ann/other", {"train.jsonl": as_jsonl(rows(0))})
    hub.__exit__()
    assert load_task("custom", path="hf://ann/sums").splits == task.splits
    with pytest.raises(DataError, match=r"cannot load it from the hub .*, and there is no copy in its cache"):
        load_task("custom", path="hf://ann/other")
    hub.__enter__()


def test_classes_have_their_names(hub):
    said = b"---\ndataset_info:\n  features:\n  - name: question\n    dtype: string\n  - name: label\n    dtype:\n"
    said += b"      class_label:\n        names:\n          '0': refund\n          '1': billing\n---\n"
    content = [{"question": f"Ticket {n}", "label": n % 2} for n in range(6)]
    hub.push("ann/tickets", {"README.md": said, "train.jsonl": as_jsonl(content)})
    task = load_task("custom", path="hf://ann/tickets", field={"answer": "label"})
    assert {problem.answer for problem in task.problems("train")} == {"refund", "billing"}


def test_the_command_reads_the_hub_that_the_environment_names(hub, tmp_path):
    hub.push("ann/sums", {"train.jsonl": as_jsonl(rows(0, 20))})
    command = [sys.executable, "-m", "tutelage", "tasks", "check", "custom", "--path", "hf://ann/sums"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "gold answers that grade as correct: 20 of 20" in done.stdout


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("hf://openai/gsm8k", HubPlace("openai/gsm8k")),
        ("hf:/openai/gsm8k", HubPlace("openai/gsm8k")),
        ("hf://datasets/openai/gsm8k@v1.0", HubPlace("openai/gsm8k", "v1.0")),
        ("hf://openai/gsm8k@refs/convert/parquet", HubPlace("openai/gsm8k", "refs/convert/parquet")),
        ("hf://a/b/data/train.csv", HubPlace("a/b", None, "data/train.csv")),
        ("hf://a/b@main/data/train.csv", HubPlace("a/b", "main", "data/train.csv")),
        ("https://huggingface.co/datasets/openai/gsm8k/", HubPlace("openai/gsm8k")),
    ],
)
def test_places_of_the_hub(path, place):
    assert place_of(path) == place


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"path": "hf://"}, "names no data set of the hub; write hf://OWNER/NAME"),
        ({"path": "https://huggingface.co/openai/gsm8k"}, "names no data set of the hub"),
        (
            {"path": "https://huggingface.co/datasets/openai/gsm8k/blob/main/main/train.parquet"},
            "is a page about a data set; write hf://openai/gsm8k, or hf://openai/gsm8k/FILE for one file",
        ),
        ({"path": "a.jsonl", "revision": "main"}, "is for data sets of the hub"),
        ({"path": "hf://a/b/train.jsonl", "split": "train[:9]"}, "task.split has no say"),
    ],
)
def test_settings_that_do_not_fit_the_place(settings, told):
    with pytest.raises(ConfigError, match=r"task\.") as error:
        load_task("custom", **settings)
    assert told in str(error.value)
