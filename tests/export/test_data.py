"""Rationales, pairs and splits in the forms of trainers, read again by `datasets`."""

import json
import resource
import tarfile
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.export.made import ODD, RIGHT, WRONG, ended, made_run, replied, sat, train_problems, trained, two_rounds
from tutelage.errors import ConfigError, RunError
from tutelage.export.export import export_run
from tutelage.records import SPLITS, Attempt, Feedback, Problem, TrainingExample, WorkedExample
from tutelage.runs.files import write_json
from tutelage.student.prompts import plain_prompt
from tutelage.tasks.catalog import load_task


@pytest.fixture
def run(tmp_path) -> Path:
    return two_rounds(tmp_path / "mine")


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def exported(run: Path, form: str, out: Path | None = None, **options) -> Path:
    out = out or run.parent / form
    export_run(run, form, out, **options)  # pyright: ignore[reportArgumentType]
    return out


def test_prompts_and_completions_are_those_of_the_training(run):
    one, two, *_ = train_problems(run)
    found = rows(exported(run, "trl-sft") / "train.jsonl")
    assert found == [
        {"prompt": f"Question: {one.text}\nAnswer:", "completion": " a\nThe answer is 1."},
        {"prompt": f"Question: {two.text}\nAnswer:", "completion": f" {ODD}"},
        {"prompt": f"Question: {one.text}\nAnswer:", "completion": " b\nThe answer is 1."},
    ]


def test_a_pair_is_a_rationale_beside_a_mistake(run):
    one, two, *_ = train_problems(run)
    ask = {problem.id: plain_prompt((), problem.text) for problem in (one, two)}
    assert rows(exported(run, "trl-dpo") / "train.jsonl") == [
        {"prompt": ask[one.id], "chosen": " b\nThe answer is 1.", "rejected": " wrong"},
        {"prompt": ask[one.id], "chosen": " b\nThe answer is 1.", "rejected": f" {ODD}!"},
        {"prompt": ask[two.id], "chosen": f" {ODD}", "rejected": " off"},
    ]


def test_before_its_end_rows_are_as_the_run_asks_since_it_began(tmp_path):
    run = two_rounds(tmp_path / "mine", prompt="auto")
    marker = run / "run.json"
    write_json(marker, {**json.loads(marker.read_text()), "asked": {"prompt": "chat", "why": "it was so then"}})
    first, *_ = rows(exported(run, "trl-sft") / "train.jsonl")
    assert first["completion"] == [{"role": "assistant", "content": "a\nThe answer is 1."}]


def test_a_student_of_chats_has_its_rows_as_chats(run):
    one, *_ = train_problems(run)
    student = {"prompt": "chat", "examples": [{"question": "1 + 1?", "rationale": "The answer is 2."}]}
    write_json(run / "student" / "tutelage.json", student)
    row = rows(exported(run, "trl-sft") / "train.jsonl")[0]
    assert [turn["role"] for turn in row["prompt"]] == ["user", "assistant", "user"]
    assert row["prompt"][-1]["content"] == one.text
    assert row["completion"] == [{"role": "assistant", "content": "a\nThe answer is 1."}]
    plain = rows(exported(run, "trl-sft", run.parent / "plain", prompt="plain") / "train.jsonl")[0]
    assert plain["prompt"] == plain_prompt([WorkedExample("1 + 1?", "The answer is 2.")], one.text)


def test_a_stopped_run_is_asked_as_its_settings_say(tmp_path):
    run = two_rounds(tmp_path / "mine", few_shot=2)
    assert rows(exported(run, "trl-sft") / "train.jsonl")[0]["prompt"].count("Question:") == 3


def test_splits_that_have_worked_solutions_come_with_them(run):
    said = list[str]()
    out = exported(run, "messages", say=said.append)
    assert len(rows(out / "validation.jsonl")) == 3
    assert len(rows(out / "test.jsonl")) == 4
    assert rows(out / "test.jsonl")[0]["messages"][1]["content"].splitlines()[-1].startswith("The answer is ")
    assert said == []
    lines = (run / "problems.jsonl").read_text().splitlines()
    bare = [json.loads(line) for line in lines]
    for row in bare[-2:]:
        row["problem"]["rationale"] = None
    (run / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare))
    assert len(rows(exported(run, "alpaca", say=said.append) / "test.jsonl")) == 2
    assert said == ["2 of 4 test problems have no worked solution and are left out"]


