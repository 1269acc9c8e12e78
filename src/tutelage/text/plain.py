r"""What a text says in plain words: the one text that is graded, and in which mistakes are found. Pure, linear.

"<think>20?</think>\n$3 \times 4 = 12$\n\nI hope this helps!\n\nQuestion: Ann has 5."   ->   "3 × 4 = 12"
"""

from __future__ import annotations

from tutelage.text.markup import without_markup
from tutelage.text.run_on import cut, without_courtesy
from tutelage.text.thoughts import without_thoughts


def said(text: str) -> str:
    """The text without its thoughts and without what runs on behind its answer, its markup kept."""
    return cut(without_thoughts(text))


def plain(text: str) -> str:
    """What the text says, without markup and courtesy as well."""
    return without_courtesy(without_markup(said(text)))
