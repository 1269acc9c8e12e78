"""The task for lm-evaluation-harness: run by it where it is installed, it measures what our evaluation measures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.export.made import ended, made_run
from tests.export.taught import LIMIT, taught_run
from tutelage.api import evaluate, taught_student
from tutelage.config import EvaluationConfig, TaskConfig
from tutelage.errors import RunError
from tutelage.export.export import export_run
from tutelage.records import WorkedExample
from tutelage.runs.files import write_json

SHOT = (WorkedExample("What is {{ 7 }} + 1?", "{{ 7 }} + 1 = 8.\nThe answer is 8."),)


def ours(run: Path) -> tuple[float, list[bool]]:
    task = TaskConfig(name="custom", path=str(run.parent / "data"))
    found, attempts = evaluate(taught_student(str(run)), task, "test", EvaluationConfig(max_new_tokens=LIMIT))
    return found.accuracy, [attempt.verdict.correct for attempt in attempts]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("prompt", "examples"), [("plain", ()), ("plain", SHOT), ("chat", ()), ("chat", SHOT)])
def test_the_harness_measures_the_very_same(tmp_path, prompt, examples):
    lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")
    from lm_eval.tasks import TaskManager

    run = taught_run(tmp_path / "run", prompt, examples)
    accuracy, verdicts = ours(run)
    assert 0 < accuracy < 1, "the student knows its answers by heart, and some are wrong"
    export_run(run, "lm-eval", tmp_path / "task")
    measured = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(run / "student"), "dtype": "float32"},
        tasks=["tutelage_custom"],
        task_manager=TaskManager(include_path=str(tmp_path / "task"), include_defaults=False),
        device="cpu",
        batch_size=2,
        log_samples=True,
    )
    assert measured["results"]["tutelage_custom"]["acc,none"] == accuracy
    assert [row["acc"] == 1 for row in measured["samples"]["tutelage_custom"]] == verdicts


def test_the_task_holds_no_text_of_a_problem(tmp_path):
    run = taught_run(tmp_path / "run", "plain", SHOT)
    ended(run)
    said = list[str]()
    out = tmp_path / "task"
    export_run(run, "lm-eval", out, say=said.append)
    assert said[0].startswith(f"measure it with    lm_eval run --model hf --model_args pretrained={run}/student,dtype=")
    assert said[0].endswith(f"--tasks tutelage_custom --include_path {out}")
    assert said[1].startswith("our own evaluation: 75.0%")
    text = (out / "tutelage_custom.yaml").read_text()
    assert "{{" not in text
    assert "custom_dataset: !function grade.dataset" in text
    settings = yaml.safe_load(text.partition("custom_dataset")[0])
    assert settings["generation_kwargs"] == {
        "until": ["\nQuestion:", "</s>"],
        "max_gen_toks": LIMIT,
        "do_sample": False,
    }
    rows = [json.loads(line) for line in (out / "test.jsonl").read_text().splitlines()]
    assert rows[0]["prompt"] == (
        "Question: What is {{ 7 }} + 1?\nAnswer: {{ 7 }} + 1 = 8.\nThe answer is 8.\n\n"
        "Question: What is 1 + 1?\nAnswer:"
    )


@pytest.mark.parametrize(
    ("precision", "told"), [("float32: as configured", False), ("bfloat16: 2.1 times as fast", True)]
)
def test_what_rounding_changes_is_told_beside_our_evaluation(tmp_path, precision, told):
    run = taught_run(tmp_path / "run", "plain", ())
    write_json(run / "result.json", replace(ended(run), precision=precision))
    said = list[str]()
    export_run(run, "lm-eval", tmp_path / "task", say=said.append)
    assert said[1].endswith("; in bfloat16, some answers differ in the harness") == told


def test_a_run_without_a_student_has_no_task(tmp_path):
    run = made_run(tmp_path / "run")
    with pytest.raises(RunError, match="has no student yet: it comes at the end of a run; `tutelage run"):
        export_run(run, "lm-eval", tmp_path / "task")
