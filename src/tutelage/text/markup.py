r"""Converts Markdown, LaTeX, HTML and emoji to plain text. Pure, linear in the text.

"### Step 1\n- **3 × 4 = 12** pens 🎉"     ->  "Step 1\n3 × 4 = 12 pens"
"| cows | $3 \times 4$ |\n|---|---|"       ->  "cows: 3 × 4"
"#### 18"                                  unchanged: GSM8K states answers in this form
"""

from __future__ import annotations

import re

from tutelage.text.latex import unlatex
from tutelage.text.statements import is_answer_mark
from tutelage.text.thoughts import without_thoughts

_FENCE = re.compile(r"^[ \t]*+(?:```|~~~)[^\n]*$\n?", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*+(?:([-=*_])(?:[ \t]*+\1){2,}+|\|?[ \t]*+:?-[-|: \t]*+)[ \t]*+$\n?", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*+\|([^\n]*)\|[ \t]*+$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]{0,8}(#{1,6})(?!#)([ \t]{0,8})([^\n]*)$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*+(?:[-*•◦▪●·‣]|>)[ \t]++", re.MULTILINE)
_LONE_MINUS = re.compile(r"\s*- ?[$€£]?[0-9.,/]+\W*")
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|div|span|center|sub|sup|small|font|h[1-6])(?:\s[^<>\n]{0,80})?/?>")
_BREAK = re.compile(r"<br\s?/?>")
_EMOJI = re.compile("[ ]?[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23f3\ufe0f\u200d\u20e3]+")
_EMPHASIS = (
    (re.compile(r"\*\*\*"), False),
    (re.compile(r"\*\*"), False),
    (re.compile("__"), True),
    (re.compile("(?<!`)`(?!`)"), False),
    (re.compile(r"(?<!\*)\*(?!\*)"), True),
    (re.compile("(?<!_)_(?!_)"), True),
)
"""Emphasis marks, and whether a letter must stand between two of them: 2 *3* 4 is no emphasis."""

_LEAD_IN = re.compile(
    r"^[#*_\s>]*+(?:here (?:is|'s|’s) (?:the|a|my)\b[^\n:]{0,200}|(?:worked |short |complete |final )?solution"
    r"|rationale|explanation|reasoning|step[- ]by[- ]step(?: (?:solution|explanation|reasoning))?)"
    r"\s*+[*_]*\s*:\s*+[*_]*[ \t]*\n?"
    r"|^#+[ \t]+[^\n\d]*\n",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\boxed\{([^{}]*+)\}")
_TRAILING = re.compile(r"(?<![ \t])[ \t]+(?=\n)")
_MOST_PASSES = 10
"""Passes over nested markup, such as bold type in a heading: each removes one layer."""


def clean(text: str) -> str:
    """The text without thoughts, markup, lead-in and blank lines, as in a rationale; a box in the last line stays."""
    text = text.replace("\x00", "").encode(errors="replace").decode().strip()
    for _ in range(_MOST_PASSES):
        before = text
        text = without_markup(_LEAD_IN.sub("", without_thoughts(text).strip(), count=1))
        text = re.sub(r"\n{2,}", "\n", _TRAILING.sub("", _without_early_boxes(text)))
        text = _LEAD_IN.sub("", text.strip(), count=1).strip()
        if text == before:
            break
    return text


def without_markup(text: str) -> str:
    """The text without Markdown, LaTeX, HTML and emoji; `#### 18` stays."""
    if not _LONE_MINUS.fullmatch(text[:100]):
        text = _BULLET.sub("", text)
    text = unlatex(_FENCE.sub("", text))
    if "|" in text or "--" in text or "==" in text or "**" in text or "__" in text or "* *" in text:
        text = _TABLE_ROW.sub(_row, _RULE.sub("", text))
    if "#" in text:
        text = _without_headings(text)
    if "<" in text:
        text = _BREAK.sub("\n", _TAG.sub("", text))
    if "*" in text or "_" in text or "`" in text:
        for mark, worded in _EMPHASIS:
            text = _unwrapped(text, mark, worded=worded)
    return text if text.isascii() else _EMOJI.sub("", text)


def _row(match: re.Match[str]) -> str:
    cells = [cell.strip() for cell in match[1].split("|")]
    cells = [cell for cell in cells if cell]
    return ": ".join(cells) if len(cells) == 2 else ", ".join(cells)


def _without_headings(text: str) -> str:
    def heading(match: re.Match[str]) -> str:
        level, gap, words = match[1], match[2], match[3].strip().rstrip("#").rstrip()
        if level == "####" and is_answer_mark(text, match.start(3)):
            return f"#### {words}"
        return words if gap or not words else match[0]

    return _HEADING.sub(heading, text)


def _unwrapped(text: str, mark: re.Pattern[str], *, worded: bool) -> str:
    """The text without pairs of an emphasis mark on one line; if `worded`, only pairs with a letter between them."""
    parts: list[str] = []
    position = line_end = 0
    opened = None
    for found in mark.finditer(text):
        start, end = found.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if opened is not None and start > line_end:
            opened = None
        if opened is None:
            if after and not after.isspace() and not _is_inner(before):
                opened, line_end = found, text.find("\n", end)
                line_end = len(text) if line_end < 0 else line_end
        elif not before.isspace() and opened.end() < start and not _is_inner(after):
            inner = text[opened.end() : start]
            if not worded or any(map(str.isalpha, inner)):
                parts += [text[position : opened.start()], inner]
                position = end
            opened = None
    return "".join([*parts, text[position:]]) if parts else text


def _is_inner(character: str) -> bool:
    """Whether a character next to an emphasis mark gives it another meaning, such as a power: 2**3."""
    return character.isalnum() or character in ("_", "*")


def _without_early_boxes(text: str) -> str:
    """The text without the boxes before its last line, which are no final answers."""
    last = text.rfind("\n", 0, len(text.rstrip())) + 1
    return _BOX.sub(r"\1", text[:last]) + text[last:]
