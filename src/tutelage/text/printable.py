"""Escapes foreign text for display: an endpoint's messages, names of data fields, a model's answers.

"\\x1b[2J" would clear the screen         r"\\x1b[2J" is shown
"abc\\u202edef" would run backwards       r"abc\\u202edef" is shown
"""

from __future__ import annotations

import json
import unicodedata


def printable(text: str, *, lines: bool = False) -> str:
    """Text for a terminal, in one line, with every unsafe character escaped, such as `\\x1b`.

    Unsafe are control and format characters (direction marks among them), line ends, lone surrogates and unassigned
    code points: they could control the terminal, or hide or reorder text. With `lines`, `\\n` and tabs stay.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(part if part in kept or _is_shown(part) else ascii(part)[1:-1] for part in text)


def printable_json(data: object) -> str:
    """JSON in one printable line; parsing it gives the same data."""
    text = json.dumps(data, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(part if _is_shown(part) else json.dumps(part)[1:-1] for part in text)


def _is_shown(part: str) -> bool:
    return part.isprintable() or unicodedata.category(part) == "Zs"  # spaces of other widths are safe
