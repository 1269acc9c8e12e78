"""What a run reads besides its settings and problems, by content: it does not go on with others of the same name.

run.json    {…, "pins": {"worked example 1": "0f34…", "teacher.prompt": "9a1f…", "student.model models/base": "77aa…"}}

Of a student's folder, the weights count by their size and both ends: all of them would take long to read. A
model of the hub is not pinned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tutelage.config import RunConfig, StudentConfig, TeacherConfig
from tutelage.records import WorkedExample
from tutelage.runs.files import digest
from tutelage.runs.seals import content_of
from tutelage.teacher.template import read_template

_OF_A_MODEL = {".json", ".jinja", ".txt", ".model", ".tiktoken", ".safetensors", ".bin"}
_END = 2**20
"""Bytes of a large file that are read at each end."""


def pins(config: RunConfig, examples: Sequence[WorkedExample]) -> dict[str, str]:
    """The digests of what a run would read, by names; `examples` are the task's.

    Raises ConfigError and StudentError for what cannot be used.
    """
    return of_examples(config.student, examples) | _of_folder(config.student.model) | _of_teacher(config.teacher)


def of_examples(student: StudentConfig, examples: Sequence[WorkedExample]) -> dict[str, str]:
    """Those of the worked examples that the student is asked behind."""
    return {f"worked example {n}": digest(example) for n, example in enumerate(examples[: student.few_shot], 1)}


def _of_folder(model: str) -> dict[str, str]:
    from tutelage.student.model import EMBEDDED, resolve

    if model == EMBEDDED or not isinstance(folder := resolve(model), Path):
        return {}
    files = sorted(path for path in folder.rglob("*") if path.suffix in _OF_A_MODEL and path.is_file())
    return {f"student.model {model}": digest({path.relative_to(folder).as_posix(): _mark(path) for path in files})}


def _of_teacher(teacher: TeacherConfig) -> dict[str, str]:
    if teacher.kind == "recorded" and teacher.path is not None:
        return {"teacher.path": content_of(Path(teacher.path)) or ""}
    if teacher.kind == "openai" and teacher.prompt is not None:
        return {"teacher.prompt": digest(read_template(teacher.prompt, teacher))}
    return {}


def _mark(path: Path) -> str:
    with path.open("rb") as file:
        size, first = os.fstat(file.fileno()).st_size, file.read(_END)
        file.seek(max(len(first), size - _END))
        return digest(size, first.hex(), file.read(_END).hex())
