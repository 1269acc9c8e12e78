"""Writes a run's test problems as a task of EleutherAI's lm-evaluation-harness, which then measures the same accuracy.

    tutelage_legs.yaml    the task: prompts as the student was taught to read them, stop strings, greedy decoding
    test.jsonl            {"prompt": "Question: …\\nAnswer:", "answer": "12", "problem": "{…}"}
    grade.py              the run's own grader; it imports tutelage

No text of a problem or a model stands in the YAML: the harness reads Jinja there.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import yaml

from tutelage.export.beside import write_grader
from tutelage.export.data import Written, slug, write_rows
from tutelage.export.rows import Row
from tutelage.export.source import RunSource
from tutelage.export.taught import Taught, taught
from tutelage.report.format import share
from tutelage.runs.files import plain, write_text
from tutelage.runs.reader import ProblemRow
from tutelage.yaml_text import Dumper


def write_lm_eval(source: RunSource, folder: Path, out: Path) -> Written:
    """Write the task; `out` is where it will be found. Raises RunError, ConfigError, StudentError."""
    student = taught(source)
    grader = write_grader(source, folder)
    name = f"tutelage_{slug(source.config.task.name)}"
    count = write_rows(folder / "test.jsonl", (_row(student, row) for row in source.problems("test")))
    write_text(folder / f"{name}.yaml", _task(name, student))
    source.say(f"measure it with    {_command(source, name, student, out)}")
    if source.run.result is not None:
        rounded = "" if (dtype := _dtype(source)) == "float32" else f"; in {dtype}, some answers differ in the harness"
        source.say(f"our own evaluation: {share(source.run.result.test.after)}{rounded}")
    return {f"{name}.yaml": 0, "test.jsonl": count, **grader}


def _row(student: Taught, row: ProblemRow) -> Row:
    problem = json.dumps(plain(row.problem))
    return {"prompt": student.format.prompt(row.problem.text), "answer": row.problem.answer, "problem": problem}


def _task(name: str, student: Taught) -> str:
    settings = {
        "task": name,
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer",
        "num_fewshot": 0,  # the worked examples are in the prompts
        "generation_kwargs": {"until": list(student.stops), "max_gen_toks": student.limit, "do_sample": False},
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    text = yaml.dump(settings, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    return f"{text}custom_dataset: !function grade.dataset\nprocess_results: !function grade.process_results\n"


def _command(source: RunSource, name: str, student: Taught, out: Path) -> str:
    model = f"pretrained={student.folder},dtype={_dtype(source)}"
    if student.format.chat and student.begins:
        model += ",add_bos_token=False"  # the chat template has written it
    return shlex.join(
        ["lm_eval", "run", "--model", "hf", "--model_args", model, "--tasks", name, "--include_path", str(out)]
    )


def _dtype(source: RunSource) -> str:
    """What the run computed in."""
    result = source.run.result
    return result.precision.partition(":")[0] if result and result.precision else "float32"
