"""Writes a Modelfile, by which Ollama asks the student as it was taught to be asked.

    FROM /home/me/runs/demo/student
    TEMPLATE \"\"\"Question: {{ .Prompt }}
    Answer:\"\"\"
    PARAMETER stop \"\"\"
    Question:\"\"\"

The template is text/template of Go: what the student's prompt has before and behind a question. Texts of worked
examples and of chat templates are data in it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tutelage.errors import RunError, StudentError
from tutelage.export.data import Written
from tutelage.export.source import RunSource
from tutelage.export.taught import Taught, taught
from tutelage.records import SPLITS
from tutelage.runs.files import write_text
from tutelage.system_message import WithSystem

_PLACE = "\ue000question\ue000"
"""Stands for the question while the prompt is taken apart; a private character, which no text has by accident."""
_QUOTES = '"""'
_USUAL_CONTEXT = 4096
"""Tokens that Ollama gives a model at least, where a Modelfile names no number."""
_LONGEST = 64
"""Questions whose tokens are counted, those of the most bytes."""


def write_ollama(source: RunSource, folder: Path, out: Path) -> Written:
    """Write the Modelfile of a run's student. Raises RunError, StudentError."""
    student = taught(source)
    folder.mkdir()
    context = context_for(student, _questions(source))
    write_text(folder / "Modelfile", modelfile(student, student.folder.absolute(), context))
    source.say(f"take it in with    ollama create {out.absolute().name} -f {out / 'Modelfile'}")
    return {"Modelfile": 0}


def _questions(source: RunSource) -> Iterable[str]:
    """The questions of a run; none of an old run whose problems cannot be loaded again."""
    with suppress(RunError):
        for split in SPLITS:
            yield from (row.problem.text for row in source.problems(split))


def context_for(student: Taught, questions: Iterable[str]) -> int:
    """Tokens for the longest prompt and an answer: a power of two, so that others may be longer, within the model's."""
    longest = heapq.nlargest(_LONGEST, questions, key=lambda question: len(question.encode()))
    needed = max(map(len, student.format.all_prompt_ids(longest or [""]))) + student.limit
    context = max(_USUAL_CONTEXT, 1 << (needed - 1).bit_length())
    return min(context, student.format.positions or context)


def modelfile(student: Taught, weights: Path, context: int) -> str:
    """The Modelfile: greedy, as students are evaluated. Until August 2026, Ollama's own repeat_penalty was 1.1.

    `context` is in tokens. Ollama cuts prompts that do not fit.
    """
    lines = [f"FROM {weights}", f"TEMPLATE {_QUOTES}{template(student)}{_QUOTES}"]
    lines += [f"PARAMETER stop {_quoted(stop)}" for stop in dict.fromkeys(student.stops) if stop.strip()]
    lines += ["PARAMETER temperature 0", "PARAMETER repeat_penalty 1", f"PARAMETER num_predict {student.limit}"]
    lines += [f"PARAMETER num_ctx {context}"]
    return "\n".join(lines) + "\n"


def template(student: Taught) -> str:
    """The student's prompt as a template of Go. Raises StudentError if its chat template changes the question."""
    question = WithSystem.below(student.system, _PLACE) if student.system else _PLACE
    before, found, behind = student.format.prompt(question).partition(_PLACE)
    if not found or _PLACE in behind:
        raise StudentError("the student's chat template does not write the question once, as it is; Ollama needs that")
    begin = student.format.tokenizer.bos_token
    if student.format.chat and student.begins and isinstance(begin, str):
        before = before.removeprefix(begin)  # Ollama puts it there again
    return f"{_text(before)}{{{{ .Prompt }}}}{_text(behind)}"


def _text(text: str) -> str:
    """Text that a template writes as it is: braces, quotes that would end the value, and what the parser drops."""
    return re.sub(r'\{|"(?="")|[^\x20-\x7e\n\t]', lambda match: _written(match[0]), text)


def _written(part: str) -> str:
    if part == '"':
        return '{{ "\\"" }}'
    if part == "{":
        return '{{ "{" }}'
    return part if part.isprintable() else f'{{{{ "{_escaped(part)}" }}}}'


def _escaped(part: str) -> str:
    return f"\\u{ord(part):04x}" if ord(part) < 0x10000 else f"\\U{ord(part):08x}"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[!-~]+", text) and text[0] != '"' else f"{_QUOTES}{text}{_QUOTES}"
