"""Both torch engines against Transformers and against each other: what a Sampler promises."""

import numpy as np
import pytest
import torch

from tests.student.architectures import CONFIGS, UNPACKABLE, build, tiny
from tests.student.doubles import rounding
from tests.student.engines.sampled import ENGINES, NEVER, NEW_TOKENS, SEEDS, SOON, alone, answers, asked, greedy
from tests.student.tiny import tiny_student
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import Sampled, SamplingSettings, StopCriteria

SLOW = pytest.mark.slow
PREFIXED = pytest.mark.parametrize("prefixed", [False, True], ids=["no prefix", "few-shot"])
DRAWN = SamplingSettings(samples=3, temperature=1.0, max_new_tokens=16)
MIXED = asked(False)[:2] + asked(True)[2:]


@ENGINES
@PREFIXED
@pytest.mark.parametrize("rows", [2, pytest.param(64, marks=SLOW)], ids=["two at once", "all at once"])
@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_is_what_transformers_writes_for_each_prompt_alone(name, engine, prefixed, rows):
    found, _ = answers(engine(tiny(name), NEVER, rows), asked(prefixed), greedy())
    assert [row for (row,) in found] == alone(name, prefixed)


@ENGINES
@pytest.mark.parametrize("name", CONFIGS)
def test_in_float32_no_other_token_is_likelier_by_more_than_its_sums_let_it_see(name, engine):
    """Both logits are off by the rounding of the sums they come of, relative to the size of them all."""
    found, _ = answers(engine(tiny(name, torch.float32), NEVER, 64), asked(True), greedy())
    model = tiny(name)
    for prompt, (row,) in zip(asked(True), found, strict=True):
        with torch.inference_mode():
            logits_TV = model(torch.tensor([[*prompt, *row]])).logits[0, len(prompt) - 1 : -1]
        behind_T = logits_TV.amax(-1) - logits_TV.gather(1, torch.tensor(row)[:, None])[:, 0]
        assert (behind_T <= 2 * rounding(model, len(prompt) + len(row)) * logits_TV.norm(dim=-1)).all()


@pytest.mark.parametrize("name", CONFIGS)
def test_these_prompts_have_answers_of_their_own(name):
    """Or the test above would see little."""
    rows = [*alone(name, False), *alone(name, True)]
    assert len({tuple(row) for row in rows}) == 8
    assert max(len(set(row)) for row in rows) > 5


@pytest.mark.parametrize("prefixed", [pytest.param(False, marks=SLOW), True], ids=["no prefix", "few-shot"])
@pytest.mark.parametrize("name", CONFIGS)
def test_attempts_are_the_same_whatever_the_engine_and_the_company(name, prefixed):
    model, prompts = tiny(name), asked(prefixed)
    together, _ = answers(SharedPrefixSampler(model, SOON, 64), prompts, DRAWN)
    assert len({len(row) for rows in together for row in rows}) > 2  # so the batch is compacted on the way
    assert answers(GenerateSampler(model, SOON, 64), prompts, DRAWN)[0] == together
    few, _ = answers(SharedPrefixSampler(model, SOON, 4), prompts, DRAWN)  # one prompt at a time has room
    assert few == together


@ENGINES
@pytest.mark.parametrize("prompts", [asked(False), asked(True), MIXED], ids=["no prefix", "few-shot", "mixed"])
def test_an_attempt_depends_on_its_prompt_and_seed_alone(engine, prompts):
    model = tiny("llama")
    together, _ = answers(engine(model, SOON, 64), prompts, DRAWN)
    each = [
        answers(engine(model, SOON, 64), [prompt], DRAWN, [seed])[0][0]
        for prompt, seed in zip(prompts, SEEDS, strict=True)
    ]
    assert each == together
    for order in ([3, 1, 0, 2], [2, 0, 1, 3]):
        found, _ = answers(engine(model, SOON, 7), [prompts[n] for n in order], DRAWN, [SEEDS[n] for n in order])
        assert found == [together[n] for n in order]
    attempts = [tuple(row) for rows in together for row in rows if len(row) > 3]
    assert len(set(attempts)) == len(attempts) > 4
    other, _ = answers(engine(model, SOON, 64), prompts, DRAWN, [seed + 4 for seed in SEEDS])
    assert not {tuple(row) for rows in other for row in rows if len(row) > 3} & set(attempts)
    more, _ = answers(engine(model, SOON, 64), prompts, SamplingSettings(5, 1.0, 16))
    assert [rows[:3] for rows in more] == together  # a sample more changes none of the others


