"""What Transformers' `generate` is given and what of its output counts. (Answers: test_engines_agree.py.)"""

from tests.student.architectures import PROMPTS, tiny
from tests.student.engines.sampled import NEVER, SOON, answers, asked, greedy
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.sampler import Sampled, SamplingSettings


def test_padding_is_counted():
    _, cost = answers(GenerateSampler(tiny("llama"), NEVER, 2), asked(False), greedy())
    # Batches of two, the longest together: 9 and 5 tokens, then 2 and 1.
    assert cost == Sampled(sum(map(len, PROMPTS)) + 4 * 10, 4 + 1)


def test_what_is_written_behind_an_end_is_padding():
    settings = SamplingSettings(samples=3, temperature=1.0, max_new_tokens=16)
    rows, cost = answers(GenerateSampler(tiny("llama"), SOON, 64), asked(False), settings)
    written = [len(row) for three in rows for row in three]
    assert min(written) < max(written)
    assert cost.computed_tokens == 3 * sum(map(len, PROMPTS)) + sum(written)
    assert cost.computed_tokens + cost.padded_tokens == 12 * (9 + max(written))


def test_the_model_keeps_its_own_generation_settings():
    model = tiny("llama")
    model.generation_config.update(temperature=0.3, top_k=7)
    before = model.generation_config.to_dict()
    answers(GenerateSampler(model, NEVER, 2), asked(False), greedy())
    assert model.generation_config.to_dict() == before
