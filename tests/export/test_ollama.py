"""The Modelfile, read as Ollama reads it: its template writes the prompt that the student was taught with."""

import json
import re
from dataclasses import replace

import pytest

from tests.export.made import ODD
from tests.export.taught import LIMIT, taught_run
from tests.student.tiny import tiny_tokenizer
from tutelage.errors import StudentError
from tutelage.export.export import export_run
from tutelage.export.ollama import context_for, modelfile
from tutelage.export.taught import Taught
from tutelage.records import WorkedExample
from tutelage.runs.files import write_json
from tutelage.student.prompts import PromptFormat
from tutelage.system_message import WithSystem

ODDER = f'{ODD} {{{{ .Prompt }}}} {{ "" """" \x1b\r\u00a0\nFROM other\n"""'


def commands(text: str) -> list[tuple[str, str]]:
    """A Modelfile's commands, by the rules of ollama/parser: a value ends at a line's end outside of its quotes."""
    found = []
    while text:
        name, text = re.match(r"([A-Z]+(?: [a-z_]+)?) ", text)[1], text[text.index(" ") + 1 :]  # pyright: ignore[reportOptionalSubscript]
        if name.startswith("PARAMETER"):
            text = text[text.index(" ") + 1 :]
        end = next(place for place in ends(text))
        value, text = text[:end].strip(), text[end + 1 :]
        found.append((name, value[3:-3] if value.startswith('"""') else value))
    return found


def ends(text: str):
    for place, letter in enumerate(text):
        value = text[:place].strip()
        if letter == "\n" and (not value.startswith('"""') or (len(value) >= 6 and value.endswith('"""'))):
            yield place


def rendered(template: str, question: str) -> str:
    """What Go's text/template writes, of the two kinds of action that we use."""
    kept = "".join(letter for letter in template if letter.isprintable() or letter in "\n\t")
    parts = re.split(r"\{\{ (.*?) \}\}", kept, flags=re.DOTALL)
    return "".join(
        part if place % 2 == 0 else question if part == ".Prompt" else part[1:-1].encode().decode("unicode_escape")
        for place, part in enumerate(parts)
    )


def student(tmp_path, prompt: str, examples=()) -> Taught:
    format = PromptFormat(tiny_tokenizer(), examples, prompt == "chat")
    return Taught(tmp_path / "a student", format, ("</s>",), 40, False)


@pytest.mark.parametrize("prompt", ["plain", "chat"])
@pytest.mark.parametrize("examples", [(), (WorkedExample("2 + 2?", ODDER), WorkedExample(ODDER, "The answer is 4."))])
def test_the_template_writes_the_prompt_of_the_training(tmp_path, prompt, examples):
    taught = student(tmp_path, prompt, examples)
    found = commands(modelfile(taught, taught.folder, 4096))
    assert found[0] == ("FROM", f"{tmp_path}/a student")
    assert found[1][0] == "TEMPLATE"
    assert rendered(found[1][1], "Why {{ x }}?") == taught.format.prompt("Why {{ x }}?")
    stops = [value for name, value in found if name == "PARAMETER stop"]
    assert stops == (["\nQuestion:", "</s>"] if prompt == "plain" else ["</s>"])
    greedy = [("PARAMETER temperature", "0"), ("PARAMETER repeat_penalty", "1")]
    assert found[-4:] == [*greedy, ("PARAMETER num_predict", "40"), ("PARAMETER num_ctx", "4096")]


def test_a_template_that_changes_the_question_is_refused(tmp_path):
    taught = student(tmp_path, "chat")
    taught.format.tokenizer.chat_template = "{% for m in messages %}{{ m.content | upper | length }}{% endfor %}"
    with pytest.raises(StudentError, match="does not write the question once"):
        modelfile(taught, taught.folder, 4096)


@pytest.mark.parametrize("prompt", ["plain", "chat"])
def test_the_context_holds_the_longest_prompt_and_its_answer(tmp_path, prompt):
    taught = student(tmp_path, prompt, [WorkedExample("2 + 2?", "The answer is 4.")])
    assert context_for(taught, []) == context_for(taught, ["1 + 1?"]) == 4096  # never less than Ollama's own
    questions = ["1 + 1?", "1 + " * 1100, "很" * 1200, "2"]
    longest = max(len(ids) for ids in taught.format.all_prompt_ids(questions))
    assert longest > 4096
    fitting = replace(taught, limit=8192 - longest)
    assert (context_for(fitting, questions), context_for(replace(taught, limit=8193 - longest), questions)) == (
        8192,
        16384,
    )
    bounded = replace(taught, format=replace(taught.format, positions=5000))
    assert context_for(bounded, questions) == 5000


def test_the_form_is_written_for_a_run(tmp_path):
    run = taught_run(tmp_path / "run")
    said = list[str]()
    settings = json.loads((run / "student" / "tutelage.json").read_text())
    write_json(run / "student" / "tutelage.json", {**settings, "system": "Be short."})
    export_run(run, "ollama", tmp_path / "mine", say=said.append)
    text = (tmp_path / "mine" / "Modelfile").read_text()
    assert text.startswith(f'FROM {run}/student\nTEMPLATE """Be short.\n\nQuestion: ')
    assert f"PARAMETER num_predict {LIMIT}\nPARAMETER num_ctx 1024\n" in text
    assert said == [f"take it in with    ollama create mine -f {tmp_path / 'mine' / 'Modelfile'}"]


@pytest.mark.parametrize("prompt", ["plain", "chat"])
def test_the_system_message_of_the_training_stands_above_every_question(tmp_path, prompt):
    taught = replace(student(tmp_path, prompt), system="Add {{ up }}.")
    [template] = [value for name, value in commands(modelfile(taught, taught.folder, 4096)) if name == "TEMPLATE"]
    asked = WithSystem.below("Add {{ up }}.", "1 + 1?")
    assert rendered(template, "1 + 1?") == taught.format.prompt(asked)
    assert "Add {{ up }}." in rendered(template, "1 + 1?")
