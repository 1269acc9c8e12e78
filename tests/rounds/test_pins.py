"""What a run has read besides its problems does not change between two starts without a word."""

import json
import shutil

import pytest

from tests.rounds.conftest import two_rounds
from tutelage.api import run
from tutelage.config import RoundsConfig, TaskConfig, TeacherConfig
from tutelage.errors import RunError
from tutelage.records import WorkedExample
from tutelage.rounds.pins import pins
from tutelage.runs.directory import Run
from tutelage.runs.finished import Inputs, has_run
from tutelage.studies.arms import changed

SHOTS = [WorkedExample(f"{n} + {n}?", f"It is {2 * n}.\nThe answer is {2 * n}.") for n in (1, 2)]


@pytest.fixture
def data(tmp_path):
    rows = [{"question": f"{n} + 9?", "answer": f"{n + 9}", "rationale": f"{n} + 9 = {n + 9}"} for n in range(12)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "data"


def shown(data, *texts: str) -> None:
    rows = [{"question": text, "answer": "4", "rationale": "It is 4."} for text in texts]
    (data / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_run_does_not_go_on_with_other_worked_examples(tiny, data, tmp_path):
    settings = changed(two_rounds(tiny), student={"few_shot": 1}, rounds={"max": 0})
    settings = settings.model_copy(update={"task": TaskConfig(name="custom", path=str(data))})
    shown(data, "2 + 2?", "3 + 1?")
    run(settings, tmp_path / "run")
    more = settings.model_copy(update={"rounds": RoundsConfig(max=1)})
    shown(data, "1 + 3?", "3 + 1?")
    with pytest.raises(RunError, match="began with another content of worked example 1; restore it, or use another"):
        run(more, tmp_path / "run")
    shown(data, "2 + 2?", "4 + 0?")  # the second one is shown to nobody
    assert len(run(more, tmp_path / "run").rounds) == 2


def test_what_is_read_is_known_by_its_content(tiny, tmp_path):
    folder, prompts, recorded = tmp_path / "base", tmp_path / "prompts.yaml", tmp_path / "recorded.jsonl"
    shutil.copytree(tiny, folder)
    config = changed(two_rounds(str(folder)), student={"few_shot": 1})
    online = config.model_copy(update={"teacher": TeacherConfig(kind="openai", model="test", prompt=str(prompts))})
    offline = config.model_copy(update={"teacher": TeacherConfig(kind="recorded", path=str(recorded))})
    texts = "system: Be brief. {{closing}}\nquestion: 'Q: {{question}}'\nmistake: '{{question}} not {{mistake}}{}'\n"
    again = "again: 'Not so: {reason}'\nhint: '{answer}'\nmistake-first: '{mistake} {question}'\n"
    prompts.write_text(texts.format("") + again)
    recorded.write_text("{}\n")
    student, weights = f"student.model {folder}", folder / "model.safetensors"

    def changes(change) -> set[str]:
        before = pins(online, SHOTS) | pins(offline, SHOTS)
        change()
        after = pins(online, SHOTS) | pins(offline, SHOTS)
        return {name for name in before if before[name] != after[name]}

    def other_weights() -> None:
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)

    assert changes(lambda: prompts.write_text(texts.format(", please") + again)) == {"teacher.prompt"}
    assert changes(lambda: prompts.write_text(f"# A comment.\n{texts.format(', please')}{again}")) == set()
    assert changes(lambda: recorded.write_text("{}\n{}\n")) == {"teacher.path"}
    assert changes(lambda: (folder / "chat_template.jinja").write_text("{{ messages }}")) == {student}
    assert changes(other_weights) == {student}
    assert changes(lambda: (folder / "README.md").write_text("Mine.")) == set()


def test_a_run_goes_on_with_the_contents_it_knows(tiny, tmp_path):
    config, root = two_rounds(tiny), tmp_path / "run"

    def start(**contents: str) -> Run:
        return Run.open(root, config, "data", kept={"pins": contents})

    start(base="a")
    start(base="b")  # nothing was done yet
    run_json = root / "run.json"
    assert json.loads(run_json.read_text())["pins"] == {"base": "b"}
    (root / "stages.json").write_text("{}")
    start(other="c")
    for contents in ({"base": "a"}, {"other": "d", "base": "b"}):
        with pytest.raises(RunError, match="began with another content of"):
            start(**contents)
        assert not has_run(root, Inputs(config, "data", pins=contents))
    assert has_run(root, Inputs(config, "data", pins={"base": "b", "other": "c", "new": "e"}))


def test_a_run_of_an_earlier_version_goes_on(tiny, tmp_path):
    config = two_rounds(tiny)
    Run.open(tmp_path / "run", config, "data")
    (tmp_path / "run" / "stages.json").write_text("{}")
    Run.open(tmp_path / "run", config, "data", kept={"pins": {"base": "a"}})
    with pytest.raises(RunError, match="another content of base"):
        Run.open(tmp_path / "run", config, "data", kept={"pins": {"base": "b"}})
