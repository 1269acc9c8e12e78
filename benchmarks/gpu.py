"""A GPU: tokens a second of training and the share of what the GPU can do, exams against vLLM, and a whole run.

    python -m benchmarks.gpu training|exams|run [--model NAME] [--device cuda] [--repeats 5] [--set key=value]...

`make bench-gpu` runs all three into docs/performance-gpu.md. Each prints its lines, then one JSON line. The share is of
what a product of large square matrices reaches on this GPU, in the same precision (`benchmarks/peak.py`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.measure import dtype_here, interleaved
from benchmarks.peak import operations, peak_of
from benchmarks.problems import benchmark_examples, benchmark_format
from benchmarks.sampling import SAMPLES, exam
from benchmarks.training import train_step_of
from tutelage.api import run
from tutelage.config import StudentConfig, TrainingConfig
from tutelage.config.file import load_config
from tutelage.student.engines.engine import Engine
from tutelage.student.model import LoadedModel, load_student, model_folder
from tutelage.student.resources.hardware import hardware
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.training.precision import compute_in
from tutelage.student.training.steps import StepDataset, TrainStep

MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
SIZES = {"training": 64, "exams": 256}
"""Problems of a step, and of an exam."""
RUN = ("task.train=400", "task.validation=100", "task.test=200", "exam.samples=4", "training.batch_size=16")
"""The whole run: the demo with more problems."""


def main() -> None:
    """Measure what is asked for and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["training", "exams", "run"])
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--problems", type=int)
    parser.add_argument("--tokens", type=int, default=256, help="new tokens of an answer, at most")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the whole run")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch finds no GPU here, and nothing was measured; --device cpu only tries the benchmark out")
    print(hardware())
    config = StudentConfig(model=given.model, device=given.device)
    if given.part == "run":
        figures = whole_run(config, [*RUN, *given.set])
    else:
        measure = training if given.part == "training" else exams
        figures = measure(config, given.problems or SIZES[given.part], given.tokens, given.repeats)
    print(json.dumps(figures))


def training(config: StudentConfig, problems: int, tokens: int, repeats: int) -> dict[str, float]:
    """Steps of one micro-batch or several, AdamW included; `tokens` is for exams alone."""
    student, dtype = load_student(config), dtype_here(config)
    settings = TrainingConfig(batch_size=problems, epochs=1, max_tokens=4096)
    dataset = StepDataset(benchmark_format(student.tokenizer, 0), benchmark_examples(problems), settings, seed=0)
    dataset.micro_batch_tokens = 8192
    step, peak = dataset[0], peak_of(student.model.device, dtype)
    way = _steps(student, step, settings, dtype)
    work = operations(way)
    rates = interleaved({"steps": way}, repeats)["steps"]
    steps = statistics.median(rates)
    share = work * steps / peak
    print(f"{config.model} in {dtype}: {problems} problems a step, {len(step.micro_batches)} passes")
    print(f"  a product of square matrices reaches {peak / 1e12:.4g} TFLOP/s")
    print(f"  {'  '.join(f'{step.computed * rate:,.0f}' for rate in sorted(rates))} tokens computed a second")
    print(
        f"  {dataset.row_tokens * steps:,.0f} tokens of rows a second, {work * steps / 1e12:.4g} TFLOP/s, {share:.1%}"
    )
    return {
        "training_tokens_per_second": round(step.computed * steps, 1),
        "training_row_tokens_per_second": round(dataset.row_tokens * steps, 1),
        "training_share_of_peak": round(share, 4),
    }


def _steps(student: LoadedModel, step: TrainStep, settings: TrainingConfig, dtype: torch.dtype) -> Callable[[], float]:
    work = train_step_of(student.model, step, settings, dtype)

    def once() -> float:
        work()
        return 1

    return once


def exams(config: StudentConfig, problems: int, tokens: int, repeats: int) -> dict[str, float]:
    """Ours, then vLLM if it is installed: it takes most of the GPU's memory, so they don't take turns."""
    student, dtype = load_student(config), dtype_here(config)
    compute_in(student.model, dtype)
    format = benchmark_format(student.tokenizer, 0)
    texts = [example.problem.text for example in benchmark_examples(problems)]
    prompts = [tuple(format.prompt_ids(format.prompt(text))) for text in texts]
    rows = problems * SAMPLES
    ours = exam(student, student.model, prompts, samples=SAMPLES, tokens=tokens, rows=rows)
    print(f"{config.model} in {dtype}: {problems} problems, {SAMPLES} samples, at most {tokens} new tokens")
    figures = {"exam_tokens_per_second": _told("ours", interleaved({"ours": ours}, repeats)["ours"])}
    ends = StopCriteria(student.tokenizer, student.end_tokens)
    engine = Engine("auto")
    if config.device != "cuda" or not engine.is_vllm:
        print("  vLLM is not installed, or this is no GPU: not compared")
        return figures
    del student, ours
    torch.cuda.empty_cache()
    sampler = engine.vllm(model_folder(config.model), ends, rows, dtype)
    settings = SamplingSettings(SAMPLES, 1.0, tokens, rows)

    def vllm() -> float:
        written: list[int] = []
        sampler.sample(prompts, range(len(prompts)), settings, lambda _, answers: written.extend(map(len, answers)))
        return sum(written)

    figures["exam_tokens_per_second_vllm"] = _told("vLLM", interleaved({"vLLM": vllm}, repeats)["vLLM"])
    figures["exam_speed_against_vllm"] = round(
        figures["exam_tokens_per_second"] / figures["exam_tokens_per_second_vllm"], 3
    )
    return figures


def _told(name: str, rates: list[float]) -> float:
    print(f"  {name:<5} {'  '.join(f'{rate:,.0f}' for rate in sorted(rates))} tokens a second")
    return round(statistics.median(rates), 1)


def whole_run(config: StudentConfig, overrides: list[str]) -> dict[str, float]:
    """The demo's task, by this student; its stages with their seconds and rates."""
    given = [*overrides, f"student.model={config.model}", f"student.device={config.device}"]
    settings = load_config("examples/demo.yaml", given)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = run(settings, Path(folder) / "run")
        seconds = time.perf_counter() - began
    print(f"{config.model}, {' '.join(overrides)}")
    for each in result.rounds:
        for stage, work in each.work.items():
            rate, peak = work.tokens_per_second, work.peak_memory / 1e9
            print(f"  round {each.round}  {stage:<11} {work.seconds:>7.0f} s {rate:>9,.0f} tokens/s  {peak:.1f} GB")
    before, after = result.test.before.accuracy, result.test.after.accuracy
    print(f"  {seconds:.0f} s in all; test {before:.1%} before, {after:.1%} after")
    return {"run_seconds": round(seconds, 1), "run_accuracy_before": before, "run_accuracy_after": after}


if __name__ == "__main__":
    main()
