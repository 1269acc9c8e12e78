import pickle

import pytest

from tutelage.config import RunConfig, TrainingConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError
from tutelage.records import Problem, TrainingExample
from tutelage.rounds.training_key import what_matters
from tutelage.run_records import Accuracy, BeforeAfter, RoundResult, RunResult, TeacherSummary, TrainingSummary
from tutelage.studies.arms import ARMS, Spent, as_many_replies, changed

BASE = parse_config(
    {
        "task": {"name": "leg_counting", "train": 10},
        "teacher": {"priority": "uniform", "ask": "mistake"},
        "training": {"reflection_weight": 0.25},
    }
)


def differences(config: RunConfig, other: RunConfig = BASE) -> dict[str, object]:
    before, after = other.model_dump(), config.model_dump()
    found = {}
    for section, values in after.items():
        for name, value in values.items() if isinstance(values, dict) else [("", values)]:
            old = before[section][name] if name else before[section]
            if value != old:
                found[f"{section}.{name}"] = value
    return found


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("untrained", {}),
        ("untrained-few-shot", {"student.few_shot": 3}),
        ("full", {}),
        ("multi-round", {"training.reflection": "none"}),
        ("one-round", {"training.reflection": "none", "rounds.max": 0}),
        ("answers-only", {"training.reflection": "none", "rounds.max": 0, "teacher.kind": "answers"}),
        (
            "star",
            {
                "training.reflection": "none",
                "training.rejection_sampling": "train",
                "training.init_from": "untrained",
                "training.data": "round",
                "teacher.kind": "student",
            },
        ),
        ("full-no-mistake-in-view", {"teacher.ask": "question"}),
        ("own-correct", {"training.rejection_sampling": "train"}),
        ("weakest-first", {"teacher.priority": "weakest-first", "teacher.replies_per_round": 5}),
        ("frontier", {"teacher.priority": "frontier", "teacher.replies_per_round": 5}),
        ("untaught-first", {"teacher.priority": "untaught-first", "teacher.replies_per_round": 5}),
        ("uniform", {"teacher.replies_per_round": 5}),
        ("explain", {"teacher.explain": True}),
        ("lambda-0", {"training.reflection_weight": 0.0}),
        ("lambda-1", {"training.reflection_weight": 1.0}),
        ("rounds-5", {"rounds.max": 5, "rounds.patience": 5}),
        ("data-round", {"training.data": "round"}),
        ("data-all", {}),
    ],
)
def test_an_arm_changes_what_its_name_says(arm, expected):
    assert differences(ARMS[arm].change(BASE)) == expected


def test_an_arm_resets_what_the_base_has_of_other_arms():
    """Every setting by which arms differ is another here than by default."""
    base = changed(
        BASE,
        teacher={
            "ask": "question",
            "explain": True,
            "priority": "frontier",
            "seed_problems": 4,
            "replies_per_round": 3,
        },
        training={"reflection": "none", "rejection_sampling": "train", "init_from": "untrained", "data": "round"},
        rounds={"patience": 9},
    )
    method = {
        "teacher.ask": "mistake",
        "teacher.explain": False,
        "teacher.priority": "uniform",
        "training.reflection": "triplet",
        "training.rejection_sampling": "none",
        "training.init_from": "previous",
    }
    without = {key: value for key, value in method.items() if key != "training.reflection"}  # as in the base
    assert differences(ARMS["full"].change(base), base) == method
    assert differences(ARMS["multi-round"].change(base), base) == without
    assert differences(ARMS["data-all"].change(base), base) == method | {"training.data": "all"}
    assert differences(ARMS["weakest-first"].change(base), base) == method | {"teacher.priority": "weakest-first"}
    star = differences(ARMS["star"].change(base), base)
    assert (star["teacher.seed_problems"], star["teacher.replies_per_round"]) == (
        None,
        None,
    )  # what is free has no budget
    answers = differences(ARMS["answers-only"].change(base), base)
    assert answers["teacher.seed_problems"] is None


def test_teachers_that_make_no_problems_are_asked_for_none():
    base = changed(BASE, teacher={"practice": 2})
    for name, arm in ARMS.items():
        made = arm.change(base).teacher
        assert made.practice == (2 if made.kind in ("answer_key", "openai") else 0), name


def test_the_method_weighs_self_reflection_even_where_the_base_does_not():
    without = parse_config({"task": {"name": "leg_counting"}, "training": {"reflection_weight": 0}})
    assert ARMS["full"].change(without).training.reflection_weight == TrainingConfig().reflection_weight > 0


def test_preference_comes_with_the_collapse_guard():
    config = ARMS["preference"].change(BASE)
    assert config.training.reflection == "preference"
    assert config.training.guard.checks > 0


def test_every_arm_is_valid_and_can_be_sent_to_another_process():
    for name, arm in pickle.loads(pickle.dumps(dict(ARMS))).items():
        config = arm.change(BASE)
        assert RunConfig.model_validate(config.model_dump()) == config, name
        assert arm.source, name


def test_a_budget_needs_a_number():
    with pytest.raises(ConfigError, match=r"set teacher\.replies_per_round, or task\.train"):
        ARMS["frontier"].change(parse_config({"task": {"name": "leg_counting"}}))


def test_a_change_is_validated():
    with pytest.raises(ValueError, match="reflection_weight"):
        changed(BASE, training={"reflection_weight": -1.0})


def result(*rounds: tuple[int, int]) -> RunResult:
    seen = Accuracy(0.5, 0.4, 0.6, 10)
    rows = tuple(
        RoundResult(
            n,
            seen,
            None,
            TeacherSummary(replies, replies, 0, 0, 0.0, {}, replies),
            TrainingSummary(trained, 0, 0, 0, 0, 1.0, 1.0, 0.0, rows=trained),
            {},
            1.0,
        )
        for n, (replies, trained) in enumerate(rounds)
    )
    return RunResult(rows, 0, "all rounds are done", BeforeAfter(seen, seen), {}, 1.0)


def test_a_matched_arm_gets_as_much_as_the_other_has_used():
    spent = Spent.of_result(result((10, 30), (7, 21), (6, 18)))
    assert spent == Spent(69, 13)
    config = as_many_replies(ARMS["one-round-same-budget"].change(BASE), spent)
    assert (config.teacher.rationales_per_problem, config.teacher.extra_rationales, config.training.max_rows) == (
        1,
        13,
        69,
    )
    matched = ARMS["one-round"].matched
    assert matched is not None
    alone = matched(ARMS["one-round"].change(BASE), spent)
    assert (alone.teacher.extra_rationales, alone.training.max_rows) == (0, 69)


def test_a_rationale_that_takes_several_replies_is_counted_as_so_many():
    online = changed(BASE, teacher={"kind": "openai", "self_consistency": 3})
    config = as_many_replies(ARMS["one-round-same-budget"].change(online), Spent(21, 36))
    assert config.teacher.extra_rationales == 12


def test_lambda_0_is_the_same_training_as_no_self_reflection():
    trainings = [ARMS[name].change(BASE).training for name in ("lambda-0", "multi-round", "lambda-1")]
    mistaken = TrainingExample(Problem.of("2 + 3?", "5"), "5.", positives=("3 + 2 = 5.",), negatives=("6.",))
    zero, none, one = (what_matters(training, [mistaken]) for training in trainings)
    assert zero == none != one