@ENGINES
def test_more_samples_than_rows_are_sampled_all_the_same(engine):
    model = tiny("llama")
    expected, _ = answers(engine(model, SOON, 64), asked(True), DRAWN)
    assert answers(engine(model, SOON, 1), asked(True), DRAWN)[0] == expected


@ENGINES
@PREFIXED
def test_rows_end_with_their_end_token(engine, prefixed):
    model, free = tiny("llama"), alone("llama", prefixed)
    end = free[0][4]
    ended, _ = answers(engine(model, StopCriteria(NEVER.tokenizer, frozenset([end])), 3), asked(prefixed), greedy())
    assert [row for (row,) in ended] == [row[: row.index(end) + 1] if end in row else row for row in free]
    assert {len(row) for (row,) in ended} >= {NEW_TOKENS, free[0].index(end) + 1}


@ENGINES
def test_rows_end_when_told_by_what_stands_in_them(engine):
    model, free = tiny("llama"), alone("llama", False)
    stopped, _ = answers(engine(model, lambda row: len(row) == 3, 3), asked(False), greedy())
    assert [row for (row,) in stopped] == [row[:3] for row in free]
    first, _ = answers(engine(model, lambda row: True, 3), asked(False), greedy())
    assert [row for (row,) in first] == [row[:1] for row in free]


@ENGINES
def test_a_stop_string_ends_a_row(engine):
    student = tiny_student(dtype=torch.float64)
    prompts = [tuple(student.tokenizer(text).input_ids) for text in ("one", "three", "x")]
    free, _ = answers(engine(student.model, NEVER, 8), prompts, greedy())
    text = student.tokenizer.decode(free[0][0])
    ends = StopCriteria(student.tokenizer, frozenset(), (text[2:4],))
    stopped, _ = answers(engine(student.model, ends, 8), prompts, greedy())
    assert stopped[0][0] == free[0][0][: len(stopped[0][0])]
    assert ends.completion(stopped[0][0]).finish == "stop"
    assert ends.completion(stopped[0][0]).text == text[: text.index(text[2:4])]


@ENGINES
def test_samples_follow_the_models_distribution(engine):
    model, prompt = tiny("llama"), asked(True)[0]
    settings = SamplingSettings(samples=2000, temperature=0.7, max_new_tokens=1)
    (rows,), _ = answers(engine(model, NEVER, 2000), [prompt], settings, [5])
    counts = np.bincount([row[0] for row in rows], minlength=60) / 2000
    with torch.inference_mode():
        expected = (model(torch.tensor([prompt])).logits[0, -1] / 0.7).softmax(-1).numpy()
    assert (expected > 0.02).sum() > 3
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected / 2000) + 1e-3).all()


@ENGINES
def test_the_students_own_generation_settings_have_no_say(engine):
    """Many a published student asks for a penalty or a small top_k; an exam draws from the model itself."""
    expected = answers(engine(tiny("llama"), SOON, 64), asked(True), DRAWN)[0]
    model = tiny("llama")
    model.generation_config.update(
        repetition_penalty=9.0, no_repeat_ngram_size=1, top_k=1, top_p=0.1, min_new_tokens=9, eos_token_id=[7, 8]
    )
    assert answers(engine(model, SOON, 64), asked(True), DRAWN)[0] == expected


@ENGINES
def test_no_prompts_no_answers(engine):
    assert answers(engine(tiny("llama"), NEVER, 8), [], greedy())[1] == Sampled(0, 0)


@ENGINES
def test_a_model_in_training_is_sampled_without_dropout(engine):
    model = tiny("gpt2")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.9
    found, _ = answers(engine(model.train(), NEVER, 8), asked(False), greedy())
    assert [row for (row,) in found] == alone("gpt2", False)


def test_generate_samples_what_our_engine_cannot():
    model, prompts = build(UNPACKABLE), asked(True)
    together, _ = answers(GenerateSampler(model, SOON, 64), prompts, DRAWN)
    assert answers(GenerateSampler(model, SOON, 3), prompts, DRAWN)[0] == together
    ids = torch.tensor([prompts[0]])
    model.generation_config.eos_token_id = None
    output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False)
    assert answers(GenerateSampler(model, NEVER, 64), prompts, greedy())[0][0] == [output[0, ids.shape[1] :].tolist()]