def test_a_system_message_is_one_where_there_are_messages(run):
    problem = Problem.of("1 + 1?", "2", system="Add.")
    trained(run, 0, [TrainingExample(problem, "b\nThe answer is 2.", (), ("no",))])
    trained(run, 1, [])
    first = {
        form: rows(exported(run, form) / "train.jsonl")[0] for form in ("messages", "sharegpt", "alpaca", "trl-sft")
    }
    assert [turn["role"] for turn in first["messages"]["messages"]] == ["system", "user", "assistant"]
    assert [turn["from"] for turn in first["sharegpt"]["conversations"]] == ["system", "human", "gpt"]
    assert first["alpaca"]["instruction"] == "Add.\n\n1 + 1?"
    assert first["trl-sft"]["prompt"] == "Add.\n\nQuestion: 1 + 1?\nAnswer:"


def test_a_system_message_has_a_column_in_alpaca(tmp_path):
    data = [
        {"instruction": f"{n} + 1?", "output": f"The answer is {n + 1}.", "system": "Add." if n % 2 else None}
        for n in range(12)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    run = made_run(tmp_path / "mine", task={"name": "custom", "path": str(tmp_path / "rows.jsonl")})
    learnt = {problem.question: problem for problem in train_problems(run)}
    trained(run, 0, [TrainingExample(problem, "b\nThe answer is 2.", (), ("no",)) for problem in learnt.values()])
    out = exported(run, "alpaca")
    described = json.loads((out / "dataset_info.json").read_text())
    for name in ("train.jsonl", "pairs.jsonl"):
        written = rows(out / name)
        assert {row["instruction"]: row["system"] for row in written} == {
            question: problem.system for question, problem in learnt.items()
        }
        assert {row["system"] for row in written} == {"Add.", None}
    for one in described.values():
        assert rows(out / one["file_name"])[0].keys() == set(one["columns"].values())
        assert one["columns"]["system"] == "system"
    again = load_task("custom", path=str(out / "train.jsonl"))
    assert {each.question: each.system for split in SPLITS for each in again.problems(split)} == {
        question: problem.system for question, problem in learnt.items()
    }


def test_a_corrected_mistake_is_a_lesson_and_no_pair(run):
    one, *_ = train_problems(run)
    trained(run, 0, [TrainingExample(one, "It is 3 × 4.\nThe answer is 12.", corrects="3 + 4 = 7")])
    trained(run, 1, [])
    [row] = rows(exported(run, "alpaca") / "train.jsonl")
    assert "This answer is wrong:\n3 + 4 = 7" in row["instruction"]
    with pytest.raises(RunError, match=r"no mistake beside a rationale yet: .*; `tutelage run .*` goes on with it"):
        exported(run, "trl-dpo")
    ended(run)
    with pytest.raises(RunError, match=r"no mistake beside a rationale yet: .*; start the run again with a larger rou"):
        exported(run, "trl-dpo")


def test_mistakes_of_a_run_with_repairs_stand_beside_older_rationales(tmp_path):
    run = made_run(tmp_path / "mine", training={"reflection": "repair"})
    one, two, three, *_ = train_problems(run)
    old = [TrainingExample(one, "a\nThe answer is 1."), TrainingExample(two, "b\nThe answer is 2.")]
    trained(run, 0, old)
    trained(run, 1, [*old, TrainingExample(one, "put right", corrects="worse")])
    sat(
        run,
        1,
        [
            Attempt(one.id, 0, " worse", WRONG, "stop", 3),
            Attempt(one.id, 1, " cut", WRONG, "length", 3),
            Attempt(two.id, 0, " well", RIGHT, "stop", 3),
            Attempt(three.id, 0, " no rationale", WRONG, "stop", 3),
        ],
    )
    [row] = rows(exported(run, "trl-dpo", prompt="chat") / "train.jsonl")
    assert [row[key][0]["content"] for key in ("prompt", "chosen", "rejected")] == [
        one.text,
        "a\nThe answer is 1.",
        "worse",
    ]


def test_an_exam_whose_attempts_were_all_cut_says_why_there_is_no_pair(tmp_path):
    run = made_run(tmp_path / "mine")
    one, *_ = train_problems(run)
    trained(run, 0, [TrainingExample(one, "a\nThe answer is 1.")])
    sat(run, 1, [Attempt(one.id, 0, " cut", WRONG, "length", 3)])
    with pytest.raises(RunError, match=r"attempts that were cut at exam\.max_new_tokens are none"):
        exported(run, "trl-dpo")


FORMS = {
    "trl-sft": lambda row: row["completion"].strip(),
    "messages": lambda row: row["messages"][1]["content"],
    "alpaca": lambda row: row["output"],
    "sharegpt": lambda row: row["conversations"][1]["value"],
}


@pytest.mark.parametrize("form", FORMS)
def test_datasets_reads_every_form_as_its_splits(run, form, monkeypatch, tmp_path):
    datasets = pytest.importorskip("datasets")
    out = exported(run, form)
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 3, "validation": 3, "test": 4}
    assert [FORMS[form](row) for row in loaded["train"]] == ["a\nThe answer is 1.", ODD, "b\nThe answer is 1."]


