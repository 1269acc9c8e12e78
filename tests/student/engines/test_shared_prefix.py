"""What our engine computes: nothing twice. (What it answers is held in test_engines_agree.py.)"""

import torch

from tests.student.architectures import PROMPTS, tiny
from tests.student.definition import PREFIX
from tests.student.engines.sampled import NEVER, SOON, answers, asked, greedy
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import Sampled, SamplingSettings


class Watched(SharedPrefixSampler):
    """Notes the shape of every forward pass."""

    def __init__(self, model, ends, rows):
        super().__init__(model, ends, rows)
        self.shapes: list[tuple[int, int]] = []
        self.hook = model.base_model.register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(self, module, args, kwargs):
        self.shapes.append(tuple(kwargs["input_ids"].shape))


def test_the_prefix_is_computed_once_and_each_prompt_once_for_its_samples():
    sampler = Watched(tiny("llama"), NEVER, 64)
    settings = SamplingSettings(samples=4, temperature=1.0, max_new_tokens=5)
    _, cost = answers(sampler, asked(True), settings)
    # The last token of a row is never computed; the first comes with its prompt.
    assert sampler.shapes == [(1, len(PREFIX)), (4, 9), *[(16, 1)] * 4]
    tokens = sum(map(len, PROMPTS))
    assert cost == Sampled(len(PREFIX) + tokens + 4 * 16, 4 * 9 - tokens)


def test_rows_that_are_done_leave_and_others_enter():
    sampler = Watched(tiny("llama"), SOON, 8)
    settings = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=16)
    prompts = asked(True) * 5
    rows, cost = answers(sampler, prompts, settings, list(range(20)))
    steps = [count for count, width in sampler.shapes if width == 1]
    entered = [count for count, width in sampler.shapes[1:] if width > 1]
    assert max(steps) == 8
    assert len(entered) > 3  # prompts enter many times, not in fixed batches
    assert len(steps) < sum(max(map(len, pair)) for pair in rows) / 2
    assert cost.computed_tokens == len(PREFIX) + 5 * sum(map(len, PROMPTS)) + sum(
        len(row) - 1 for pair in rows for row in pair
    )


def test_the_longest_prompts_come_first():
    order: list[int] = []
    sampler = SharedPrefixSampler(tiny("llama"), NEVER, 1)
    sampler.sample(asked(False), [0] * 4, greedy(), lambda place, rows: order.append(place))
    assert order == [2, 0, 1, 3]


def test_the_same_prompt_twice():
    model, (prompt, *_) = tiny("llama"), asked(True)
    settings = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=8)
    (first, second, third), _ = answers(SharedPrefixSampler(model, NEVER, 6), [prompt] * 3, settings, [1, 2, 1])
    assert first == third != second


def test_bfloat16_answers_are_near_those_of_float32():
    """A token may differ where two are as likely; what is said first hardly ever does."""
    model, prompts = tiny("llama"), asked(True)
    exact, _ = answers(SharedPrefixSampler(model, NEVER, 8), prompts, greedy())
    rounded, _ = answers(SharedPrefixSampler(model.to(torch.bfloat16), NEVER, 8), prompts, greedy())
    assert sum(a[0][0] == b[0][0] for a, b in zip(exact, rounded, strict=True)) >= 3
