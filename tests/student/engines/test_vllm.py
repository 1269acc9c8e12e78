from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import pytest
import torch
from transformers import LlamaForCausalLM

from tests.student.tiny import tiny_student, tiny_tokenizer
from tutelage.errors import StudentError
from tutelage.student.engines import vllm
from tutelage.student.engines.vllm import (
    VllmOptions,
    VllmSampler,
    attempt_seed,
    engine_arguments,
    sampling_arguments,
    unavailable,
)
from tutelage.student.model import LoadedModel, save_student
from tutelage.student.sampler import SamplingSettings, StopCriteria

PROMPTS = [[7, 8, 9, 10, 11], [12, 13] * 20, [14, 15, 16, 17, 18, 19, 20, 21, 22], [23, 24]]
SETTINGS = SamplingSettings(samples=3, temperature=0.7, max_new_tokens=12)
HAS_VLLM = find_spec("vllm") is not None


def ends(tokens=(), strings=()) -> StopCriteria:
    return StopCriteria(tiny_tokenizer(), frozenset(tokens), tuple(strings))


@pytest.mark.skipif(HAS_VLLM, reason="vLLM is installed")
def test_without_vllm_the_error_is_one_line_with_the_remedy(tmp_path):
    with pytest.raises(StudentError, match=r'pip install "tutelage\[vllm\]"') as caught:
        VllmSampler(tmp_path, ends(), rows=8)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_error_says_so(tmp_path, monkeypatch):
    if not HAS_VLLM:  # a package of that name is all that is looked for before the GPU
        (tmp_path / "vllm").mkdir()
        (tmp_path / "vllm" / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudentError, match="needs a GPU"):
        VllmSampler(tmp_path, ends(), rows=8)


def test_every_attempt_has_a_seed_of_its_own_that_vllm_can_hold():
    seeds = [attempt_seed(seed, sample) for seed in [0, 1, 2**32, 2**63, 2**64 - 1] for sample in range(200)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_seeds_stay_what_they_are():
    assert attempt_seed(7, 0) == attempt_seed(7 + 2**64, 0)
    assert [attempt_seed(7, sample) for sample in range(2)] == [1693125408465869867, 2021251017632032385]


def test_sampling_arguments_say_what_the_settings_say():
    asked = sampling_arguments(7, 1, SETTINGS, ends([9, 2], ["\nQuestion:"]))
    assert asked == {
        "n": 1,
        "temperature": 0.7,
        "seed": attempt_seed(7, 1),
        "max_tokens": 12,
        "stop_token_ids": [2, 9],
        "ignore_eos": True,
        "stop": ["\nQuestion:"],
        "detokenize": True,
        "skip_special_tokens": False,
    }
    assert sampling_arguments(7, 1, SETTINGS, ends())["detokenize"] is False


def test_engine_arguments_state_the_dtype_and_the_memory():
    asked = engine_arguments(Path("round-01/model"), 256, VllmOptions(memory_share=0.5, sleep_mode=False))
    assert asked["model"] == "round-01/model"
    assert (asked["dtype"], asked["max_num_seqs"], asked["gpu_memory_utilization"]) == ("bfloat16", 256, 0.5)
    assert asked["enable_prefix_caching"] is True
    assert asked["enable_sleep_mode"] is False
    assert asked["enforce_eager"] is False


def varied_student(seed: int, tied: bool) -> LoadedModel:
    """Tiny, with heads as wide as vLLM's kernels want them, and weights large enough for varied greedy answers."""
    tiny = tiny_student(seed, width=256)
    config = tiny.model.config
    config.tie_word_embeddings = tied
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        parameter.data.mul_(4)
    model.generation_config.eos_token_id = None
    return LoadedModel(model, tiny.tokenizer)


def greedy(student: LoadedModel) -> list[list[int]]:
    rows = []
    for prompt in PROMPTS:
        ids = torch.tensor([prompt])
        written = student.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        rows.append(written[0, len(prompt) :].tolist())
    return rows


def asked(sampler: VllmSampler, settings: SamplingSettings, chosen=(0, 1, 2, 3)) -> list[list[list[int]]]:
    answers = {}
    sampler.sample([PROMPTS[i] for i in chosen], [10 + i for i in chosen], settings, answers.__setitem__)
    return [answers[i] for i in range(len(answers))]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
@pytest.mark.parametrize("tied", [False, True])
def test_the_engine_answers_as_transformers_does_through_two_rounds(tmp_path, tied):
    students = [varied_student(seed, tied) for seed in range(2)]
    folders = [tmp_path / str(seed) for seed in range(2)]
    for student, folder in zip(students, folders, strict=True):
        save_student(student, folder)
    first, second = (greedy(student) for student in students)
    assert first != second
    once, free = replace(SETTINGS, samples=1, temperature=0.0), VllmOptions("float32", memory_share=0.2)
    sampler = VllmSampler(folders[0], ends(), 8, free)
    try:
        assert asked(sampler, once) == [[row] for row in first]
        drawn = asked(sampler, SETTINGS)
        assert drawn == [asked(sampler, SETTINGS, [i])[0] for i in range(len(PROMPTS))]
        assert len({tuple(row) for rows in drawn for row in rows}) > len(PROMPTS)

        end = first[0][4]
        sampler.ends = ends([end])
        cut = [row[: row.index(end) + 1] if end in row else row for row in first]
        assert asked(sampler, once) == [[row] for row in cut]
        sampler.ends = ends(strings=[students[0].tokenizer.decode(first[2][2:4])])
        assert asked(sampler, once, [2]) == [[first[2][:4]]]
        sampler.ends = ends()

        sampler.sleep()
        sampler.load(folders[1])
        assert asked(sampler, once) == [[row] for row in second]
        with pytest.raises(StudentError, match="refuses a prompt of 5000 tokens"):
            sampler.sample([[5] * 5000], [0], once, lambda index, rows: None)
    finally:
        sampler.close()


def test_a_step_that_waits_for_a_dead_engine_is_woken(monkeypatch):
    monkeypatch.setattr(vllm, "_LOOK", 0.001)
    core = SimpleNamespace(resources=SimpleNamespace(engine_dead=False), outputs_queue=Queue())
    with vllm._woken_by_death(core):
        core.resources.engine_dead = True
        assert "has died" in str(core.outputs_queue.get())
    with vllm._woken_by_death(SimpleNamespace()):  # a vLLM that has no such thing
        pass
