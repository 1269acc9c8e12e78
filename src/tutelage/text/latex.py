r"""Converts LaTeX to plain text with the same structure. Pure, linear in the text.

"$\frac{80+90}{2} = 85$"   ->  "(80 + 90) / 2 = 85"    "4\frac{1}{2} \times 2"  ->  "4 1/2 × 2"
"\text{(B)}"               ->  "(B)"                   "\frac{\sqrt{3}}{2}"     unchanged: `symbolic` compares it
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SYMBOLS = {
    "times": " × ", "cdot": " × ", "ast": " × ", "div": " ÷ ", "approx": "≈", "le": "≤", "leq": "≤", "ge": "≥",
    "geq": "≥", "ne": "≠", "neq": "≠", "lt": "<", "gt": ">", "ldots": "...", "dots": "...", "cdots": "...",
    "to": " → ", "rightarrow": " → ", "Rightarrow": " → ", "implies": " → ", "therefore": "", "quad": " ",
    "qquad": " ", "degree": "°", "pm": "±", "euro": "€", "pounds": "£", "left": "", "right": "", "big": "", "Big": "",
    "displaystyle": "", "textstyle": "", "limits": "", "newline": "\n",
}  # fmt: skip
_SYMBOL = re.compile(rf"[ ]?\\({'|'.join(sorted(_SYMBOLS, key=len, reverse=True))})(?![A-Za-z])[ ]?")
_SPACED = frozenset(name for name, sign in _SYMBOLS.items() if sign == sign.strip() and sign)
_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=[0-9])(?:\\,|\{,\}|,\\!)(?=[0-9]{3})", ","),
        (r"\$\$", ""),
        (r"(?<![\\$\w])\$(?=[^\s$])((?:[^$\\\n]|\\[^\n]){0,300}?[^\s$\\])\$(?![\w$]|\.\d)", r"\1"),
        (r"\\(?:begin|end)\{[A-Za-z]{1,20}\*?\}|\\(?:tag|label)\{[^{}\n]{0,40}\}", ""),
        (r"(?<=\})[_^]\{\s?\\(?:text|mathrm)\{[^{}\n]{0,60}\}\s?\}", ""),  # the label of an overbrace or underbrace
        (r"\\(?:text)?color\{[A-Za-z]{1,20}\}", r"\\mbox"),
        (r"&(?=\s?=)", ""),
        (r"\\\\(?=\s|$)", "\n"),
        (r"\\[()]", ""),
        (r"\\[\[\]]", ""),
        (r"\^\s?(?:\\circ(?![A-Za-z])|\{\s?\\circ\s?\})", "°"),
        (r"\\[,;: ]|(?<=\w)~(?=\w)", " "),
        (r"\\!", ""),
    )
]
_MATRIX = re.compile(r"\\begin\{([pbvBV]?)matrix\}(.{0,400}?)\\end\{\1matrix\}", re.DOTALL)
_BRACKETS = {"": "()", "p": "()", "b": "[]", "B": "[]", "v": "||", "V": "‖‖"}
_ESCAPED = re.compile(r"\\([$%#&_])")
_COMMAND = re.compile(
    r"\\(?:(?P<fraction>[dtc]?frac)|(?P<box>f?box|boxed)"
    r"|(?P<text>(?:text|math)(?:rm|bf|it|sf|tt|normal)?|mbox|operatorname|emph|cancel"
    r"|(?:under|over)brace|underline|overline(?!\s?\{[0-9]+\})))(?![A-Za-z])"
)
_SIGN_WITHIN = re.compile(r"(?<=[\w)])\s*([-+*/×÷=])\s*")
"""An operator, not the sign of a number."""
_DEEPEST = 30
"""Deepest nesting of commands that is converted; deeper ones stay LaTeX."""


def unlatex(text: str) -> str:
    """The text with LaTeX delimiters, fractions, text, spaces and signs as plain text, where that is possible."""
    if "\\" not in text and "{,}" not in text and "$" not in text:
        return text
    text = _MATRIX.sub(_matrix, text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    if "\\" not in text:
        return text
    text = _SYMBOL.sub(_symbol, text)
    if _COMMAND.search(text):
        text = _Reader(text, _closings(text)).read(0, len(text), 0)
    return _ESCAPED.sub(r"\1", text)


def _matrix(match: re.Match[str]) -> str:
    r"""A matrix on one line: (1, 0; 0, 1). A line break within it would end a statement."""
    rows = [", ".join(cell.strip() for cell in row.split("&")) for row in match[2].split("\\\\") if row.strip()]
    left, right = _BRACKETS[match[1]]
    return f"{left}{'; '.join(rows)}{right}"


def _symbol(match: re.Match[str]) -> str:
    sign = _SYMBOLS[match[1]]
    if match[1] not in _SPACED:
        return sign
    return f"{' ' * match[0].startswith(' ')}{sign}{' ' * match[0].endswith(' ')}"


def _closings(text: str) -> dict[int, int]:
    """The position of the closing brace for each opening one."""
    closings: dict[int, int] = {}
    opened: list[int] = []
    for brace in re.finditer(r"\\.|[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "}" and opened:
            closings[opened.pop()] = brace.start()
    return closings


@dataclass(frozen=True, slots=True)
class _Reader:
    """Converts commands with arguments; reads every character once."""

    text: str
    closings: dict[int, int]

    def read(self, start: int, end: int, depth: int) -> str:
        """The piece from `start` to `end` as plain text."""
        parts: list[str] = []
        position = start
        while (command := _COMMAND.search(self.text, position, end)) is not None:
            parts.append(self.text[position : command.start()])
            before = parts[-1] or (parts[-2] if len(parts) > 1 else "")
            plain, position = self._command(command, before, depth, end)
            parts.append(plain)
        return "".join([*parts, self.text[position:end]])

    def _command(self, command: re.Match[str], before: str, depth: int, end: int) -> tuple[str, int]:
        """A command as plain text, and the position after it."""
        count = 2 if command["fraction"] else 1
        position, arguments = command.end(), list[str]()
        for _ in range(count if depth < _DEEPEST else 0):
            found = self._argument(position, end, depth)
            if found is None:
                break
            argument, position = found
            arguments.append(argument.strip() if command["fraction"] else argument)
        if len(arguments) < count:
            return command[0], command.end()
        if command["box"]:
            return f"{command[0]}{{{arguments[0]}}}", position
        if command["text"]:
            words = arguments[0].lstrip() if before.endswith(" ") else arguments[0]
            return f"{' ' * (before[-1:].isalnum() and words[:1].isalnum())}{words}", position
        return _fraction(arguments[0], arguments[1], before, self.text[position : position + 2].lstrip()), position

    def _argument(self, position: int, end: int, depth: int) -> tuple[str, int] | None:
        """The content of the braces at `position`, or the single digit there, and the position after it."""
        while position < end and self.text[position] == " ":
            position += 1
        closing = self.closings.get(position)
        if closing is not None and closing < end:
            return self.read(position + 1, closing, depth + 1), closing + 1
        if position < end and self.text[position].isdigit():
            return self.text[position], position + 1
        return None


def _fraction(over: str, under: str, before: str, after: str) -> str:
    """`over/under` with the brackets that it needs; LaTeX if commands such as roots remain in it."""
    if "\\" in over or "\\" in under or not over or not under:
        return rf"\frac{{{over}}}{{{under}}}"
    over, under = (_SIGN_WITHIN.sub(r" \1 ", part) for part in (over, under))
    simple = not (_SIGN_WITHIN.search(over) or _SIGN_WITHIN.search(under))
    plain = f"{over}/{under}" if simple else f"{_bracketed(over)} / {_bracketed(under)}"
    last = before.rstrip()[-1:]
    if last.isdigit() and not before[-1:].isspace():
        mixed = over.isdecimal() and under.isdecimal()
        return f" {plain}" if mixed else f" × {plain}"
    return f"({plain})" if (last and last in "/÷") or after.startswith("^") else plain


def _bracketed(part: str) -> str:
    return f"({part})" if _SIGN_WITHIN.search(part) else part
