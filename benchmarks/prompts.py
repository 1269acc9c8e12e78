"""How well a model answers before it is taught, asked in plain text and through its chat template.

    python -m benchmarks.prompts MODEL… [--problems 60] [--shots 0 3] [--gguf FILE [--template FILE]] [--data DIR]

Prints Markdown: a line for a model and a number of worked examples, with the greedy accuracy on MultiArith's first test
problems in each form, the tokens written a second, and what `student.prompt: auto` takes. `--gguf` reads a model of
that file, in place of a folder; `--template` gives it a chat template, such as that of its instruct model.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import torch

from tutelage.api import evaluate, load_task
from tutelage.config import EvaluationConfig, StudentConfig
from tutelage.report.format import markdown_table
from tutelage.run_records import Accuracy
from tutelage.student.asked import asked_as
from tutelage.student.folder import read_gguf, read_tokenizer
from tutelage.student.model import LoadedModel, model_folder, save_student
from tutelage.tasks.task import Task

LIMIT = 192
"""Tokens after which an answer is cut."""
Prompt = Literal["plain", "chat"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 3])
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--template", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    task = load_task("multiarith", path=given.data / "multiarith", test=given.problems)
    with TemporaryDirectory() as folder:
        models: list[str] = list(given.models)
        if given.gguf:
            loaded = LoadedModel(*read_gguf(given.gguf.parent, given.gguf.name))
            if given.template:
                loaded.tokenizer.chat_template = given.template.read_text(encoding="utf-8")
            save_student(loaded, Path(folder, given.gguf.stem))
            models.append(str(Path(folder, given.gguf.stem)))
        rows = [row_of(model, task, shots) for model in models for shots in given.shots]
    print(f"{torch.get_num_threads()} threads, at most {LIMIT} tokens an answer\n")
    print(markdown_table(["model", "worked examples", "plain", "chat", "tokens a second", "`auto`"], rows))


def row_of(model: str, task: Task, shots: int) -> list[str]:
    """A model's line of the table."""
    found, written, seconds = list[str](), 0, 0.0
    prompts: list[Prompt] = ["plain", "chat"]
    for prompt in prompts if read_tokenizer(model_folder(model)).chat_template else prompts[:1]:
        result, tokens, took = measured(model, task, prompt, shots)
        found.append(f"{result.accuracy:.0%} ({result.low:.0%} to {result.high:.0%})")
        written, seconds = written + tokens, seconds + took
    found += ["no template"] * (len(prompts) - len(found))
    asked = asked_as(StudentConfig(model=model, prompt="auto"))
    return [f"`{Path(model).name}`", str(shots), *found, f"{written / seconds:.0f}", str(asked)]


def measured(model: str, task: Task, prompt: Prompt, shots: int) -> tuple[Accuracy, int, float]:
    """Accuracy, tokens written, and seconds with the loading of the model."""
    student = StudentConfig(model=model, prompt=prompt, few_shot=shots, device="cpu")
    started = time.perf_counter()
    result, attempts = evaluate(student, task, settings=EvaluationConfig(max_new_tokens=LIMIT, batch_size=60))
    return result, sum(attempt.tokens for attempt in attempts), time.perf_counter() - started


if __name__ == "__main__":
    main()
