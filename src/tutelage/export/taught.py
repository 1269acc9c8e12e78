"""The student of a finished run: its folder, how it was taught to be asked, where its answers end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tutelage.errors import RunError
from tutelage.export.source import RunSource
from tutelage.records import WorkedExample
from tutelage.tasks.catalog import open_task

if TYPE_CHECKING:
    from tutelage.student.prompts import PromptFormat

Asking = Literal["plain", "chat"]
UNKNOWN_LIMIT = 256
"""Tokens of an answer, where a run does not say after how many it cut one."""


@dataclass(frozen=True)
class Taught:
    """A student with its prompts. `ends` are the texts of its end tokens, `limit` the tokens after which it is cut.

    `begins` says whether its tokenizer puts a token such as `<s>` before a prompt by itself. `system` is the message
    that stood above every question, if one did.
    """

    folder: Path
    format: PromptFormat
    ends: tuple[str, ...]
    limit: int
    begins: bool
    system: str | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer."""
        return (*self.format.stop_strings, *self.ends)


def asking(source: RunSource) -> tuple[Asking, Sequence[WorkedExample]]:
    """How the student was taught to be asked: by its folder, or, before its end, by the run's settings."""
    from tutelage.student.asked import asked_as, taught_prompts

    taught = taught_prompts(str(source.run.root / "student"))
    if taught is not None:
        return taught.prompt, taught.examples
    student = source.config.student
    prompt = (source.run.asked or asked_as(student)).prompt
    if not student.few_shot:
        return prompt, ()
    return prompt, open_task(source.config.task).examples[: student.few_shot]


def student_folder(source: RunSource) -> Path:
    """The folder of a run's student. Raises RunError if it has none yet, or none any more."""
    folder = source.run.root / "student"
    if not (folder / "config.json").is_file() and source.run.state == "finished":
        raise RunError(f"{folder} is gone: a study deletes its students unless its file says `keep_students: true`")
    if not (folder / "config.json").is_file():
        raise RunError(f"{source.run.root} has no student yet: it comes at the end of a run; {source.goes_on}")
    return folder


def taught(source: RunSource) -> Taught:
    """The student of a run. Raises RunError if it has none yet, StudentError if it cannot be read."""
    from tutelage.config import StudentConfig
    from tutelage.student.asked import taught_prompts
    from tutelage.student.model import load_tokenizer
    from tutelage.student.prompts import PromptFormat

    folder = student_folder(source)
    prompt, examples = asking(source)
    tokenizer, ends, positions = load_tokenizer(StudentConfig(model=str(folder)))
    kept = taught_prompts(str(folder))
    format = PromptFormat(tokenizer, examples, prompt == "chat", positions, kept.thinking if kept else "off")
    format.check()
    encode: Any = tokenizer
    begins = bool(encode("2 + 3").input_ids[:1] != encode("2 + 3", add_special_tokens=False).input_ids[:1])
    texts = tuple(str(encode.decode([token])) for token in sorted(ends | {format.end}))
    return Taught(folder, format, texts, limit_of(source), begins, kept.system if kept else None)


def limit_of(source: RunSource) -> int:
    """Tokens after which an answer is cut, as in the run's test."""
    asked, setting = source.run.stages(None).get("test-after", {}), source.config.evaluation.max_new_tokens
    kept = asked.get("max_new_tokens")
    if isinstance(kept, int):
        return kept
    return UNKNOWN_LIMIT if setting == "auto" else setting
