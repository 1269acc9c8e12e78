"""What rounds by LoRA leave: adapters of a few kB beside one base, which make the very student that was trained."""

import json

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_folder, tiny_student
from tutelage.config import LoraConfig, StudentConfig
from tutelage.errors import StudentError
from tutelage.student.kept_adapters import holds_adapters, read_adapters
from tutelage.student.model import LoadedModel, load_student, load_tokenizer, save_student
from tutelage.student.student import Student

pytestmark = pytest.mark.filterwarnings("ignore")
LEARNING = changed(epochs=1, learning_rate=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """The tiny student as a bfloat16 model of the hub."""
    place = tmp_path_factory.mktemp("narrow") / "tiny"
    student = tiny_student(dtype=torch.bfloat16)
    student.stored = torch.bfloat16
    save_student(student, place)
    return place


def student_of(folder, **settings):
    lora = {"weights": "lora", "lora": LoraConfig(rank=2)}
    return Student(StudentConfig(model=str(folder), device="cpu", **{"dtype": "float32", **lora, **settings}), ())


def learnt(student, place, config=LEARNING):
    student.learn(EXAMPLES, config, seed=0, checkpoints=place / "c", folder=place / "model", advance=lambda _: None)
    return student.at(place / "model", place.name)


def weights_of(student, dtype=torch.float32):
    return {name: weight.clone() for name, weight in student.loaded(dtype).model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_two_rounds_leave_one_adapter_of_both_that_makes_the_very_student(base, tmp_path):
    first = learnt(student_of(base), tmp_path / "first")
    second = learnt(first, tmp_path / "second")
    in_memory = weights_of(second)
    assert {path.name for path in second.folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    assert holds_adapters(second.folder)
    assert [adapter.rank for adapter in read_adapters(second.folder).rounds] == [2, 2]
    settings = json.loads((second.folder / "adapter_config.json").read_text())
    assert (settings["r"], settings["lora_alpha"], settings["base_model_name_or_path"]) == (4, 64, str(base))
    second.release()
    assert same(weights_of(second), in_memory)
    first.release()
    assert not same(weights_of(first), in_memory)
    # A round that goes on from the disk learns what one from memory has learnt.
    assert same(weights_of(learnt(first, tmp_path / "again")), in_memory)
    narrow = weights_of(second, torch.bfloat16)
    second.release()
    assert same(weights_of(second, torch.bfloat16), narrow)


def test_peft_and_transformers_load_what_is_saved_at_the_end(base, tmp_path):
    student = learnt(learnt(student_of(base), tmp_path / "first"), tmp_path / "second")
    expected = weights_of(student)
    student.save(tmp_path / "student", "# A student")
    assert same(AutoModelForCausalLM.from_pretrained(tmp_path / "student").state_dict(), expected)
    ids = torch.arange(2, 40)[None]
    for adapter in (tmp_path / "student" / "adapter", student.folder):
        joined = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).eval()
        with torch.no_grad():
            theirs, ours = joined(ids).logits, student.loaded(torch.float32).model(ids).logits
        assert torch.allclose(theirs, ours, atol=1e-4)
    again = load_student(StudentConfig(model=str(tmp_path / "student"), device="cpu"))
    assert same(again.model.state_dict(), expected)


def test_a_round_s_folder_is_a_student_for_any_command(base, tmp_path):
    student = learnt(student_of(base), tmp_path / "first")
    config = StudentConfig(model=str(student.folder), device="cpu", dtype="float32")
    assert same(load_student(config).model.state_dict(), weights_of(student))
    assert load_tokenizer(config)[0].get_vocab() == load_tokenizer(student.config)[0].get_vocab()
    third = learnt(Student(config.model_copy(update={"weights": "lora"}), ()), tmp_path / "on")
    assert [adapter.rank for adapter in read_adapters(third.folder).rounds] == [2, 16]
    full = learnt(Student(config, ()), tmp_path / "full")
    assert (full.folder / "config.json").is_file()


@pytest.mark.parametrize("dtype", ["base", "narrow"])
def test_adapters_of_other_settings_are_one_with_those_before(request, dtype, tmp_path):
    """As of a run whose student is a round of another: PEFT knows one alpha/rank for all of an adapter."""
    base = request.getfixturevalue(dtype)
    first = learnt(student_of(base, lora=LoraConfig(rank=2, alpha=3, targets=["q_proj", "up_proj"])), tmp_path / "a")
    settings = LoraConfig(rank=4, alpha=20, targets=["q_proj", "v_proj"])
    second = learnt(student_of(first.folder, lora=settings), tmp_path / "b")
    trained = weights_of(second)
    second.release()
    assert same(weights_of(second), trained)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, second.folder).merge_and_unload().state_dict()
    assert all(torch.allclose(weight, merged[name], atol=1e-5) for name, weight in trained.items())


def test_one_that_begins_with_whole_weights_of_a_round_leaves_whole_weights(base, tmp_path):
    """As a run of an earlier version has them."""
    whole = learnt(student_of(base, weights="full"), tmp_path / "whole")
    later = learnt(student_of(base).at(whole.folder, "whole"), tmp_path / "later")
    assert (later.folder / "model.safetensors").is_file()
    later.save(tmp_path / "student", "# A student")
    assert not (tmp_path / "student" / "adapter").exists()


def test_conv1d_layers_are_added_the_right_way_round(tmp_path):
    tiny = tiny_student()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tiny.tokenizer), n_positions=512, n_embd=32, n_layer=2, n_head=4)
    config.eos_token_id = config.bos_token_id = 1
    save_student(LoadedModel(GPT2LMHeadModel(config), tiny.tokenizer), tmp_path / "gpt2")
    student = learnt(student_of(tmp_path / "gpt2"), tmp_path / "first")
    expected = weights_of(student)
    student.release()
    assert same(weights_of(student), expected)
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tmp_path / "gpt2"), student.folder)
    merged = adapted.merge_and_unload().state_dict()
    assert all(torch.allclose(weight, merged[name], atol=1e-5) for name, weight in expected.items())


