"""What a model or a file says, made fit for a page: it can't act, hide, reorder or flood.

"<b>\\x1b[2J"      "&lt;b&gt;\\\\x1b[2J"
a line of 1 MB    its first 20,000 characters, and a note of how many are left out
"""

from __future__ import annotations

from markupsafe import Markup, escape

from tutelage.text.printable import printable

LONGEST = 20_000
"""Characters of one text that a page shows."""


def plain(value: object) -> object:
    """What Jinja puts on a page for any value: text is made printable; markup of ours stays."""
    return printable(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def said(text: str | None, limit: int = LONGEST) -> Markup:
    """A text to be read, with its lines: escaped, printable, cut at `limit` characters with a note."""
    text = (text or "").replace("\r\n", "\n")
    shown = escape(printable(text[:limit], lines=True))
    return shown + left_out(len(text) - limit)


def left_out(characters: int) -> Markup:
    """The note at the end of a text that was cut; nothing where nothing is left out."""
    return (
        Markup('<span class="cut">… {} more characters</span>').format(f"{characters:,}")
        if characters > 0
        else Markup()
    )


def brief(text: str | None, limit: int = 140) -> str:
    """The beginning of a text in one line, for lists."""
    line = " ".join((text or "")[: 4 * limit].split())
    line = printable(line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
