from pathlib import Path

import pytest

from tutelage.errors import ConfigError
from tutelage.studies.study_file import load_study

EXAMPLES = Path(__file__).parents[2] / "examples" / "studies"
ARMS = {
    "real-teacher": {"auto", "auto-4bit", "hint-first", "terse", "answer-key"},
    "precision": {"float32", "bfloat16"},
}
"""Of the studies that do not ask about rounds."""
BASE = "base: {task: {name: leg_counting, train: 10}}\n"


def study(folder: Path, text: str):
    (folder / "trial.yaml").write_text(text)
    return load_study(folder / "trial.yaml")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_can_be_run(path):
    found = load_study(path)
    assert set(found.arms) >= ARMS.get(path.stem, {"full", "one-round-same-budget"})
    assert found.question


def test_named_arms_and_arms_of_ones_own(tmp_path):
    found = study(
        tmp_path,
        BASE
        + """
question: Does it teach?
seeds: [3, 4]
arms:
  one-round-same-budget:
  full:
  slow: {training: {learning_rate: 5e-5}}
  warm: {like: preference, training: {beta: 0.3}}
  short: {like: one-round, training: {batch_size: 4}, seeds: [4]}
""",
    )
    assert (found.name, found.question, found.seeds) == ("trial", "Does it teach?", [3, 4])
    assert list(found.arms) == ["full", "slow", "warm", "one-round-same-budget", "short"]  # matched ones come last
    slow = found.arms["slow"].change(found.base)
    assert slow.training.learning_rate == 5e-5
    assert slow.model_copy(update={"training": found.base.training}) == found.base
    warm = found.arms["warm"].change(found.base)
    assert (warm.training.reflection, warm.training.beta, warm.training.guard.checks) == ("preference", 0.3, 4)
    assert found.arms["short"].matched is not None
    assert [found.arms[name].seeds for name in ("slow", "short")] == [None, (4,)]
    assert found.arms["warm"].source.endswith("; training.beta: 0.3")
    assert len(found.pairs) == 10


def test_a_named_arm_stays_itself_with_settings_of_its_own(tmp_path):
    text = BASE + "seeds: [0, 1]\narms: {full: {seeds: [0]}, multi-round: {training: {epochs: 9}}}"
    found = study(tmp_path, text)
    assert found.arms["full"].seeds == (0,)
    many = found.arms["multi-round"].change(found.base).training
    assert (many.reflection, many.epochs) == ("none", 9)


def test_the_base_may_stand_in_a_file_beside_it(tmp_path):
    (tmp_path / "base.yaml").write_text("task: {name: leg_counting, train: 7}")
    assert study(tmp_path, "base: base.yaml\narms: {full: }").base.task.train == 7


