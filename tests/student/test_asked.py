"""How a student is asked by `student.prompt: auto`: what of its files and its name speaks for its chat template."""

import json

import pytest

from tests.student.templates import GEMMA, QWEN3, QWEN25, R1, WORDS, folder_with
from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.records import Problem
from tutelage.runs.files import digest
from tutelage.student.asked import PROMPT_FILE, asked_as, base_or_instruct, told_of
from tutelage.student.sampler import SamplingSettings
from tutelage.student.student import Student


def auto(folder: str, **settings) -> StudentConfig:
    return StudentConfig(model=folder, device="cpu", dtype="float32", prompt="auto", **settings)


IM_END = ("<|im_end|>", "</s>")


@pytest.mark.parametrize(
    ("template", "ends", "prompt", "why"),
    [
        (QWEN3, IM_END, "chat", "ends an answer with <|im_end|>, and so does the model"),
        (QWEN25, IM_END, "chat", "and so does the model"),
        (QWEN25, ("</s>",), "plain", "with <|im_end|>, and the model, a base one, with </s>"),  # as Qwen2.5-0.5B's
        (GEMMA, ("</s>", "<end_of_turn>"), "chat", "and so does the model"),
        (GEMMA, ("</s>",), "plain", "a base one"),
        (R1, ("<|end|>",), "chat", "and so does the model"),
        (WORDS, ("</s>",), "plain", "marks turns by words alone"),
        ("{{ messages[0].content }}", ("</s>",), "plain", "no token that ends an answer"),
        ("{% for", ("</s>",), "plain", "no token that ends an answer"),
        (None, ("</s>",), "plain", "no chat template"),
    ],
)
def test_auto_asks_through_a_template_that_the_model_was_made_for(tmp_path, template, ends, prompt, why):
    found = asked_as(auto(folder_with(tmp_path / "model", template, ends)))
    assert found.prompt == prompt
    assert why in found.why


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Qwen/Qwen3-0.6B", None),
        ("Qwen/Qwen3-0.6B-Base", "base"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "instruct"),
        ("google/gemma-3-270m-it", "instruct"),
        ("google/gemma-3-1b-pt", "base"),
        ("princeton-nlp/Mistral-7B-Base-SFT-DPO", "instruct"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "instruct"),
        ("HuggingFaceTB/SmolLM3-3B-Base", "base"),
        ("base/models/little", None),
        ("distilgpt2", None),
        ("/hub/models--Qwen--Qwen3-0.6B-Base/snapshots/da87bfb608c14b7cf20ba1ce41287e8de496c0cd/", "base"),
        ("/", None),
    ],
)
def test_what_a_name_says(name, kind):
    assert base_or_instruct(name) == kind


@pytest.mark.parametrize(("name", "prompt"), [("tiny-base", "plain"), ("tiny-instruct", "chat")])
def test_a_name_that_says_it_decides(tmp_path, name, prompt):
    found = asked_as(auto(folder_with(tmp_path / name, WORDS)))
    assert found.prompt == prompt
    assert "its name says" in found.why


def test_a_taught_student_is_asked_as_it_was_taught(tmp_path):
    folder = folder_with(tmp_path / "model", QWEN3, IM_END)
    (tmp_path / "model" / PROMPT_FILE).write_text(json.dumps({"prompt": "plain", "examples": []}))
    assert asked_as(auto(folder)).prompt == "plain"


def test_what_is_set_is_taken_as_it_is(tmp_path):
    folder = folder_with(tmp_path / "model", QWEN25)
    assert asked_as(StudentConfig(model=folder, prompt="chat")).prompt == "chat"
    assert asked_as(StudentConfig(model="no/such/model", prompt="plain")).prompt == "plain"  # nothing is read
    with pytest.raises(StudentError, match=r"no folder"):
        asked_as(auto("./nothing"))


def test_it_is_told_with_the_thoughts(tmp_path):
    thinks, thinks_not = (folder_with(tmp_path / n, t, IM_END) for n, t in (("a", QWEN3), ("b", QWEN25)))
    told = [told_of(asked_as(config), config) for config in (auto(thinks), auto(thinks, thinking="keep"))]
    assert told[0].startswith("the student is asked by its chat template: its chat template ends")
    assert told[0].endswith("its thoughts are off (student.thinking)")
    assert told[1].endswith("it may think before it answers")
    assert told_of(asked_as(auto(thinks_not)), auto(thinks_not)).endswith("so does the model")


def test_auto_is_the_same_student_as_what_it_chooses_and_thoughts_make_another_of_it(tmp_path):
    thinks, thinks_not = (folder_with(tmp_path / n, t, IM_END) for n, t in (("a", QWEN3), ("b", QWEN25)))

    def key(folder, **settings):
        return Student(StudentConfig(model=folder, device="cpu", **settings), ()).key

    for folder in (thinks, thinks_not):
        assert key(folder, prompt="auto") == key(folder, prompt="chat") != key(folder, prompt="plain")
    assert key(thinks, prompt="chat", thinking="keep") != key(thinks, prompt="chat")
    assert key(thinks_not, prompt="chat", thinking="keep") == key(thinks_not, prompt="chat")


def test_the_keys_of_students_are_those_of_before_the_setting(tiny):
    place = {"device", "engine", "server", "server_command", "server_timeout", "server_key_env"}
    settings = StudentConfig(model=tiny, device="cpu").model_dump(exclude=place | {"thinking"})
    assert Student(StudentConfig(model=tiny, device="cpu"), ()).key == digest(settings, "None")


def test_an_exam_stops_at_every_end_token(tmp_path):
    folder = folder_with(tmp_path / "model", GEMMA)  # its settings do not name the template's
    student = Student(StudentConfig(model=folder, device="cpu", dtype="float32", prompt="chat"), ())
    loaded = student.loaded(student.dtype)
    end = loaded.tokenizer.convert_tokens_to_ids("<end_of_turn>")
    assert loaded.end_tokens == {1, end}
    weight = loaded.model.get_output_embeddings().weight
    weight.data[:] = 0  # all tokens alike: greedy, the first
    found = []
    student.answer(
        [Problem.of("2 + 3?", "5")], [0], SamplingSettings(max_new_tokens=4), lambda _, given: found.append(given[0])
    )
    assert found[0].finish == "length"
