"""Writes what a run has come to in the form of another tool: the data it was taught with, a task, or the student.

>>> export_run(Path("runs/demo"), "trl-sft", Path("build/sft"))
{'train.jsonl': 160, …}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from tutelage.errors import ConfigError
from tutelage.export import data, rows
from tutelage.export.gguf import write_gguf
from tutelage.export.lm_eval import write_lm_eval
from tutelage.export.ollama import write_ollama
from tutelage.export.place import whole
from tutelage.export.source import RunSource, Say
from tutelage.export.taught import Asking, asking
from tutelage.export.verl import write_verl

Format = Literal["trl-sft", "trl-dpo", "messages", "alpaca", "sharegpt", "verl", "lm-eval", "ollama", "gguf"]
Precision = Literal["f32", "f16", "bf16", "q8_0"]
FORMATS: tuple[Format, ...] = get_args(Format)

_FORMS: Mapping[str, rows.Form] = {"messages": rows.MESSAGES, "sharegpt": rows.SHAREGPT}


def export_run(
    root: Path,
    format: Format,
    out: Path,
    *,
    prompt: Asking | None = None,
    precision: Precision | None = None,
    converter: str | None = None,
    say: Say = lambda text: None,
) -> data.Written:
    """Write a run in a form to a new folder, or a new file for gguf; returns the files with their numbers of rows.

    `prompt` is that of TRL's rows; None: as the student was taught. `precision` is that of a GGUF file's weights; None:
    f32, which answers as the student does. `converter` is llama.cpp's. `say` is told what the run lacks.

    Raises:
        ConfigError: `out` is there already, an option has no say, or a library is missing.
        RunError: there is no run, or it lacks what the form is made of.
    """
    if prompt is not None and not format.startswith("trl-"):
        raise ConfigError(f"--prompt {prompt} has no say in the form {format}; leave it out")
    if format != "gguf" and (precision is not None or converter is not None):
        raise ConfigError(f"--precision and --converter have no say in the form {format}; leave them out")
    source = RunSource(root, say)
    with whole(out) as place:
        match format:
            case "verl":
                written = write_verl(source, place)
            case "lm-eval":
                written = write_lm_eval(source, place, out)
            case "ollama":
                written = write_ollama(source, place, out)
            case "gguf":
                written = write_gguf(source, place, out, precision or "f32", converter)
            case "trl-sft" | "trl-dpo":
                asked, examples = asking(source)
                form = rows.trl(examples, chat=(prompt or asked) == "chat")
                written = (data.write_prompted if format == "trl-sft" else data.write_pairs)(source, form, place)
            case "alpaca":
                written = data.write_lessons(source, rows.alpaca(system=source.has_system), place)
            case _:
                written = data.write_lessons(source, _FORMS[format], place)
    for fault in source.run.faults:
        say(fault)
    return written
