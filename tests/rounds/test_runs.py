"""Whole runs of a tiny real student, in this process: the loop with every part of it real.

Figures and texts of two runs are equal on one machine; another may round otherwise and draw another token.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import load_file
from transformers import BloomConfig

from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tests.student.architectures import build
from tests.student.doubles import EXACT, students_in_doubles
from tests.student.tiny import tiny_student
from tools.schema import result_schema
from tutelage.api import run
from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, RunError, StudentError, TeacherError
from tutelage.records import Attempt, Feedback
from tutelage.report.progress import Show
from tutelage.run_records import RunResult
from tutelage.runs.files import read_rows
from tutelage.runs.finished import read_result
from tutelage.student.model import LoadedModel, save_student
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.testing import Fault, answer_key_endpoint

pytestmark = pytest.mark.slow

TIMES = frozenset({"seconds", "tokens_per_second", "peak_memory"})


def timeless(value, without=TIMES):
    """A result without what is measured by the clock."""
    if isinstance(value, dict):
        return {key: timeless(inner, without) for key, inner in value.items() if key not in without}
    return [timeless(inner, without) for inner in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory) -> Path:
    """The folder of a whole run, once for all: tests read it, or go on in a copy of their own."""
    return made_once(tmp_path_factory, "two-rounds", lambda folder: run(two_rounds(tiny), folder / "run")) / "run"


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """A finished run of this test's own."""
    return shutil.copytree(finished, tmp_path / "run")


def result_of(root: Path) -> RunResult:
    found = read_result(root)
    assert found is not None
    return found


def test_a_whole_run(finished):
    result, root = result_of(finished), finished
    assert [row.round for row in result.rounds] == [0, 1, 2]
    assert result.stopped_because == "all rounds are done"
    first, second, third = result.rounds
    assert first.exam is None
    assert second.exam is not None
    assert (second.exam.attempts, second.exam.mistakes) == (12, 12)
    assert first.teacher.replies_used == first.training.examples == 6
    assert third.training.examples >= second.training.examples > 6  # the data of all rounds so far
    assert (first.validation.n, result.test.before.n, result.test.after.n) == (3, 4, 4)
    written = json.loads((root / "result.json").read_text())
    assert written == json.loads(json.dumps(dataclasses.asdict(result)))
    assert set(written["rounds"][1]) >= {"round", "validation", "exam", "teacher", "training", "work", "seconds"}
    assert set(written["rounds"][1]["training"]) >= {
        "examples",
        "row_tokens",
        "computed_tokens",
        "padded_tokens",
        "loss",
    }
    assert set(written["test"]["after"]) == {"accuracy", "low", "high", "n"}
    assert len(read_rows(root / "round-01" / "exam.jsonl", Attempt)) == 12
    assert len(read_rows(root / "round-01" / "feedback.jsonl", Feedback)) == second.teacher.requests
    assert {path.name for path in (root / "student").iterdir()} >= {"model.safetensors", "config.json", "README.md"}
    assert not list(root.glob("round-*/checkpoints"))
    assert not list(root.rglob("*.part"))


def test_the_result_is_as_its_schema_says(finished):
    judge = jsonschema.Draft202012Validator(result_schema())
    judge.check_schema(judge.schema)
    written = json.loads((finished / "result.json").read_text())
    judge.validate(written)
    assert next(iter(written)) == "version"
    first = json.loads(Path(__file__).with_name("result_of_0_1.json").read_text(encoding="utf-8"))
    assert "version" not in first  # it is of Tutelage 0.1
    judge.validate(first)
    for broken in ({**written, "version": "2.0.0"}, {**written, "rounds": [{}]}, {**written, "best_round": "last"}):
        assert not judge.is_valid(broken)


def test_every_stage_says_what_it_cost(finished):
    written = json.loads((finished / "result.json").read_text())
    stages = {f"{row['round']}: {name}": cost for row in written["rounds"] for name, cost in row["work"].items()}
    learning = {"0: annotation", "0: training"} | {f"{n}: {name}" for n in (1, 2) for name in ("feedback", "training")}
    answering = {"1: exam", "2: exam", *(f"{n}: evaluation" for n in range(3))}
    assert stages.keys() == learning | answering
    assert written["work"].keys() == {"test-before", "test-after"}
    for name, cost in {**stages, **written["work"]}.items():
        assert cost["seconds"] > 0, name
        assert 0 <= cost["padding"] < 1, name
        assert cost["peak_memory"] > 10**8, name  # of the whole process
        assert cost["tokens_per_second"] == pytest.approx(cost["tokens"] / cost["seconds"], rel=0.1, abs=0.1), name
        assert cost["tokens"] > 0 or "annotation" in name or "feedback" in name, name  # the answer key writes for free
    attempts = read_rows(finished / "round-01" / "exam.jsonl", Attempt)
    assert stages["1: exam"]["tokens"] == sum(attempt.tokens for attempt in attempts)
    training = written["rounds"][1]["training"]
    assert stages["1: training"]["tokens"] == training["row_tokens"] > training["computed_tokens"] > 0
    assert stages["1: training"]["padding"] == 0.0