def test_preferences_of_swift_llama_factory_and_axolotl(run):
    swift = rows(exported(run, "messages") / "pairs.jsonl")[-1]
    assert (swift["messages"][1], swift["rejected_response"]) == ({"role": "assistant", "content": ODD}, "off")
    alpaca = rows(exported(run, "alpaca") / "pairs.jsonl")[-1]
    assert (alpaca["input"], alpaca["chosen"], alpaca["rejected"]) == ("", ODD, "off")
    sharegpt = rows(exported(run, "sharegpt") / "pairs.jsonl")[-1]
    assert [turn["from"] for turn in sharegpt["conversations"]] == ["human"]
    assert (sharegpt["chosen"], sharegpt["rejected"]["value"]) == ({"from": "gpt", "value": ODD}, "off")
    axolotl = rows(exported(run, "trl-dpo", prompt="chat") / "train.jsonl")[-1]
    turns = [*axolotl["prompt"], *axolotl["chosen"], *axolotl["rejected"]]  # of role and content, the keys it reads
    assert [turn["role"] for turn in turns] == ["user", "assistant", "assistant"]
    assert [turn["content"] for turn in turns[1:]] == [ODD, "off"]


@pytest.mark.parametrize("form", ["messages", "alpaca", "sharegpt"])
def test_llama_factory_finds_the_files_and_their_columns(run, form):
    out = exported(run, form)
    described = json.loads((out / "dataset_info.json").read_text())
    assert described.keys() >= {"mine", "mine_validation", "mine_test"}
    for one in described.values():
        first = rows(out / one["file_name"])[0]
        assert first.keys() == set(one["columns"].values())
        assert one.get("ranking", False) == (one["file_name"] == "pairs.jsonl")


def test_verl_has_all_problems_with_their_answers_and_the_reward(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = exported(run, "verl")
    train = parquet.read_table(out / "train.parquet").to_pylist()
    assert [row["prompt"][0]["content"] for row in train] == [problem.text for problem in train_problems(run)]
    assert train[0]["reward_model"] == {"style": "rule", "ground_truth": train_problems(run)[0].answer}
    assert [len(parquet.read_table(out / f"{name}.parquet")) for name in ("validation", "test", "sft")] == [3, 4, 3]
    reward = grader_of(out)
    for row in train:
        truth = row["reward_model"]["ground_truth"]
        assert reward.compute_score(row["data_source"], f"The answer is {truth}.", truth, row["extra_info"]) == 1
        assert reward.compute_score(row["data_source"], "The answer is 1001.", truth, row["extra_info"]) == 0


def test_a_round_that_is_not_trained_gives_its_replies(run):
    one, two, three, *_ = train_problems(run)
    sat(run, 2, [Attempt(one.id, 0, " cut off", WRONG, "length", 9), Attempt(two.id, 0, " mine", WRONG, "stop", 9)])
    replies = [
        Feedback(one.id, 0, " cut off", "new one", RIGHT),
        Feedback(two.id, 0, " mine", "new two", RIGHT, explanation="Legs are missing."),
        Feedback(three.id, 0, " else", "of no use", WRONG),
    ]
    replied(run, 2, replies)
    with (run / "round-02" / "feedback.jsonl").open("a") as file:
        file.write('{"problem_id": "torn')
    said = list[str]()
    texts = [row["output"] for row in rows(exported(run, "alpaca", say=said.append) / "train.jsonl")]
    assert texts[3:] == ["new one", "new two", "Legs are missing.\nnew two"]
    assert said == ["round 2 is not trained yet: the teacher's right replies are taken as they are"]
    assert [row["rejected"] for row in rows(run.parent / "alpaca" / "pairs.jsonl")][3:] == ["mine"]


def test_what_a_run_lacks_is_told_with_the_remedy(tmp_path, run):
    fresh = made_run(tmp_path / "fresh")
    with pytest.raises(RunError, match=r"fresh has no rationale yet: .*; `tutelage run .*config.yaml --out .*fresh`"):
        exported(fresh, "messages")
    assert not (tmp_path / "messages").exists()
    with pytest.raises(RunError, match="is not a run directory"):
        exported(tmp_path, "messages")
    out = exported(run, "messages")
    with pytest.raises(ConfigError, match="is there already; name a new place, or remove it"):
        exported(run, "messages", out)
    with pytest.raises(ConfigError, match="--prompt chat has no say in the form alpaca"):
        exported(run, "alpaca", prompt="chat")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "messages", "mine"]


