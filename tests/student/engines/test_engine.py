"""Which engine samples: by what the model can and what the configuration says."""

import pytest
import torch
from transformers import FalconH1Config, Gemma2Config

from tests.student.architectures import CONFIGS, HEADS, SMALL, UNPACKABLE, build, tiny
from tests.student.engines.sampled import NEVER, answers, asked, greedy
from tutelage.errors import StudentError
from tutelage.student.engines import engine, vllm
from tutelage.student.engines.engine import Engine
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import SamplingSettings

STATE = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_ssm": 64, "mamba_n_groups": 1, "mamba_d_state": 8}
HYBRID = FalconH1Config(**SMALL, **HEADS | {"initializer_range": 0.1}, **STATE, head_dim=8)
"""Its state goes over from one branch of a tree to the next: by little, with such weights."""
CAPPED = Gemma2Config(**SMALL, **HEADS, head_dim=8)
without_vllm = pytest.mark.skipif(vllm.unavailable() is None, reason="vLLM is there")


def chosen(name, model, settings=SamplingSettings()):  # noqa: B008  (frozen)
    told: list[str] = []
    return Engine(name, told.append).torch(model, NEVER, asked(True), settings), told


@pytest.mark.parametrize("name", CONFIGS)
def test_our_own_engine_where_it_can(name):
    for setting in ("auto", "shared-prefix"):
        sampler, told = chosen(setting, tiny(name))
        assert isinstance(sampler, SharedPrefixSampler)
        assert told == []


@pytest.mark.parametrize(("config", "kind"), [(UNPACKABLE, "bloom"), (CAPPED, "gemma2")], ids=["bloom", "gemma2"])
def test_generate_where_it_cannot_and_it_says_so(config, kind):
    model = build(config)
    sampler, told = chosen("auto", model)
    assert isinstance(sampler, GenerateSampler)
    assert told == [f"a model of type '{kind}' is sampled by `generate`, slower than our own engine"]
    assert len(answers(sampler, asked(True), greedy())[0]) == 4
    with pytest.raises(StudentError, match=rf"'shared-prefix'.*'{kind}'; set it to 'auto'") as caught:
        chosen("shared-prefix", model)
    assert "\n" not in str(caught.value)


def test_generate_where_it_is_asked_for():
    sampler, told = chosen("generate", tiny("llama"))
    assert isinstance(sampler, GenerateSampler)
    assert told == []


def test_a_model_is_tried_once_and_another_one_for_itself():
    engine, passes = Engine(), []
    for model in (tiny("llama"), tiny("llama"), tiny("qwen3"), build(UNPACKABLE)):
        model.base_model.register_forward_hook(lambda *_: passes.append(1))
        for _ in range(2):
            engine.torch(model, NEVER, asked(True), SamplingSettings())
        passes.append(0)
    tried, again, other, _ = "".join(map(str, passes)).split("0")[:4]
    assert tried == other != ""
    assert again == ""


def test_what_rounding_hides_is_found_in_float32():
    narrow = build(HYBRID, torch.bfloat16, shaken=False)
    before = {name: weight.clone() for name, weight in narrow.named_parameters()}
    assert isinstance(Engine().torch(narrow, NEVER, asked(True), SamplingSettings()), GenerateSampler)
    for name, weight in narrow.named_parameters():
        assert weight.dtype == before[name].dtype
        assert torch.equal(weight, before[name])


def test_where_memory_is_short_it_is_tried_as_it_is(monkeypatch):
    narrow, seen = tiny("llama", torch.bfloat16), []
    narrow.base_model.register_forward_hook(lambda *_: seen.append(next(narrow.parameters()).dtype))
    Engine().check(narrow)
    monkeypatch.setattr(engine, "available_memory", lambda device: 100)
    Engine().check(narrow)
    assert list(dict.fromkeys(seen)) == [torch.float32, torch.bfloat16]


def test_no_prompts_need_no_rows():
    """An exam that was stopped between its last answer and its end has nobody left to ask."""
    sampler = Engine().torch(tiny("llama"), NEVER, [], greedy())
    assert answers(sampler, [], greedy())[0] == []


def test_no_more_rows_than_there_are_answers():
    sampler, _ = chosen("auto", tiny("llama"), SamplingSettings(samples=3, temperature=1.0, rows=256))
    assert isinstance(sampler, SharedPrefixSampler)
    assert sampler.rows == 12


@without_vllm
def test_vllm_is_taken_where_it_is_and_refused_where_it_is_not(tmp_path):
    assert not Engine("auto").is_vllm
    assert Engine("vllm").is_vllm
    with pytest.raises(StudentError, match="vLLM") as caught:
        Engine("vllm").vllm(tmp_path, NEVER, 8, torch.float32)
    assert "\n" not in str(caught.value)
    Engine("vllm").rest()  # nothing to put to rest
