"""The user's own prompts: a YAML file of named texts with named fields (`teacher.prompt`).

    system: |
      Du schreibst Musterlösungen in kurzen Sätzen. Schließe mit einer eigenen Zeile: {closing}
    question: |
      Frage: {question}
    mistake: |
      Frage: {question}
      Dieser Versuch ging schief: {mistake}
      Löse die Aufgabe für jemanden, der ihn nicht kennt.
    hint: "Die richtige Antwort ist {answer}."
    again: "So ging es nicht: {reason}"

Each way of asking is a text with the name of the way; `hint` and `again` are put below it. A literal brace is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import cast

from tutelage.config import TeacherConfig
from tutelage.config.file import read_yaml_file
from tutelage.did_you_mean import did_you_mean
from tutelage.errors import ConfigError
from tutelage.records import FeedbackRequest, Problem
from tutelage.teacher.ways import Asking, askings
from tutelage.text.statements import statements

_MISTAKE = frozenset(("question", "mistake"))
_NEEDED: Mapping[str, frozenset[str]] = {
    "system": frozenset(),
    "question": frozenset(("question",)),
    "mistake": _MISTAKE,
    "mistake-first": _MISTAKE,
    "mistake-explained": _MISTAKE,
    "mistake-repaired": _MISTAKE,
    "hint": frozenset(("answer",)),
    "again": frozenset(("reason",)),
    "practice": _MISTAKE,
}
"""The texts that a file may have, and the fields that each must contain."""
_MARKS = {
    "mistake-explained": ("Mistake:", "Solution:"),
    "mistake-repaired": ("Wrong:", "Right:"),
    "practice": ("Question:", "Solution:"),
}
"""The parser separates the two parts of a reply by these marks."""


@dataclass(frozen=True, slots=True)
class Template:
    """The texts of one file."""

    system: str
    named: Mapping[str, str]

    def paragraphs(self, asking: Asking) -> Iterator[str]:
        """The paragraphs of the user message, with their fields."""
        yield self.named[asking.way]
        if asking.hint:
            yield self.named["hint"]
        if asking.again and "again" in self.named:
            yield self.named["again"]

    def texts(self) -> tuple[str, ...]:
        """All texts, with their fields."""
        return (self.system, *self.named.values())


def read_template(path: str, teacher: TeacherConfig) -> Template:
    """Read the prompts in a file. Raises ConfigError if one is invalid, or one that the settings need is missing."""
    data = read_yaml_file(path)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected texts named {', '.join(_NEEDED)}")
    for name, text in cast(dict[object, object], data).items():
        if not isinstance(text, str):
            raise ConfigError(f"{path}: {name} is no text but {text!r:.40}; write one, in quotes or below {name}: |")
    named = {str(name): text.strip() for name, text in cast(dict[str, str], data).items()}
    for name, text in named.items():
        if name not in _NEEDED:
            raise ConfigError(f"{path}: unknown text {name!r}; {did_you_mean(name, _NEEDED, _KNOWN)}")
        if fault := _fault(name, text):
            raise ConfigError(f"{path}, {name}: {fault}")
    for name in _asked_for(teacher):
        if not named.get(name):
            by = _CALLED_BY.get(name, "teacher.ask and teacher.hint call")
            raise ConfigError(f"{path} has no text {name!r}, which {by} for; add it")
    template = Template(named.pop("system"), named)
    for way in set(named) - {"hint", "again", "mistake-repaired"}:
        if not _asks_for_a_closing_line(f"{template.system}\n{named[way]}"):
            raise ConfigError(
                f"{path}: neither system nor {way} asks for a closing line that the grader reads; write {{closing}}"
                " there, which stands for: The answer is X. (Its words are English in a prompt of any language.)"
            )
    return template


_CALLED_BY = {"practice": "teacher.practice calls", "mistake-repaired": "teacher.feedback calls"}
_KNOWN = f"a template has {', '.join(_NEEDED)}"


def _asked_for(teacher: TeacherConfig) -> list[str]:
    """The names of the texts that the settings need; `again` is one if a request is repeated in the same way."""
    problem = Problem.of("", "")
    plans = [askings(FeedbackRequest(problem, mistake), teacher) for mistake in (None, "")]
    found = ["system"]
    for asking in (asking for plan in plans for asking in plan):
        found += [asking.way, *(["hint"] if asking.hint else ["again"] if asking.again else [])]
    found += ["practice"] if teacher.practice else []
    return list(dict.fromkeys(found))


def _fault(name: str, text: str) -> str | None:
    """The fault of a text and its remedy, if there is one."""
    needed = _NEEDED[name]
    known = sorted(needed if name in ("hint", "again") else needed | {"closing"})
    try:
        fields = {(field, form, cast) for _, field, form, cast in Formatter().parse(text) if field is not None}
    except ValueError as error:
        return f"a brace stands alone ({error}); write {{{{ or }}}} for one that is meant as such"
    for field, form, conversion in fields:
        if field not in known or form or conversion:
            here = ", ".join(f"{{{each}}}" for each in known) or "none"
            written = f"{field}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            return f"unknown field {{{written}}}; the fields here are {here}, and {{{{ stands for a brace"
    if missing := sorted(needed - {field for field, _, _ in fields}):
        return f"it does not hold {{{missing[0]}}}; put it where it is to stand"
    marks = _MARKS.get(name, ())
    if lacking := [mark for mark in marks if mark not in text]:
        return f"it does not ask for {lacking[0]!r}; the parts of the reply are told apart by {' and '.join(marks)}"
    return None


def _asks_for_a_closing_line(text: str) -> bool:
    """Whether a reply that follows the text literally would state an answer that the grader finds."""
    filled = text.replace("{closing}", "The answer is X.").replace("{{", "{").replace("}}", "}")
    filled = re.sub(r"\bX\b", "7", filled)
    return any(stated.piece.lstrip(" *_`\"'").startswith("7") for stated in statements(filled))
