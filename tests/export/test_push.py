"""A student and its data pushed to a hub on loopback, by the command in a process of its own: the hub's client reads
its settings once."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.command import tutelage
from tests.export.hub import Hub, Repo
from tests.export.made import ended, made_run, two_rounds
from tests.student.tiny import tiny_folder
from tutelage.config.file import parse_config
from tutelage.export.card import with_metadata
from tutelage.report.card import card_metadata, model_card


@pytest.fixture
def run(tmp_path):
    root = two_rounds(tmp_path / "mine", model=str(tmp_path / "mine" / "base"))
    ended(root)
    tiny_folder(root / "student")
    card = f"---\nlicense: mit\n---\n\n# {root}/base, taught legs\n\nBy hand: {{{{ x }}}}\n"
    (root / "student" / "README.md").write_text(card)
    return root


@pytest.fixture
def hub():
    with Hub() as made:
        yield made


def push(hub, tmp_path, *arguments, token=None, **environment):
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    settings |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_TOKEN": hub.token if token is None else token, **environment}
    command = [sys.executable, "-m", "tutelage", "push", *map(str, arguments)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert hub.token not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def metadata(card: bytes) -> dict:
    return yaml.safe_load(card.decode().split("---\n")[1])


def test_a_dry_run_lists_what_would_go_and_asks_nobody(run, hub, tmp_path):
    done = push(hub, tmp_path, run, "me/legs", "--private", "--data", "--dry-run", token="")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("model me/legs (private): ")
    assert any(line.endswith("  model.safetensors") and " kB " in line for line in lines)
    assert "dataset me/legs-data (private): " in done.stdout
    assert "  pairs.jsonl" in done.stdout
    assert lines[-1] == "nothing was sent (--dry-run)"
    assert hub.asked == []


def test_a_student_arrives_whole_with_its_accuracy_in_the_card(run, hub, tmp_path):
    done = push(hub, tmp_path, run, "me/legs", "--private", "--data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [f"{hub.url}/me/legs", f"{hub.url}/datasets/me/legs-data"]
    model, data = hub.repos["model", "me/legs"], hub.repos["dataset", "me/legs-data"]
    assert model.private
    assert data.private
    folder = run / "student"
    assert model.files.keys() == {path.name for path in folder.iterdir()}
    assert all(model.files[path.name] == path.read_bytes() for path in folder.iterdir() if path.name != "README.md")
    card = metadata(model.files["README.md"])
    [measured] = card["model-index"][0]["results"]
    assert measured["dataset"] == {"type": "leg_counting", "name": "leg_counting", "split": "test"}
    assert measured["metrics"] == [{"type": "accuracy", "name": "accuracy (greedy, n = 4)", "value": 0.75}]
    assert (card["license"], card["datasets"]) == ("mit", ["me/legs-data"])
    assert "base_model" not in card
    text = model.files["README.md"].decode()
    assert "# base, taught legs\n\nBy hand: {{ x }}\n" in text
    assert str(tmp_path) not in text
    assert {"train.jsonl", "validation.jsonl", "test.jsonl", "pairs.jsonl", "README.md"} <= data.files.keys()
    configs = metadata(data.files["README.md"])["configs"]
    assert [(each["config_name"], len(each["data_files"])) for each in configs] == [("rationales", 3), ("pairs", 1)]
    assert all(hub.token.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_folder_that_was_named_from_where_the_run_began_is_no_base_on_the_hub(hub, tmp_path):
    """`push` is called from elsewhere: there, models/base looks like OWNER/NAME."""
    project = tmp_path / "project"
    run = two_rounds(project / "runs" / "mine", model="models/base")
    result = ended(run)
    tiny_folder(run / "student")
    base = tiny_folder(project / "models" / "base")

    def pushed(name: str) -> str:
        done = push(hub, tmp_path, run, name)
        assert done.returncode == 0, done.stderr
        return hub.repos["model", name].files["README.md"].decode()

    card = pushed("me/legs")
    assert "base_model" not in metadata(card.encode())
    assert "models/base" not in card
    assert "# base, taught leg_counting" in card
    written = parse_config({"task": {"name": "leg_counting"}, "student": {"model": str(base)}}, origin="test")
    (run / "student" / "README.md").write_text(model_card(written, result))
    shutil.rmtree(base)
    assert "base_model" not in metadata(pushed("me/more").encode())  # by the card that the run wrote
    (run / "student" / "README.md").unlink()
    assert metadata(pushed("me/hub").encode())["base_model"] == "models/base"  # nothing speaks against the hub


def test_an_interrupted_push_goes_on(run, hub, tmp_path):
    (run / "student" / "second.safetensors").write_bytes(b"more weights" * 1000)
    hub.refuse = 100
    broken = push(hub, tmp_path, run, "me/legs")
    assert broken.returncode == 2
    assert broken.stderr.splitlines()[-1].startswith(f"error: the push to me/legs at {hub.url} broke off: ")
    assert broken.stderr.endswith("start the same command again to go on\n")
    assert hub.repos["model", "me/legs"].commits == 0
    hub.refuse, hub.blobs["0"] = 0, b""
    sent = (run / "student" / "second.safetensors").read_bytes()
    import hashlib

    hub.blobs[hashlib.sha256(sent).hexdigest()] = sent  # it came through before
    hub.asked.clear()
    assert push(hub, tmp_path, run, "me/legs").returncode == 0
    assert len([line for line in hub.asked if line.startswith("PUT")]) == 1
    assert hub.repos["model", "me/legs"].files["second.safetensors"] == sent


def test_refusals_are_told_in_one_line(run, hub, tmp_path):
    def refused(*arguments, **settings) -> str:
        done = push(hub, tmp_path, *arguments, **settings)
        assert done.returncode == 2
        return done.stderr.splitlines()[-1]

    assert "there is no token for the hub; run `hf auth login`, or set HF_TOKEN" in refused(run, "me/legs", token="")
    assert "does not take the token" in refused(run, "me/legs", token="hf_other")
    assert "the token may not write to you/legs" in refused(run, "you/legs")
    assert "'legs' is no name on the hub" in refused(run, "legs")
    hub.repos["model", "me/open"] = Repo(private=False)
    assert "me/open is there already, and public" in refused(run, "me/open", "--private")
    assert hub.repos["model", "me/open"].commits == 0
    assert "was trained whole, not by an adapter; leave --adapter out" in refused(run, "me/legs", "--adapter")
    gone = refused(run, "me/legs", HF_ENDPOINT="http://user:hf_hidden@127.0.0.1:9")
    assert "hf_hidden" not in gone
    assert "error: the push to me/legs at http://…@127.0.0.1:9 broke off" in gone
    assert gone.count("Connection refused") == 1


def test_a_run_that_has_not_ended_has_no_student_to_push(tmp_path):
    run = made_run(tmp_path / "run")
    result = tutelage("push", run, "me/legs", "--dry-run")
    assert result.exit_code == 2
    assert "has no student yet: it comes at the end of a run" in result.output


def test_an_adapter_needs_a_base_that_others_find(tmp_path):
    run = made_run(tmp_path / "run", weights="lora")
    ended(run)
    tiny_folder(run / "student")
    result = tutelage("push", run, "me/legs", "--adapter", "--dry-run")
    assert result.exit_code == 2
    assert "the student began as 'smollm2-135m', which others do not find on the hub" in result.output


def test_a_card_keeps_what_its_owner_wrote(tmp_path):
    config = parse_config({"task": {"name": "custom", "path": "x.jsonl"}}, origin="test")
    made = ended(tmp_path)
    found = with_metadata("---\ntags: [mine]\n---\nText\n", card_metadata(config, made), config)
    assert yaml.safe_load(found.split("---\n")[1])["tags"] == ["mine"]
    assert found.endswith("---\nText\n")
    assert with_metadata("No metadata", card_metadata(config, made), config).endswith("---\nNo metadata")
    assert card_metadata(config, made)["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert json.dumps(card_metadata(config, made))


def test_the_card_of_an_adapter_says_how_it_is_loaded(tmp_path):
    config = parse_config({"task": {"name": "custom", "path": "x.jsonl"}}, origin="test")
    made = ended(tmp_path)
    ours = card_metadata(config, made)
    wanted = {**ours, "library_name": "peft", "base_model": "me/base"}
    written = model_card(config, made)
    found = yaml.safe_load(with_metadata(written, wanted, config, ours).split("---\n")[1])
    assert (found["library_name"], found["base_model"]) == ("peft", "me/base")
    by_hand = written.replace("library_name: transformers", "library_name: mine")
    found = yaml.safe_load(with_metadata(by_hand, wanted, config, ours).split("---\n")[1])
    assert (found["library_name"], found["base_model"]) == ("mine", "me/base")


def test_the_name_of_the_data_is_checked_before_anything_is_sent(run):
    result = tutelage("push", run, f"me/{'x' * 94}", "--data", "--dry-run")
    assert result.exit_code == 2
    assert "is no name on the hub" in result.output
