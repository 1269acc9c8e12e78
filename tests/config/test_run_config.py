"""The configuration: what a file may say, what is said back when it may not, and YAML in and out."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tutelage import config as module
from tutelage.config import RunConfig, Section
from tutelage.config.file import dump_config, load_config, parse_config
from tutelage.errors import ConfigError

TASK = {"task": {"name": "gsm8k"}}
SECTIONS = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Section)]


def _refusal(data, overrides=()):
    with pytest.raises(ConfigError) as caught:
        parse_config(data, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_file_that_names_a_task_has_every_other_setting(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("task: {name: gsm8k, path: data/gsm8k}\nseed: 3\n", encoding="utf-8")
    config = load_config(path)
    assert (config.task.name, config.task.path, config.seed) == ("gsm8k", "data/gsm8k", 3)
    assert config == parse_config({"task": {"name": "gsm8k", "path": "data/gsm8k"}, "seed": 3})
    assert config.student == module.StudentConfig()
    assert config.training.prompt_weight == 0.1
    assert (config.exam.samples, config.exam.temperature, config.exam.max_new_tokens) == (4, 1.0, "auto")


def test_a_section_without_a_line_has_its_defaults(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "task: {name: gsm8k, options: }\ntraining:\n  # epochs: 3\nteacher: {budget: , price: }\nreport_to:\n",
        encoding="utf-8",
    )
    assert load_config(path) == parse_config(TASK)
    assert load_config(path, ["method=paper"]) == parse_config(TASK, ["method=paper"])
    assert load_config(path, ["training.epochs=5", "training=null"]) == parse_config(TASK)


def test_a_section_that_is_none_is_refused():
    assert _refusal({"task": None}) == "configuration: task: expected settings below it such as `name:` (found None)"
    assert "training: expected settings below it such as `init_from:` (found 5)" in _refusal(TASK | {"training": 5})


@pytest.mark.parametrize(
    ("data", "key", "nearest"),
    [
        ({"trainning": {}}, "trainning", "training"),
        ({"student": {"modle": "x"}}, "student.modle", "model"),
        ({"student": {"lora": {"rnak": 3}}}, "student.lora.rnak", "rank"),
        ({"teacher": {"budget": {"request": 3}}}, "teacher.budget.request", "requests"),
        ({"training": {"lambda_weight": 1}}, "training.lambda_weight", "prompt_weight"),
    ],
)
def test_an_unknown_key_is_refused_by_name_with_the_nearest(data, key, nearest):
    assert _refusal(TASK | data) == f"configuration: unknown key {key!r}; did you mean {nearest!r}?"


def test_a_key_in_the_wrong_section_is_told_its_place():
    told = _refusal(TASK | {"learning_rate": 2e-5, "student": {"batch_size": 8}})
    assert "unknown key 'learning_rate'; its place is training.learning_rate" in told
    places = "exam.batch_size or evaluation.batch_size or training.batch_size"
    assert f"unknown key 'student.batch_size'; its place is {places}" in told


def test_an_unknown_key_near_nothing_lists_the_keys_there_are():
    message = _refusal(TASK | {"teacher": {"budget": {"zzzz": 1}}})
    assert message.startswith("configuration: unknown key 'teacher.budget.zzzz'; the keys here are requests, ")
    assert message.endswith(", completion_tokens, tokens, usd")


def test_a_mistyped_section_is_told_beside_the_missing_one():
    message = _refusal({"tsak": {"name": "gsm8k"}})
    assert "task: field required" in message
    assert "did you mean 'task'?" in message


@pytest.mark.parametrize(
    ("data", "key", "found"),
    [
        ({"task": {}}, "task.name", None),
        ({"task": {"name": 3}}, "task.name", "3"),
        ({"task": None}, "task", "None"),
        ({"training": [1]}, "training", "[1]"),
        ({"task": {"name": "x", "validation": "many"}}, "task.validation", "'many'"),
        ({"task": {"name": "x", "validation": 0}}, "task.validation", "0"),
        ({"task": {"name": "x", "validation": True}}, "task.validation", "True"),
        ({"task": {"name": "x", "train": 1.5}}, "task.train", "1.5"),
        ({"task": {"name": "x", "train": 0}}, "task.train", "0"),
        ({"task": {"name": "x", "kind": "letter"}}, "task.kind", "'letter'"),
        ({"task": {"name": "x", "field": {"question": 1}}}, "task.field.question", "1"),
        ({"task": {"name": "x", "options": {"size": [1]}}}, "task.options.size", "[1]"),
        ({"student": {"weights": "half"}}, "student.weights", "'half'"),
        ({"student": {"lora": {"targets": "q_proj"}}}, "student.lora.targets", "'q_proj'"),
        ({"student": {"lora": {"targets": {"a": 1}}}}, "student.lora.targets", "{'a': 1}"),
        ({"student": {"lora": {"dropout": 1.0}}}, "student.lora.dropout", "1.0"),
        ({"student": {"few_shot": -1}}, "student.few_shot", "-1"),
        ({"teacher": {"kind": "human"}}, "teacher.kind", "'human'"),
        ({"teacher": {"budget": {"usd": -0.5}}}, "teacher.budget.usd", "-0.5"),
        ({"teacher": {"budget": {"requests": "5"}}}, "teacher.budget.requests", "'5'"),
        ({"exam": {"samples": True}}, "exam.samples", "True"),
        ({"exam": {"temperature": 0}}, "exam.temperature", "0"),
        ({"training": {"learning_rate": "fast"}}, "training.learning_rate", "'fast'"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate", "inf"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate", "nan"),
        ({"training": {"rejection_sampling": 1}}, "training.rejection_sampling", "1"),
        ({"rounds": {"max": -1}}, "rounds.max", "-1"),
        ({"rounds": {"min_gain": 1.0}}, "rounds.min_gain", "1.0"),
        ({"seed": "7"}, "seed", "'7'"),
        ({1: 2}, "1", "1"),
    ],
)
def test_a_value_of_the_wrong_type_or_range_is_refused_with_its_key(data, key, found):
    message = _refusal(TASK | data)
    assert message.startswith(f"configuration: {key}: ")
    if found is None:
        assert message.endswith("field required")
    else:
        assert message.endswith(f"(found {found})")


def test_three_faults_are_told_at_once_and_no_more():
    message = _refusal(TASK | {"seed": "x", "exam": {"samples": 0, "shard": 0, "batch_size": 0}})
    assert message.count("(found") == 3


@pytest.mark.parametrize(("data", "found"), [(None, "nothing"), ([], "list"), ("task", "str"), (3, "int")])
def test_what_is_not_sections_is_refused(data, found):
    assert _refusal(data) == f"configuration: expected sections such as `task:`, found {found}"


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("rounds.max=5", "rounds", "max", 5),
        (" rounds.max = 5", "rounds", "max", 5),
        ("training.learning_rate=3e-5", "training", "learning_rate", 3e-5),
        ("training.rejection_sampling=train", "training", "rejection_sampling", "train"),
        ("task.path=", "task", "path", None),
        ("task.name=a=b", "task", "name", "a=b"),
        ("teacher.base_url=http://localhost:1/v1", "teacher", "base_url", "http://localhost:1/v1"),
        ("teacher.budget={usd: 5}", "teacher", "budget", module.BudgetConfig(usd=5)),
        ("teacher.budget.usd=5", "teacher", "budget", module.BudgetConfig(usd=5)),
        ("student.lora.targets=[q_proj]", "student", "lora", module.LoraConfig(targets=["q_proj"])),
        ("task.options.max_animals=4", "task", "options", {"max_animals": 4}),
    ],
)
def test_an_override_wins_over_the_file(override, section, key, value):
    data = {"task": {"name": "gsm8k", "path": "data"}, "rounds": {"max": 1}, "teacher": {"budget": {"usd": 1}}}
    assert getattr(getattr(parse_config(data, [override]), section), key) == value


def test_overrides_leave_the_rest_and_the_given_data_alone():
    data = {"task": {"name": "gsm8k", "train": 9}, "teacher": {"budget": {"usd": 1.0, "tokens": 7}}}
    changed = parse_config(data, ["teacher.budget.usd=2", "task.train=8", "task.train=7"])
    assert changed.teacher.budget == module.BudgetConfig(usd=2, tokens=7)
    assert (changed.task.name, changed.task.train) == ("gsm8k", 7)
    assert data == {"task": {"name": "gsm8k", "train": 9}, "teacher": {"budget": {"usd": 1.0, "tokens": 7}}}


@pytest.mark.parametrize("override", ["rounds.max", "=5", "", "seed=[", "seed=a: b: c", "seed=!!python/name:os.system"])
def test_an_override_that_cannot_be_read_is_refused_by_name(override):
    assert _refusal(TASK, [override]).startswith(f"--set {override!r}: ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rounds.mxa=1", "unknown key 'rounds.mxa'; did you mean 'max'?"),
        ("round.max=1", "unknown key 'round'; did you mean 'rounds'?"),
        ("rounds.max=many", "rounds.max: input should be a valid integer (found 'many')"),
        ("task.name.first=1", "task.name: input should be a valid string (found {'first': 1})"),
    ],
)
def test_an_override_is_held_to_the_same_rules(override, message):
    assert _refusal(TASK, [override]) == f"configuration: {message}"


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "+1e-4", "1.0e-4", "0.0001", "1.e-4"])
def test_a_small_number_may_be_written_as_people_do(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(f"task: {{name: x}}\ntraining: {{learning_rate: {text}}}\n", encoding="utf-8")
    assert load_config(path).training.learning_rate == 1e-4


@pytest.mark.parametrize("text", ["1e-4x", "e4", "1e", "v1e4"])
def test_words_stay_words(text):
    assert parse_config(TASK, [f"student.model={text}"]).student.model == text


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "found nothing"),
        (b"# nothing yet\n", "found nothing"),
        (b"- task\n", "found list"),
        (b"gsm8k\n", "found str"),
        (b"task: {name: x}\nseed: 1\ntask: {name: y}\n", "is not YAML: 'task' stands twice.*line 3"),
        (b"task: {name: [\n", "is not YAML: .* at line 2, column 1"),
        (b"task: {name: x}\n\ttab: 1\n", "is not YAML"),
        (b"task: !!python/object:os.system x\n", "is not YAML"),
        (b"task: {name: \xff}\n", "cannot read .*'utf-8' codec"),
        (b"task: {nmae: x}\n", "unknown key 'task.nmae'; did you mean 'name'"),
    ],
)
def test_a_broken_file_is_refused_by_its_path(tmp_path, content, fault):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=fault) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_opened_is_refused_by_its_path(tmp_path, name):
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / name))):
        load_config(tmp_path / name)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbftask: {name: x}\n")
    assert load_config(path).task.name == "x"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12) | st.sampled_from(
    ["1e4", "1e-4", "null", "true", "0x1", "1_000", "12:30", "a: b", "# x", "- x", "yes", "=", "~", " x ", "é\n–"]
)
POSITIVE = st.floats(min_value=1e-12, max_value=1e30)
DATA = st.fixed_dictionaries(
    {
        "task": st.fixed_dictionaries(
            {"name": TEXT},
            optional={
                "path": st.none() | TEXT.filter(bool),
                "validation": st.integers(1, 10**9) | POSITIVE,
                "field": st.dictionaries(TEXT, TEXT, max_size=3),
                "options": st.dictionaries(TEXT, TEXT | st.booleans() | st.integers() | POSITIVE, max_size=3),
            },
        )
    },
    optional={
        "student": st.fixed_dictionaries({"lora": st.fixed_dictionaries({"targets": st.lists(TEXT, max_size=3)})}),
        "training": st.fixed_dictionaries(
            {"learning_rate": POSITIVE, "rejection_sampling": st.sampled_from(["none", "positives", "train"])}
        ),
        "seed": st.integers(0, 2**32 - 1),
    },
)


@settings(max_examples=60)
@given(data=DATA)
def test_what_is_dumped_loads_as_the_same_configuration(tmp_path_factory, data):
    config = parse_config(data)
    path = tmp_path_factory.mktemp("round-trip") / "config.yaml"
    path.write_text(dump_config(config), encoding="utf-8", newline="")
    assert load_config(path) == config


def test_a_dump_names_every_setting_in_the_order_of_the_sections():
    text = dump_config(parse_config(TASK))
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == list(RunConfig.model_fields)
    assert "  patience: 1\n" in text


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_setting_is_documented_beside_its_field(section):
    assert section.__doc__
    for name, field in section.model_fields.items():
        if field.annotation in SECTIONS:
            continue  # a section speaks for itself
        description = field.description or ""
        assert description.endswith("."), f"{section.__name__}.{name} has no sentence below it"
        assert len(description) > 10, f"{section.__name__}.{name} says too little: {description!r}"


def test_a_configuration_is_frozen():
    config = parse_config(TASK)
    with pytest.raises(ValidationError, match="frozen"):
        config.rounds.max = 9


def test_every_default_is_within_its_own_limits():
    data = parse_config(TASK).model_dump(mode="json")
    assert parse_config(data) == parse_config(TASK)


def _numbers(kind, prefix=""):
    """Every setting that is a number, by its dotted key."""
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _numbers(field.annotation, f"{prefix}{name}.")
        elif re.search(r"\b(int|float)\b", str(field.annotation)) and "Mapping" not in str(field.annotation):
            yield prefix + name


@pytest.mark.parametrize("key", list(_numbers(RunConfig)))
@pytest.mark.parametrize("value", ["1" + "0" * 40, "-1" + "0" * 40])
def test_every_number_has_a_bound_that_the_refusal_names(key, value):
    assert re.search(rf"^configuration: {key}: input should be .*than .* \(found ", _refusal(TASK, [f"{key}={value}"]))


@pytest.mark.parametrize(
    ("override", "bound"),
    [
        ("teacher.concurrency=1000000", "1024"),
        ("student.lora.rank=100000000", "4096"),
        ("teacher.max_tokens=100000000000000000000", "1000000"),
        ("rounds.max=100", "99"),
    ],
)
def test_what_is_beyond_a_bound_is_refused_with_it(override, bound):
    assert f"less than or equal to {bound} (found" in _refusal(TASK, [override])


REPAIR = "training.reflection=repair"


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        (["teacher.kind=openai"], ["teacher.model"]),
        (["teacher={kind: openai, model: m, budget: {usd: 1}}"], ["teacher.budget.usd", "teacher.price"]),
        (["teacher.kind=recorded"], ["teacher.path"]),
        (["teacher.feedback=repair"], ["teacher.feedback", "training.reflection"]),
        (
            [REPAIR, "training.reflection_weight=0", "teacher.feedback=repair"],
            ["teacher.feedback", "reflection_weight"],
        ),
        ([REPAIR, "teacher={feedback: repair, ask: question}"], ["teacher.feedback", "teacher.ask"]),
        ([REPAIR, "teacher={feedback: repair, kind: answers}"], ["teacher.feedback", "teacher.kind"]),
        ([REPAIR, "teacher={feedback: repair, explain: true}"], ["teacher.feedback", "teacher.explain"]),
        ([REPAIR, "training.data=round", "teacher.feedback=repair"], ["teacher.feedback", "training.data"]),
        (["student={weights: lora, lora: {targets: []}}"], ["student.lora.targets"]),
    ],
)
def test_settings_that_contradict_each_other_are_refused_by_name(overrides, settings):
    message = _refusal(TASK, overrides)
    assert all(setting in message for setting in settings)


@pytest.mark.parametrize(
    "override",
    [
        "teacher={kind: answer_key, budget: {usd: 1}}",
        "student.lora.targets=[]",
        REPAIR,
    ],
)
def test_what_has_no_say_contradicts_nothing(override):
    parse_config(TASK, [override])


@pytest.mark.parametrize("text", ['"a\\0b"', '"\\ud800"'])
@pytest.mark.parametrize("key", ["task.path", "student.model", "teacher.ledger", "task.field.question"])
def test_characters_that_no_name_has_are_refused(key, text):
    assert f"{key}: " in _refusal(TASK, [f"{key}={text}"])


def test_a_file_without_end_or_nested_without_end_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="more than 1,000,000 characters"):
        load_config("/dev/zero")
    path = tmp_path / "deep.yaml"
    path.write_text("[" * 5000, encoding="utf-8")
    with pytest.raises(ConfigError, match="nested too deep"):
        load_config(path)