def test_problems_that_an_earlier_version_did_not_keep_are_loaded_again(tmp_path):
    run = two_rounds(tmp_path / "mine")
    (run / "problems.jsonl").unlink()
    assert len(rows(exported(run, "messages") / "test.jsonl")) == 4
    marked = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**marked, "data": "of another time"}))
    said = list[str]()
    assert not (exported(run, "alpaca", say=said.append) / "test.jsonl").exists()
    assert said[0].startswith("validation and test are left out: ")
    assert "its task has other problems now" in said[0]


def test_a_run_of_version_0_1(tmp_path):
    with tarfile.open(Path(__file__).parents[1] / "data" / "run-0.1.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    [root] = [mark.parent for mark in tmp_path.rglob("run.json")]
    assert rows(exported(root, "messages", tmp_path / "out") / "train.jsonl")


def test_more_rows_than_a_block(run):
    one, *_ = train_problems(run)
    trained(run, 0, [TrainingExample(one, f"{number}") for number in range(2500)])
    trained(run, 1, [TrainingExample(one, f"{number}") for number in range(2400, 2600)])
    assert [row["output"] for row in rows(exported(run, "alpaca") / "train.jsonl")] == [str(n) for n in range(2600)]


def test_the_command(run, tmp_path):
    told = tutelage("export", run, "--format", "messages", "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert f"{tmp_path / 'out' / 'train.jsonl'}: 3 rows" in told.output
    again = tutelage("export", run, "--format", "messages", "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert again.output.startswith("error: --out")


def grader_of(folder: Path):
    import importlib.util

    spec = importlib.util.spec_from_file_location("reward", folder / "grade.py")
    assert spec is not None
    assert spec.loader is not None
    reward = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reward)
    return reward


def test_a_benchmark_is_graded_as_in_its_run(tmp_path):
    pytest.importorskip("pyarrow")
    solved = [{"problem": f"{n} + x?", "solution": f"$\\boxed{{x+{n}}}$", "answer": f"x+{n}"} for n in range(1, 9)]
    (tmp_path / "math").mkdir()
    for name, part in (("train", solved[:4]), ("test", solved[4:])):
        (tmp_path / "math" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    run = made_run(tmp_path / "mine", task={"name": "math_500", "path": str(tmp_path / "math")})
    reward = grader_of(exported(run, "verl"))
    assert reward.compute_score("", "The answer is $5+x$.", "x+5") == 1
    assert reward.compute_score("", "The answer is $6+x$.", "x+5") == 0


def test_a_grader_of_the_users_own_is_found_from_anywhere(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def grade(problem, text):\n    return text == problem.answer\n")
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"question": f"{n}?", "answer": f"{n}"}) + "\n" for n in range(9))
    )
    task = {"name": "custom", "path": "rows.jsonl", "grader": "mine.py:grade"}
    out = exported(made_run(tmp_path / "mine", task=task), "verl", tmp_path / "out")
    monkeypatch.chdir(out)
    reward = grader_of(out)
    assert (reward.compute_score("", "4", "4"), reward.compute_score("", "four", "4")) == (1, 0)


def test_a_step_put_right_is_no_rationale(run):
    one, two, *_ = train_problems(run)
    whole = Feedback(one.id, 0, " mine", "a whole one", RIGHT)
    replied(run, 2, [whole, Feedback(two.id, 0, " mine", "3 × 4 = 12", RIGHT, step="3 × 4 = 13")])
    assert rows(exported(run, "alpaca") / "train.jsonl")[3:][0]["output"] == "a whole one"
    assert len(rows(run.parent / "alpaca" / "train.jsonl")) == 4
    assert [row["rejected"] for row in rows(run.parent / "alpaca" / "pairs.jsonl")][3:] == ["mine"]


def test_a_file_that_the_system_refuses_is_not_told_as_missing(run):
    one, *_ = train_problems(run)
    trained(run, 1, [TrainingExample(one, "b\nThe answer is 1.", (), ("long " * 50_000,))])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunError, match="allows no file of this size"):
            exported(run, "messages")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (run.parent / "messages").exists()