@pytest.mark.parametrize("left", [0, 5, 12], ids=["at its beginning", "in the middle", "before it was marked as done"])
def test_an_exam_that_was_stopped_goes_on_with_the_same_answers(config, copied, left):
    root, first = copied, result_of(copied)
    path, stages = root / "round-01" / "exam.jsonl", root / "round-01" / "stages.json"
    attempts, asked = sorted(path.read_text().splitlines()), (root / "round-01" / "feedback.jsonl").read_text()
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:left]))
    entries = json.loads(stages.read_text())
    entries["exam"] = {"key": entries["exam"]["key"], "done": False}
    stages.write_text(json.dumps(entries))
    (root / "result.json").unlink()
    again = run(config, root)
    assert sorted(path.read_text().splitlines()) == attempts
    assert (root / "round-01" / "feedback.jsonl").read_text() == asked
    without = TIMES | {"work"}
    assert timeless(dataclasses.asdict(again), without) == timeless(dataclasses.asdict(first), without)


def test_the_way_of_computing_changes_no_answer(config, tmp_path):
    """Our engine or `generate`, few rows or many, packed or padded."""
    config = changed(config, rounds={"max": 1})
    other = changed(
        config,
        student={"engine": "generate"},
        exam={"batch_size": 2, "shard": 1},
        evaluation={"batch_size": 1},
        training={"packing": "never", "micro_batch_tokens": 2000},
    )
    with students_in_doubles():
        ours, theirs = run(config, tmp_path / "ours"), run(other, tmp_path / "theirs")
    for name in ("annotation", "exam", "feedback", "evaluation"):
        for round in (0, 1):
            path = f"round-0{round}/{name}.jsonl"
            if (tmp_path / "ours" / path).exists():
                rows = [sorted((tmp_path / side / path).read_text().splitlines()) for side in ("ours", "theirs")]
                assert rows[0] == rows[1], path
    for one, two in zip(ours.rounds, theirs.rounds, strict=True):
        assert one.training.loss == pytest.approx(two.training.loss, rel=EXACT)
        assert (one.training.padded_tokens, one.training.row_tokens) == (0, two.training.row_tokens)
        assert two.training.padded_tokens > 0


@pytest.mark.parametrize("weights", ["full", "lora"])
def test_a_run_in_bfloat16(config, tmp_path, weights):
    config = changed(
        config,
        task={"train": 3, "validation": 2, "test": 2},
        student={"dtype": "bfloat16", "weights": weights},
        exam={"samples": 1},
        training={"epochs": 1},
        rounds={"max": 1},
    )
    result = run(config, tmp_path / "run")
    assert len(result.rounds) == 2
    for model in (tmp_path / "run").rglob("model.safetensors"):
        assert {weight.dtype for weight in load_file(model).values()} == {torch.float32}
    one, two = (timeless(dataclasses.asdict(each)) for each in (result, run(config, tmp_path / "again")))
    assert one == two


def test_a_student_that_cannot_be_packed_is_taught_all_the_same_and_it_is_said(config, tmp_path):
    student = tiny_student()
    bloom = BloomConfig(vocab_size=len(student.tokenizer), hidden_size=32, n_layer=2, n_head=4)
    save_student(LoadedModel(build(bloom, torch.float32), student.tokenizer), tmp_path / "bloom")
    told: list[str] = []
    show = Show(quiet=True)
    show.say = told.append
    settings = changed(config, student={"model": str(tmp_path / "bloom")}, rounds={"max": 1})
    result = run(settings, tmp_path / "run", show)
    assert result.rounds[1].training.padded_tokens > 0
    assert sum("sampled by `generate`" in line for line in told) >= 1
    assert sum("trains on padded rows" in line for line in told) == 2  # once a round
    for setting, message in [
        ({"training": {"packing": "always"}}, "packing is 'always'"),
        ({"student": {"engine": "shared-prefix"}}, "engine is 'shared-prefix'"),
    ]:
        with pytest.raises(StudentError, match=message):
            run(changed(settings, **setting), tmp_path / message[:7])


