import json
import subprocess
import sys

import pytest

from tutelage.config.file import dump_config, flat, load_config, parse_config
from tutelage.errors import RunError
from tutelage.run_records import Work
from tutelage.runs.directory import Run, locked
from tutelage.runs.finished import Inputs, has_run, read_finished, read_result
from tutelage.runs.found import why_no_run
from tutelage.runs.resume_rules import FREE, is_among
from tutelage.runs.stage_cache import StageCache

FREE_SECTIONS = {
    "student": {"engine": "generate"},
    "exam": {"batch_size": 2, "shard": 3},
    "evaluation": {"batch_size": 2},
    "training": {"packing": "never", "micro_batch_tokens": 100},
}
"""Settings that change how something is computed, not what comes out."""


def config(**sections):
    return parse_config({"task": {"name": "leg_counting"}, **sections})


def begun(root):
    run = Run.open(root, config(), "data")
    run.stage(0, "annotation").begin()
    return run


def test_a_run_is_started_and_opened_again(tmp_path):
    first = Run.open(tmp_path / "a", config(), "data")
    second = Run.open(tmp_path / "a", config(), "data")
    assert first.id == second.id
    assert first.ledger == tmp_path / "a" / "ledger.sqlite"
    assert first.id != Run.open(tmp_path / "b", config(), "data").id


def test_a_run_killed_before_its_configuration_was_written_begins(tmp_path):
    first = Run.open(tmp_path, config(), "data")
    (tmp_path / "config.yaml").unlink()
    assert not has_run(tmp_path, Inputs(config()))
    assert read_finished(tmp_path, Inputs(config())) is None
    assert Run.open(tmp_path, config(), "data").id == first.id
    assert has_run(tmp_path, Inputs(config()))


def test_the_configuration_is_kept_whole_with_versions(tmp_path):
    given = config(training={"learning_rate": 3e-5}, rounds={"max": 7})
    Run.open(tmp_path, given, "data")
    assert load_config(tmp_path / "config.yaml") == given
    assert (
        (tmp_path / "config.yaml").read_text().startswith(f"# As run, with python {sys.version.split()[0]}, tutelage ")
    )


def test_settings_that_finished_stages_depend_on_may_not_change(tmp_path):
    training = begun(tmp_path).stage(0, "training")
    training.begin()
    training.finish()
    with pytest.raises(RunError, match=r"training\.epochs: 3 is now 4.*--out"):
        Run.open(tmp_path, config(training={"epochs": 4}), "data")
    with pytest.raises(RunError, match=r"task\.options\.max_animals: None is now 3"):
        Run.open(tmp_path, config(task={"name": "leg_counting", "options": {"max_animals": 3}}), "data")


def test_a_run_that_has_not_begun_takes_other_settings_and_problems(tmp_path):
    first = Run.open(tmp_path, config(), "data")
    changed = config(training={"epochs": 4})
    again = Run.open(tmp_path, changed, "other data")
    assert again.id == first.id  # what its ledger counts as its own
    assert load_config(tmp_path / "config.yaml") == changed
    again.stage(0, "annotation").begin()
    assert Run.open(tmp_path, changed, "other data").id == first.id
    with pytest.raises(RunError, match="have changed"):
        Run.open(tmp_path, changed, "data")


def test_settings_that_change_no_result_may(tmp_path):
    begun(tmp_path)
    changed = config(rounds={"max": 9}, teacher={"budget": {"requests": 5}}, **FREE_SECTIONS)
    (tmp_path / "result.json").write_text("{}")
    Run.open(tmp_path, config(), "data")
    assert (tmp_path / "result.json").exists()
    Run.open(tmp_path, changed, "data")
    assert not (tmp_path / "result.json").exists()  # stopped now, the longer run must not pass for finished
    assert load_config(tmp_path / "config.yaml") == changed


MAY_CHANGE = """
    task.path task.revision task.grader student.device student.engine evaluation.batch_size exam.batch_size exam.shard
    student.server student.server_command student.server_timeout student.server_key_env
    teacher.key_env teacher.concurrency teacher.requests_per_minute teacher.tokens_per_minute teacher.connect_timeout
    teacher.timeout teacher.retries teacher.batch teacher.batch_poll teacher.ledger
    teacher.budget.requests teacher.budget.prompt_tokens teacher.budget.completion_tokens teacher.budget.tokens
    teacher.budget.usd teacher.price.prompt teacher.price.completion teacher.price.cache_write teacher.price.batch
    teacher.price.cached teacher.price.auto teacher.token_limit
    training.packing training.micro_batch_tokens rounds.max rounds.patience rounds.min_gain
    rounds.keep method training.checkpointing training.parallel report_to
"""


def test_these_settings_and_no_others_may_change():
    assert {key for key in flat(config().model_dump()) if is_among(key, FREE)} == set(MAY_CHANGE.split())


def test_a_finished_run_is_only_read_unless_it_may_have_to_go_on(tmp_path):
    begun(tmp_path)
    assert has_run(tmp_path, Inputs(config(**FREE_SECTIONS, teacher={"timeout": 5.0, "ledger": "elsewhere"})))
    for other in ({"rounds": {"max": 9}}, {"teacher": {"budget": {"usd": 1.0}}}, {"exam": {"samples": 9}}):
        assert not has_run(tmp_path, Inputs(config(**other)))


