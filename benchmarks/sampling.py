"""Exams: Transformers' `generate` in small fixed batches against our engine, on the same problems, model and machine.

    python -m benchmarks.sampling [--model DIR] [--tokens 32] [--prefix 400] [--repeats 5]

Every way draws 4 samples a problem. Ours has 256 rows, in the slower precision 128, to end in time; `generate` gets one
batch of its 16 or 64, since its rate does not depend on their number. Prints a table of tokens per second with the
share of the machine's power that each way uses (`benchmarks/peak.py`), then one JSON line: how many times as fast ours
is, in the precision that suits this machine, and the share of greedy tokens in which ours and `generate` agree, in
float32.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from benchmarks.measure import dtype_here, interleaved, ratio
from benchmarks.peak import Machine, operations
from benchmarks.problems import benchmark_examples, benchmark_format, prefix_length
from benchmarks.reference import pad_of, reference_generate
from tutelage.config import StudentConfig
from tutelage.student.encoding import Tokens
from tutelage.student.engines.compiled import decode_attention
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.model import LoadedModel, load_student
from tutelage.student.resources.hardware import hardware
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.training.precision import compute_in

SAMPLES = 4
ROWS = 256
SECONDS = 90.0
"""After so many, no further repeat begins (but the second)."""
OURS = {torch.float32: "ours, fp32", torch.bfloat16: "ours, bf16"}
GENERATE = {torch.float32: "generate, fp32, 16 rows", torch.bfloat16: "generate, bf16, 64 rows"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=StudentConfig().model)
    parser.add_argument("--tokens", type=int, default=32, help="new tokens of an answer, at most")
    parser.add_argument("--prefix", type=int, default=400, help="tokens of the few-shot prefix, about")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    config = StudentConfig(model=given.model)
    student = load_student(config)
    machine, best = Machine(student.model.device), dtype_here(config)
    models = {dtype: _cast(student.model, dtype) for dtype in machine.timed(best, torch.float32)}
    print(hardware())
    print(f"{SAMPLES} samples a problem, at most {given.tokens} new tokens")
    print(f"what suits this machine is {OURS[best]}; {machine}")
    figures: dict[str, float] = {}
    for suffix, prefix in (("", 0), ("_fewshot", given.prefix)):
        prompts, tokens = _prompts(student, ROWS // SAMPLES, prefix)
        ways = {
            **{
                GENERATE[dtype]: _generate(student, model, prompts, given.tokens, 16 if dtype is torch.float32 else 64)
                for dtype, model in models.items()
            },
            **{
                OURS[dtype]: exam(student, model, part, samples=SAMPLES, tokens=given.tokens, rows=ROWS)
                for dtype, model in models.items()
                for part in [prompts if dtype is best else prompts[: len(prompts) // 2]]
            },
        }
        if prefix and torch.bfloat16 in models:  # a minute a repeat, and the faster one is there
            del ways[GENERATE[torch.float32]]
        work = {name: operations(way) for name, way in ways.items()}  # which warms them up, too
        rates = interleaved(ways, given.repeats, warm_up=False, seconds=SECONDS)
        print(f"\nfew-shot prefix of {tokens} tokens; tokens per second, slowest to fastest repeat")
        for name, measured in rates.items():
            print(machine.row(name, work[name], measured, digits=0))
            if name in GENERATE.values():
                kind = "generate16_fp32" if "fp32" in name else "generate64_bf16"
                figures[f"sampling_speedup_{kind}{suffix}"] = round(ratio(rates, OURS[best], name), 2)
    figures["greedy_tokens_equal_fp32"] = _agreement(student, models[torch.float32], given.tokens)
    print(json.dumps(figures))


def _cast(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    model = copy.deepcopy(model)
    compute_in(model, dtype)
    return model


def _prompts(student: LoadedModel, problems: int, prefix: int) -> tuple[list[Tokens], int]:
    format = benchmark_format(student.tokenizer, prefix)
    texts = [example.problem.text for example in benchmark_examples(problems)]
    return [tuple(format.prompt_ids(format.prompt(text))) for text in texts], prefix_length(format)


def _generate(
    student: LoadedModel, model: PreTrainedModel, prompts: list[Tokens], tokens: int, rows: int
) -> Callable[[], float]:
    batch = prompts[: rows // SAMPLES]
    pad = pad_of(student.tokenizer)

    def sample() -> float:
        answers = reference_generate(model, batch, SAMPLES, 1.0, tokens, rows, pad)
        return sum(len(answer) for samples in answers for answer in samples)

    return sample


def exam(
    student: LoadedModel, model: PreTrainedModel, prompts: list[Tokens], *, samples: int, tokens: int, rows: int
) -> Callable[[], float]:
    """Our way of an exam. Each call sits it again and returns the number of tokens written."""
    kernel = decode_attention(model, lambda told: print(told, file=sys.stderr))
    sampler = SharedPrefixSampler(model, StopCriteria(student.tokenizer, student.end_tokens), rows, kernel)
    settings = SamplingSettings(samples, 1.0, tokens, rows)

    def sample() -> float:
        written: list[int] = []
        seeds = list(range(len(prompts)))
        sampler.sample(prompts, seeds, settings, lambda _, answers: written.extend(map(len, answers)))
        return sum(written)

    return sample


def _agreement(student: LoadedModel, model: PreTrainedModel, tokens: int) -> float:
    """Share of greedy tokens, place by place, in which ours and `generate` agree, over 16 problems."""
    prompts, _ = _prompts(student, 16, 0)
    plain = reference_generate(model, prompts, 1, 0.0, tokens, 16, pad_of(student.tokenizer))
    ours: dict[int, list[int]] = {}
    sampler = SharedPrefixSampler(model, StopCriteria(student.tokenizer, student.end_tokens), 16)
    settings = SamplingSettings(max_new_tokens=tokens)
    sampler.sample(prompts, [0] * len(prompts), settings, lambda n, rows: ours.__setitem__(n, rows[0]))
    same = [a == b for n, (row,) in enumerate(plain) for a, b in zip(row, ours[n], strict=False)]
    longest = sum(max(len(row), len(ours[n])) for n, (row,) in enumerate(plain))
    return round(sum(same) / longest, 6)


if __name__ == "__main__":
    main()