def test_what_is_noted_of_the_data_is_said_once_at_the_start_of_a_run(config, tmp_path):
    rows = [{"question": f"{n} + 9?", "answer": f"{n + 9} pens", "rationale": f"{n} + 9 = {n + 9}"} for n in range(12)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = TaskConfig(name="custom", path=str(tmp_path / "data.jsonl"))
    told: list[str] = []
    show = Show(quiet=True)
    show.say = told.append
    for most in (0, 1):
        run(changed(config.model_copy(update={"task": task}), rounds={"max": most}), tmp_path / "run", show)
    assert [line for line in told if line.startswith("note: ")] == [
        f"note: {note}" for note in open_task(task).report.told
    ]
    assert any("numbers with a unit" in line for line in told)


def test_a_finished_run_is_only_read(config, copied, monkeypatch):
    monkeypatch.setattr("tutelage.assemble.open_context", None)  # nothing may be built
    assert run(config, copied) == result_of(copied)


def test_a_run_can_be_made_longer_and_two_runs_are_alike(config, finished, tmp_path):
    short = run(changed(config, rounds={"max": 1}), tmp_path / "run")
    stamp = (tmp_path / "run" / "round-01" / "steps.jsonl").stat().st_mtime_ns
    longer = run(config, tmp_path / "run")
    assert longer.rounds[:2] == short.rounds
    assert timeless(dataclasses.asdict(longer)) == timeless(dataclasses.asdict(result_of(finished)))
    assert len(longer.rounds) == 3
    card = (tmp_path / "run" / "student" / "README.md").read_text()
    assert sum(line.startswith(("| 0 |", "| 1 |", "| 2 |")) for line in card.splitlines()) == 3
    assert (tmp_path / "run" / "round-01" / "steps.jsonl").stat().st_mtime_ns == stamp  # it was not trained again


def test_work_that_was_taken_away_is_done_again_and_no_more(config, copied):
    root, first = copied, result_of(copied)
    (root / "result.json").unlink()
    shutil.rmtree(root / "round-02")
    exam = (root / "round-01" / "exam.jsonl").stat().st_mtime_ns
    assert timeless(dataclasses.asdict(run(config, root))) == timeless(dataclasses.asdict(first))
    assert (root / "round-01" / "exam.jsonl").stat().st_mtime_ns == exam


def test_other_settings_are_refused_and_nothing_is_lost(config, copied):
    root = copied
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"training\.epochs: 2 is now 5"):
        run(changed(config, training={"epochs": 5}), root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


def test_lora_and_chat_and_few_shots_run_too(config, tmp_path):
    settings = changed(config, student={"weights": "lora", "prompt": "chat", "few_shot": 2}, rounds={"max": 1})
    run(settings, tmp_path / "run")
    asking = json.loads((tmp_path / "run" / "student" / "tutelage.json").read_text())
    assert asking["prompt"] == "chat"
    assert len(asking["examples"]) == 2
    with pytest.raises(ConfigError, match=r"few_shot is 99, but task 'leg_counting' has \d worked examples"):
        run(changed(config, student={"few_shot": 99}), tmp_path / "other")


def test_a_teacher_that_can_teach_nothing_is_an_error_in_round_0(config, tmp_path):
    (tmp_path / "recorded.jsonl").write_text('{"question": "Another?", "rationale": "It is 3."}\n')
    settings = changed(config, teacher={"kind": "recorded", "path": str(tmp_path / "recorded.jsonl")})
    with pytest.raises(TeacherError, match=r"none of the teacher's 6 replies can be used .*no rationale recorded"):
        run(settings, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"teacher\.path"):
        run(changed(config, teacher={"kind": "recorded"}), tmp_path / "other")
    assert run(changed(config, rounds={"max": 0}), tmp_path / "other").rounds  # nothing had been done there


def test_a_loss_that_is_not_finite_ends_in_one_line_and_goes_on_from_the_same_place(config, tmp_path):
    wild = changed(config, training={"learning_rate": 1e30, "epochs": 9})
    with pytest.raises(StudentError, match="the loss is not finite at step"):
        run(wild, tmp_path / "run")
    assert (tmp_path / "run" / "round-00" / "annotation.jsonl").exists()


def test_a_budget_ends_the_run_with_what_was_bought_and_more_money_goes_on(config, tmp_path):
    problems = open_task(config.task).problems("train")
    with answer_key_endpoint(problems) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url}
        capped = changed(
            config, teacher={**teacher, "budget": config.teacher.budget.model_copy(update={"requests": 8})}
        )
        result = run(capped, tmp_path / "run")
        assert result.stopped_because == "the teacher's budget is spent"
        assert len(endpoint.requests) == 8 == sum(row.teacher.requests for row in result.rounds)
        assert [row.teacher.replies_used for row in result.rounds] == [6, 2]
        assert run(capped, tmp_path / "run") == result
        richer = changed(capped, teacher={"budget": config.teacher.budget})
        more = run(richer, tmp_path / "run")
    assert more.stopped_because == "all rounds are done"
    assert more.rounds[0].teacher == result.rounds[0].teacher
    assert more.rounds[1].teacher.replies_used == 6
    assert len(endpoint.requests) == sum(row.teacher.requests for row in more.rounds)


