"""Words of a text, and of a search: letters and digits, in lower case, of any script.

words_of(["It's 3.5 kg"])  {"it", "s", "3", "5", "kg"}       words_of(["苹果"])  {"苹", "果"}

A search is words, whatever it holds: quotes, operators and brackets only part them. Scripts without spaces are found by
single characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_TEXT = 2**20
"""Characters of one text that are searched; what a run wrote beyond is shown, not found."""
_LONGEST = 40
"""Characters of a word; a longer one is several."""
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ASCII = re.compile(rf"[a-z0-9]{{1,{_LONGEST}}}")
_ANY = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]{{1,{_LONGEST}}}")


def words_of(texts: Iterable[str]) -> set[str]:
    """The words that stand in any of the texts."""
    text = "\n".join(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] for text in texts)
    if text.isascii():
        return set(_ASCII.findall(text.lower()))
    return set(_ANY.findall(unicodedata.normalize("NFKC", text).casefold()))


def as_query(search: str) -> str | None:
    """A search as a query of FTS5 for all of its words; None if it has no word."""
    words = sorted(words_of([search]))
    return " AND ".join(f'"{word}"' for word in words) or None