def unnamed(folder):
    """As PEFT itself writes them."""
    tensors = load_file(folder / "adapter_model.safetensors")
    save_file(tensors, folder / "adapter_model.safetensors")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (unnamed, "not Tutelage's own"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"torn"), "cannot read the adapters"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "cannot read the adapters"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "cannot read the adapters"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "cannot read the adapters"),
    ],
)
def test_adapters_that_can_not_be_read_are_a_line(base, tmp_path, damage, told):
    folder = learnt(student_of(base), tmp_path / "first").folder
    damage(folder)
    with pytest.raises(StudentError, match=told) as caught:
        load_student(StudentConfig(model=str(folder), device="cpu"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("weights", ["full", "lora"])
def test_a_bfloat16_model_stays_one_and_a_run_that_goes_on_has_the_same(narrow, tmp_path, weights, dtype):
    start = student_of(narrow, weights=weights, dtype=dtype)
    first = learnt(start, tmp_path / "first", changed(epochs=2, learning_rate=1e-2))
    in_memory = weights_of(first)
    (file,) = first.folder.glob("*.safetensors")
    assert {weight.dtype for weight in load_file(file).values()} == {torch.bfloat16}
    first.release()
    assert same(weights_of(first), in_memory)
    second = learnt(first, tmp_path / "second")
    expected = weights_of(second)
    first.release()
    assert same(weights_of(learnt(first, tmp_path / "again")), expected)
    second.save(tmp_path / "student", "# A student")
    saved = load_file(tmp_path / "student" / "model.safetensors")
    assert {weight.dtype for weight in saved.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "student" / "config.json").read_text())["dtype"] == "bfloat16"
    assert all(torch.equal(weight, expected[name].bfloat16()) for name, weight in saved.items())


def test_masters_are_float32_in_checkpoints_alone(narrow, tmp_path, monkeypatch):
    """A step is much smaller than what bfloat16 can tell apart, and many of them are not lost."""
    from tutelage.student.training import step_log

    seen = []

    def look(folder):
        kept = torch.load(folder / "optimizer.pt", weights_only=True)
        seen.append(
            {copy.dtype for copy in kept["copies"]}
            | {w.dtype for w in load_file(folder / "model.safetensors").values()}
        )

    monkeypatch.setattr(step_log, "seal_folder", look)
    learnt(student_of(narrow, weights="full"), tmp_path / "first", changed(epochs=2, learning_rate=1e-4))
    assert seen == [{torch.float32}]


def test_a_float16_model_stays_one(tmp_path):
    student = tiny_student(dtype=torch.float16)
    student.stored = torch.float16
    save_student(student, tmp_path / "half")
    first = learnt(student_of(tmp_path / "half", weights="full"), tmp_path / "first")
    assert {w.dtype for w in load_file(first.folder / "model.safetensors").values()} == {torch.float16}
