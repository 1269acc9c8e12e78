"""What a run reads besides its settings and problems, by content: it does not go on with others of the same name.

run.json    {…, "pins": {"worked example 1": "0f34…", "teacher.prompt": "9a1f…", "student.model models/base": "77aa…"}}

Of a student's folder, the weights count by their size and both ends: all of them would take long to read. A
model of the hub is not pinned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tutelage.config import RunConfig, StudentConfig, TeacherConfig
from tutelage.config.places import EMBEDDED
from tutelage.errors import ConfigError
from tutelage.records import WorkedExample
from tutelage.runs.files import digest
from tutelage.runs.seals import content_of
from tutelage.teacher.template import read_template

WORKED = "worked example"
"""How the names of worked examples begin; all other names are settings."""
_OF_A_MODEL = {".json", ".jinja", ".txt", ".model", ".tiktoken", ".safetensors", ".bin"}
_END = 2**20
"""Bytes of a large file that are read at each end."""


def pins(config: RunConfig, examples: Sequence[WorkedExample]) -> dict[str, str]:
    """The digests of what a run would read, by names; `examples` are the task's.

    What is not there, or cannot be read, is left out: a run that needs it refuses to start.
    """
    return of_examples(config.student, examples) | _of_folder(config.student.model) | _of_teacher(config.teacher)


def of_examples(student: StudentConfig, examples: Sequence[WorkedExample]) -> dict[str, str]:
    """Those of the worked examples that the student is asked behind."""
    return {f"{WORKED} {n}": digest(example) for n, example in enumerate(examples[: student.few_shot], 1)}


def _of_folder(model: str) -> dict[str, str]:
    folder = Path(model)
    if model == EMBEDDED or not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        return {}
    files = sorted(path for path in folder.rglob("*") if path.suffix in _OF_A_MODEL and path.is_file())
    return {f"student.model {model}": digest({path.relative_to(folder).as_posix(): _mark(path) for path in files})}


def _of_teacher(teacher: TeacherConfig) -> dict[str, str]:
    with suppress(ConfigError, OSError):
        if teacher.kind == "recorded" and teacher.path is not None and (content := content_of(Path(teacher.path))):
            return {"teacher.path": content}
        if teacher.kind == "openai" and teacher.prompt is not None:
            return {"teacher.prompt": digest(read_template(teacher.prompt, teacher))}
    return {}


def _mark(path: Path) -> str:
    with path.open("rb") as file:
        size, first = os.fstat(file.fileno()).st_size, file.read(_END)
        file.seek(max(len(first), size - _END))
        return digest(size, first.hex(), file.read(_END).hex())