def test_a_budget_for_nothing(config, tmp_path):
    with answer_key_endpoint([]) as endpoint:
        budget = config.teacher.budget.model_copy(update={"requests": 0})
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "budget": budget}
        with pytest.raises(ConfigError, match=r"no room for the first request, which may take up to 1 request;"):
            run(changed(config, teacher=teacher), tmp_path / "run")
    assert endpoint.requests == []


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_request_that_is_refused_alone_ends_no_run(config, tmp_path, status):
    problems = open_task(config.task).problems("train")
    fault = Fault.http(status)
    with answer_key_endpoint(problems, faults=lambda number, body: fault if number >= 4 else None) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "concurrency": 1, "retries": 0}
        result = run(changed(config, teacher=teacher, rounds={"max": 0}), tmp_path / "run")
    assert result.rounds[0].teacher.replies_used == 4
    assert sum(result.rounds[0].teacher.failures.values()) == 2


@pytest.mark.parametrize(("fault", "message"), [(Fault.http(401), "401"), (Fault.http(404), "404")])
def test_an_endpoint_that_refuses_loses_nothing(config, tmp_path, fault, message):
    problems = open_task(config.task).problems("train")
    with answer_key_endpoint(problems, faults=lambda number, body: fault if number >= 4 else None) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "concurrency": 1, "retries": 0}
        with pytest.raises(TeacherError, match=message):
            run(changed(config, teacher=teacher, rounds={"max": 0}), tmp_path / "run")
    bought = read_rows(tmp_path / "run" / "round-00" / "annotation.jsonl", Feedback)
    assert len([row for row in bought if row.verdict.correct]) == 4


def test_an_endpoint_that_keeps_failing_ends_the_run_until_it_is_well_again(config, tmp_path):
    problems = open_task(config.task).problems("train")
    ills = [Fault.http(500), Fault.http(429), Fault.html(), Fault.garbage(), Fault.empty()]
    with answer_key_endpoint(problems, faults=lambda number, body: ills[0] if ills else None) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "retries": 0}
        settings = changed(config, teacher=teacher, rounds={"max": 0})
        while ills:
            with pytest.raises(TeacherError):
                run(settings, tmp_path / "run")
            assert not (tmp_path / "run" / "round-00" / "model").exists()
            ills.pop(0)
        result = run(settings, tmp_path / "run")
    assert result.rounds[0].teacher.replies_used == 6


def test_requests_that_all_failed_are_asked_again(config, tmp_path):
    config = changed(config, task={"train": 2}, rounds={"max": 0})
    problems, ill = open_task(config.task).problems("train"), True
    with answer_key_endpoint(problems, faults=lambda number, body: Fault.http(500) if ill else None) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url, "retries": 0}
        config = changed(config, teacher=teacher)
        with pytest.raises(TeacherError, match="round 0 cannot begin: none of the teacher's 2 replies can be used"):
            run(config, tmp_path / "run")
        assert len(read_rows(tmp_path / "run" / "round-00" / "failed.jsonl", Feedback)) == 2
        ill = False
        assert run(config, tmp_path / "run").rounds[0].teacher.replies_used == 2
    assert not (tmp_path / "run" / "round-00" / "failed.jsonl").exists()


def test_rounds_by_lora_leave_adapters_and_a_run_that_goes_on_is_the_same(config, tmp_path):
    config = changed(config, student={"weights": "lora", "lora": {"rank": 2}}, rounds={"keep": "all"})
    whole = run(config, tmp_path / "whole")
    run(changed(config, rounds={"max": 1}), tmp_path / "run")
    again = run(config, tmp_path / "run")
    assert timeless(dataclasses.asdict(again)["rounds"], TIMES | {"work"}) == timeless(
        dataclasses.asdict(whole)["rounds"], TIMES | {"work"}
    )
    for root in (tmp_path / "run", tmp_path / "whole"):
        for number in range(3):
            names = {path.name for path in (root / f"round-0{number}" / "model").iterdir()}
            assert names == {"adapter_config.json", "adapter_model.safetensors"}
        assert (root / "student" / "adapter" / "adapter_model.safetensors").is_file()
        assert not list(root.glob(".served-*"))
    ours, theirs = (load_file(tmp_path / side / "student" / "model.safetensors") for side in ("run", "whole"))
    assert all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