def test_pairs_to_compare(tmp_path):
    text = BASE + "arms: {full: , multi-round: , explain: }\ncompare: [[full, multi-round]]"
    assert list(study(tmp_path, text).pairs) == [("full", "multi-round")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arms: {full: }", "base: field required"),
        (BASE, "arms: field required"),
        (BASE + "arms: {}", "arms"),
        (BASE + "arms: {fall: }", "no arm is named 'fall'; did you mean 'full'?"),
        (BASE + "arms: {mine: {like: fall}}", "no arm is named 'fall'"),
        (
            BASE + "arms: {mine: {training: {epoch: 3}}}",
            "arm mine: its settings: unknown key 'training.epoch'; did you mean 'epochs'",
        ),
        (BASE + "arms: {mine: {training: {epochs: 0}}}", "arm mine: its settings: training.epochs"),
        (BASE + "arms: {one-round: }", "add 'full' to the arms"),
        (BASE + "arms: {full: }\ncompare: [[full, star]]", "compare names 'star'"),
        (
            BASE + "arms: {full: {seeds: [0]}, mine: {seeds: [1]}}\ncompare: [[full, mine]]",
            "compare names 'full' and 'mine', which have no common seed",
        ),
        (BASE + "arms: {full: }\nseeds: [1, 1]", "a seed is repeated in"),
        (BASE + "arms: {full: }\nseeds: []", "seeds"),
        (BASE + "arms: {mine: {seeds: [0, 7]}}", "seeds [0, 7] are not some of the study's"),
        (BASE + "arms: {mine: {seeds: 2}}", "seeds 2 are not some of"),
        (BASE + "arms: {full: {seeds: []}}", "seeds [] are not some of"),
        (BASE + "arms: {full: {seeds: [[0]]}}", "seeds [[0]] are not some of"),
        (BASE + "arms: {full: {seeds: [0]}, one-round: }", "which is not run under seed 1"),
        (
            BASE + "arms: {full: , short: {like: one-round, training: {max_rows: 9}}}",
            "short: training.max_rows is what 'full'",
        ),
        (BASE + "arms: {mine: {task: {seed: 9}}}", "arm mine: arms are compared on the same problems"),
        (BASE + "arms: {mine: {seed: 9}}", "arm mine: every arm is run under the study's seeds"),
        (BASE + "arms: {full: }\nseeds: [-1]", "seeds.0"),
        (BASE + "arms: {full: }\nseeds: [99999999999]", "seeds.0"),
        (BASE + "arms: {mine: {task: {test: 6}}}", "arm mine: arms are compared on the same problems"),
        (BASE + "arms: {../mine: {task: {train: 6}}}", "'../mine' cannot be the name of a folder"),
        (BASE + "arms: {a/b: {task: {train: 6}}}", "'a/b' cannot be the name of a folder"),
        (BASE + "arms: {..: {task: {train: 6}}}", "'..' cannot be the name of a folder"),
        (BASE + "arms: {full: }\nseeds: [one]", "seeds.0"),
        (BASE + "arms: {full: }\nseeds: ['1']", "seeds.0"),
        (BASE + "arms: {full: }\nseeds: [true]", "seeds.0"),
        (BASE + "arms: {full: {seeds: [true]}}", "seeds [True] are not some of"),
        (BASE + "arms: {full: {seeds: [1, 1]}}", "seeds [1, 1] are not some of"),
        (BASE + "arms: {'': {task: {train: 6}}}", "'' cannot be the name of a folder"),
        (BASE + f"arms: {{{'ä' * 101}: {{task: {{train: 6}}}}}}", "cannot be the name of a folder"),
        (BASE + "arms: {full: {like: , training: {epochs: 2}}}", "arm full: like names no arm"),
        (BASE + "arms: {full: }\ncompare: [[full, full]]", "compare names 'full' twice"),
        (BASE + "arms: {full: }\ncompare: [[full]]", "compare.0"),
        (BASE + "arms: {full: }\ncache_gb: 1e300", "cache_gb"),
        (BASE + "arms: {full: }\nkeep_students: 'yes'", "keep_students"),
        (BASE + "arms: {full: }\nsedes: [1]", "unknown key 'sedes'; did you mean 'seeds'?"),
        ("base: {1: 2}\narms: {full: }", "base: input should be a valid string (found 1)"),
        ("base: {task: {name: leg_counting}}\narms: {uniform: }", "uniform: an arm with priority 'uniform' needs"),
        (BASE + "arms: {full: , fewer: {like: full, task: {train: 5}}}", "fewer: where train differs, task.validation"),
        ("base: {task: {nam: x}}\narms: {full: }", "unknown key 'task.nam'"),
        ("base: nowhere.yaml\narms: {full: }", "nowhere.yaml"),
        ("- full", "expected sections such as `question:`, found list"),
        (BASE + "arms: {full: , full: {seeds: [0]}}", "'full' stands twice"),
        ("base: [", "is not YAML"),
    ],
)
def test_faults_are_named(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        study(tmp_path, text)
    assert said in str(caught.value)
    assert "trial.yaml" in str(caught.value) or "nowhere.yaml" in str(caught.value)
