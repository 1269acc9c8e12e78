"""Foreign text as it may be shown: an endpoint's words, names of data fields, a model's answers.

"\\x1b[2J" clears a screen         r"\\x1b[2J" is read
"abc\\u202edef" runs backwards     r"abc\\u202edef" is read
"""

from __future__ import annotations

import json
import unicodedata


def printable(text: str, *, lines: bool = False) -> str:
    """Text for a terminal, in one line: what could steer it, or hide or reorder the text, is written as `\\x1b`.

    Those are control and format characters (marks of direction among them), ends of lines, halves of surrogate pairs
    and what Unicode has not assigned. With `lines`, `\\n` and tabs stay as they are.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(part if part in kept or _is_shown(part) else ascii(part)[1:-1] for part in text)


def printable_json(data: object) -> str:
    """JSON in one line that is printable and reads back as the same data."""
    text = json.dumps(data, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(part if _is_shown(part) else json.dumps(part)[1:-1] for part in text)


def _is_shown(part: str) -> bool:
    return part.isprintable() or unicodedata.category(part) == "Zs"  # spaces of other widths are no harm
