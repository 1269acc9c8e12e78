"""What a process of a run does by itself, in seconds of its CPU for each thousand problems, however many there are.

    python -m benchmarks.alone [--problems 1000] [--batch 64]

Rank 0 grades the answers of all, saves them and marks mistakes; every rank draws up the same plan. Counting legs, four
attempts a problem, the embedded student's tokenizer. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.problems import TASK, WORKED, benchmark_examples
from tutelage.api import load_task
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.records import Attempt, Completion, Exam
from tutelage.rounds.attempts import Shards
from tutelage.rounds.error_summary import marked_mistakes
from tutelage.runs.files import read_rows
from tutelage.student.model import load_tokenizer, model_folder
from tutelage.student.prompts import PromptFormat
from tutelage.student.ranks.orders import Answer
from tutelage.student.resources.hardware import hardware
from tutelage.student.sampler import SamplingSettings
from tutelage.student.training.shares import Share
from tutelage.student.training.steps import StepDataset

Value = TypeVar("Value")
SAMPLES = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64, help="examples of a step")
    given = parser.parse_args()
    examples = benchmark_examples(given.problems)
    problems = [example.problem for example in examples]
    task = load_task(TASK, train=given.problems, validation=WORKED, test=1)
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Value]) -> Value:
        began = time.process_time()
        value = work()
        seconds[name] = (time.process_time() - began) * 1000 / given.problems
        return value

    tokenizer = load_tokenizer(StudentConfig(), model_folder(StudentConfig().model))[0]
    settings = TrainingConfig(batch_size=given.batch, epochs=1)
    dataset = timed("plan", lambda: StepDataset(PromptFormat(tokenizer), examples, settings, seed=0))
    dataset.micro_batch_tokens, dataset.share = 8192, Share(0, 8)
    timed("steps of one of 8", lambda: [dataset[n] for n in range(len(dataset))])
    order = Answer(None, problems, list(range(len(problems))), SamplingSettings(SAMPLES, 1.0, 256))
    told = timed("an order", lambda: pickle.dumps(order))
    texts = [(each.anchor, each.positives[0], each.negatives[0], each.negatives[0]) for each in examples]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exam.jsonl"

        def sit() -> None:
            shards = Shards(task, problems, path, "key", 64, lambda count, tokens: None)
            for place, answers in enumerate(texts):
                shards.add(place, [Completion(text, "stop", len(text) // 4) for text in answers])
            shards.save()

        timed("grading and saving", sit)
        attempts = timed("reading", lambda: read_rows(path, Attempt))
    timed("mistakes", lambda: marked_mistakes(Exam(tuple(attempts)), task))
    print(f"{hardware()}; {given.problems} problems, {SAMPLES} attempts each")
    for name, cost in seconds.items():
        print(f"  {name:<20} {cost:.2f} s for a thousand problems")
    print(f"  an order has {len(told) / given.problems:.0f} bytes a problem")
    tokens = dataset.row_tokens / given.problems
    print(f"  rows of training have {tokens:.0f} tokens a problem")
    print(json.dumps({name: round(cost, 3) for name, cost in seconds.items()}))


if __name__ == "__main__":
    main()
