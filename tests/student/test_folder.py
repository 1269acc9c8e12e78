"""Broken model folders: every one ends in one line, whatever the libraries make of it."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertLMHeadModel, GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

from tests.student.tiny import tiny_student, tiny_tokenizer
from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.records import Problem
from tutelage.student.model import LoadedModel, load_student, load_tokenizer, save_student
from tutelage.student.sampler import SamplingSettings
from tutelage.student.student import Student

FILES = ["config.json", "tokenizer.json", "model.safetensors"]


@pytest.fixture
def folder(tiny, tmp_path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def refusal(folder: Path) -> str:
    with pytest.raises(StudentError) as caught:
        load_student(StudentConfig(model=str(folder), device="cpu"))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1000
    return message


def edit(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def broken(folder: Path) -> None:
        found = load_file(folder / "model.safetensors")
        change(found)
        save_file(found, folder / "model.safetensors", metadata={"format": "pt"})

    return broken


DAMAGE = {
    "gone": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "torn": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "garbage": lambda file: file.write_bytes(bytes(range(256)) * 9),
    "a list": lambda file: file.write_bytes(b"[]"),
    "null": lambda file: file.write_bytes(b"null"),
    "nothing in it": lambda file: file.write_bytes(b"{}"),
    "nested": lambda file: file.write_bytes(b"[" * 100_000),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "a loop": lambda file: (file.unlink(), file.symlink_to(file)),
    "a dead link": lambda file: (file.unlink(), file.symlink_to("nowhere")),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_broken(folder, name, damage):
    DAMAGE[damage](folder / name)
    if (name, damage) == ("tokenizer.json", "gone"):  # Transformers makes one without a vocabulary
        (folder / "tokenizer_config.json").unlink()
    refusal(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "no-such-type"},
        {"model_type": None},
        {"model_type": 7},
        {"model_type": "t5"},
        {"model_type": "gpt2"},
        {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
        {"hidden_size": -32},
        {"hidden_size": 0},
        {"hidden_size": "many"},
        {"hidden_size": 33},
        {"hidden_size": 10**9},
        {"vocab_size": 100},
        {"vocab_size": -1},
        {"vocab_size": 10**12},
        {"vocab_size": 1.5},
        {"num_hidden_layers": 0},
        {"num_hidden_layers": -2},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 10**9},
        {"num_attention_heads": 0},
        {"num_attention_heads": 5},
        {"num_key_value_heads": 0},
        {"intermediate_size": -1},
        {"hidden_act": "no such"},
        {"hidden_act": None},
        {"rms_norm_eps": float("nan")},
        {"rms_norm_eps": "small"},
        {"rope_parameters": {"rope_type": "no such"}},
        {"tie_word_embeddings": False},
        {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}},
    ],
    ids=str,
)
def test_a_configuration_of_something_else(folder, values):
    edit(folder / "config.json", **values)
    refusal(folder)


@pytest.mark.parametrize(
    "values",
    [{"dtype": "no such"}, {"quantization_config": {"quant_method": "no such"}}, {"eos_token_id": "x"}],
    ids=str,
)
def test_a_configuration_that_transformers_may_let_pass(folder, values):
    edit(folder / "config.json", **values)
    with suppress(StudentError):
        load_student(StudentConfig(model=str(folder), device="cpu"))


FIRST = "model.layers.0.mlp.up_proj.weight"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda found: found.pop(FIRST), f"have none of the weights {FIRST}"),
        (lambda found: [found.pop(name) for name in list(found)[:9]], "and 7 more"),  # the output layer is tied
        (lambda found: found.clear(), "have none|speaks of"),
        (lambda found: found.update({FIRST: torch.ones(3, 3)}), r"up_proj.weight \[3, 3\], not \[64, 32\]"),
        (lambda found: found.update({FIRST: found[FIRST].T.contiguous()}), "other shapes"),
        (lambda found: found.update({FIRST.replace("0", "2"): found[FIRST].clone()}), "more layers than config.json"),
        (lambda found: found.update({FIRST: found[FIRST].mul(torch.nan)}), "not finite, such as model.layers.0.mlp.up"),
        (lambda found: found.update({FIRST: found[FIRST].double() * 1e300}), "not finite"),
        (lambda found: found.update({FIRST: found[FIRST].long()}), r"no floats: .*up_proj.weight \(I64\)"),
    ],
)
def test_weights_that_are_not_the_models(folder, change, told):
    weights(change)(folder)
    with pytest.raises(StudentError, match=told):
        load_student(StudentConfig(model=str(folder), device="cpu"))


def test_tied_weights_are_not_missing_and_others_precisions_do_no_harm(folder):
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    weights(lambda found: found.update({name: each.double() for name, each in found.items()}))(folder)
    weights(lambda found: found.update({FIRST: found[FIRST].half()}))(folder)
    assert load_student(StudentConfig(model=str(folder), device="cpu")).model.dtype == torch.float32


def _sharded(folder: Path) -> dict[str, str]:
    found = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    half = {name: f"model-{n % 2}.safetensors" for n, name in enumerate(found)}
    for shard in {*half.values()}:
        save_file({n: w for n, w in found.items() if half[n] == shard}, folder / shard, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": half}))
    return half


def test_shards(folder):
    half = _sharded(folder)
    load_student(StudentConfig(model=str(folder), device="cpu"))
    (folder / "model-1.safetensors").unlink()
    assert "model-1.safetensors is missing" in refusal(folder)
    index = folder / "model.safetensors.index.json"
    for content in (b"", b"{}", b"[]", b'{"weight_map": 3}', b'{"weight_map": {"a": 3}}', b'{"weight_map": {}}'):
        index.write_bytes(content)
        refusal(folder)
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(half, "../model.safetensors")}))
    assert "no file of this folder" in refusal(folder)


def test_a_pickled_model_is_held_to_the_same(folder):
    found = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(found, folder / "pytorch_model.bin")
    load_student(StudentConfig(model=str(folder), device="cpu"))
    del found[FIRST]
    torch.save(found, folder / "pytorch_model.bin")
    assert FIRST in refusal(folder)


def test_code_in_a_folder_is_never_run_nor_asked_for(folder, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody was asked"))
    code = "from pathlib import Path\nPath(__file__).with_name('ran').write_text('')\n"
    for name, kind in (("config.json", "AutoConfig"), ("tokenizer_config.json", "AutoTokenizer")):
        one = Path(shutil.copytree(folder, folder.with_name(kind)))
        (one / "own.py").write_text(code)
        own = [None, "own.Own"] if kind == "AutoTokenizer" else "own.Own"
        edit(one / name, auto_map={kind: own}, model_type="own", tokenizer_class="Own")
        assert "code of its own, which is never run" in refusal(one)
        assert not list(one.rglob("ran"))


def test_an_encoder_is_no_student(tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = BertLMHeadModel(BertConfig(vocab_size=258, max_position_embeddings=64, **sizes)).eval()
    save_student(LoadedModel(model, tiny_tokenizer()), tmp_path / "bert")
    assert "attends to later tokens" in refusal(tmp_path / "bert")


def test_a_tokenizer_with_more_tokens_than_the_model_has_embeddings_of(tmp_path):
    student = tiny_student()
    student.tokenizer.add_tokens(["<more>"])
    save_student(student, tmp_path / "model")
    assert "tokens up to 258 ('<more>'), and the model embeddings of 258" in refusal(tmp_path / "model")


def test_adapters_beside_a_model(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "nobody/nothing"}')
    assert "merge them" in refusal(folder)


@pytest.mark.parametrize("name", ["nobody/nothing", "smol-135", "gpt2", "a b", "x" * 300, "~", "café/é"])
def test_a_model_that_is_nowhere_is_told_as_such(name):
    message = refusal(Path(name))
    assert "huggingface.co" not in message
    assert "no such folder" in message or "neither such a folder" in message or "no folder" in message
    assert ("did you mean 'smollm2-135m'?" in message) == (name == "smol-135")


def test_the_end_token_that_was_trained_is_saved(tmp_path):
    student = tiny_student()
    student.model.generation_config.eos_token_id = 7
    student.model.config.eos_token_id = 7
    save_student(student, tmp_path / "model")
    settings = load_student(StudentConfig(model=str(tmp_path / "model"), device="cpu")).model.generation_config
    assert settings.eos_token_id == [1, 7]


def test_a_student_with_odd_generation_settings_can_be_saved_again(folder, tmp_path):
    for text in ('{"eos_token_id": 1, "temperature": 0.6, "do_sample": false}', '{"top_p": 0.6}'):  # without end token
        (folder / "generation_config.json").write_text(text)
        save_student(load_student(StudentConfig(model=str(folder), device="cpu")), tmp_path / "again")
        saved = json.loads((tmp_path / "again" / "generation_config.json").read_text())
        assert saved.pop("transformers_version")
        assert saved == {**json.loads(text), "eos_token_id": 1}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("\xff", "cannot be read as JSON"),
        ("[]", "holds no object"),
        ("null", "holds no object"),
        ('{"eos_token_id": "1"}', "its eos_token_id is '1', not a token's number"),
        ('{"eos_token_id": [1, true]}', "not a token's number"),
        ('{"eos_token_id": [1, [2]]}', "not a token's number"),
        ('{"eos_token_id": [1, 99999]}', "the model has embeddings of the tokens 0 to"),
        ('{"eos_token_id": -1}', "the model has embeddings of the tokens 0 to"),
        ('{"pad_token_id": "x"}', "its pad_token_id is 'x', not a token's number"),
    ],
)
def test_broken_generation_settings_are_refused(folder, text, fault):
    (folder / "generation_config.json").write_bytes(text.encode("latin-1"))
    message = refusal(folder)
    assert "generation_config.json" in message
    assert fault in message
    with pytest.raises(StudentError, match=r"generation_config\.json"):  # as another engine needs them
        load_tokenizer(StudentConfig(model=str(folder), device="cpu"))


def test_generation_settings_that_are_no_file_are_refused(folder):
    (folder / "generation_config.json").unlink()
    (folder / "generation_config.json").mkdir()
    assert "generation_config.json" in refusal(folder)


def test_positions_that_are_learnt_are_never_passed(tmp_path):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=258, n_positions=64, n_embd=32, n_layer=2, n_head=4)).eval()
    save_student(LoadedModel(model, tiny_tokenizer()), tmp_path / "gpt2")
    student = Student(StudentConfig(model=str(tmp_path / "gpt2"), device="cpu"), ())
    with pytest.raises(
        StudentError, match="a prompt of 54 tokens and an answer of 11 exceed the student's context of 64"
    ):
        student.answer([Problem.of("x" * 36, "1")], [0], SamplingSettings(max_new_tokens=11), lambda *_: None)
    student.answer([Problem.of("x" * 36, "1")], [0], SamplingSettings(max_new_tokens=10), lambda *_: None)


def test_a_causal_model_of_any_kind_loads(folder):
    assert isinstance(load_student(StudentConfig(model=str(folder), device="cpu")).model, LlamaForCausalLM)


def test_a_name_that_transformers_does_not_know_is_told(folder):
    edit(folder / "config.json", hidden_act="nope")
    assert "its configuration names 'nope', which Transformers does not know" in refusal(folder)


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": 3}', '{"weight_map": ["a"]}', "{"])
def test_an_index_that_is_none_is_told(folder, content):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json does not say which file holds which weight" in refusal(folder)