def test_other_problems_are_refused(tmp_path):
    begun(tmp_path)
    with pytest.raises(RunError, match=r"the problems of .* have changed"):
        Run.open(tmp_path, config(), "other data")


def test_a_directory_that_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("…")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(RunError, match="is no run"), locked(place):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_of_a_newer_version_is_refused(tmp_path):
    Run.open(tmp_path, config(), "data")
    marker = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**marker, "format": 99}))
    for act in (lambda: Run.open(tmp_path, config(), "data"), lambda: read_result(tmp_path)):
        with pytest.raises(RunError, match="newer Tutelage"):
            act()
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"is not the run\.json of a run"):
        Run.open(tmp_path, config(), "data")


def test_a_stage_is_done_under_its_key_alone(tmp_path):
    run = Run.open(tmp_path, config(), "data")
    stage = run.stage(1, "exam", {"samples": 4}, "model-a")
    assert not stage.done
    stage.begin("exam.jsonl")
    (stage.folder / "exam.jsonl").write_text("half\n")
    run.stage(1, "exam", {"samples": 4}, "model-a").begin("exam.jsonl")
    assert (stage.folder / "exam.jsonl").exists()  # the same work goes on
    stage.finish(summary={"note": 3})
    assert run.stage(1, "exam", {"samples": 4}, "model-a").summary["note"] == 3
    other = run.stage(1, "exam", {"samples": 4}, "model-b")
    assert not other.done
    stage.begin("exam.jsonl")
    assert not stage.done  # a finished stage that is done again is owed until then
    other.begin("exam.jsonl")
    assert not (stage.folder / "exam.jsonl").exists()  # other work begins anew
    assert not stage.done


GRADED = [
    {},
    {"match": "exact"},
    {"match": "f1"},
    {"match": "f1", "match_f1": 0.5},
    {"kind": "text"},
    {"kind": "choice"},
]


def test_runs_share_what_is_graded_alike_alone(tmp_path):
    def stage(run: str, task: dict):
        settings = config(task={"name": "custom", "path": "mine.jsonl", **task})
        opened = Run.open(tmp_path / run, settings, "data", StageCache(tmp_path / "cache", 10**9))
        return opened.shared_stage(1, "exam", "model-a")

    for number, task in enumerate(GRADED):
        first = stage(f"a{number}", task)
        assert not first.done
        first.begin()
        first.finish()
        assert stage(f"b{number}", task).done
    assert (tmp_path / "cache" / "data" / first.key).is_dir(), "its name before these settings counted"


def test_seconds_add_up(tmp_path):
    run = Run.open(tmp_path, config(), "data")
    for round in (0, 1):
        stage = run.stage(round, "training")
        stage.begin()
        stage.finish(summary={"seconds": 10.0 + round})
    assert (run.seconds(0), run.seconds(1), run.seconds(None)) == (10.0, 11.0, 21.0)


def test_what_the_stages_cost_is_kept_by_their_names(tmp_path):
    run = Run.open(tmp_path, config(), "data")
    work = Work(2.0, 100, 50.0, 0.25, 10**9)
    for round, name, cost in [(0, "annotation", None), (0, "training", work), (None, "test-before", work)]:
        stage = run.stage(round, name)
        stage.begin()
        stage.finish(cost)
    assert run.work(0) == {"training": work}
    assert run.work(1) == {}
    assert run.work(None) == {"test-before": work}


def test_one_process_at_a_time(tmp_path):
    other = (
        "from pathlib import Path; from tutelage.runs.directory import locked\n"
        f"with locked(Path({str(tmp_path)!r})): pass"
    )
    with locked(tmp_path):
        held = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    free = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "another process is at work" in held.stderr
    assert free.returncode == 0


def test_results_of_no_run_and_of_an_unfinished_one(tmp_path):
    with pytest.raises(RunError, match="is not a run directory"):
        read_result(tmp_path)
    Run.open(tmp_path, config(), "data")
    assert read_result(tmp_path) is None
    (tmp_path / "student").mkdir()
    said = why_no_run(tmp_path / "student") or ""
    assert said.endswith(f"is not a run directory: it is empty; the run is {tmp_path}")


def test_a_run_that_was_killed_before_it_was_one_can_be_started(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".run.json.part").write_text('{"format": ')
    with locked(tmp_path):
        Run.open(tmp_path, config(), "data")
    assert (tmp_path / "run.json").is_file()
    assert not (tmp_path / ".run.json.part").exists()


def test_limits_that_an_earlier_version_had_by_default_are_named_in_one_line(tmp_path):
    """`auto` is the default today; an earlier version wrote its own, and a trained run keeps to them."""
    run = begun(tmp_path)
    stage = run.stage(0, "training")
    stage.begin()
    stage.finish()
    text = dump_config(config(exam={"max_new_tokens": 128}, evaluation={"max_new_tokens": 256}))
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(RunError) as told:
        Run.open(tmp_path, config(), "data")
    assert "exam.max_new_tokens: 128 is now 'auto'" in str(told.value)
    assert "evaluation.max_new_tokens: 256 is now 'auto'" in str(told.value)
    assert "set them back" in str(told.value)
    assert "\n" not in str(told.value)
    kept = config(exam={"max_new_tokens": 128}, evaluation={"max_new_tokens": 256})
    assert Run.open(tmp_path, kept, "data").id == run.id
